/* SPDX-License-Identifier: GPL-2.0 */
/* Small questions about absolute paths as byte strings. Header only. */
#ifndef FSCHANGED_PATH_H
#define FSCHANGED_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* Is `path` the directory `ancestor` or below it? Both absolute, without trailing '/' but for "/" itself. */
static inline bool path_is_below(const char *path, size_t length, const char *ancestor, size_t ancestor_length)
{
	if (ancestor_length == 1)
		return true;
	return length >= ancestor_length && memcmp(path, ancestor, ancestor_length) == 0 &&
	       (length == ancestor_length || path[ancestor_length] == '/');
}

#endif
