// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "damage.h"

#define DAMAGED ".damaged-"

static int set_aside(const char *path, const char *suffix, const char *moment)
{
	char from[PATH_MAX + 8], to[PATH_MAX + 64];

	snprintf(from, sizeof(from), "%s%s", path, suffix);
	snprintf(to, sizeof(to), "%s" DAMAGED "%s%s", path, moment, suffix);
	return rename(from, to) && errno != ENOENT ? -errno : 0;
}

static int sync_directory_of(const char *path)
{
	char *copy = strdup(path);
	int directory = copy ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	int code = directory < 0 || fsync(directory) ? -errno : 0;

	if (directory >= 0)
		close(directory);
	free(copy);
	return code;
}

/* The log first: SQLite removes one that it finds beside an empty database. */
int damage_set_aside(const char *path)
{
	char moment[32];
	int code;

	snprintf(moment, sizeof(moment), "%lld", (long long)time(NULL));
	code = set_aside(path, "-wal", moment);
	if (!code)
		code = set_aside(path, "-shm", moment);
	if (!code)
		code = set_aside(path, "", moment);
	return code ? code : sync_directory_of(path);
}

bool damage_was_found(const char *path)
{
	char pattern[PATH_MAX + sizeof(DAMAGED) + 1];
	glob_t found;
	bool was;

	snprintf(pattern, sizeof(pattern), "%s" DAMAGED "*", path);
	was = glob(pattern, GLOB_NOSORT, NULL, &found) == 0;
	globfree(&found);
	return was;
}
