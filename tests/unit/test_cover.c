// SPDX-License-Identifier: GPL-2.0
/* What a scan covers, and what it leaves a gap. */
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
#include "moment.h"
#include "stand_ins.h"
#include "walk.h"

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

enum { OPEN = 5, DEVICE = 8 << 20, START = 1000, MANY = 6000, LONG = 400 };

struct fixture {
	char directory[DIRECTORY_BYTES];
	struct collector collector;
	struct covered rows[2];
	struct mount mount;
};

int __wrap_collector_enter_loops(struct collector *collector)
{
	(void)collector;
	return 0;
}

/* A window is closed, the next one opens. */
int __wrap_window_cut(struct collector *collector, const char *job, uint64_t *closed, char **error)
{
	(void)job;
	(void)error;
	*closed = collector->window++;
	return store_open_window(collector->store, collector->window, collector->window * START * NANOSECONDS);
}

int __wrap_collector_collect(struct collector *collector, bool at_once)
{
	(void)collector;
	(void)at_once;
	return 0;
}

static void put_filesystem(struct fixture *fixture, size_t index, const char *identity)
{
	struct store_filesystem filesystem = {.identity = identity, .type = "ext4", .mount_point = "/", .root = "/"};
	struct covered *row = &fixture->rows[index];
	bool is_new;

	assert_int_equal(store_put_filesystem(fixture->collector.store, &filesystem, &is_new), 0);
	assert_int_equal(store_set_traced(fixture->collector.store, filesystem.id, true), 0);
	*row = (struct covered){.device = DEVICE + index, .id = filesystem.id};
}

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct collector *collector = &fixture->collector;

	directory_make(fixture->directory, "/tmp");
	assert_int_equal(store_open(&collector->store, fixture->directory, STORE_WRITE), 0);
	put_filesystem(fixture, 0, "one");
	put_filesystem(fixture, 1, "two");
	fixture->mount = (struct mount){.mount_point = "/", .root = "/", .type = "ext4", .device = DEVICE};
	collector->coverage = (struct coverage){
		.rows = fixture->rows,
		.count = 2,
		.mounts = {.rows = &fixture->mount, .count = 1},
	};
	for (uint64_t number = 1; number <= OPEN; number++)
		assert_int_equal(store_open_window(collector->store, number, (int64_t)number * START * NANOSECONDS), 0);
	collector->window = collector->closing = OPEN;
	cover_forget(collector);
	entered = 0;
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	cover_forget(&fixture->collector);
	store_close(fixture->collector.store);
	directory_remove(fixture->directory);
	free(fixture);
	return 0;
}

static void add_gap(struct fixture *fixture, uint64_t first, uint64_t last, enum gap_reason reason, uint32_t filesystem)
{
	const struct store_gap gap = {
		.filesystem = filesystem,
		.first = first,
		.last = last,
		.started = START * NANOSECONDS,
		.ended = START * NANOSECONDS,
		.reason = gap_word(reason),
	};

	assert_int_equal(store_add_gap(fixture->collector.store, &gap), 0);
}

static void begin(struct fixture *fixture)
{
	char *error = NULL;

	fixture->collector.walking = fixture->rows[0].id;
	assert_int_equal(cover_begin(&fixture->collector, fixture->rows[0].id, &error), 0);
	assert_null(error);
}

static void find(struct fixture *fixture, const char *path, int64_t changed, uint32_t mode)
{
	const struct covered_entry entry = {.changed = changed, .mode = mode, .length = (uint16_t)strlen(path)};
	char bytes[256];

	memcpy(bytes, &entry, sizeof(entry));
	memcpy(bytes + sizeof(entry), path, strlen(path));
	assert_int_equal(store_begin(fixture->collector.store), 0);
	assert_int_equal(cover_take(&fixture->collector, bytes, sizeof(entry) + strlen(path)), 0);
	assert_int_equal(store_commit(fixture->collector.store), 0);
}

static void end(struct fixture *fixture)
{
	assert_int_equal(store_begin_durable(fixture->collector.store), 0);
	assert_int_equal(cover_end(&fixture->collector), 0);
	assert_int_equal(store_commit(fixture->collector.store), 0);
}

static int count_open(const struct store_gap *gap, void *context)
{
	*(unsigned *)context += !gap->repaired;
	return 0;
}

static unsigned gaps_left(struct fixture *fixture)
{
	unsigned count = 0;

	assert_int_equal(store_gaps(fixture->collector.store, 1, 0, count_open, &count), 0);
	return count;
}

struct search {
	const char *path;
	struct dirty_facts facts;
	bool found;
};

static int look(const struct dirty *entry, void *context)
{
	struct search *search = context;

	if (entry->path_length != strlen(search->path) || memcmp(entry->path, search->path, entry->path_length) != 0)
		return 0;
	search->found = true;
	search->facts = entry->facts;
	return 0;
}

static struct search row(struct fixture *fixture, uint64_t window, const char *path)
{
	struct search search = {.path = path};

	assert_int_equal(store_union(fixture->collector.store, window, window, look, &search), 0);
	return search;
}

static void test_by_time(void **state)
{
	struct fixture *fixture = *state;
	struct search found;

	add_gap(fixture, 2, 2, GAP_FTRACE, fixture->rows[0].id);
	begin(fixture);
	assert_true(fixture->collector.cover.since < START * NANOSECONDS);
	assert_true(fixture->collector.cover.since > (START - 60) * NANOSECONDS);
	assert_int_equal(entered, 1);
	find(fixture, "/changed", START * NANOSECONDS, S_IFREG);
	find(fixture, "/rounded", (START - 1) * NANOSECONDS, S_IFREG);
	find(fixture, "/old", (START - 100) * NANOSECONDS, S_IFREG);
	find(fixture, "/directory", START * NANOSECONDS, S_IFDIR);
	assert_int_equal(gaps_left(fixture), 1);
	end(fixture);
	assert_int_equal(gaps_left(fixture), 0);
	found = row(fixture, 2, "/changed");
	/* Something tells the refinement that more is not known. */
	assert_true(found.found && found.facts.flags == DIRTY_FOUND && !found.facts.was);
	assert_true(row(fixture, 2, "/rounded").found);
	assert_false(row(fixture, 2, "/old").found);
	assert_false(row(fixture, 2, "/").found);
	assert_false(row(fixture, 3, "/changed").found);
	found = row(fixture, 2, "/directory");
	assert_true(found.found && found.facts.flags & DIRTY_EXPAND);
	assert_int_equal(found.facts.was, 1U << (S_IFDIR >> 12));
}

static void expect_whole(struct fixture *fixture, uint64_t window)
{
	struct search found;

	begin(fixture);
	assert_true(fixture->collector.cover.since == INT64_MAX);
	end(fixture);
	assert_int_equal(gaps_left(fixture), 0);
	found = row(fixture, window, "/");
	assert_true(found.found && found.facts.was && found.facts.flags & DIRTY_EXPAND);
}

static int count_many(const struct dirty *entry, void *context)
{
	*(unsigned *)context += entry->path_length > 5 && memcmp(entry->path, "/many", 5) == 0;
	return 0;
}

/* More than are put together at once: each is there. */
static void test_many_in_a_request(void **state)
{
	struct fixture *fixture = *state;
	struct covered_entry entry = {.changed = START * NANOSECONDS, .mode = S_IFREG};
	char *bytes = NULL, path[LONG];
	size_t size = 0;
	FILE *request = open_memstream(&bytes, &size);
	unsigned found = 0;

	add_gap(fixture, 2, 2, GAP_FTRACE, fixture->rows[0].id);
	begin(fixture);
	for (int i = 0; i < MANY; i++) {
		entry.length = (uint16_t)snprintf(path, sizeof(path), "/many%0*d", i < MANY / 2 ? 5 : LONG / 2, i);
		fwrite(&entry, sizeof(entry), 1, request);
		fwrite(path, entry.length, 1, request);
	}
	fclose(request);
	assert_int_equal(store_begin(fixture->collector.store), 0);
	assert_int_equal(cover_take(&fixture->collector, bytes, size), 0);
	assert_int_equal(store_commit(fixture->collector.store), 0);
	free(bytes);
	assert_int_equal(store_union(fixture->collector.store, 2, 2, count_many, &found), 0);
	assert_int_equal(found, MANY);
}

static void test_reason_by_whole(void **state)
{
	add_gap(*state, 2, 2, GAP_MOUNTED, ((struct fixture *)*state)->rows[0].id);
	expect_whole(*state, 2);
}

static void test_over_a_cut(void **state)
{
	add_gap(*state, 2, 3, GAP_FTRACE, ((struct fixture *)*state)->rows[0].id);
	expect_whole(*state, 2);
	assert_true(row(*state, 3, "/").found);
}

static void test_clock_was_set(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(store_set_unsteady(fixture->collector.store, 4, 4), 0);
	add_gap(fixture, 2, 2, GAP_FTRACE, fixture->rows[0].id);
	expect_whole(fixture, 2);
}

static void test_times_that_are_not_believed(void **state)
{
	struct fixture *fixture = *state;

	fixture->mount.type = "vfat";
	add_gap(fixture, 2, 2, GAP_FTRACE, fixture->rows[0].id);
	expect_whole(fixture, 2);
}

/* It may go on: the window that the scan's own cut opens, and what comes while it walks. */
static void test_open_window(void **state)
{
	struct fixture *fixture = *state;

	add_gap(fixture, OPEN, OPEN + 1, GAP_FTRACE, fixture->rows[0].id);
	begin(fixture);
	assert_int_equal(fixture->collector.window, OPEN + 1);
	assert_int_equal(fixture->collector.cover.count, 0);
	add_gap(fixture, OPEN, OPEN, GAP_FTRACE, fixture->rows[0].id);
	end(fixture);
	assert_int_equal(gaps_left(fixture), 2);
}

static void test_each_filesystem(void **state)
{
	struct fixture *fixture = *state;

	add_gap(fixture, 2, 2, GAP_FTRACE, STORE_ALL_FILESYSTEMS);
	begin(fixture);
	end(fixture);
	assert_int_equal(gaps_left(fixture), 1);
	begin(fixture);
	assert_int_equal(fixture->collector.cover.count, 0);
	fixture->collector.walking = fixture->rows[1].id;
	fixture->collector.cover.count = 0;
	assert_int_equal(cover_begin(&fixture->collector, fixture->rows[1].id, &(char *){NULL}), 0);
	end(fixture);
	assert_int_equal(gaps_left(fixture), 0);
}

/* A filesystem that the store does not know cannot be walked. */
static void test_unknown_filesystem(void **state)
{
	struct fixture *fixture = *state;

	add_gap(fixture, 2, 2, GAP_NOT_TRACEABLE, STORE_UNKNOWN_FILESYSTEM);
	begin(fixture);
	end(fixture);
	assert_int_equal(gaps_left(fixture), 1);
}

/* What came while nobody traced is in the scope of that gap. */
static void test_widened(void **state)
{
	struct fixture *fixture = *state;
	struct store *store = fixture->collector.store;

	assert_int_equal(store_set_traced(store, fixture->rows[1].id, false), 0);
	add_gap(fixture, OPEN, OPEN, GAP_NOT_TRACED, STORE_ALL_FILESYSTEMS);
	assert_int_equal(store_set_traced(store, fixture->rows[1].id, true), 0);
	assert_int_equal(store_widen_gaps(store, OPEN), 0);
	begin(fixture);
	end(fixture);
	assert_int_equal(gaps_left(fixture), 1);
}

static json_t *begin_walk(struct fixture *fixture, bool gaps, uint32_t device, char **error)
{
	json_t *request = json_pack("{s:s, s:b, s:I, s:I}", "step", "begin", "gaps", gaps, "filesystem",
				    (json_int_t)fixture->rows[0].id, "device", (json_int_t)device);
	json_t *answer;

	fixture->collector.walking = 0;
	answer = walk_answer(&fixture->collector, fixture, request, error);
	json_decref(request);
	return answer;
}

/* The device that the filesystem was listed with is another one's by now. */
static void test_device_of_before(void **state)
{
	struct fixture *fixture = *state;
	char *error = NULL;

	assert_null(begin_walk(fixture, false, DEVICE + 7, &error));
	assert_non_null(error);
	free(error);
	assert_int_equal(fixture->collector.walking, 0);
}

/* A walk that was to cover gaps has not come to its end: the next one, which covers none, repairs none. */
static void test_nothing_of_the_walk_before(void **state)
{
	struct fixture *fixture = *state;
	char *error = NULL;
	json_t *answer;

	add_gap(fixture, 2, 2, GAP_FTRACE, fixture->rows[0].id);
	begin(fixture);
	assert_int_equal(fixture->collector.cover.count, 1);
	answer = begin_walk(fixture, false, DEVICE, &error);
	assert_non_null(answer);
	assert_int_equal(json_integer_value(json_object_get(answer, "gaps")), 0);
	json_decref(answer);
	end(fixture);
	assert_int_equal(gaps_left(fixture), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_device_of_before),
		TEST(test_nothing_of_the_walk_before),
		TEST(test_by_time),
		TEST(test_many_in_a_request),
		TEST(test_reason_by_whole),
		TEST(test_over_a_cut),
		TEST(test_clock_was_set),
		TEST(test_times_that_are_not_believed),
		TEST(test_open_window),
		TEST(test_each_filesystem),
		TEST(test_unknown_filesystem),
		TEST(test_widened),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
