// SPDX-License-Identifier: GPL-2.0
/* What a cut cannot confirm is a gap of both windows, not a failure and not a wait without an end. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "collector.h"
#include "directory.h"
#include "stand_ins.h"

/* In place of the kernel. */
static uint64_t produced, consumed;
static int flip_result, carry_result, describe_result;
static bool canary_answers;
static uint64_t epoch;
static bool is_carried, are_loops_entered_after;

static char directory[DIRECTORY_BYTES];
static struct covered filesystem;

uint64_t __wrap_tracer_produced(const struct tracer *tracer)
{
	(void)tracer;
	return produced;
}

uint64_t __wrap_tracer_consumed(const struct tracer *tracer)
{
	(void)tracer;
	return consumed;
}

enum { BARRIER = 7000 }; /* nanoseconds */
static int64_t elapsed;

int __wrap_tracer_flip(struct tracer *tracer, uint64_t now)
{
	(void)tracer;
	epoch = now;
	elapsed += BARRIER;
	return flip_result;
}

int __wrap_tracer_carry(struct tracer *tracer)
{
	(void)tracer;
	is_carried = true;
	return carry_result;
}

int __wrap_collector_collect(struct collector *collector, bool at_once)
{
	(void)at_once;
	if (canary_answers && collector->window == epoch)
		filesystem.canary = false;
	return 0;
}

int __wrap_collector_enter_loops(struct collector *collector)
{
	(void)collector;
	are_loops_entered_after = is_carried;
	return 0;
}

int __wrap_describe_window(struct collector *collector, uint64_t number)
{
	(void)collector;
	(void)number;
	return describe_result;
}

int64_t __wrap_moment_of_boot(void)
{
	return elapsed;
}

int __wrap_usleep(unsigned microseconds)
{
	elapsed += (int64_t)microseconds * 1000;
	return 0;
}

static int gap_result;

int __real_store_add_gap(struct store *store, const struct store_gap *gap);

int __wrap_store_add_gap(struct store *store, const struct store_gap *gap)
{
	return gap_result ? gap_result : __real_store_add_gap(store, gap);
}

/* One filesystem, of no mount: its canary is not sent, only awaited. */
static int set_up(void **state)
{
	static struct collector collector;

	directory_make(directory, "/tmp");
	produced = consumed = epoch = 0;
	flip_result = carry_result = describe_result = 0;
	canary_answers = true;
	is_carried = are_loops_entered_after = false;
	filesystem = (struct covered){.device = 1, .id = 7};
	collector = (struct collector){.window = 1, .closing = 1, .coverage = {.rows = &filesystem, .count = 1}};
	assert_int_equal(store_open(&collector.store, directory, STORE_WRITE), 0);
	assert_int_equal(store_open_window(collector.store, 1, 1), 0);
	*state = &collector;
	return 0;
}

static int tear_down(void **state)
{
	struct collector *collector = *state;

	store_close(collector->store);
	directory_remove(directory);
	return 0;
}

struct found {
	unsigned count;
	char reason[32];
	struct store_gap gap;
};

static int find_gap(const struct store_gap *gap, void *context)
{
	struct found *found = context;

	found->count++;
	found->gap = *gap;
	snprintf(found->reason, sizeof(found->reason), "%s", gap->reason);
	return 0;
}

static struct found cut(struct collector *collector)
{
	struct found found = {0};
	char *error = NULL;
	uint64_t closed = 0;

	assert_int_equal(window_cut(collector, "job", &closed, &error), 0);
	assert_int_equal(closed, 1);
	assert_int_equal(collector->window, 2);
	assert_int_equal(collector->closing, 2);
	assert_int_equal(collector->cut.waited, BARRIER);
	assert_true(collector->cut.took >= BARRIER);
	assert_int_equal(store_gaps(collector->store, 1, 0, find_gap, &found), 0);
	return found;
}

static void expect_gap(struct collector *collector, enum gap_reason reason, uint32_t id)
{
	struct found found = cut(collector);

	assert_int_equal(found.count, 1);
	assert_string_equal(found.reason, gap_word(reason));
	assert_int_equal(found.gap.filesystem, id);
	assert_int_equal(found.gap.first, 1);
	assert_int_equal(found.gap.last, 2);
	assert_false(found.gap.repaired);
}

static void cut_without_a_gap(void **state)
{
	struct store_job job;

	assert_int_equal(cut(*state).count, 0);
	assert_int_equal(store_get_job(((struct collector *)*state)->store, "job", &job), 0);
	assert_int_equal(job.pending, 1);
}

/* A directory above the file of a loop device may have been under way to another name. */
static void loops_are_entered_under_the_names_that_last(void **state)
{
	cut(*state);
	assert_true(are_loops_entered_after);
}

static void record_that_is_not_finished(void **state)
{
	produced = 8;
	expect_gap(*state, GAP_RING_HELD, STORE_ALL_FILESYSTEMS);
}

static void canary_that_does_not_come_back(void **state)
{
	canary_answers = false;
	expect_gap(*state, GAP_CANARY, 7);
}

/* Its records are nobody's in the new window, too. */
static void filesystem_that_is_left_out(void **state)
{
	((struct collector *)*state)->left_out = 1;
	expect_gap(*state, GAP_NOT_TRACEABLE, STORE_UNKNOWN_FILESYSTEM);
}

static void flip_that_is_not_confirmed(void **state)
{
	flip_result = -ENOMEM;
	expect_gap(*state, GAP_FLIP, STORE_ALL_FILESYSTEMS);
}

static void files_that_are_not_carried(void **state)
{
	carry_result = -EAGAIN;
	expect_gap(*state, GAP_NOT_CARRIED, STORE_ALL_FILESYSTEMS);
}

/* Nothing is answered, and the next cut closes both windows. */
static void expect_failure(struct collector *collector, int *result)
{
	uint64_t closed = 0, open = 0;
	char *error = NULL;

	*result = -ENOMEM;
	assert_int_equal(window_cut(collector, "job", &closed, &error), -ENOMEM);
	assert_non_null(error);
	free(error);
	assert_int_equal(store_oldest_open(collector->store, &open), 0);
	assert_int_equal(open, 1);
	*result = 0;
	canary_answers = true;
	assert_int_equal(window_cut(collector, "job", &closed, &error), 0);
	assert_int_equal(closed, 2);
	assert_int_equal(store_oldest_open(collector->store, &open), 0);
	assert_int_equal(open, 3);
}

static void carry_that_fails(void **state)
{
	expect_failure(*state, &carry_result);
}

static void canary_whose_gap_cannot_be_kept(void **state)
{
	struct collector *collector = *state;
	struct found found = {0};

	canary_answers = false;
	expect_failure(collector, &gap_result);
	assert_int_equal(store_gaps(collector->store, 1, 1, find_gap, &found), 0);
	assert_int_equal(found.count, 1);
	assert_string_equal(found.reason, gap_word(GAP_CANARY));
}

static void window_that_cannot_be_closed(void **state)
{
	expect_failure(*state, &describe_result);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(cut_without_a_gap),
		TEST(loops_are_entered_under_the_names_that_last),
		TEST(record_that_is_not_finished),
		TEST(canary_that_does_not_come_back),
		TEST(filesystem_that_is_left_out),
		TEST(flip_that_is_not_confirmed),
		TEST(files_that_are_not_carried),
		TEST(carry_that_fails),
		TEST(canary_whose_gap_cannot_be_kept),
		TEST(window_that_cannot_be_closed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
