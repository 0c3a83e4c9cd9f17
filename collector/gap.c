// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "gap.h"

static const struct {
	const char *word;
	enum gap_cover cover;
	const char *sentence;
	const char *advice;
} gaps[GAP_REASONS] = {
/* A file that is in no table may have pages that can be stored to without a new ctime. */
#define X(member, reason, duration)                                                                                    \
	[GAP_LOSS_##member] = {#member, (duration) == LOSS_WHILE_OPEN ? GAP_BY_WHOLE : GAP_BY_TIME, reason, ""},
	LOSSES(X)
#undef X
#define X(constant, word, cover, sentence, advice) [GAP_##constant] = {word, cover, sentence, advice},
		GAPS(X)
#undef X
};

static int find(const char *word)
{
	for (int reason = 0; reason < GAP_REASONS; reason++)
		if (strcmp(gaps[reason].word, word) == 0)
			return reason;
	return -1;
}

const char *gap_word(enum gap_reason reason)
{
	return gaps[reason].word;
}

const char *gap_sentence(enum gap_reason reason)
{
	return gaps[reason].sentence;
}

enum gap_cover gap_cover(const char *word)
{
	int reason = find(word);

	return reason < 0 ? GAP_BY_WHOLE : gaps[reason].cover;
}

const char *gap_advice(const char *word)
{
	int reason = find(word);

	return reason < 0 ? "" : gaps[reason].advice;
}
