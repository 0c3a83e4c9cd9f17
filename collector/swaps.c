// SPDX-License-Identifier: GPL-2.0
/* proc(5), /proc/swaps */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "swaps.h"

enum { LINE = 4 * PATH_MAX + 128 };

/* Blanks, newlines and backslashes are shown in octal. In place. */
static void decode(char *path)
{
	char *to = path;
	unsigned int character;

	for (const char *from = path; *from; to++) {
		if (*from == '\\' && sscanf(from + 1, "%3o", &character) == 1) {
			*to = (char)character;
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
}

int swaps_each(int (*each)(const char *path, void *context), void *context)
{
	FILE *file = fopen("/proc/swaps", "re");
	char line[LINE];
	int code = 0;

	if (!file)
		return errno == ENOENT ? 0 : -errno;
	while (!code && fgets(line, sizeof(line), file)) {
		char *type = strpbrk(line, " \t");

		if (*line != '/' || !type)
			continue;
		*type++ = '\0';
		type += strspn(type, " \t");
		if (strncmp(type, "file", 4) != 0)
			continue;
		decode(line);
		code = each(line, context);
	}
	fclose(file);
	return code;
}
