// SPDX-License-Identifier: GPL-2.0
/* The window that a collector takes over, and what jobs say of the ones before. */
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
#include "gap.h"
#include "stand_ins.h"
#include "takeover.h"

enum tracer_origin __wrap_tracer_origin(const struct tracer *tracer)
{
	(void)tracer;
	return TRACER_TAKEN_OVER;
}

void __wrap_losses_take_over(struct collector *collector)
{
	(void)collector;
}

static char directory[DIRECTORY_BYTES];

/* Windows 1 and 2 are closed, 3 is open; a job has window 1. */
static int set_up(void **state)
{
	static struct collector collector;

	directory_make(directory, "/tmp");
	collector = (struct collector){0};
	assert_int_equal(store_open(&collector.store, directory, STORE_WRITE), 0);
	for (uint64_t i = 1; i <= 3; i++)
		assert_int_equal(store_open_window(collector.store, i, (int64_t)i), 0);
	for (uint64_t i = 1; i <= 2; i++)
		assert_int_equal(store_close_window(collector.store, i, (int64_t)i + 1, 0), 0);
	assert_int_equal(store_mark_job(collector.store, "job", 1, 1, COPIED_ALL), 0);
	assert_int_equal(store_commit_job(collector.store, "job", 1), 0);
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

static void take_over(struct collector *collector)
{
	assert_int_equal(takeover_open_window(collector), 0);
	assert_int_equal(collector->window, 3);
	assert_int_equal(collector->closing, 3);
}

struct found {
	unsigned count;
	char reason[32];
};

static int find_gap(const struct store_gap *gap, void *context)
{
	struct found *found = context;

	found->count++;
	snprintf(found->reason, sizeof(found->reason), "%s", gap->reason);
	return 0;
}

static struct store_job get_job(struct collector *collector)
{
	struct store_job job;

	assert_int_equal(store_get_job(collector->store, "job", &job), 0);
	return job;
}

static void mark(struct collector *collector, uint64_t window)
{
	assert_int_equal(store_mark_job(collector->store, "job", window, 1, COPIED_ALL), 0);
}

static void test_in_order(void **state)
{
	mark(*state, 2);
	take_over(*state);
	assert_int_equal(get_job(*state).cursor, 1);
	assert_int_equal(get_job(*state).pending, 2);
	assert_string_equal(get_job(*state).fresh, "");
}

static void expect_fresh(struct collector *collector)
{
	take_over(collector);
	assert_int_equal(get_job(collector).cursor, 0);
	assert_int_equal(get_job(collector).pending, 0);
	assert_string_equal(get_job(collector).fresh, "mixed");
}

/* The window is one that the database had open before, or the job's page is newer than the window's. */
static void test_pending_ahead(void **state)
{
	mark(*state, 3);
	expect_fresh(*state);
}

static void test_cursor_ahead(void **state)
{
	struct collector *collector = *state;

	mark(collector, 3);
	assert_int_equal(store_commit_job(collector->store, "job", 1), 0);
	mark(collector, 2);
	expect_fresh(collector);
}

/* The programs are of this boot, and the start that pinned them has not told what was before. */
static struct found start_again(struct collector *collector, enum gap_reason absence)
{
	struct found found = {0};

	take_over(collector);
	collector->absence = absence;
	assert_int_equal(takeover_account(collector), 0);
	assert_int_equal(store_gaps(collector->store, 3, 3, find_gap, &found), 0);
	return found;
}

static void test_start_after_one_that_did_not_end(void **state)
{
	struct found found = start_again(*state, GAP_CRASHED);

	assert_int_equal(found.count, 1);
	assert_string_equal(found.reason, gap_word(GAP_CRASHED));
}

static void test_start_after_one_that_ended(void **state)
{
	assert_int_equal(start_again(*state, GAP_NOT_TRACED).count, 0);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_in_order),
		TEST(test_pending_ahead),
		TEST(test_cursor_ahead),
		TEST(test_start_after_one_that_did_not_end),
		TEST(test_start_after_one_that_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
