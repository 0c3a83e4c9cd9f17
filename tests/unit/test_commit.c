// SPDX-License-Identifier: GPL-2.0
/* A backup counts when what it has copied is on the source's disks. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "command.h"
#include "sync.h"

extern const struct command command_commit;

/* In place of the collector and of disks. */
static bool synced, committed, committed_before, is_lost;

int __wrap_command_ask(const struct options *options, json_t *request, json_t **answer)
{
	const char *word = json_string_value(json_object_get(request, "request"));

	(void)options;
	if (strcmp(word, "status") == 0) {
		*answer = json_pack("{s:{s:[{s:b, s:s}, {s:b, s:s}, {s:b, s:s}]}}", "status", "filesystems", "traced",
				    1, "mount_point", "/srv", "traced", 0, "mount_point", "/mnt", "traced", 1,
				    "mount_point", "/home");
	} else {
		assert_string_equal(word, "commit");
		committed = true;
		committed_before = !synced;
		*answer = json_object();
	}
	json_decref(request);
	assert_non_null(*answer);
	return EXIT_DONE;
}

/* Of those that are traced. */
size_t __wrap_sync_filesystems(struct synced *filesystems, size_t count, int seconds)
{
	assert_int_equal(count, 2);
	assert_string_equal(filesystems[0].mount_point, "/srv");
	assert_string_equal(filesystems[1].mount_point, "/home");
	assert_true(seconds > 0);
	synced = true;
	if (is_lost)
		filesystems[1].error = -EIO;
	return is_lost;
}

static int commit(char *option)
{
	char *words[] = {"commit", "--state", "/nowhere", "--job", "nightly", option, NULL};

	synced = committed = committed_before = false;
	return command_commit.run(option ? 6 : 5, words);
}

static void what_was_copied_is_synced_before(void **state)
{
	(void)state;
	is_lost = false;
	assert_int_equal(commit(NULL), EXIT_DONE);
	assert_true(synced);
	assert_true(committed);
	assert_false(committed_before);
}

static void what_cannot_be_synced_is_not_committed(void **state)
{
	(void)state;
	is_lost = true;
	assert_int_equal(commit(NULL), EXIT_FAILED);
	assert_true(synced);
	assert_false(committed);
}

static void who_wants_it_commits_without(void **state)
{
	(void)state;
	is_lost = true;
	assert_int_equal(commit("--no-sync"), EXIT_DONE);
	assert_false(synced);
	assert_true(committed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_copied_is_synced_before),
		cmocka_unit_test(what_cannot_be_synced_is_not_committed),
		cmocka_unit_test(who_wants_it_commits_without),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
