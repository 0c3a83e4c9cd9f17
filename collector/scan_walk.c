// SPDX-License-Identifier: GPL-2.0
/*
 * Several threads read directories and look at what is in them: a disk that is asked for many inodes at a time finds
 * them sooner. All else is done by one thread at a time.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>

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
};

struct worker {
	struct crew *crew;
	struct look *look;
	struct bytes path;
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
	code = crew->error ? crew->error : scan_count(crew->scan, 0, count);
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

/* 1: there is a directory to be read; 0: there will be none any more. The lock is held. */
static int next(struct worker *worker, size_t *length)
{
	struct crew *crew = worker->crew;
	int code;

	for (;;) {
		code = crew->error ? 0 : stack_pop(crew->pending, &worker->path, length);
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
	size_t length;
	int code;

	pthread_mutex_lock(&crew->lock);
	while ((code = next(worker, &length)) > 0) {
		crew->busy++;
		pthread_mutex_unlock(&crew->lock);
		code = look_into(worker->look, worker->path.at, length, &visitor);
		pthread_mutex_lock(&crew->lock);
		crew->busy--;
		end(crew, code ? code : count_passed(worker));
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

int scan_walk_below(struct scan *scan, const char *path, size_t length)
{
	struct crew crew = {.scan = scan, .lock = PTHREAD_MUTEX_INITIALIZER, .news = PTHREAD_COND_INITIALIZER};
	int code = stack_new(&crew.pending);

	if (!code)
		code = stack_push(crew.pending, path, length);
	if (!code)
		code = walk(&crew);
	stack_free(crew.pending);
	return code;
}
