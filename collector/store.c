// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "damage.h"
#include "fresh.h"
#include "store_private.h"

int store_open(struct store **result, const char *directory, enum store_mode mode)
{
	struct store *store = calloc(1, sizeof(*store));

	*result = store;
	if (store)
		store->unmerged = mode == STORE_WRITE ? 0 : UINT64_MAX;
	return store ? database_open(&store->database, directory, mode == STORE_WRITE) : -ENOMEM;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	database_close(store->database);
	free(store);
}

const char *store_error(const struct store *store)
{
	return database_error(store ? store->database : NULL);
}

bool store_is_damaged(const struct store *store)
{
	return store && database_is_damaged(store->database);
}

bool store_is_replaced(const struct store *store)
{
	return database_is_replaced(store->database);
}

static int check_run(struct store *store, const struct run *run)
{
	auto_merger struct merger merger = {0};
	int result = merger_add(&merger, store->database, run);

	if (!result)
		result = merger_begin(&merger);
	while (!result && (result = merger_next(&merger)) > 0)
		result = 0;
	return result;
}

/* Nobody may read them for long: what is damaged then is found before. */
static int check_runs(struct store *store)
{
	auto_rows struct rows *rows = SELECT(store->database, LIST_RUNS, NUMBER(0), NUMBER(INT64_MAX));
	int result;

	while ((result = rows_next(rows)) > 0) {
		struct run run = run_read(rows);

		result = check_run(store, &run);
		if (result)
			return result;
	}
	return result;
}

/* Blocks of no run would be found by nobody. */
static int check_blocks(struct store *store)
{
	int64_t others = 0;
	int result = GET_NUMBER(store->database, &others, COUNT_BLOCKS);

	if (result || !others)
		return result;
	return database_damaged(store->database, "%lld blocks are of no run, or not there", (long long)others);
}

int store_check(struct store *store)
{
	int result = database_check(store->database);

	if (!result)
		result = check_blocks(store);
	return result ? result : check_runs(store);
}

int store_set_aside(const char *directory)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/" DATABASE_NAME, directory);
	return damage_set_aside(path);
}

int store_begin(struct store *store)
{
	return database_begin(store->database);
}

int store_begin_durable(struct store *store)
{
	return database_begin_durable(store->database);
}

int store_commit(struct store *store)
{
	int result = store_settle_dirty(store);

	return result ? result : database_commit(store->database);
}

int store_end(struct store *store, int code)
{
	if (!code)
		code = store_commit(store);
	if (code)
		store_rollback(store);
	return code;
}

void store_rollback(struct store *store)
{
	database_rollback(store->database);
	store_forget(store);
}

/* Settings, filesystems, watches */

int store_get_meta(struct store *store, const char *key, int64_t *value)
{
	return GET_NUMBER(store->database, value, GET_META, TEXT(key));
}

int store_set_meta(struct store *store, const char *key, int64_t value)
{
	return RUN(store->database, SET_META, TEXT(key), NUMBER(value));
}

int store_clear_meta(struct store *store, const char *prefix, uint32_t upper)
{
	return RUN(store->database, CLEAR_META, TEXT(prefix), NUMBER(upper));
}

int store_put_filesystem(struct store *store, struct store_filesystem *filesystem, bool *is_new)
{
	int64_t id = 0;
	int result = GET_NUMBER(store->database, &id, FIND_FILESYSTEM, TEXT(filesystem->identity));

	if (result && result != -ENOENT)
		return result;
	*is_new = result == -ENOENT;
	result = RUN(store->database, *is_new ? ADD_FILESYSTEM : SET_FILESYSTEM, TEXT(filesystem->identity),
		     TEXT(filesystem->type), TEXT(filesystem->mount_point), TEXT(filesystem->root),
		     NUMBER(filesystem->device));
	if (result)
		return result;
	filesystem->id = (uint32_t)(*is_new ? database_last_id(store->database) : id);
	return 0;
}

int store_filesystems(struct store *store, int (*each)(const struct store_filesystem *, void *), void *context)
{
	auto_rows struct rows *rows = SELECT(store->database, LIST_FILESYSTEMS);
	int result = 0;

	while (!result && (result = rows_next(rows)) > 0)
		result = each(
			&(struct store_filesystem){
				.id = (uint32_t)rows_number(rows, 0),
				.identity = rows_text(rows, 1),
				.type = rows_text(rows, 2),
				.mount_point = rows_text(rows, 3),
				.root = rows_text(rows, 4),
				.device = (uint32_t)rows_number(rows, 5),
				.walked = rows_number(rows, 6) != 0,
			},
			context);
	return result;
}

int store_set_traced(struct store *store, uint32_t id, bool traced)
{
	return id ? RUN(store->database, TRACE_FILESYSTEM, NUMBER(id), NUMBER(traced))
		  : RUN(store->database, TRACE_NONE);
}

static int keep_watches(struct store *store, const struct store_watch *watches, size_t count, bool *changed)
{
	int64_t others = 0;
	int result = RUN(store->database, FORGET_WATCHES);

	for (size_t i = 0; !result && i < count; i++)
		result = RUN(store->database, KEEP_WATCH, NUMBER(watches[i].filesystem), TEXT(watches[i].path),
			     TEXT(watches[i].host_path));
	if (!result)
		result = GET_NUMBER(store->database, &others, COUNT_OTHER_WATCHES);
	*changed = others != 0;
	return result ? result : RUN(store->database, REMOVE_WATCHES);
}

int store_set_watches(struct store *store, const struct store_watch *watches, size_t count, bool *changed)
{
	bool own;
	int result = database_enter(store->database, &own);

	return result ? result : database_leave(store->database, own, keep_watches(store, watches, count, changed));
}

int store_watches(struct store *store, int (*each)(const struct store_watch *, void *), void *context)
{
	auto_rows struct rows *rows = SELECT(store->database, LIST_WATCHES);
	int result = 0;

	while (!result && (result = rows_next(rows)) > 0)
		result = each(
			&(struct store_watch){
				.filesystem = (uint32_t)rows_number(rows, 0),
				.path = rows_text(rows, 1),
				.host_path = rows_text(rows, 2),
			},
			context);
	return result;
}

/* Windows */

int store_open_window(struct store *store, uint64_t number, int64_t opened)
{
	return RUN(store->database, OPEN_WINDOW, NUMBER(number), NUMBER(opened));
}

int store_close_window(struct store *store, uint64_t number, int64_t closed, uint64_t events)
{
	store->unmerged = number < store->unmerged ? number : store->unmerged;
	return one_changed(store, RUN(store->database, CLOSE_WINDOW, NUMBER(number), NUMBER(closed), NUMBER(events)));
}

int store_describe_window(struct store *store, uint64_t number, uint64_t submitted, const char *coverage)
{
	return one_changed(store,
			   RUN(store->database, DESCRIBE_WINDOW, NUMBER(number), NUMBER(submitted), TEXT(coverage)));
}

int store_set_unsteady(struct store *store, uint64_t first, uint64_t last)
{
	return RUN(store->database, UNSTEADY_WINDOWS, NUMBER(first), NUMBER(last));
}

static struct store_window read_window(struct rows *rows)
{
	return (struct store_window){
		.number = (uint64_t)rows_number(rows, 0),
		.opened = rows_number(rows, 1),
		.closed = rows_number(rows, 2),
		.events = (uint64_t)rows_number(rows, 3),
		.paths = (uint64_t)rows_number(rows, 4),
		.gaps = (uint64_t)rows_number(rows, 5),
		.steady = rows_number(rows, 6),
		.submitted = (uint64_t)rows_number(rows, 7),
		.coverage = rows_text(rows, 8),
	};
}

int store_windows(struct store *store, uint64_t first, uint64_t last, int (*each)(const struct store_window *, void *),
		  void *context)
{
	int result = store_settle_dirty(store);
	auto_rows struct rows *rows = SELECT(store->database, LIST_WINDOWS, NUMBER(first), NUMBER(last_window(last)));

	while (!result && (result = rows_next(rows)) > 0) {
		struct store_window window = read_window(rows);

		result = each(&window, context);
	}
	return result;
}

int store_oldest_open(struct store *store, uint64_t *number)
{
	return GET_NUMBER(store->database, (int64_t *)number, OLDEST_OPEN);
}

int store_last_window(struct store *store, struct store_window *window)
{
	auto_rows struct rows *rows = SELECT(store->database, LAST_WINDOW);
	int result = rows_first(rows);

	if (result)
		return result;
	*window = read_window(rows);
	window->coverage = NULL;
	return 0;
}

/* Jobs */

static struct store_job read_job(struct rows *rows)
{
	struct store_job job = {
		.name = rows_text(rows, 0),
		.cursor = (uint64_t)rows_number(rows, 1),
		.pending = (uint64_t)rows_number(rows, 2),
		.created = rows_number(rows, 3),
		.marked = rows_number(rows, 4),
		.committed = rows_number(rows, 5),
		.since = rows_number(rows, 7),
		.former = (uint64_t)rows_number(rows, 8),
		.owed = (uint64_t)rows_number(rows, 9),
		.base = (uint64_t)rows_number(rows, 10),
		.copied = (enum store_copied)rows_number(rows, 11),
	};

	snprintf(job.fresh, sizeof(job.fresh), "%s", rows_text(rows, 6));
	return job;
}

int store_get_job(struct store *store, const char *name, struct store_job *job)
{
	auto_rows struct rows *rows = SELECT(store->database, GET_JOB, TEXT(name));
	int result = rows_first(rows);

	if (result)
		return result;
	*job = read_job(rows);
	job->name = NULL;
	return 0;
}

int store_mark_job(struct store *store, const char *name, uint64_t pending, int64_t time, enum store_copied copied)
{
	return RUN(store->database, MARK_JOB, TEXT(name), NUMBER(pending), NUMBER(time), TEXT(fresh_word(FRESH_NEW)),
		   NUMBER(copied), TEXT(fresh_word(FRESH_DAMAGED)));
}

uint64_t store_job_first(const struct store_job *job)
{
	return job->owed ? job->owed : job->cursor + 1;
}

static uint64_t random_base(void)
{
	uint64_t base = 0;

	return getrandom(&base, sizeof(base), 0) == sizeof(base) ? base >> 1 | 1 : 1;
}

int store_commit_job(struct store *store, const char *name, int64_t time)
{
	int result = one_changed(store, RUN(store->database, COMMIT_JOB, TEXT(name), NUMBER(time),
					    NUMBER(random_base()), NUMBER(COPIED_PART)));
	struct store_job job;

	if (result != -ENOENT)
		return result;
	result = store_get_job(store, name, &job);
	return result ? result : -ENODATA;
}

int store_make_fresh(struct store *store, const char *name, uint64_t last, const char *reason, int64_t time,
		     uint64_t *count)
{
	int result = RUN(store->database, FRESH_JOBS, TEXT(reason), NUMBER(time), NUMBER(last), TEXT(name));

	*count = result ? 0 : database_changes(store->database);
	return result;
}

int store_count_ahead(struct store *store, uint64_t *count)
{
	return GET_NUMBER(store->database, (int64_t *)count, COUNT_AHEAD);
}

int store_drop_job(struct store *store, const char *name)
{
	return one_changed(store, RUN(store->database, DROP_JOB, TEXT(name)));
}

int store_jobs(struct store *store, int (*each)(const struct store_job *, void *), void *context)
{
	auto_rows struct rows *rows = SELECT(store->database, LIST_JOBS);
	int result = 0;

	while (!result && (result = rows_next(rows)) > 0) {
		struct store_job job = read_job(rows);

		result = each(&job, context);
	}
	return result;
}

/* Upkeep */

static int prune_dirty(struct store *store, int64_t kept)
{
	auto_rows struct rows *rows = SELECT(store->database, LIST_RUNS, NUMBER(0), NUMBER(kept - 1));
	int result;

	while ((result = rows_next(rows)) > 0) {
		struct run run = run_read(rows);

		result = run_remove_blocks(store->database, &run, run.first, run.next);
		if (result)
			return result;
	}
	return result ? result : RUN(store->database, PRUNE_RUNS, NUMBER(kept));
}

static int prune(struct store *store, int64_t older, size_t *removed)
{
	int64_t kept = 0;
	int result = GET_NUMBER(store->database, &kept, FIRST_KEPT, NUMBER(older), NUMBER(INT64_MAX));

	if (!result)
		result = RUN(store->database, PRUNE_WINDOWS, NUMBER(kept));
	if (result)
		return result;
	*removed = database_changes(store->database);
	if (!*removed)
		return 0;
	result = prune_dirty(store, kept);
	if (!result)
		result = RUN(store->database, PRUNE_LINKED, NUMBER(kept));
	if (!result)
		result = RUN(store->database, PRUNE_GAPS, NUMBER(kept));
	if (!result)
		result = RUN(store->database, PRUNE_SCOPE);
	return result;
}

int store_prune(struct store *store, int64_t older, size_t *removed)
{
	bool own;
	int result = database_enter(store->database, &own);

	*removed = 0;
	if (result)
		return result;
	result = store_settle_dirty(store);
	if (!result)
		result = prune(store, older, removed);
	store_forget(store);
	return database_leave(store->database, own, result);
}

int store_closed_before(struct store *store, int64_t time, uint64_t *number)
{
	return GET_NUMBER(store->database, (int64_t *)number, CLOSED_BEFORE, NUMBER(time));
}

int store_oldest_base(struct store *store, uint64_t *base)
{
	return GET_NUMBER(store->database, (int64_t *)base, OLDEST_BASE);
}

int store_used(struct store *store, uint64_t *bytes)
{
	return database_used(store->database, bytes);
}

int store_size(struct store *store, uint64_t *bytes)
{
	return database_size(store->database, bytes);
}
