// SPDX-License-Identifier: GPL-2.0
#include <errno.h>

#include "store_links.h"
#include "store_places.h"
#include "store_private.h"

static int put_linked(struct store *store, const struct link_change *change, int64_t place)
{
	store_note_known(store, change->filesystem, change->inode);
	return RUN(store->database, PUT_LINKED, NUMBER(change->filesystem), NUMBER(change->inode),
		   NUMBER(change->window), NUMBER(place), NUMBER(change->links),
		   NUMBER(dirty_facts_pack(change->facts)), NUMBER(change->time));
}

/* The directory of the name. */
static int find_directory(struct store *store, const struct link_change *change, bool make, int64_t *place)
{
	return store_find_place(store, change->filesystem, change->path,
				split_path(change->path, change->path_length).directory, make, place);
}

static int put_candidate(struct store *store, const struct link_change *change, int64_t *place)
{
	const struct split at = split_path(change->path, change->path_length);
	int result = find_directory(store, change, true, place);

	store_note_known(store, change->filesystem, change->inode);
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
	const struct split at = split_path(change->path, change->path_length);

	return RUN(store->database, REMOVE_LINK, NUMBER(change->filesystem), NUMBER(change->inode), NUMBER(place),
		   BYTES(at.name, at.length));
}

/* It may lie in the place that a later change of the file is met in: the place is made. */
static int leave_name(struct store *store, const struct link_change *change)
{
	int64_t place;
	int result = find_directory(store, change, true, &place);

	if (!result)
		result = remove_name(store, change, place);
	return result ? result : put_linked(store, change, place);
}

/* 1; 0: there is none; -errno. */
static int has_row(struct store *store, enum query query, const struct link_change *change)
{
	int64_t one;
	int result = store_may_know(store, change->filesystem, change->inode);

	if (result <= 0)
		return result;
	result = GET_NUMBER(store->database, &one, query, NUMBER(change->filesystem), NUMBER(change->inode));
	return result == -ENOENT ? 0 : result ? result : 1;
}

/*
 * The hook reads the link count with the inode locked, so of several unlinks the last one sees 1. Whether the file had
 * changed is known by now: what changes it is recorded before it is done. Most files end without a row here.
 */
static int end_file(struct store *store, const struct link_change *change)
{
	int64_t place;
	int result = has_row(store, IS_LINKED, change);

	if (result <= 0)
		return result;
	result = find_directory(store, change, true, &place);
	return result ? result : put_linked(store, change, place);
}

/* Of most files that are removed nothing is known here: one question, and not one for each directory of the path. */
static int unlink_name(struct store *store, const struct link_change *change)
{
	int64_t place;
	int result = change->links ? 1 : has_row(store, IS_KNOWN, change);

	if (result <= 0)
		return result;
	result = find_directory(store, change, false, &place);
	if (!result)
		result = remove_name(store, change, place);
	if (result && result != -ENOENT)
		return result;
	return change->links ? 0 : end_file(store, change);
}

/* Most files that are renamed have never had several links. */
static int move_last_name(struct store *store, const struct link_change *change)
{
	int result = has_row(store, IS_LINKED, change);

	return result <= 0 ? result : put_name(store, change);
}

static int put_if_linked(struct store *store, const struct link_change *change)
{
	int64_t place;
	int result = has_row(store, IS_LINKED, change);

	return result <= 0 ? result : put_candidate(store, change, &place);
}

/* Of a directory that is moved again and again the last place counts. */
static int note_arrival(struct store *store, const struct link_change *change)
{
	int result = RUN(store->database, MOVED_ON, NUMBER(change->filesystem), NUMBER(change->inode));

	return result ? result
		      : RUN(store->database, ADD_MOVED, NUMBER(change->filesystem), NUMBER(change->inode),
			    BYTES(change->path, change->path_length));
}

/* Its rows are those of no inode, in the directory that it was in: that one stays. */
static int note_left(struct store *store, const struct link_change *change)
{
	struct link_change left = *change;
	int64_t place;
	int result = find_directory(store, change, true, &place);

	left.inode = 0;
	return result ? result : put_linked(store, &left, place);
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
		return put_if_linked(store, change);
	case LINK_UNNAMED:
		return put_linked(store, change, 0);
	case DIRECTORY_MOVED:
		return store_move_place(store, change);
	case DIRECTORY_REMOVED:
		return store_remove_place(store, change);
	case DIRECTORY_ARRIVED:
		return note_arrival(store, change);
	case SUBVOLUME_LEFT:
		return note_left(store, change);
	}
	return -EINVAL;
}

/* The one name of a file with one link is kept only if somebody asks for it: the walker sends a few too many. */
int store_put_walked(struct store *store, uint32_t filesystem, uint64_t inode, uint32_t links, const char *path,
		     size_t length)
{
	const struct link_change file = {.filesystem = filesystem, .inode = inode, .path = path, .path_length = length};
	int64_t place;

	return links > 1 ? put_candidate(store, &file, &place) : put_if_linked(store, &file);
}
