// SPDX-License-Identifier: GPL-2.0
/* Records stay in the ring until their transaction is committed: whoever dies before finds them again. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "collector.h"
#include "directory.h"
#include "stand_ins.h"

/* In place of the ring: one record. */
static struct {
	struct event event;
	char path[4];
} record;
static bool is_taken;

static uint64_t taken_until;

/* What happened, in order: 'c' a commit, 'f' one that failed, 'r' the ring was released. */
static char order[16];
static int commit_result;

static char directory[DIRECTORY_BYTES];

static void note(char what)
{
	order[strlen(order)] = what;
}

uint64_t __wrap_tracer_produced(const struct tracer *tracer)
{
	(void)tracer;
	return 1;
}

uint64_t __wrap_tracer_consumed(const struct tracer *tracer)
{
	(void)tracer;
	return is_taken;
}

const struct event *__wrap_tracer_next(struct tracer *tracer)
{
	(void)tracer;
	is_taken = true;
	return &record.event;
}

void __wrap_tracer_release(struct tracer *tracer, bool keep_last)
{
	(void)tracer;
	assert_false(keep_last);
	note('r');
}

void __wrap_tracer_position(const struct tracer *tracer, bool keep_last, uint64_t *ring, uint64_t *position)
{
	(void)tracer;
	(void)keep_last;
	*ring = 1;
	*position = taken_until;
}

int __real_store_end(struct store *store, int code);

int __wrap_store_end(struct store *store, int code)
{
	note(commit_result ? 'f' : 'c');
	return __real_store_end(store, code ? code : commit_result);
}

static int set_up(void **state)
{
	static struct collector collector;
	struct store_filesystem filesystem = {.identity = "one", .type = "ext4", .mount_point = "/", .root = "/"};
	bool is_new;

	directory_make(directory, "/tmp");
	record.event = (struct event){
		.kind = EVENT_PATH,
		.operation = OPERATION_SETATTR,
		.epoch = 1,
		.device = 5,
		.inode = 9,
		.links = 1,
		.mode = S_IFREG | 0600,
		.path_bytes = 2,
	};
	memcpy(record.path, "a/", 2);
	is_taken = false;
	taken_until = 1;
	losses_result = 0;
	commit_result = 0;
	memset(order, 0, sizeof(order));
	collector = (struct collector){.window = 1, .closing = 1};
	assert_int_equal(store_open(&collector.store, directory, STORE_WRITE), 0);
	assert_int_equal(store_open_window(collector.store, 1, 1), 0);
	assert_int_equal(store_put_filesystem(collector.store, &filesystem, &is_new), 0);
	collector.batch = batch_new(1024, 256, 1 << 20);
	collector.link_feed = link_feed_new();
	memset(order, 0, sizeof(order));
	*state = &collector;
	return 0;
}

static int tear_down(void **state)
{
	struct collector *collector = *state;

	batch_free(collector->batch);
	link_feed_free(collector->link_feed);
	store_close(collector->store);
	directory_remove(directory);
	return 0;
}

static int count_path(const struct dirty *entry, void *context)
{
	assert_int_equal(entry->path_length, 2);
	assert_memory_equal(entry->path, "/a", 2);
	++*(unsigned *)context;
	return 0;
}

static unsigned paths(struct collector *collector)
{
	unsigned count = 0;

	assert_int_equal(store_union(collector->store, 1, 1, count_path, &count), 0);
	return count;
}

static void released_after_the_commit(void **state)
{
	assert_int_equal(collector_collect(*state, true), 0);
	assert_string_equal(order, "cr");
	assert_int_equal(paths(*state), 1);
}

static void kept_while_commits_fail(void **state)
{
	commit_result = -EIO;
	assert_int_equal(collector_collect(*state, true), -EIO);
	assert_int_equal(collector_collect(*state, true), -EIO);
	assert_string_equal(order, "ff");
	assert_int_equal(paths(*state), 0);
	commit_result = 0;
	assert_int_equal(collector_collect(*state, true), 0);
	assert_string_equal(order, "ffcr");
	assert_int_equal(paths(*state), 1);
}

/* By that it is told from an older copy, so also where nothing of what was taken is kept. */
static void store_knows_what_was_taken(void **state)
{
	assert_int_equal(collector_collect(*state, true), 0);
	assert_int_equal(collector_flush(*state), 0);
	assert_string_equal(order, "crr");
	taken_until = 2;
	commit_result = -EIO;
	assert_int_equal(collector_flush(*state), -EIO);
	commit_result = 0;
	assert_int_equal(collector_flush(*state), 0);
	assert_string_equal(order, "crrfcr");
}

static void losses_begin_with_the_last_flush_that_told_them(void **state)
{
	struct collector *collector = *state;
	int64_t alive = 0, before;

	assert_int_equal(collector_collect(collector, true), 0);
	before = collector->flushed;
	assert_true(before > 0);
	losses_result = -ENOSPC;
	taken_until = 2;
	collector->reached = INT64_MAX;
	assert_int_equal(collector_flush(collector), -ENOSPC);
	assert_int_equal(collector->flushed, before);
	assert_int_equal(store_get_meta(collector->store, "alive", &alive), 0);
	assert_int_equal(alive, before);
	losses_result = 0;
	assert_int_equal(collector_flush(collector), 0);
	assert_true(collector->flushed > before);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(released_after_the_commit),
		TEST(kept_while_commits_fail),
		TEST(store_knows_what_was_taken),
		TEST(losses_begin_with_the_last_flush_that_told_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
