// SPDX-License-Identifier: GPL-2.0
/* The scan of one filesystem, from its begin to its end. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base64.h"
#include "moment.h"
#include "path.h"
#include "scan_private.h"
#include "sentence.h"

enum {
	BUSY_PAUSE = 1,         /* seconds between attempts while somebody else walks */
	BEGIN_TRIES = 3,        /* while mounts of the filesystem come or go */
	SETTLE_PAUSE = 1,       /* seconds: a rename whose record came before the walk began is done by then */
	MOVE_PAUSES = 20,       /* a rename whose record has come is done after so many, or will not be */
	MOVE_PAUSE = 50 * 1000, /* microseconds */
};

static int add_roots(struct scan *scan, uint32_t device)
{
	int code = 0;

	for (size_t i = 0; !code && i < scan->mounts.count; i++) {
		const struct mount *mount = &scan->mounts.rows[i];

		if (mount->device == device && scan_is_root(scan, i))
			code = stack_push(scan->rest, mount->root, strlen(mount->root));
	}
	return code;
}

/* What has gone from there since another scan left it has moved, or was removed. */
static int begin_below(struct scan *scan, const char *path, size_t length, struct stack *directories)
{
	struct looked looked = {.mode = S_IFDIR};
	int code = look_at(scan->look, path, length, &looked);

	if (code == -ENOENT)
		return 0;
	if (code) {
		scan_fail(scan, path, length, code);
		return 0;
	}
	if (S_ISDIR(looked.mode))
		code = scan_take(scan, path, length, &looked);
	return code ? code : stack_push(directories, path, length);
}

/* Moves what the view shows of the rest to the directories. */
static int take_shown(struct scan *scan, struct stack *directories)
{
	const char *root = scan->view.mount.root;
	struct bytes path = {0};
	struct stack *others = NULL;
	size_t length;
	int code = stack_new(&others), more = 0;

	while (!code && (more = stack_pop(scan->rest, &path, &length)) > 0)
		code = path_is_below(path.at, length, root, strlen(root))
			       ? begin_below(scan, path.at, length, directories)
			       : stack_push(others, path.at, length);
	if (!code)
		code = more;
	if (!code)
		code = stack_move(others, scan->rest);
	stack_free(others);
	free(path.at);
	return code;
}

static int walk_rest(struct scan *scan, const void *context)
{
	struct stack *directories = NULL;
	int code = stack_new(&directories);

	(void)context;
	if (!code)
		code = take_shown(scan, directories);
	if (!code)
		code = scan_walk(scan, directories);
	stack_free(directories);
	return code;
}

static int fail_unseen(const char *path, size_t length, void *context)
{
	scan_fail(context, path, length, -EXDEV);
	return 0;
}

/* Each root of the filesystem, or what another scan has left of them. */
static int walk_all(struct scan *scan, uint32_t device, bool goes_on)
{
	int code = goes_on ? scan_go_on(scan) : add_roots(scan, device);

	if (!code)
		code = scan_each_root(scan, device, walk_rest, NULL);
	/* A root of which each mount is covered was told already. */
	if (!code && !scan->failed && !scan_is_stopped(scan))
		code = stack_each(scan->rest, fail_unseen, scan);
	if (scan->failed)
		stack_clear(scan->rest);
	return code ? code : scan_send_found(scan);
}

/* Directories that moved meanwhile */

struct moved {
	const char *path;
	size_t length;
	uint64_t inode;
	bool settled;
};

/* The record comes before the rename is done. One that fails, or whose directory went on, leaves nothing to be seen. */
static int walk_moved(struct scan *scan, const void *context)
{
	const struct moved *moved = context;
	struct looked looked;
	int code;

	if (!path_is_below(moved->path, moved->length, scan->view.mount.root, strlen(scan->view.mount.root)))
		return 0;
	for (int i = 0; i < MOVE_PAUSES; i++) {
		code = look_at(scan->look, moved->path, moved->length, &looked);
		if (!code && (!moved->inode || looked.inode == moved->inode))
			return scan_walk_below(scan, moved->path, moved->length);
		if (moved->settled)
			break;
		usleep(MOVE_PAUSE);
		code = scan_look_anew(scan);
		if (code)
			return code;
	}
	return 0;
}

/* 1: there was one. */
static int take_moved(struct scan *scan, uint32_t device)
{
	struct moved moved = {0};
	const char *encoded;
	json_t *answer;
	char *path;
	int code = scan_ask(scan, json_pack("{s:s}", "step", "moved"), &answer);

	if (code)
		return code;
	encoded = json_string_value(json_object_get(answer, "path"));
	moved.inode = (uint64_t)json_integer_value(json_object_get(answer, "inode"));
	moved.settled = json_is_true(json_object_get(answer, "settled"));
	scan->can_go_on &= !encoded;
	path = encoded ? base64_decode(encoded, &moved.length) : NULL;
	moved.path = path;
	if (encoded)
		code = path ? scan_each_root(scan, device, walk_moved, &moved) : -ENOMEM;
	if (encoded && !code)
		code = 1;
	free(path);
	json_decref(answer);
	return code;
}

static bool is_unread(const struct scan *scan)
{
	return scan_is_stopped(scan) || !stack_is_empty(scan->rest);
}

/* Nothing may be left to be read then. */
static int end_walk(struct scan *scan, uint32_t device, bool *more)
{
	json_t *answer;
	int code;

	do {
		code = take_moved(scan, device);
	} while (code > 0 && !is_unread(scan));
	if (code >= 0 && is_unread(scan))
		return 0;
	if (!code)
		code = scan_send_found(scan);
	if (!code)
		code = scan_ask(scan, json_pack("{s:s}", "step", scan->failed ? "abandon" : "end"), &answer);
	if (code)
		return code;
	*more = json_is_true(json_object_get(answer, "more"));
	json_decref(answer);
	return 0;
}

/* A filesystem */

static uint64_t number(const json_t *answer, const char *what)
{
	return (uint64_t)json_integer_value(json_object_get(answer, what));
}

static void read_begin(struct scan *scan, const json_t *answer)
{
	struct scan_progress *progress = &scan->progress;
	const json_t *since = json_object_get(answer, "since");

	scan->since = since ? json_integer_value(since) : INT64_MAX;
	progress->gaps = number(answer, "gaps");
	progress->entries = progress->before = number(answer, "entries");
	progress->changed = number(answer, "changed");
	progress->directories = number(answer, "directories");
	progress->names = number(answer, "names");
}

static int read_mounts(struct scan *scan, uint32_t device)
{
	int code;

	mounts_free(&scan->mounts);
	code = mounts_read(&scan->mounts, NULL);
	if (!code)
		scan->hash = scan_hash_mounts(&scan->mounts, device);
	return code;
}

/* 1: somebody else is walking. */
static int try_to_begin(struct scan *scan, json_int_t id, uint32_t device, uint64_t mounts, bool *goes_on)
{
	json_t *answer;
	bool busy;
	int code =
		scan_ask(scan,
			 json_pack("{s:s, s:I, s:I, s:b, s:I}", "step", "begin", "filesystem", id, "device",
				   (json_int_t)device, "gaps", !scan->options->new_only, "mounts", (json_int_t)mounts),
			 &answer);

	if (code)
		return code;
	busy = json_is_true(json_object_get(answer, "busy"));
	*goes_on = json_is_true(json_object_get(answer, "goes_on"));
	read_begin(scan, answer);
	json_decref(answer);
	return busy;
}

/* What the collector compares are the mounts through which it is walked. -EAGAIN: one has come or gone meanwhile. */
static int begin_and_settle(struct scan *scan, json_int_t id, uint32_t device, bool can_go_on, bool *goes_on)
{
	uint64_t mounts;
	int code = read_mounts(scan, device);

	mounts = can_go_on ? scan->hash : 0;
	if (!code)
		code = try_to_begin(scan, id, device, mounts, goes_on);
	if (code < 0)
		return code;
	sleep(code ? BUSY_PAUSE : SETTLE_PAUSE);
	if (code)
		return -EBUSY;
	code = read_mounts(scan, device);
	scan->saved = can_go_on ? moment_now() : 0;
	if (code || !mounts || scan->hash == mounts)
		return code;
	code = scan_tell(scan, json_pack("{s:s}", "step", "abandon"));
	return code ? code : -EAGAIN;
}

/* Where mounts come and go all the time the walk is one that cannot go on. */
static int begin_walk(struct scan *scan, json_int_t id, uint32_t device, bool *goes_on)
{
	unsigned tries = scan->options->new_only || scan->options->anew ? 0 : BEGIN_TRIES;
	int code;

	do {
		if (scan_is_stopped(scan))
			return sentence(scan->error, -EINTR, "the scan was stopped");
		code = begin_and_settle(scan, id, device, tries > 0, goes_on);
		tries -= code == -EAGAIN;
	} while (code == -EAGAIN || code == -EBUSY);
	return code ? code : scan_learn_wanted(scan);
}

/* *scan->error is a sentence. */
static int stop(struct scan *scan)
{
	int code = scan_save(scan);

	if (code)
		return code;
	return sentence(scan->error, -EINTR, "the scan was stopped; the next one %s",
			scan->can_go_on ? "goes on from there" : "begins anew");
}

/* Those that are read from now on, after the cut. */
static void read_inodes_of(struct scan *scan, uint32_t device)
{
	const struct mount *mount = mounts_find_device(&scan->mounts, device, NULL);

	scan_inodes_free(scan->inodes);
	scan->inodes = mount ? scan_inodes_new(mount->type) : NULL;
}

int scan_filesystem(struct scan *scan, const json_t *filesystem)
{
	uint32_t device = (uint32_t)json_integer_value(json_object_get(filesystem, "device"));
	json_int_t id = json_integer_value(json_object_get(filesystem, "id"));
	bool more = true, goes_on = false;
	int code;

	scan->progress = (struct scan_progress){
		.mount_point = json_string_value(json_object_get(filesystem, "mount_point")),
		.started = moment_now(),
	};
	scan->failed = scan->can_go_on = false;
	stack_clear(scan->rest);
	code = begin_walk(scan, id, device, &goes_on);
	if (!code)
		read_inodes_of(scan, device);
	if (!code)
		code = walk_all(scan, device, goes_on);
	while (!code && more)
		code = is_unread(scan) ? stop(scan) : end_walk(scan, device, &more);
	if (code)
		return code;
	if (!scan->failed)
		json_array_append_new(scan->scanned, json_integer(id));
	scan->progress.done = true;
	scan->progress.complete = !scan->failed;
	if (scan->options->progress)
		scan->options->progress(&scan->progress, scan->options->context);
	return 0;
}
