// SPDX-License-Identifier: GPL-2.0
#include <stddef.h>
#include <string.h>

#include "fresh.h"

static const struct {
	const char *word;
	const char *sentence;
} reasons[] = {
#define X(constant, word, sentence) [FRESH_##constant] = {word, sentence},
	FRESH_REASONS(X)
#undef X
};

const char *fresh_word(enum fresh_reason reason)
{
	return reasons[reason].word;
}

const char *fresh_sentence(const char *word)
{
	for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++)
		if (strcmp(reasons[i].word, word) == 0)
			return reasons[i].sentence;
	return "another version of fschanged knows why";
}
