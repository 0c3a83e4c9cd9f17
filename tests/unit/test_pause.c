// SPDX-License-Identifier: GPL-2.0
/* A walk that was stopped goes on where nothing can have been missed since it began, and begins anew else. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "directory.h"
#include "pause.h"
#include "store_links.h"
#include "store_walk.h"
#include "walk.h"

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

enum { MOUNTS = 77, SINCE = 1000 };

struct fixture {
	char directory[DIRECTORY_BYTES];
	struct collector collector;
	uint32_t one, two; /* filesystems */
	struct cover_gap gaps[2];
};

int __wrap_collector_collect(struct collector *collector, bool at_once)
{
	(void)collector;
	(void)at_once;
	return 0;
}

static uint32_t put_filesystem(struct fixture *fixture, const char *identity)
{
	struct store_filesystem filesystem = {.identity = identity, .type = "ext4", .mount_point = "/", .root = "/"};
	bool is_new;

	assert_int_equal(store_put_filesystem(fixture->collector.store, &filesystem, &is_new), 0);
	assert_int_equal(store_begin_walk(fixture->collector.store, filesystem.id), 0);
	return filesystem.id;
}

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct collector *collector = &fixture->collector;

	directory_make(fixture->directory, "/tmp");
	assert_int_equal(store_open(&collector->store, fixture->directory, STORE_WRITE), 0);
	assert_int_equal(store_open_window(collector->store, 1, 1), 0);
	fixture->one = put_filesystem(fixture, "one");
	fixture->two = put_filesystem(fixture, "two");
	fixture->gaps[0] = (struct cover_gap){.id = 5, .first = 1, .last = 1, .since = SINCE, .ended = 2000};
	fixture->gaps[1] = (struct cover_gap){.id = 6, .first = 1, .last = 2, .since = INT64_MAX, .ended = 3000};
	collector->cover = (struct cover){.gaps = fixture->gaps, .count = 2, .since = SINCE, .mounts = MOUNTS};
	collector->walking = fixture->one;
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	store_close(fixture->collector.store);
	directory_remove(fixture->directory);
	free(fixture);
	return 0;
}

static void keep(struct fixture *fixture, const char *path)
{
	const struct walked_rest rest = {.length = (uint16_t)strlen(path)};
	char bytes[256];

	memcpy(bytes, &rest, sizeof(rest));
	memcpy(bytes + sizeof(rest), path, rest.length);
	assert_int_equal(pause_keep(&fixture->collector, bytes, sizeof(rest) + rest.length), 0);
}

static bool save(struct fixture *fixture)
{
	json_t *request = json_pack("{s:i, s:i, s:i, s:i, s:[I]}", "entries", 10, "changed", 4, "directories", 3,
				    "names", 2, "scanned", (json_int_t)fixture->two);
	bool kept;

	assert_int_equal(pause_save(&fixture->collector, request, &kept), 0);
	json_decref(request);
	return kept;
}

static void pause_one(struct fixture *fixture)
{
	keep(fixture, "/a");
	keep(fixture, "/a/b");
	assert_true(save(fixture));
	assert_int_equal(fixture->collector.paused, fixture->one);
	fixture->collector.walking = 0;
}

static bool goes_on(struct fixture *fixture, uint32_t filesystem)
{
	struct store_paused paused;
	bool is_so;

	assert_int_equal(pause_find(&fixture->collector, filesystem, &paused, &is_so), 0);
	assert_int_equal(paused.entries, is_so ? 10 : 0);
	assert_int_equal(paused.changed, is_so ? 4 : 0);
	assert_int_equal(paused.directories, is_so ? 3 : 0);
	assert_int_equal(paused.names, is_so ? 2 : 0);
	return is_so;
}

static void expect_rest(struct fixture *fixture, const char *expected)
{
	char bytes[WALK_NAMES_BYTES], text[256] = "";
	struct walked_rest rest;
	uint64_t last = 0;
	size_t size;

	assert_int_equal(pause_rest(&fixture->collector, &last, bytes, &size), 0);
	for (size_t at = 0; at < size; at += sizeof(rest) + rest.length) {
		memcpy(&rest, bytes + at, sizeof(rest));
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%.*s ", rest.length,
			 bytes + at + sizeof(rest));
	}
	assert_string_equal(text, expected);
	assert_int_equal(pause_rest(&fixture->collector, &last, bytes, &size), 0);
	assert_int_equal(size, 0);
}

static void test_goes_on(void **state)
{
	struct fixture *fixture = *state;
	bool scanned;

	assert_false(goes_on(fixture, fixture->one));
	pause_one(fixture);
	assert_true(goes_on(fixture, fixture->one));
	assert_false(goes_on(fixture, fixture->two));
	expect_rest(fixture, "/a /a/b ");
	assert_int_equal(store_is_scanned(fixture->collector.store, fixture->two, &scanned), 0);
	assert_true(scanned);
	/* Its collector was another one. */
	fixture->collector.paused = 0;
	assert_int_equal(pause_load(&fixture->collector), 0);
	assert_true(goes_on(fixture, fixture->one));
}

/* A walk for names alone. */
static void test_without_gaps(void **state)
{
	struct fixture *fixture = *state;

	fixture->collector.cover.count = 0;
	fixture->collector.cover.gaps = NULL;
	pause_one(fixture);
	assert_true(goes_on(fixture, fixture->one));
	fixture->collector.cover.count = 1;
	fixture->collector.cover.gaps = fixture->gaps;
	assert_false(goes_on(fixture, fixture->one));
}

/* More than an answer holds. */
static void test_large_rest(void **state)
{
	enum { PATHS = 3000 };
	struct fixture *fixture = *state;
	char bytes[WALK_NAMES_BYTES], path[64];
	uint64_t last = 0;
	size_t size, count = 0;

	assert_int_equal(store_begin(fixture->collector.store), 0);
	for (unsigned i = 0; i < PATHS; i++) {
		snprintf(path, sizeof(path), "/a-directory-with-a-long-name-%u", i);
		keep(fixture, path);
	}
	assert_int_equal(store_commit(fixture->collector.store), 0);
	assert_true(save(fixture));
	do {
		struct walked_rest rest;

		assert_int_equal(pause_rest(&fixture->collector, &last, bytes, &size), 0);
		for (size_t at = 0; at < size; at += sizeof(rest) + rest.length) {
			snprintf(path, sizeof(path), "/a-directory-with-a-long-name-%zu", count++);
			memcpy(&rest, bytes + at, sizeof(rest));
			assert_int_equal(rest.length, strlen(path));
			assert_memory_equal(bytes + at + sizeof(rest), path, rest.length);
		}
	} while (size);
	assert_int_equal(count, PATHS);
}

/* The client was killed while it told what is to be kept: what it saved before counts. */
static void test_half_told(void **state)
{
	struct fixture *fixture = *state;

	pause_one(fixture);
	keep(fixture, "/half");
	assert_true(goes_on(fixture, fixture->one));
	expect_rest(fixture, "/a /a/b ");
	fixture->collector.walking = fixture->one;
	keep(fixture, "/c");
	assert_true(save(fixture));
	expect_rest(fixture, "/c ");
}

static void test_other_mounts(void **state)
{
	struct fixture *fixture = *state;

	pause_one(fixture);
	fixture->collector.cover.mounts++;
	assert_false(goes_on(fixture, fixture->one));
}

/* Whoever does not tell its mounts neither saves nor goes on. */
static void test_untold_mounts(void **state)
{
	struct fixture *fixture = *state;

	pause_one(fixture);
	fixture->collector.cover.mounts = 0;
	assert_false(goes_on(fixture, fixture->one));
	fixture->collector.walking = fixture->one;
	assert_false(save(fixture));
}

static void test_other_gaps(void **state)
{
	struct fixture *fixture = *state;
	struct cover *cover = &fixture->collector.cover;

	pause_one(fixture);
	cover->count = 1;
	assert_false(goes_on(fixture, fixture->one));
	cover->count = 2;
	fixture->gaps[0].since = INT64_MAX;
	assert_false(goes_on(fixture, fixture->one));
	fixture->gaps[0].since = SINCE;
	fixture->gaps[1].ended++;
	assert_false(goes_on(fixture, fixture->one));
	fixture->gaps[1].ended--;
	assert_true(goes_on(fixture, fixture->one));
	cover->others = true;
	assert_false(goes_on(fixture, fixture->one));
}

static void add_gap(struct fixture *fixture, uint32_t filesystem, bool repaired)
{
	const struct store_gap gap = {
		.filesystem = filesystem, .first = 1, .last = 1, .reason = "ring_full", .repaired = repaired};

	assert_int_equal(store_add_gap(fixture->collector.store, &gap), 0);
}

/* Even one that is repaired or pruned before the walk would go on. */
static void test_gap_since(void **state)
{
	struct fixture *fixture = *state;
	const struct {
		uint32_t filesystem;
		bool repaired, goes_on;
	} gaps[] = {
		{fixture->two, false, true},
		{fixture->one, false, false},
		{fixture->one, true, false},
		{STORE_ALL_FILESYSTEMS, false, false},
		{STORE_UNKNOWN_FILESYSTEM, false, false},
	};

	for (size_t i = 0; i < sizeof(gaps) / sizeof(*gaps); i++) {
		fixture->collector.walking = fixture->one;
		pause_one(fixture);
		add_gap(fixture, gaps[i].filesystem, gaps[i].repaired);
		assert_int_equal(goes_on(fixture, fixture->one), gaps[i].goes_on);
	}
}

static void test_gap_while_it_ran(void **state)
{
	struct fixture *fixture = *state;

	fixture->collector.gaps++;
	keep(fixture, "/a");
	assert_false(save(fixture));
	assert_false(goes_on(fixture, fixture->one));
	fixture->collector.gaps--;
	fixture->collector.cover.others = true;
	assert_false(save(fixture));
}

static void test_another_walk_began(void **state)
{
	struct fixture *fixture = *state;

	pause_one(fixture);
	assert_int_equal(store_begin_walk(fixture->collector.store, fixture->two), 0);
	assert_true(goes_on(fixture, fixture->one));
	assert_int_equal(store_begin_walk(fixture->collector.store, fixture->one), 0);
	assert_false(goes_on(fixture, fixture->one));
}

static void test_it_has_ended(void **state)
{
	struct fixture *fixture = *state;
	bool scanned;

	pause_one(fixture);
	assert_int_equal(store_end_walk(fixture->collector.store, fixture->one), 0);
	assert_false(goes_on(fixture, fixture->one));
	expect_rest(fixture, "");
	assert_int_equal(store_is_scanned(fixture->collector.store, fixture->two, &scanned), 0);
	assert_false(scanned);
}

/* One of another filesystem takes its place. */
static void test_one_at_most(void **state)
{
	struct fixture *fixture = *state;

	pause_one(fixture);
	fixture->collector.walking = fixture->two;
	keep(fixture, "/two");
	assert_true(save(fixture));
	assert_false(goes_on(fixture, fixture->one));
	assert_true(goes_on(fixture, fixture->two));
	expect_rest(fixture, "/two ");
}

static json_t *ask(struct fixture *fixture, json_t *request)
{
	char *error = NULL;
	json_t *answer;

	fixture->collector.walker = fixture;
	answer = walk_answer(&fixture->collector, fixture, request, &error);
	assert_null(error);
	json_decref(request);
	return answer;
}

static void move(struct fixture *fixture, uint64_t inode)
{
	const struct link_change change = {.action = DIRECTORY_ARRIVED,
					   .filesystem = fixture->one,
					   .inode = inode,
					   .path = "/moved",
					   .path_length = 6};

	assert_int_equal(store_put_link(fixture->collector.store, &change), 0);
}

/* Whoever was to walk it may be killed: nothing else knows of it any more. */
static void test_moved_is_handed_out(void **state)
{
	struct fixture *fixture = *state;
	json_t *answer;

	pause_one(fixture);
	fixture->collector.walking = fixture->one;
	json_decref(ask(fixture, json_pack("{s:s}", "step", "moved")));
	assert_true(goes_on(fixture, fixture->one));
	move(fixture, 99);
	answer = ask(fixture, json_pack("{s:s}", "step", "moved"));
	assert_int_equal(json_integer_value(json_object_get(answer, "inode")), 99);
	assert_true(json_is_false(json_object_get(answer, "settled")));
	json_decref(answer);
	assert_false(goes_on(fixture, fixture->one));
	/* Until it is told what of it is still to be walked. */
	keep(fixture, "/moved");
	assert_true(save(fixture));
	move(fixture, 100);
	assert_true(goes_on(fixture, fixture->one));
	answer = ask(fixture, json_pack("{s:s}", "step", "moved"));
	assert_true(json_is_true(json_object_get(answer, "settled")));
	json_decref(answer);
}

static void test_many_moves(void **state)
{
	enum { MOVES = 10001 };
	struct fixture *fixture = *state;
	struct collector *collector = &fixture->collector;

	pause_one(fixture);
	assert_int_equal(pause_check(collector), 0);
	assert_true(goes_on(fixture, fixture->one));
	assert_int_equal(store_begin(collector->store), 0);
	for (unsigned i = 0; i < MOVES; i++)
		move(fixture, 100 + i);
	assert_int_equal(store_commit(collector->store), 0);
	assert_int_equal(pause_check(collector), 0);
	assert_false(goes_on(fixture, fixture->one));
	assert_int_equal(pause_check(collector), 0);
	assert_int_equal(collector->paused, 0);
}

static void test_refused(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(pause_keep(&fixture->collector, "\x05\0/a", 4), -EINVAL);
	assert_int_equal(pause_keep(&fixture->collector, "\x02\0ab", 4), -EINVAL);
	assert_int_equal(pause_keep(&fixture->collector, "\0\0", 2), -EINVAL);
	assert_int_equal(pause_keep(&fixture->collector, "\x01", 1), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_goes_on),
		TEST(test_without_gaps),
		TEST(test_large_rest),
		TEST(test_half_told),
		TEST(test_other_mounts),
		TEST(test_untold_mounts),
		TEST(test_other_gaps),
		TEST(test_gap_since),
		TEST(test_gap_while_it_ran),
		TEST(test_another_walk_began),
		TEST(test_it_has_ended),
		TEST(test_one_at_most),
		TEST(test_moved_is_handed_out),
		TEST(test_many_moves),
		TEST(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
