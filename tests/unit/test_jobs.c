// SPDX-License-Identifier: GPL-2.0
/* Which window a backup began with, and what a commit may pass over. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "directory.h"
#include "jobs.h"

struct fixture {
	char directory[DIRECTORY_BYTES];
	struct collector collector;
};

static uint64_t window;

int __wrap_window_cut(struct collector *collector, const char *job, uint64_t *closed, char **error)
{
	(void)error;
	*closed = window++;
	collector->closing = window;
	assert_int_equal(store_close_window(collector->store, *closed, 2, 0), 0);
	assert_int_equal(store_open_window(collector->store, window, 2), 0);
	return job ? store_mark_job(collector->store, job, *closed, 3, COPIED_ALL) : 0;
}

static unsigned followed, left_out;
static uint64_t began;
static int follow_result;

int __wrap_collector_follow_mounts(struct collector *collector)
{
	(void)collector;
	followed++;
	return follow_result;
}

int __wrap_seals_leave_out(struct collector *collector, uint64_t pending)
{
	(void)collector;
	left_out++;
	assert_int_equal(followed, left_out);
	began = pending;
	return 0;
}

int __wrap_retention_prune(struct collector *collector)
{
	(void)collector;
	return 0;
}

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	directory_make(fixture->directory, "/tmp");
	assert_int_equal(store_open(&fixture->collector.store, fixture->directory, STORE_WRITE), 0);
	window = 1;
	followed = left_out = 0;
	assert_int_equal(store_open_window(fixture->collector.store, window, 1), 0);
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

static struct store_job job_of(struct fixture *fixture)
{
	struct store_job job;

	assert_int_equal(store_get_job(fixture->collector.store, "nightly", &job), 0);
	return job;
}

static void expect_pending(struct fixture *fixture, uint64_t number)
{
	assert_int_equal(job_of(fixture).pending, number);
}

static void take(json_t *answer, json_t *request, char *error)
{
	assert_null(error);
	assert_non_null(answer);
	json_decref(answer);
	json_decref(request);
}

static void mark(struct fixture *fixture)
{
	json_t *request = json_pack("{s:s}", "job", "nightly");
	char *error = NULL;

	take(jobs_mark(&fixture->collector, request, &error), request, error);
}

static void cut(struct fixture *fixture, const char *base, bool is_fresh)
{
	json_t *answer, *request = json_pack("{s:s, s:s*}", "job", "nightly", "base", base);
	uint64_t before = window;
	char *error = NULL;

	answer = jobs_cut(&fixture->collector, request, &error);
	assert_int_equal(json_integer_value(json_object_get(answer, "window")), before);
	assert_int_equal(json_is_true(json_object_get(answer, "fresh")), is_fresh);
	take(answer, request, error);
}

static void commit(struct fixture *fixture)
{
	assert_int_equal(store_commit_job(fixture->collector.store, "nightly", 4), 0);
}

/* What the first full backup copied before it changed is in no list if another cut moves its window. */
static void full_backup_keeps_its_window(void **state)
{
	mark(*state);
	cut(*state, NULL, true);
	cut(*state, NULL, true);
	expect_pending(*state, 1);
	/* Another one begins. */
	mark(*state);
	expect_pending(*state, 4);
	commit(*state);
	assert_int_equal(job_of(*state).cursor, 4);
}

static void refused_list_is_the_beginning_of_one(void **state)
{
	cut(*state, NULL, true);
	expect_pending(*state, 1);
	cut(*state, NULL, true);
	expect_pending(*state, 1);
	commit(*state);
	cut(*state, NULL, false);
	expect_pending(*state, 0);
}

/* What was pending was for a backup that is not this one. */
static void backup_with_another_base_has_a_window_of_its_own(void **state)
{
	mark(*state);
	commit(*state);
	mark(*state);
	expect_pending(*state, 2);
	cut(*state, "none", true);
	expect_pending(*state, 3);
	cut(*state, "none", true);
	expect_pending(*state, 3);
}

static void commit_as(struct fixture *fixture, bool whole, bool is_full)
{
	json_t *request = json_pack("{s:s, s:b}", "job", "nightly", "whole", whole);
	uint64_t pending = job_of(fixture).pending;
	unsigned before = left_out;
	char *error = NULL;

	take(jobs_commit(&fixture->collector, request, &error), request, error);
	assert_int_equal(left_out - before, is_full);
	if (is_full)
		assert_int_equal(began, pending);
}

/* It has nothing of filesystems that are not mounted. */
static void full_backups_are_told_apart(void **state)
{
	struct fixture *fixture = *state;

	/* The first one, whatever is said of its window. */
	mark(fixture);
	assert_int_equal(store_mark_job(fixture->collector.store, "nightly", 1, 3, COPIED_LIST), 0);
	commit_as(fixture, false, true);
	/* Of a list. */
	mark(fixture);
	assert_int_equal(store_mark_job(fixture->collector.store, "nightly", 2, 3, COPIED_LIST), 0);
	commit_as(fixture, false, false);
	/* After no list. */
	mark(fixture);
	commit_as(fixture, false, true);
	/* Of whoever says so. */
	mark(fixture);
	assert_int_equal(store_mark_job(fixture->collector.store, "nightly", 4, 3, COPIED_PART), 0);
	commit_as(fixture, true, true);
}

/* Without it nobody knows what is not mounted. */
static void full_backup_when_mounts_cannot_be_read(void **state)
{
	struct fixture *fixture = *state;
	json_t *request = json_pack("{s:s}", "job", "nightly");
	char *error = NULL;

	mark(fixture);
	follow_result = -EIO;
	assert_null(jobs_commit(&fixture->collector, request, &error));
	follow_result = 0;
	assert_non_null(error);
	assert_int_equal(job_of(fixture).cursor, 0);
	assert_int_not_equal(job_of(fixture).pending, 0);
	free(error);
	json_decref(request);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(full_backup_keeps_its_window),
		TEST(refused_list_is_the_beginning_of_one),
		TEST(backup_with_another_base_has_a_window_of_its_own),
		TEST(full_backups_are_told_apart),
		TEST(full_backup_when_mounts_cannot_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
