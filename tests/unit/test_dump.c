// SPDX-License-Identifier: GPL-2.0
/* What the collector is told of a list that is made once more. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "command.h"
#include "directory.h"

extern const struct command command_dump;

struct fixture {
	char base[DIRECTORY_BYTES];
	char state[80], changed[80];
	struct store *store;
};

/* In place of the collector: it stores what becomes pending, or does not answer. */
static struct fixture *served;
static bool is_away, had_list;
static unsigned pended;

static void pend(json_t *request)
{
	enum store_copied copied = json_is_true(json_object_get(request, "incomplete")) ? COPIED_PART : COPIED_LIST;

	assert_string_equal(json_string_value(json_object_get(request, "job")), "nightly");
	assert_int_equal(json_integer_value(json_object_get(request, "window")), 2);
	assert_int_equal(store_mark_job(served->store, "nightly", 2, 4, copied), 0);
	had_list = access(served->changed, F_OK) == 0;
	pended++;
}

int __wrap_client_ask(const char *path, json_t *request, json_t **answer, char **error)
{
	(void)path;
	(void)error;
	if (!is_away && strcmp(json_string_value(json_object_get(request, "request")), "pend") == 0)
		pend(request);
	json_decref(request);
	*answer = is_away ? NULL : json_object();
	return is_away ? -ECONNREFUSED : 0;
}

/* Nothing but the directory of the test is looked at. */
uid_t __wrap_geteuid(void)
{
	return 0;
}

/* The job's list has the window 2; the first one was complete or not. */
static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	directory_make(fixture->base, "/var/tmp");
	snprintf(fixture->state, sizeof(fixture->state), "%s/state", fixture->base);
	snprintf(fixture->changed, sizeof(fixture->changed), "%s/changed", fixture->base);
	assert_int_equal(store_open(&fixture->store, fixture->state, STORE_WRITE), 0);
	for (uint64_t window = 1; window <= 2; window++) {
		assert_int_equal(store_open_window(fixture->store, window, 1000000000), 0);
		assert_int_equal(store_close_window(fixture->store, window, 2000000000, 5), 0);
	}
	assert_int_equal(store_open_window(fixture->store, 3, 2000000000), 0);
	assert_int_equal(store_mark_job(fixture->store, "nightly", 1, 1, COPIED_ALL), 0);
	assert_int_equal(store_commit_job(fixture->store, "nightly", 2), 0);
	assert_int_equal(store_mark_job(fixture->store, "nightly", 2, 3, COPIED_LIST), 0);
	served = fixture;
	is_away = had_list = false;
	pended = 0;
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	store_close(fixture->store);
	directory_remove(fixture->base);
	free(fixture);
	return 0;
}

/* Of a filesystem that is not mounted. */
static void make_incomplete(struct fixture *fixture)
{
	struct store_filesystem other = {.identity = "0000-not-there",
					 .type = "ext4",
					 .mount_point = "/mnt/other",
					 .root = "/",
					 .device = 12345};
	struct dirty row = {.window = 2, .path = "/x", .path_length = 2, .first = 2, .last = 2};
	bool is_new;

	assert_int_equal(store_put_filesystem(fixture->store, &other, &is_new), 0);
	row.filesystem = other.id;
	assert_int_equal(store_begin(fixture->store), 0);
	assert_int_equal(store_put_dirty(fixture->store, &row), 0);
	assert_int_equal(store_commit(fixture->store), 0);
}

static int dump_again(struct fixture *fixture)
{
	char *words[] = {"dump",      "--state",   fixture->state,   "--job", "nightly",
			 "--pending", "--changed", fixture->changed, NULL};

	return command_dump.run(8, words);
}

static void commit_and_expect(struct fixture *fixture, uint64_t owed)
{
	struct store_job job;

	assert_int_equal(store_commit_job(fixture->store, "nightly", 5), 0);
	assert_int_equal(store_get_job(fixture->store, "nightly", &job), 0);
	assert_int_equal(job.cursor, 2);
	assert_int_equal(job.owed, owed);
}

static void incomplete_after_a_complete_one(void **state)
{
	make_incomplete(*state);
	assert_int_equal(dump_again(*state), EXIT_INCOMPLETE);
	assert_int_equal(pended, 1);
	assert_false(had_list);
	commit_and_expect(*state, 2);
}

static void complete_after_an_incomplete_one(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(store_mark_job(fixture->store, "nightly", 2, 3, COPIED_PART), 0);
	assert_int_equal(dump_again(fixture), EXIT_DONE);
	assert_int_equal(pended, 1);
	assert_true(had_list);
	commit_and_expect(fixture, 0);
}

static void nobody_notes_that_it_is_incomplete(void **state)
{
	struct fixture *fixture = *state;

	make_incomplete(fixture);
	is_away = true;
	assert_int_equal(dump_again(fixture), EXIT_FAILED);
	assert_int_equal(access(fixture->changed, F_OK), -1);
	/* It is known already. */
	assert_int_equal(store_mark_job(fixture->store, "nightly", 2, 3, COPIED_PART), 0);
	assert_int_equal(dump_again(fixture), EXIT_INCOMPLETE);
	assert_int_equal(access(fixture->changed, F_OK), 0);
	commit_and_expect(fixture, 2);
}

static void nobody_is_needed_for_a_complete_one(void **state)
{
	is_away = true;
	assert_int_equal(dump_again(*state), EXIT_DONE);
	commit_and_expect(*state, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(incomplete_after_a_complete_one),
		TEST(complete_after_an_incomplete_one),
		TEST(nobody_notes_that_it_is_incomplete),
		TEST(nobody_is_needed_for_a_complete_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
