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

static bool is_name(const char *name, size_t length, bool may_have_nul)
{
	if (length == 0 || (may_have_nul && memchr(name, '\0', length)))
		return false;
	return name[0] != '.' || (length > 1 && (name[1] != '.' || length > 2));
}

/* Where the component begins that ends there. */
static size_t start_of(const char *bytes, size_t end)
{
	const char *separator = memrchr(bytes, '/', end);

	return separator ? separator - bytes + 1 : 0;
}

/* "b/a/" is "/a/b": the components are taken from the end. */
size_t decode_path(const struct event *event, char path[DECODED_PATH_BYTES], uint8_t *flags)
{
	const char *bytes = (const char *)(event + 1);
	bool has_nul = memchr(bytes, '\0', event->path_bytes);
	size_t length = 0, count, start;

	for (size_t end = event->path_bytes; end > 0; end = start) {
		start = start_of(bytes, end - 1);
		count = end - 1 - start;
		if (!is_name(bytes + start, count, has_nul) || length + 1 + count > PATH_BYTES) {
			*flags |= EVENT_UNFIT;
			break;
		}
		path[length] = '/';
		memcpy(path + length + 1, bytes + start, count);
		length += 1 + count;
	}
	if (length == 0)
		path[length++] = '/';
	path[length] = '\0';
	return length;
}

static uint16_t type_bit(uint16_t mode)
{
	return mode >> TYPE_SHIFT ? 1U << (mode >> TYPE_SHIFT) : 0;
}

/*
 * Everything below is dirty, and something below may have gone: the whole is replaced. Below a directory that moves,
 * too: a removal whose hook has run before is recorded under the old name, and a copy may be made under the new one
 * before it takes place.
 */
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
			add_subtree(&facts);
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
