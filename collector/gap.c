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

/* What can be done about losses. */
static const struct {
	enum gap_reason reason;
	const char *advice;
} loss_advice[] = {
	{GAP_LOSS_ring_full, "a larger 'ring' in the configuration holds more"},
	{GAP_LOSS_writers_full, "a larger number of 'writers' in the configuration holds more"},
	{GAP_LOSS_operations_full, "a larger number of 'operations' in the configuration holds more"},
};

const char *gap_advice(const char *word)
{
	int reason = find(word);

	for (size_t i = 0; i < sizeof(loss_advice) / sizeof(*loss_advice); i++)
		if (reason == (int)loss_advice[i].reason)
			return loss_advice[i].advice;
	return reason < 0 ? "" : gaps[reason].advice;
}
