// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "list_prune.h"

void pruner_free(struct pruner *pruner)
{
	free(pruner->last);
	free(pruner->lengths);
}

static size_t common_length(const struct pruner *pruner, const char *path, size_t length)
{
	size_t most = pruner->last_length < length ? pruner->last_length : length, i = 0;

	while (i < most && pruner->last[i] == path[i])
		i++;
	return i;
}

/* The path begins with the directory's. */
static bool stands_for(const char *directory, size_t directory_length, const char *path, size_t length)
{
	if (directory_length == 1 && *directory == '/')
		return true;
	return length == directory_length || path[directory_length] == '/';
}

static bool drops(struct pruner *pruner, const char *path, size_t length)
{
	size_t common = common_length(pruner, path, length);

	while (pruner->count && pruner->lengths[pruner->count - 1] > common)
		pruner->count--;
	for (size_t i = 0; i < pruner->count; i++)
		if (stands_for(pruner->last, pruner->lengths[i], path, length))
			return true;
	return false;
}

static int make_room(struct pruner *pruner, size_t length)
{
	if (length >= pruner->last_size) {
		char *last = realloc(pruner->last, 2 * length + 1);

		if (!last)
			return -ENOMEM;
		pruner->last = last;
		pruner->last_size = 2 * length + 1;
	}
	if (pruner->count == pruner->room) {
		size_t room = 2 * pruner->room + 16;
		size_t *lengths = reallocarray(pruner->lengths, room, sizeof(*lengths));

		if (!lengths)
			return -ENOMEM;
		pruner->lengths = lengths;
		pruner->room = room;
	}
	return 0;
}

int pruner_keeps(struct pruner *pruner, const char *path, size_t length)
{
	int error;

	if (drops(pruner, path, length))
		return 0;
	error = make_room(pruner, length);
	if (error)
		return error;
	memcpy(pruner->last, path, length);
	pruner->last_length = length;
	pruner->lengths[pruner->count++] = length;
	return 1;
}
