// SPDX-License-Identifier: GPL-2.0
#include <string.h>
#include <sys/stat.h>

#include "decode.h"

enum { TYPE_SHIFT = 12 };

static const struct {
	const char *name;
	bool changes_names;
} operations[OPERATION_COUNT] = {
#define X(constant, bit, name_, names) [bit] = {.name = (name_), .changes_names = (names)},
	OPERATIONS(X)
#undef X
};

/* "b/a/" is "/a/b": the components are taken from the end. */
size_t decode_path(const struct event *event, char path[DECODED_PATH_BYTES])
{
	const char *bytes = (const char *)(event + 1);
	size_t end = event->path_bytes, length = 0;

	while (end > 0) {
		const char *separator = memrchr(bytes, '/', end - 1);
		size_t start = separator ? separator - bytes + 1 : 0;

		path[length++] = '/';
		memcpy(path + length, bytes + start, end - 1 - start);
		length += end - 1 - start;
		end = start;
	}
	if (length == 0)
		path[length++] = '/';
	path[length] = '\0';
	return length;
}

static bool is_name(const char *name, size_t length)
{
	if (length == 0 || memchr(name, '\0', length))
		return false;
	return name[0] != '.' || (length > 1 && (name[1] != '.' || length > 2));
}

/* The length up to the first component that is no name. */
static size_t named_length(const char *path, size_t length)
{
	size_t start = 0;

	while (length > 1 && start < length) {
		const char *name = path + start + 1;
		const char *end = memchr(name, '/', length - start - 1);
		size_t next = end ? (size_t)(end - path) : length;

		if (!is_name(name, next - start - 1))
			return start ? start : 1;
		start = next;
	}
	return length;
}

size_t decode_fit(struct event *event, char *path, size_t length)
{
	size_t fitting = named_length(path, length);

	while (fitting > PATH_BYTES)
		fitting = (const char *)memrchr(path, '/', fitting) - path;
	if (fitting < length)
		event->flags |= EVENT_UNFIT;
	path[fitting] = '\0';
	return fitting;
}

static uint16_t type_bit(uint16_t mode)
{
	return mode >> TYPE_SHIFT ? 1U << (mode >> TYPE_SHIFT) : 0;
}

/* Everything below is dirty, and something below may have gone: the whole is replaced. */
static void add_subtree(struct dirty_facts *facts)
{
	facts->was |= type_bit(S_IFDIR);
	facts->flags |= DIRTY_EXPAND;
}

struct dirty_facts decode_facts(const struct event *event)
{
	struct dirty_facts facts = {.operations = 1U << event->operation};

	switch (event->operation) {
	case OPERATION_UNLINK:
	case OPERATION_RMDIR:
	case OPERATION_RENAME_FROM:
		facts.was |= type_bit(event->mode);
		break;
	case OPERATION_RENAME_TO:
		facts.was |= event->replaced ? 1U << event->replaced : 0;
		if (S_ISDIR(event->mode))
			facts.flags |= DIRTY_EXPAND;
		break;
	}
	if (event->flags & EVENT_SUBTREE)
		facts.flags |= DIRTY_EXPAND;
	if (event->flags & EVENT_UNFIT)
		add_subtree(&facts);
	if (event->flags & EVENT_MAPPED)
		facts.flags |= DIRTY_MAPPED;
	if (event->flags & EVENT_NO_CMTIME)
		facts.flags |= DIRTY_NO_CMTIME;
	if (event->flags & EVENT_UNDER_WAY)
		facts.flags |= DIRTY_UNDER_WAY;
	if (event->flags & EVENT_CARRIED)
		facts.operations |= 1U << OPERATION_CARRIED;
	return facts;
}

uint32_t decode_links(const struct event *event)
{
	if (S_ISDIR(event->mode))
		return 1;
	if (event->operation == OPERATION_LINK)
		return event->links + 1;
	return event->links - (event->operation == OPERATION_UNLINK && event->links > 0);
}

bool decode_changes_directory(const struct event *event)
{
	return operations[event->operation].changes_names;
}

const char *operation_name(enum operation operation)
{
	return operation < OPERATION_COUNT ? operations[operation].name : "unknown";
}
