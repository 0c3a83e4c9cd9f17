// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>

#include "store_paused.h"
#include "store_private.h"

static int put_scope(struct store *store, uint64_t gap, uint32_t filesystem)
{
	if (filesystem == STORE_ALL_FILESYSTEMS)
		return RUN(store->database, SCOPE_ALL, NUMBER(gap));
	return RUN(store->database, SCOPE_ONE, NUMBER(gap), NUMBER(filesystem));
}

static int extend_gap(struct store *store, const struct store_gap *gap)
{
	int64_t id = 0;
	int result = GET_NUMBER(store->database, &id, FIND_GAP, NUMBER(gap->filesystem), NUMBER(gap->first),
				NUMBER(gap->last), TEXT(gap->reason));

	if (!result)
		result = RUN(store->database, EXTEND_GAP, NUMBER(gap->filesystem), NUMBER(gap->first),
			     NUMBER(gap->last), TEXT(gap->reason), NUMBER(gap->ended));
	return result ? result : put_scope(store, (uint64_t)id, gap->filesystem);
}

/* A walk goes on only where nothing can have been missed since it began. */
static int forget_paused(struct store *store, const struct store_gap *gap)
{
	bool is_known = gap->filesystem != STORE_UNKNOWN_FILESYSTEM;

	return store_forget_paused(store, is_known ? gap->filesystem : STORE_ALL_FILESYSTEMS);
}

static int put_gap(struct store *store, const struct store_gap *gap)
{
	int result = gap->repaired ? -ENOENT : extend_gap(store, gap);

	if (result != -ENOENT)
		return result;
	result = RUN(store->database, ADD_GAP, NUMBER(gap->filesystem), NUMBER(gap->first), NUMBER(gap->last),
		     NUMBER(gap->started), NUMBER(gap->ended), TEXT(gap->reason), TEXT(gap->detail),
		     NUMBER(gap->repaired));
	if (result || gap->repaired)
		return result;
	return put_scope(store, (uint64_t)database_last_id(store->database), gap->filesystem);
}

static int add_gap(struct store *store, const struct store_gap *gap)
{
	int result = forget_paused(store, gap);

	return result ? result : put_gap(store, gap);
}

int store_add_gap(struct store *store, const struct store_gap *gap)
{
	bool own;
	int result = database_enter(store->database, &own);

	return result ? result : database_leave(store->database, own, add_gap(store, gap));
}

/* The number of one that was pruned is given again, to one of later windows. */
static int cover_gap(struct store *store, const struct store_gap *gap, uint32_t filesystem)
{
	int64_t left = 0;
	int result = one_changed(store, RUN(store->database, COVER_SCOPE, NUMBER(gap->id), NUMBER(filesystem),
					    NUMBER(gap->first), NUMBER(gap->last)));

	if (!result)
		result = GET_NUMBER(store->database, &left, COUNT_SCOPE, NUMBER(gap->id));
	if (result || left)
		return result;
	return one_changed(store, RUN(store->database, REPAIR_GAP, NUMBER(gap->id)));
}

int store_cover_gap(struct store *store, const struct store_gap *gap, uint32_t filesystem)
{
	bool own;
	int result = database_enter(store->database, &own);

	return result ? result : database_leave(store->database, own, cover_gap(store, gap, filesystem));
}

static int each_gap(struct rows *rows, int (*each)(const struct store_gap *, void *), void *context)
{
	int result = 0;

	while (!result && (result = rows_next(rows)) > 0)
		result = each(
			&(struct store_gap){
				.id = (uint64_t)rows_number(rows, 0),
				.filesystem = (uint32_t)rows_number(rows, 1),
				.first = (uint64_t)rows_number(rows, 2),
				.last = (uint64_t)rows_number(rows, 3),
				.started = rows_number(rows, 4),
				.ended = rows_number(rows, 5),
				.reason = rows_text(rows, 6),
				.detail = rows_text(rows, 7),
				.repaired = rows_number(rows, 8),
			},
			context);
	return result;
}

int store_gaps(struct store *store, uint64_t first, uint64_t last, int (*each)(const struct store_gap *, void *),
	       void *context)
{
	auto_rows struct rows *rows = SELECT(store->database, LIST_GAPS, NUMBER(first), NUMBER(last_window(last)));

	return each_gap(rows, each, context);
}

int store_gaps_of(struct store *store, uint32_t filesystem, int (*each)(const struct store_gap *, void *),
		  void *context)
{
	auto_rows struct rows *rows = SELECT(store->database, LIST_GAPS_OF, NUMBER(filesystem));

	return each_gap(rows, each, context);
}

int store_has_gaps(struct store *store, uint32_t filesystem, bool *has)
{
	int64_t count = 0;
	int result = GET_NUMBER(store->database, &count, COUNT_GAPS_OF, NUMBER(filesystem));

	*has = count != 0;
	return result;
}

int store_is_steady(struct store *store, uint64_t first, bool *steady)
{
	int64_t count = 0;
	int result = GET_NUMBER(store->database, &count, COUNT_UNSTEADY, NUMBER(first));

	*steady = !result && count == 0;
	return result;
}

int store_widen_gaps(struct store *store, uint64_t window)
{
	return RUN(store->database, WIDEN_GAPS, NUMBER(window));
}
