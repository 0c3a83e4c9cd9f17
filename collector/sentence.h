/* SPDX-License-Identifier: GPL-2.0 */
/* Errors as sentences for people, made where it is known what has happened. Header only. */
#ifndef FSCHANGED_SENTENCE_H
#define FSCHANGED_SENTENCE_H

#include <stdarg.h>
#include <stdio.h>

/* Sets *error (caller frees; NULL where memory has run out) and returns code. */
static inline __attribute__((format(printf, 3, 4))) int sentence(char **error, int code, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	if (vasprintf(error, format, arguments) < 0)
		*error = NULL;
	va_end(arguments);
	return code;
}

#endif
