// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "relative.h"
#include "sentence.h"

static bool is_not_there(int error)
{
	return error == ENOENT || error == ENOTDIR;
}

static void cut_slashes(char *path)
{
	size_t length = strlen(path);

	while (length > 1 && path[length - 1] == '/')
		path[--length] = '\0';
}

/* Shortens the path to the deepest directory that is there, and returns its real one; NULL: errno. */
static char *resolve_existing(char *path)
{
	char *real = realpath(path, NULL);

	while (!real && is_not_there(errno) && path[1]) {
		char *slash = strrchr(path, '/');

		slash[slash == path] = '\0';
		real = realpath(path, NULL);
	}
	return real;
}

/* Of what is not there '..' may lead anywhere: there may have been a symbolic link. */
static bool has_only_names(const char *rest)
{
	while (*rest) {
		size_t length = strcspn(rest, "/");

		if (length == 0 || strncmp(rest, ".", length) == 0 || strncmp(rest, "..", length) == 0)
			return false;
		rest += length;
		rest += *rest == '/';
	}
	return true;
}

/* The first component of the rest is there after all: a symbolic link that leads nowhere. */
static bool is_dangling(const char *result, size_t length, const char *rest)
{
	struct stat found;
	char *first = strndup(result, length + strcspn(rest, "/"));
	bool is = first && lstat(first, &found) == 0 && S_ISLNK(found.st_mode);

	free(first);
	return is;
}

static int append(const char *real, const char *rest, char **result)
{
	const char *directory = real[1] ? real : "";

	return asprintf(result, "%s/%s", directory, rest) < 0 ? -ENOMEM : 0;
}

/* 0: it is there, 1: a part of it is not. */
static int join(const char *directory, const char *real, const char *rest, char **result, char **error)
{
	if (!*rest) {
		*result = strdup(real);
		return *result ? 0 : -ENOMEM;
	}
	if (!has_only_names(rest))
		return sentence(error, -EINVAL, "%s is not there: it must be named without '.', '..' and '//'",
				directory);
	if (append(real, rest, result))
		return -ENOMEM;
	if (!is_dangling(*result, strlen(*result) - strlen(rest), rest))
		return 1;
	free(*result);
	*result = NULL;
	return sentence(error, -EINVAL, "%s leads through a symbolic link to what is not there", directory);
}

static int resolve(const char *directory, char *whole, char *there, char **result, char **error)
{
	const char *rest;
	char *real;
	int code;

	cut_slashes(whole);
	cut_slashes(there);
	real = resolve_existing(there);
	if (!real)
		return sentence(error, -errno, "%s cannot be resolved: %s", directory, strerror(errno));
	rest = whole + strlen(there);
	rest += *rest == '/';
	code = join(directory, real, rest, result, error);
	free(real);
	return code;
}

int relative_resolve(const char *directory, char **result, char **error)
{
	char *whole, *there;
	int code = -ENOMEM;

	if (*directory != '/')
		return sentence(error, -EINVAL, "%s is not an absolute path", directory);
	whole = strdup(directory);
	there = strdup(directory);
	if (whole && there)
		code = resolve(directory, whole, there, result, error);
	free(whole);
	free(there);
	return code;
}
