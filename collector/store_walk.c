// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>

#include "store_paused.h"
#include "store_places.h"
#include "store_private.h"
#include "store_walk.h"

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

static int end_walk(struct store *store, uint32_t filesystem)
{
	int result = store_forget_paused(store, filesystem);

	if (!result)
		result = RUN(store->database, END_WALK, NUMBER(filesystem));
	if (!result)
		result = RUN(store->database, REMOVE_UNSEEN, NUMBER(filesystem));
	return result ? result : store_tidy_places(store);
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
