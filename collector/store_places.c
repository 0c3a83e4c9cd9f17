// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>

#include "path.h"
#include "store_places.h"
#include "store_private.h"

#define META_COPIED "copied" /* candidates and places that were copied since a walk has ended */

static int find_child(struct store *store, int64_t parent, const char *name, size_t length, bool make, int64_t *id)
{
	int result = GET_NUMBER(store->database, id, FIND_PLACE, NUMBER(parent), BYTES(name, length));

	if (result != -ENOENT || !make)
		return result;
	result = RUN(store->database, ADD_PLACE, NUMBER(parent), BYTES(name, length));
	*id = database_last_id(store->database);
	return result;
}

static bool is_found(const struct found_place *found, uint32_t filesystem, const char *path, size_t length)
{
	return found->id && found->filesystem == filesystem && found->length == length &&
	       memcmp(found->path, path, length) == 0;
}

int store_find_place(struct store *store, uint32_t filesystem, const char *path, size_t length, bool make, int64_t *id)
{
	struct found_place *found = &store->found;
	size_t end = 0;
	int result;

	if (is_found(found, filesystem, path, length)) {
		*id = found->id;
		return 0;
	}
	result = find_child(store, -(int64_t)filesystem, "", 0, make, id);
	while (!result && end < length) {
		size_t start = end + 1;
		const char *slash = memchr(path + start, '/', length - start);

		end = slash ? (size_t)(slash - path) : length;
		result = find_child(store, *id, path + start, end - start, make, id);
	}
	if (result || length > sizeof(found->path))
		return result;
	memcpy(found->path, path, length);
	found->length = length;
	found->filesystem = filesystem;
	found->id = *id;
	return 0;
}

/* A way through the tree below `from`, beside it one through that below `to`, in which it is made again. */
struct pair {
	int64_t from, to;
	char name[NAME_BYTES]; /* the child of from that was visited last */
	size_t length;
};

/* 1: the pair are children; 0: there is no further child. */
static int descend(struct store *store, struct pair *pair)
{
	auto_rows struct rows *rows =
		SELECT(store->database, NEXT_PLACE, NUMBER(pair->from), BYTES(pair->name, pair->length));
	const char *name;
	size_t length;
	int result = rows_next(rows);

	if (result <= 0)
		return result;
	pair->from = rows_number(rows, 0);
	name = rows_bytes(rows, 1, &length);
	result = find_child(store, pair->to, name, length, true, &pair->to);
	pair->length = 0;
	return result ? result : 1;
}

/* Of the children of a directory their names are in order, so a name tells where to go on. */
static int ascend(struct store *store, struct pair *pair)
{
	auto_rows struct rows *rows = SELECT(store->database, GET_PLACE, NUMBER(pair->from));
	const char *name;
	int result = rows_first(rows);

	if (result)
		return result;
	pair->from = rows_number(rows, 0);
	name = rows_bytes(rows, 1, &pair->length);
	if (pair->length > sizeof(pair->name))
		return -EUCLEAN;
	memcpy(pair->name, name, pair->length);
	rows_end(&rows);
	rows = SELECT(store->database, GET_PLACE, NUMBER(pair->to));
	result = rows_first(rows);
	pair->to = result ? 0 : rows_number(rows, 0);
	return result;
}

/* Returns the number of rows, or -errno. */
static int64_t copy_links(struct store *store, int64_t from, int64_t to)
{
	int result = RUN(store->database, COPY_LINKS, NUMBER(from), NUMBER(to));

	return result ? result : 1 + (int64_t)database_changes(store->database);
}

/* All candidates at or below from are ones at or below to as well. *copied grows by what that took. */
static int copy_tree(struct store *store, int64_t from, int64_t to, int64_t *copied)
{
	struct pair pair = {.from = from, .to = to};
	int64_t rows = copy_links(store, from, to);

	while (rows >= 0) {
		int result = descend(store, &pair);

		*copied += rows;
		rows = 0;
		if (*copied >= STORE_COPIES || (result == 0 && pair.from == from))
			return 0;
		if (result == 0)
			result = ascend(store, &pair);
		else if (result == 1)
			rows = copy_links(store, pair.from, pair.to);
		if (result < 0)
			return result;
	}
	return (int)rows;
}

/*
 * Directories that are exchanged again and again, or whose renames fail, one within the other, double their candidates
 * each time. There is an end to that: what is not copied shows by the files' link counts, and a walk begins anew.
 */
static int copy_places(struct store *store, int64_t from, int64_t to)
{
	int64_t copied = 0;
	int result = store_get_meta(store, META_COPIED, &copied);

	if (result == -ENOENT)
		result = 0;
	if (result || copied >= STORE_COPIES)
		return result;
	result = copy_tree(store, from, to, &copied);
	return result ? result : store_set_meta(store, META_COPIED, copied);
}

/*
 * The rename may fail after its hook, for one because the directory to be replaced is not empty: where something was
 * replaced, and on an exchange, the candidates stay at the old place as well. Where nothing was and the rename fails
 * the names are lost; that shows by the files' link counts.
 *
 * No directory is moved below itself, but the two paths are not read at the same moment. To copy it there has no end.
 */
int store_move_place(struct store *store, const struct link_change *change)
{
	const char *target = change->path + change->from_length;
	const size_t length = change->path_length - change->from_length;
	const struct split to = split_path(target, length);
	int64_t from, parent, other;
	int result = store_find_place(store, change->filesystem, change->path, change->from_length, false, &from);

	if (result)
		return result == -ENOENT ? 0 : result;
	if (path_is_below(target, length, change->path, change->from_length))
		return 0;
	result = store_find_place(store, change->filesystem, target, to.directory, true, &parent);
	if (result)
		return result;
	store->found.id = 0;
	result = find_child(store, parent, to.name, to.length, change->replaced, &other);
	if (result == -ENOENT)
		return RUN(store->database, MOVE_PLACE, NUMBER(from), NUMBER(parent), BYTES(to.name, to.length));
	if (result || other == from)
		return result;
	return copy_places(store, from, other);
}

int store_remove_place(struct store *store, const struct link_change *change)
{
	int64_t id;
	int result = store_find_place(store, change->filesystem, change->path, change->path_length, false, &id);

	if (result)
		return result == -ENOENT ? 0 : result;
	store->found.id = 0;
	return RUN(store->database, REMOVE_PLACE, NUMBER(id));
}

/* Places whose children have gone go in the next pass. */
static int remove_places(struct store *store)
{
	int result;

	do {
		result = RUN(store->database, REMOVE_PLACES);
	} while (!result && database_changes(store->database));
	return result;
}

int store_tidy_places(struct store *store)
{
	int result = store_set_meta(store, META_COPIED, 0);

	return result ? result : remove_places(store);
}
