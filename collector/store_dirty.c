// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>

#include "store_private.h"

/* Writing */

static int enter_window(struct store *store, uint64_t window)
{
	int64_t opened = 0;
	int result;

	if (store->window == window && window)
		return 0;
	result = GET_NUMBER(store->database, &opened, GET_OPENED, NUMBER(window));
	if (result == -ENOENT)
		return database_refuse(store->database, -ENOENT, "window %llu was never opened",
				       (unsigned long long)window);
	if (result)
		return result;
	store->window = window;
	store->opened = opened / NANOSECONDS_PER_SECOND;
	return 0;
}

int store_has_window(struct store *store, uint64_t window, bool *has)
{
	int result = enter_window(store, window);

	*has = !result;
	return result == -ENOENT ? 0 : result;
}

/* memmem() takes ten times as long for so short a needle. */
static bool has_empty_component(const char *path, size_t length)
{
	const char *end = path + length, *slash = path;

	while (slash && ++slash < end) {
		if (*slash == '/')
			return true;
		slash = memchr(slash, '/', end - slash);
	}
	return slash && length > 1;
}

static int check(struct store *store, const struct dirty *entry)
{
	const char *path = entry->path;
	size_t length = entry->path_length;

	if (!entry->filesystem || !length || path[0] != '/')
		return database_refuse(store->database, -EINVAL, "a dirty path needs a filesystem and begins with '/'");
	if (length > PATH_BYTES)
		return database_refuse(store->database, -ENAMETOOLONG, "a path has more than %d bytes", PATH_BYTES);
	if (has_empty_component(path, length))
		return database_refuse(store->database, -EINVAL, "a path has an empty component");
	return 0;
}

/* No number is given twice while the collector runs, so that a block of a run that went fits no other. */
int store_new_run(struct store *store, uint64_t window, struct run *run)
{
	int64_t last = 0;
	int result = store->last_run ? 0 : GET_NUMBER(store->database, &last, LAST_RUN);

	if (result)
		return result;
	store->last_run = store->last_run ? store->last_run + 1 : (uint64_t)last + 1;
	*run = (struct run){.window = window, .id = store->last_run};
	return 0;
}

int store_settle_dirty(struct store *store)
{
	return run_is_open(&store->writer) ? run_end(&store->writer) : 0;
}

/* The run that is being written, if the entry can come next in it; else it ends and another begins. */
static int enter_run(struct store *store, const struct dirty *entry)
{
	struct run_writer *writer = &store->writer;
	struct run run;
	int result;

	if (run_is_open(writer) && writer->run.window == entry->window && run_takes(writer, entry))
		return 0;
	result = store_settle_dirty(store);
	if (!result)
		result = store_new_run(store, entry->window, &run);
	if (entry->window < store->unmerged)
		store->unmerged = entry->window;
	return result ? result : run_begin(writer, store->database, &run);
}

static int put(struct store *store, const struct dirty *entry)
{
	struct dirty put = *entry;
	int result = enter_window(store, entry->window);

	if (!result)
		result = enter_run(store, entry);
	if (result)
		return result;
	put.first = put.first > store->opened ? put.first : store->opened;
	put.last = put.last > put.first ? put.last : put.first;
	return run_add(&store->writer, &put);
}

int store_put_dirty(struct store *store, const struct dirty *entry)
{
	bool own;
	int result = check(store, entry);

	if (!result)
		result = database_enter(store->database, &own);
	if (result)
		return result;
	result = put(store, entry);
	if (own && !result)
		result = store_settle_dirty(store);
	result = database_leave(store->database, own, result);
	if (own && result)
		store_forget(store);
	return result;
}

/* Reading */

static int add_runs(struct store *store, struct merger *merger, uint64_t first, uint64_t last)
{
	auto_rows struct rows *rows = SELECT(store->database, LIST_RUNS, NUMBER(first), NUMBER(last));
	int result;

	while ((result = rows_next(rows)) > 0) {
		struct run run = run_read(rows);

		result = merger_add(merger, store->database, &run);
		if (result)
			return result;
	}
	return result;
}

/* The query that is under way holds a read transaction: all that is read meanwhile is of one state. */
int store_union(struct store *store, uint64_t first, uint64_t last, int (*each)(const struct dirty *, void *),
		void *context)
{
	auto_rows struct rows *state = SELECT(store->database, HOLD_STATE);
	auto_merger struct merger merger = {0};
	int result = rows_first(state);

	if (!result)
		result = store_settle_dirty(store);
	if (!result)
		result = add_runs(store, &merger, first, last);
	if (!result)
		result = merger_begin(&merger);
	while (!result && (result = merger_next(&merger)) > 0)
		result = each(&merger.entry, context);
	return result;
}
