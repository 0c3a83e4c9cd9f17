// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "jobs.h"
#include "moment.h"
#include "retention.h"
#include "sentence.h"

static const char *job_name(const json_t *request, char **error)
{
	const char *name = json_string_value(json_object_get(request, "job"));

	if (!name || !*name)
		sentence(error, 0, "the request names no job");
	return name && *name ? name : NULL;
}

static json_t *fail_store(const struct collector *collector, const char *what, char **error)
{
	sentence(error, 0, "%s: %s", what, store_error(collector->store));
	return NULL;
}

/* A cut; the closed window becomes the job's pending position with it, or by "pend" when its list has been written. */
static json_t *cut(struct collector *collector, const char *name, bool mark, char **error)
{
	struct store_job job = {0};
	uint64_t window;

	if (window_cut(collector, mark ? name : NULL, &window, error))
		return NULL;
	store_get_job(collector->store, name, &job);
	return json_pack("{s:I, s:b, s:I, s:s, s:I, s:I}", "window", (json_int_t)window, "fresh", job.cursor == 0,
			 "cursor", (json_int_t)job.cursor, "fresh_reason", job.fresh, "fresh_since",
			 (json_int_t)job.since, "first", (json_int_t)store_job_first(&job));
}

json_t *jobs_mark(struct collector *collector, const json_t *request, char **error)
{
	const char *name = job_name(request, error);

	return name ? cut(collector, name, true, error) : NULL;
}

/*
 * For a list: a fresh job gets none, its backup is of what is there now. One that may be under way began at the window
 * that is pending: what changed since then may have been copied before.
 */
json_t *jobs_cut(struct collector *collector, const json_t *request, char **error)
{
	const char *name = job_name(request, error);
	const char *base = json_string_value(json_object_get(request, "base"));
	struct store_job job = {0};
	uint64_t count;
	int code;

	if (!name)
		return NULL;
	code = store_get_job(collector->store, name, &job);
	if (code && code != -ENOENT)
		return fail_store(collector, "the job cannot be read", error);
	if (job.cursor && base && strtoull(base, NULL, 16) != job.base) {
		if (store_make_fresh(collector->store, name, INT64_MAX, fresh_word(FRESH_OTHER_BASE),
				     moment_now() / NANOSECONDS, &count))
			return fail_store(collector, "the job cannot be made fresh", error);
		job.cursor = job.pending = 0;
	}
	return cut(collector, name, job.cursor == 0 && job.pending == 0, error);
}

/* Whoever was told that it is done may rely on it after a power cut as well. */
static int pend(struct store *store, const char *name, uint64_t window, enum store_copied copied)
{
	int code = store_begin_durable(store);

	if (!code)
		code = store_mark_job(store, name, window, moment_now() / NANOSECONDS, copied);
	return store_end(store, code);
}

json_t *jobs_pend(struct collector *collector, const json_t *request, char **error)
{
	const char *name = job_name(request, error);
	json_int_t window = json_integer_value(json_object_get(request, "window"));
	struct store_job job = {0};
	int code;

	if (!name)
		return NULL;
	code = store_get_job(collector->store, name, &job);
	if (code || !job.cursor || window <= (json_int_t)job.cursor || window >= (json_int_t)collector->closing) {
		sentence(error, 0, "window %lld cannot be pending for job %s", (long long)window, name);
		return NULL;
	}
	code = pend(collector->store, name, window,
		    json_is_true(json_object_get(request, "incomplete")) ? COPIED_PART : COPIED_LIST);
	return code ? fail_store(collector, "the pending window of the job cannot be stored", error) : json_object();
}

static bool is_full(const struct store_job *job, bool whole)
{
	return whole || !job->cursor || job->copied == COPIED_ALL;
}

static int commit_job(struct collector *collector, const char *name, struct store_job *job, bool whole)
{
	struct store *store = collector->store;
	uint64_t pending = job->pending;
	bool left_out = is_full(job, whole);
	int code = store_begin_durable(store);

	if (!code && whole && pending)
		code = store_mark_job(store, name, pending, job->marked, COPIED_ALL);
	if (!code)
		code = store_commit_job(store, name, moment_now() / NANOSECONDS);
	if (!code && left_out)
		code = seals_leave_out(collector, pending);
	if (!code)
		code = store_get_job(store, name, job);
	return store_end(store, code);
}

json_t *jobs_commit(struct collector *collector, const json_t *request, char **error)
{
	const char *name = job_name(request, error);
	json_int_t expected = json_integer_value(json_object_get(request, "window"));
	bool whole = json_is_true(json_object_get(request, "whole"));
	struct store_job job = {0};
	char base[2 * sizeof(job.base) + 1];
	int code;

	if (!name)
		return NULL;
	code = store_get_job(collector->store, name, &job);
	if (!code && expected && job.pending && expected != (json_int_t)job.pending) {
		sentence(error, 0, "job %s has window %llu pending, not %lld; nothing is committed", name,
			 (unsigned long long)job.pending, (long long)expected);
		return NULL;
	}
	/* What went a moment ago is not mounted. */
	if (!code && is_full(&job, whole) && collector_follow_mounts(collector)) {
		sentence(error, 0, "the commit failed: the mount table cannot be followed");
		return NULL;
	}
	if (!code)
		code = commit_job(collector, name, &job, whole);
	if (code == -ENOENT)
		sentence(error, 0, "there is no job %s; 'fschanged jobs' lists them", name);
	else if (code == -ENODATA)
		sentence(error, 0, "job %s has nothing pending to commit: run 'fschanged dump' or 'mark' first", name);
	else if (code)
		sentence(error, 0, "the commit failed: %s", store_error(collector->store));
	if (code)
		return NULL;
	retention_prune(collector);
	snprintf(base, sizeof(base), "%016" PRIx64, job.base);
	return json_pack("{s:I, s:s, s:I}", "cursor", (json_int_t)job.cursor, "base", base, "owed",
			 (json_int_t)job.owed);
}

static int drop_job(struct store *store, const char *name)
{
	int code = store_begin_durable(store);

	if (!code)
		code = store_drop_job(store, name);
	return store_end(store, code);
}

json_t *jobs_drop(struct collector *collector, const json_t *request, char **error)
{
	const char *name = job_name(request, error);
	int code;

	if (!name)
		return NULL;
	code = drop_job(collector->store, name);
	if (code == -ENOENT)
		sentence(error, 0, "there is no job %s; 'fschanged jobs' lists them", name);
	else if (code)
		sentence(error, 0, "the job cannot be dropped: %s", store_error(collector->store));
	if (code)
		return NULL;
	retention_prune(collector);
	return json_object();
}
