// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>

#include "path.h"
#include "store_links.h"
#include "store_paused.h"
#include "store_private.h"

#define META_COPIED "copied" /* candidates and places that were copied since a walk has ended */

/* A path's directory and its last component. The root has an empty name and lies above itself. */
struct split {
	size_t directory;
	const char *name;
	size_t length;
};

static struct split split(const char *path, size_t length)
{
	const char *slash = memrchr(path, '/', length);
	size_t directory = (size_t)(slash - path);

	return (struct split){directory, slash + 1, length - directory - 1};
}

/* Places */

static int find_place(struct store *store, int64_t parent, const char *name, size_t length, bool make, int64_t *id)
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

/* The directory path[0..length), the root's is empty. -ENOENT: it has no row and none is to be made. */
static int resolve(struct store *store, uint32_t filesystem, const char *path, size_t length, bool make, int64_t *id)
{
	struct found_place *found = &store->found;
	size_t end = 0;
	int result;

	if (is_found(found, filesystem, path, length)) {
		*id = found->id;
		return 0;
	}
	result = find_place(store, -(int64_t)filesystem, "", 0, make, id);
	while (!result && end < length) {
		size_t start = end + 1;
		const char *slash = memchr(path + start, '/', length - start);

		end = slash ? (size_t)(slash - path) : length;
		result = find_place(store, *id, path + start, end - start, make, id);
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
	result = find_place(store, pair->to, name, length, true, &pair->to);
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
static int move_directory(struct store *store, const struct link_change *change)
{
	const char *target = change->path + change->from_length;
	const size_t length = change->path_length - change->from_length;
	const struct split to = split(target, length);
	int64_t from, parent, other;
	int result = resolve(store, change->filesystem, change->path, change->from_length, false, &from);

	if (result)
		return result == -ENOENT ? 0 : result;
	if (path_is_below(target, length, change->path, change->from_length))
		return 0;
	result = resolve(store, change->filesystem, target, to.directory, true, &parent);
	if (result)
		return result;
	store->found.id = 0;
	result = find_place(store, parent, to.name, to.length, change->replaced, &other);
	if (result == -ENOENT)
		return RUN(store->database, MOVE_PLACE, NUMBER(from), NUMBER(parent), BYTES(to.name, to.length));
	if (result || other == from)
		return result;
	return copy_places(store, from, other);
}

static int remove_directory(struct store *store, const struct link_change *change)
{
	int64_t id;
	int result = resolve(store, change->filesystem, change->path, change->path_length, false, &id);

	if (result)
		return result == -ENOENT ? 0 : result;
	store->found.id = 0;
	return RUN(store->database, REMOVE_PLACE, NUMBER(id));
}

/* Files */

static int put_linked(struct store *store, const struct link_change *change, int64_t place)
{
	return RUN(store->database, PUT_LINKED, NUMBER(change->filesystem), NUMBER(change->inode),
		   NUMBER(change->window), NUMBER(place), NUMBER(change->links),
		   NUMBER(dirty_facts_pack(change->facts)), NUMBER(change->time));
}

static int put_candidate(struct store *store, const struct link_change *change, int64_t *place)
{
	const struct split at = split(change->path, change->path_length);
	int result = resolve(store, change->filesystem, change->path, at.directory, true, place);

	return result ? result
		      : RUN(store->database, PUT_LINK, NUMBER(change->filesystem), NUMBER(change->inode),
			    NUMBER(*place), BYTES(at.name, at.length));
}

static int put_name(struct store *store, const struct link_change *change)
{
	int64_t place;
	int result = put_candidate(store, change, &place);

	return result ? result : put_linked(store, change, place);
}

static int remove_name(struct store *store, const struct link_change *change, int64_t place)
{
	const struct split at = split(change->path, change->path_length);

	return RUN(store->database, REMOVE_LINK, NUMBER(change->filesystem), NUMBER(change->inode), NUMBER(place),
		   BYTES(at.name, at.length));
}

/* It may lie in the place that a later change of the file is met in: the place is made. */
static int leave_name(struct store *store, const struct link_change *change)
{
	const struct split at = split(change->path, change->path_length);
	int64_t place;
	int result = resolve(store, change->filesystem, change->path, at.directory, true, &place);

	if (!result)
		result = remove_name(store, change, place);
	return result ? result : put_linked(store, change, place);
}

static int is_linked(struct store *store, const struct link_change *change)
{
	int64_t one;
	int result = GET_NUMBER(store->database, &one, IS_LINKED, NUMBER(change->filesystem), NUMBER(change->inode));

	return result ? result : 1;
}

/*
 * The hook reads the link count with the inode locked, so of several unlinks the last one sees 1. Whether the file had
 * changed is known by now: what changes it is recorded before it is done. Most files end without a row here.
 */
static int end_file(struct store *store, const struct link_change *change)
{
	const struct split at = split(change->path, change->path_length);
	int64_t place;
	int result = is_linked(store, change);

	if (result <= 0)
		return result == -ENOENT ? 0 : result;
	result = resolve(store, change->filesystem, change->path, at.directory, true, &place);
	return result ? result : put_linked(store, change, place);
}

static int is_known(struct store *store, const struct link_change *change)
{
	int64_t one;
	int result = GET_NUMBER(store->database, &one, IS_KNOWN, NUMBER(change->filesystem), NUMBER(change->inode));

	return result ? result : 1;
}

/* Of most files that are removed nothing is known here: one question, and not one for each directory of the path. */
static int unlink_name(struct store *store, const struct link_change *change)
{
	const struct split at = split(change->path, change->path_length);
	int64_t place;
	int result = change->links ? 1 : is_known(store, change);

	if (result <= 0)
		return result == -ENOENT ? 0 : result;
	result = resolve(store, change->filesystem, change->path, at.directory, false, &place);
	if (!result)
		result = remove_name(store, change, place);
	if (result && result != -ENOENT)
		return result;
	return change->links ? 0 : end_file(store, change);
}

/* Most files that are renamed have never had several links. */
static int move_last_name(struct store *store, const struct link_change *change)
{
	int result = is_linked(store, change);

	if (result <= 0)
		return result == -ENOENT ? 0 : result;
	return put_name(store, change);
}

static int put_moved_on(struct store *store, const struct link_change *change)
{
	int64_t place;
	int result = is_linked(store, change);

	if (result <= 0)
		return result == -ENOENT ? 0 : result;
	return put_candidate(store, change, &place);
}

/* Of a directory that is moved again and again the last place counts. */
static int note_arrival(struct store *store, const struct link_change *change)
{
	int result = RUN(store->database, MOVED_ON, NUMBER(change->filesystem), NUMBER(change->inode));

	return result ? result
		      : RUN(store->database, ADD_MOVED, NUMBER(change->filesystem), NUMBER(change->inode),
			    BYTES(change->path, change->path_length));
}

int store_put_link(struct store *store, const struct link_change *change)
{
	switch (change->action) {
	case LINK_NAMED:
		return put_name(store, change);
	case LINK_LEFT:
		return leave_name(store, change);
	case LINK_REMOVED:
		return unlink_name(store, change);
	case LINK_ARRIVED:
		return move_last_name(store, change);
	case LINK_MOVED_ON:
		return put_moved_on(store, change);
	case LINK_UNNAMED:
		return put_linked(store, change, 0);
	case DIRECTORY_MOVED:
		return move_directory(store, change);
	case DIRECTORY_REMOVED:
		return remove_directory(store, change);
	case DIRECTORY_ARRIVED:
		return note_arrival(store, change);
	}
	return -EINVAL;
}

/* Reading */

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

/* The walk */

int store_begin_walk(struct store *store, uint32_t filesystem)
{
	int result = store_forget_paused(store, filesystem);

	if (!result)
		result = RUN(store->database, FORGET_MOVED, NUMBER(filesystem));
	if (!result)
		result = RUN(store->database, BEGIN_WALK, NUMBER(filesystem));
	return result;
}

int store_wanted(struct store *store, uint32_t filesystem, uint64_t after, size_t count, uint64_t *inodes,
		 size_t *found)
{
	auto_rows struct rows *rows =
		SELECT(store->database, LIST_WANTED, NUMBER(filesystem), NUMBER(after), NUMBER(count));
	int result;

	*found = 0;
	while (*found < count && (result = rows_next(rows)) > 0)
		inodes[(*found)++] = (uint64_t)rows_number(rows, 0);
	return *found < count ? result : 0;
}

/* The one name of a file with one link is kept only if somebody asks for it: the walker sends a few too many. */
int store_put_walked(struct store *store, uint32_t filesystem, uint64_t inode, uint32_t links, const char *path,
		     size_t length)
{
	const struct link_change file = {.filesystem = filesystem, .inode = inode};
	const struct split at = split(path, length);
	int64_t place;
	int result = links > 1 ? 1 : is_linked(store, &file);

	if (result <= 0)
		return result == -ENOENT ? 0 : result;
	result = resolve(store, filesystem, path, at.directory, true, &place);
	if (result)
		return result;
	return RUN(store->database, PUT_LINK, NUMBER(filesystem), NUMBER(inode), NUMBER(place),
		   BYTES(at.name, at.length));
}

int store_next_moved(struct store *store, uint32_t filesystem, struct store_moved *moved)
{
	auto_rows struct rows *rows = SELECT(store->database, NEXT_MOVED, NUMBER(filesystem));
	struct candidate *candidate = &store->candidate;
	const char *path;
	size_t length;
	int result = rows_first(rows);

	if (result)
		return result;
	path = rows_bytes(rows, 2, &length);
	if (length > sizeof(candidate->path))
		return -EUCLEAN;
	memcpy(candidate->path, path, length);
	*moved = (struct store_moved){
		.id = (uint64_t)rows_number(rows, 0),
		.inode = (uint64_t)rows_number(rows, 1),
		.path = candidate->path,
		.length = length,
		.settled = rows_number(rows, 3),
	};
	return 0;
}

int store_settle_moved(struct store *store, uint32_t filesystem)
{
	return RUN(store->database, SETTLE_MOVED, NUMBER(filesystem));
}

int store_forget_moved(struct store *store, uint64_t id)
{
	return RUN(store->database, REMOVE_MOVED, NUMBER(id));
}

int store_count_moved(struct store *store, uint32_t filesystem, uint64_t *count)
{
	return GET_NUMBER(store->database, (int64_t *)count, COUNT_MOVED, NUMBER(filesystem));
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

static int end_walk(struct store *store, uint32_t filesystem)
{
	int result = store_forget_paused(store, filesystem);

	if (!result)
		result = RUN(store->database, END_WALK, NUMBER(filesystem));
	if (!result)
		result = RUN(store->database, REMOVE_UNSEEN, NUMBER(filesystem));
	if (!result)
		result = store_set_meta(store, META_COPIED, 0);
	return result ? result : remove_places(store);
}

int store_end_walk(struct store *store, uint32_t filesystem)
{
	bool own;
	int result = database_enter(store->database, &own);

	if (result)
		return result;
	store_forget(store);
	return database_leave(store->database, own, end_walk(store, filesystem));
}

int store_is_walked(struct store *store, uint32_t filesystem, bool *walked)
{
	int64_t number = 0;
	int result = GET_NUMBER(store->database, &number, IS_WALKED, NUMBER(filesystem));

	*walked = number != 0;
	return result;
}

int store_has_unnamed(struct store *store, uint64_t first, uint64_t last, bool *has)
{
	int64_t one;
	int result = GET_NUMBER(store->database, &one, HAS_UNNAMED, NUMBER(first), NUMBER(last));

	*has = !result;
	return result == -ENOENT ? 0 : result;
}
