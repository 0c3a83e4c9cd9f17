// SPDX-License-Identifier: GPL-2.0
/* How the last collector came to its end, and whether this is the machine on which it ran. */
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
#include "identity.h"

static char directory[DIRECTORY_BYTES];

/* A store that a collector has used on this machine, in this boot, and has left in order. */
static int set_up(void **state)
{
	static struct collector collector;

	directory_make(directory, "/tmp");
	collector = (struct collector){.window = 1, .closing = 1};
	assert_int_equal(store_open(&collector.store, directory, STORE_WRITE), 0);
	assert_int_equal(identity_check(&collector), 0);
	assert_int_equal(store_open_window(collector.store, 1, 1), 0);
	assert_int_equal(store_mark_job(collector.store, "job", 1, 1, COPIED_ALL), 0);
	assert_int_equal(identity_settle(&collector), 0);
	assert_int_equal(identity_leave(&collector), 0);
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

static void set(struct collector *collector, const char *key, int64_t value)
{
	assert_int_equal(store_set_meta(collector->store, key, value), 0);
}

static void expect_absence(struct collector *collector, enum gap_reason reason, bool is_steady)
{
	bool steady = !is_steady;

	assert_int_equal(identity_check(collector), 0);
	assert_int_equal(collector->absence, reason);
	assert_int_equal(store_is_steady(collector->store, 1, &steady), 0);
	assert_int_equal(steady, is_steady);
}

static void started_again(void **state)
{
	expect_absence(*state, GAP_NOT_TRACED, true);
}

static void orderly_reboot(void **state)
{
	set(*state, "boot", 1);
	expect_absence(*state, GAP_SHUTDOWN, true);
}

static void crash(void **state)
{
	set(*state, "boot", 1);
	set(*state, "clean", 0);
	expect_absence(*state, GAP_CRASHED, false);
}

/* The mark is taken away by the start: what follows it is a crash, until an orderly end. */
static void crash_after_an_orderly_reboot(void **state)
{
	set(*state, "boot", 1);
	expect_absence(*state, GAP_SHUTDOWN, true);
	assert_int_equal(identity_settle(*state), 0);
	set(*state, "boot", 1);
	expect_absence(*state, GAP_CRASHED, false);
}

/* What is orderly is told for each filesystem, and the next start tells it as well. */
static void start_after_an_orderly_reboot_that_was_killed(void **state)
{
	set(*state, "boot", 1);
	expect_absence(*state, GAP_SHUTDOWN, true);
	expect_absence(*state, GAP_NOT_TRACED, true);
}

/* The gap of the crash may not be in the store. */
static void start_that_did_not_come_to_its_end(void **state)
{
	set(*state, "boot", 1);
	set(*state, "clean", 0);
	expect_absence(*state, GAP_CRASHED, false);
	expect_absence(*state, GAP_CRASHED, false);
	assert_int_equal(identity_settle(*state), 0);
	expect_absence(*state, GAP_NOT_TRACED, false);
}

static void clock_is_behind(void **state)
{
	set(*state, "alive", INT64_MAX);
	expect_absence(*state, GAP_NOT_TRACED, false);
}

static void other_machine(void **state)
{
	struct collector *collector = *state;
	struct store_job job;

	assert_int_equal(store_commit_job(collector->store, "job", 1), 0);
	set(collector, "machine", 1);
	assert_int_equal(identity_check(collector), 0);
	assert_int_equal(store_get_job(collector->store, "job", &job), 0);
	assert_int_equal(job.cursor, 0);
	assert_int_equal(job.former, 1);
	assert_string_equal(job.fresh, fresh_word(FRESH_OTHER_MACHINE));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(started_again),
		TEST(orderly_reboot),
		TEST(crash),
		TEST(crash_after_an_orderly_reboot),
		TEST(clock_is_behind),
		TEST(other_machine),
		TEST(start_that_did_not_come_to_its_end),
		TEST(start_after_an_orderly_reboot_that_was_killed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
