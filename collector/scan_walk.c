// SPDX-License-Identifier: GPL-2.0
/*
 * Several threads read directories and look at what is in them: a disk that is asked for many inodes at a time finds
 * them sooner. All else is done by one thread at a time.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "path.h"
#include "scan_private.h"
#include "stack.h"

enum { WORKERS = 8 };

struct crew {
	struct scan *scan;
	pthread_mutex_t lock; /* of all that follows, and of the scan */
	pthread_cond_t news;
	struct stack *pending; /* directories */
	unsigned busy;         /* workers that may find more of them */
	int error;             /* the first one; it ends the walk */
	struct worker *workers;
};

struct worker {
	struct crew *crew;
	struct look *look;
	struct bytes path;
	size_t length; /* of the path of the directory that it reads; 0: none */
	struct scan_part part;
	uint64_t passed; /* entries without a look, that are to be counted */
	pthread_t thread;
};

static int take(struct crew *crew, const char *path, size_t length, const struct looked *looked)
{
	int code;

	pthread_mutex_lock(&crew->lock);
	code = crew->error ? crew->error : scan_take(crew->scan, path, length, looked);
	if (!code && S_ISDIR(looked->mode))
		code = stack_push(crew->pending, path, length);
	if (!code && S_ISDIR(looked->mode))
		pthread_cond_signal(&crew->news);
	pthread_mutex_unlock(&crew->lock);
	return code;
}

static int take_failure(const char *path, size_t length, int error, void *context)
{
	struct crew *crew = ((struct worker *)context)->crew;

	pthread_mutex_lock(&crew->lock);
	scan_fail(crew->scan, path, length, error);
	pthread_mutex_unlock(&crew->lock);
	return 0;
}

/* Of a directory nothing but its type is known here. */
static int take_entry(const char *path, size_t length, const struct looked *entry, void *context)
{
	struct worker *worker = context;
	struct looked looked = *entry;
	int code = 0;

	if (S_ISDIR(looked.mode) && scan_wants_directories(worker->crew->scan))
		code = look_at(worker->look, path, length, &looked);
	if (code == -ENOENT)
		return 0;
	if (code)
		take_failure(path, length, code, context);
	return take(worker->crew, path, length, &looked);
}

static int tell_of_inodes(uint64_t count, void *context)
{
	struct crew *crew = context;
	int code;

	pthread_mutex_lock(&crew->lock);
	code = crew->error ? crew->error : scan_is_stopped(crew->scan) ? -EINTR : scan_count(crew->scan, 0, count);
	pthread_mutex_unlock(&crew->lock);
	return code;
}

static int enter(int directory, void *context)
{
	struct worker *worker = context;
	struct scan *scan = worker->crew->scan;

	if (!scan->inodes)
		return 0;
	return scan_inodes_enter(scan, directory, &worker->part, tell_of_inodes, worker->crew);
}

static bool pass_over(uint64_t inode, void *context)
{
	struct worker *worker = context;

	if (!worker->part.is_read || !scan_inodes_passes(worker->crew->scan, inode))
		return false;
	worker->passed++;
	return true;
}

/* The lock is held. */
static int count_passed(struct worker *worker)
{
	uint64_t passed = worker->passed;

	worker->passed = 0;
	return scan_count(worker->crew->scan, passed, 0);
}

/* What lies below a directory that is being read is met again when that is read again. */
static bool is_met_again(const struct crew *crew, const char *path, size_t length)
{
	for (size_t i = 0; i < WORKERS; i++) {
		const struct worker *worker = &crew->workers[i];

		if (worker->length && worker->length < length &&
		    path_is_below(path, length, worker->path.at, worker->length))
			return true;
	}
	return false;
}

static int keep(const char *path, size_t length, void *context)
{
	const struct crew *crew = context;

	return is_met_again(crew, path, length) ? 0 : scan_keep(crew->scan, path, length);
}

/* Of a directory that is being read entries may have been taken; all of it is read again. The lock is held. */
static int save(struct crew *crew)
{
	int code = stack_each(crew->pending, keep, crew);

	for (size_t i = 0; !code && i < WORKERS; i++)
		if (crew->workers[i].length)
			code = keep(crew->workers[i].path.at, crew->workers[i].length, crew);
	return code ? code : scan_save(crew->scan);
}

/* 1: there is a directory to be read; 0: there will be none any more. The lock is held. */
static int next(struct worker *worker)
{
	struct crew *crew = worker->crew;
	int code;

	for (;;) {
		if (crew->error || scan_is_stopped(crew->scan))
			return 0;
		code = stack_pop(crew->pending, &worker->path, &worker->length);
		if (code || !crew->busy)
			return code;
		pthread_cond_wait(&crew->news, &crew->lock);
	}
}

static void end(struct crew *crew, int code)
{
	if (code && !crew->error)
		crew->error = code;
	if (crew->error || !crew->busy)
		pthread_cond_broadcast(&crew->news);
}

static void *work(void *context)
{
	struct worker *worker = context;
	const struct look_visitor visitor = {take_entry, take_failure, worker, enter, pass_over};
	struct crew *crew = worker->crew;
	int code;

	pthread_mutex_lock(&crew->lock);
	while ((code = next(worker)) > 0) {
		crew->busy++;
		pthread_mutex_unlock(&crew->lock);
		code = look_into(worker->look, worker->path.at, worker->length, &visitor);
		pthread_mutex_lock(&crew->lock);
		crew->busy--;
		/* Before its inodes were read to the end. */
		if (code == -EINTR)
			code = stack_push(crew->pending, worker->path.at, worker->length);
		worker->length = 0;
		if (!code)
			code = count_passed(worker);
		if (!code && !crew->error && scan_must_save(crew->scan, crew->pending))
			code = save(crew);
		end(crew, code);
	}
	end(crew, code);
	pthread_mutex_unlock(&crew->lock);
	return NULL;
}

static int hire(struct worker *worker, struct crew *crew)
{
	int code = look_new(&worker->look);

	worker->crew = crew;
	return code ? code : look_set_mount(worker->look, &crew->scan->view.mount);
}

static int walk(struct crew *crew)
{
	struct worker workers[WORKERS] = {0};
	size_t begun = 0;
	int code = 0;

	crew->workers = workers;
	for (size_t i = 0; !code && i < WORKERS; i++)
		code = hire(&workers[i], crew);
	while (!code && begun < WORKERS && !pthread_create(&workers[begun].thread, NULL, work, &workers[begun]))
		begun++;
	if (!code && !begun)
		work(&workers[0]);
	for (size_t i = 0; i < begun; i++)
		pthread_join(workers[i].thread, NULL);
	for (size_t i = 0; i < WORKERS; i++) {
		look_free(workers[i].look);
		free(workers[i].path.at);
	}
	return code ? code : crew->error;
}

int scan_walk(struct scan *scan, struct stack *directories)
{
	struct crew crew = {
		.scan = scan,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.news = PTHREAD_COND_INITIALIZER,
		.pending = directories,
	};
	int code = walk(&crew);

	return code ? code : stack_move(directories, scan->rest);
}

int scan_walk_below(struct scan *scan, const char *path, size_t length)
{
	struct stack *directories = NULL;
	int code = stack_new(&directories);

	if (!code)
		code = stack_push(directories, path, length);
	if (!code)
		code = scan_walk(scan, directories);
	stack_free(directories);
	return code;
}
