// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>

#include "store_links.h"
#include "store_private.h"

static int prepend(struct store *store, const char *name, size_t length)
{
	struct candidate *candidate = &store->candidate;

	if (length >= candidate->start)
		return -ENAMETOOLONG;
	candidate->start -= length;
	memcpy(candidate->path + candidate->start, name, length);
	candidate->path[--candidate->start] = '/';
	return 0;
}

/* 0; -ENAMETOOLONG: no system call would take such a path; -ENOENT: the tree has no root here. */
static int climb(struct store *store, int64_t id)
{
	int result = 0;

	while (!result) {
		auto_rows struct rows *rows = SELECT(store->database, GET_PLACE, NUMBER(id));
		const char *name;
		size_t length;

		result = rows_first(rows);
		if (result)
			return result;
		id = rows_number(rows, 0);
		name = rows_bytes(rows, 1, &length);
		if (id < 0) {
			store->candidate.filesystem = (uint32_t)-id;
			return 0;
		}
		result = prepend(store, name, length);
	}
	return result;
}

int store_names(struct store *store, uint32_t filesystem, uint64_t inode,
		int (*each)(const char *path, size_t length, void *context), void *context)
{
	auto_rows struct rows *rows = SELECT(store->database, LIST_NAMES, NUMBER(filesystem), NUMBER(inode));
	struct candidate *candidate = &store->candidate;
	int result;

	while ((result = rows_next(rows)) > 0) {
		size_t length;
		const char *name = rows_bytes(rows, 1, &length);

		candidate->start = PATH_BYTES;
		result = prepend(store, name, length);
		if (!result)
			result = climb(store, rows_number(rows, 0));
		if (result == -ENAMETOOLONG || result == -ENOENT)
			continue;
		if (!result)
			result = each(candidate->path + candidate->start, PATH_BYTES - candidate->start, context);
		if (result)
			break;
	}
	return result;
}

static int read_linked(struct store *store, struct rows *rows, struct store_linked *linked)
{
	struct candidate *candidate = &store->candidate;
	int64_t place = rows_number(rows, 2);
	int result;

	*linked = (struct store_linked){
		.filesystem = (uint32_t)rows_number(rows, 0),
		.inode = (uint64_t)rows_number(rows, 1),
		.directory = place,
		.window = (uint64_t)rows_number(rows, 3),
		.links = (uint32_t)rows_number(rows, 4),
		.facts = dirty_facts_unpack((uint64_t)rows_number(rows, 5)),
		.walked = rows_number(rows, 6),
		.first = rows_number(rows, 7),
		.last = rows_number(rows, 8),
		.serial = (uint64_t)rows_number(rows, 9),
	};
	if (!place)
		return 0;
	candidate->start = PATH_BYTES;
	result = climb(store, place);
	if (!result && candidate->start == PATH_BYTES)
		result = prepend(store, "", 0);
	if (result)
		return result == -ENAMETOOLONG || result == -ENOENT ? 0 : result;
	linked->place = candidate->path + candidate->start;
	linked->place_length = PATH_BYTES - candidate->start;
	return 0;
}

static int each_linked(struct store *store, struct rows *rows, int (*each)(const struct store_linked *, void *),
		       void *context)
{
	struct store_linked linked;
	int result;

	while ((result = rows_next(rows)) > 0) {
		result = read_linked(store, rows, &linked);
		if (!result)
			result = each(&linked, context);
		if (result)
			break;
	}
	return result;
}

int store_linked(struct store *store, uint64_t first, int (*each)(const struct store_linked *, void *), void *context)
{
	auto_rows struct rows *rows = SELECT(store->database, LIST_LINKED, NUMBER(first));

	return each_linked(store, rows, each, context);
}

int store_linked_of(struct store *store, uint32_t filesystem, uint64_t inode, uint64_t first,
		    int (*each)(const struct store_linked *, void *), void *context)
{
	auto_rows struct rows *rows =
		SELECT(store->database, LIST_LINKED_OF, NUMBER(filesystem), NUMBER(inode), NUMBER(first));

	return each_linked(store, rows, each, context);
}

int store_has_left(struct store *store, uint32_t filesystem, int64_t directory, bool *has)
{
	int64_t one;
	int result = GET_NUMBER(store->database, &one, HAS_LEFT, NUMBER(filesystem), NUMBER(directory));

	*has = !result;
	return result == -ENOENT ? 0 : result;
}

int store_last_left(struct store *store, int64_t *serial)
{
	return GET_NUMBER(store->database, serial, LAST_LEFT);
}

int store_has_unnamed(struct store *store, uint64_t first, uint64_t last, bool *has)
{
	int64_t one;
	int result = GET_NUMBER(store->database, &one, HAS_UNNAMED, NUMBER(first), NUMBER(last));

	*has = !result;
	return result == -ENOENT ? 0 : result;
}
