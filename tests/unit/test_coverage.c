// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "coverage.h"

enum { DEVICE = 8 << 20 | 1, OTHER_DEVICE = 8 << 20 | 2, DIRECTORY = 1 << (S_IFDIR >> 12) };

struct found {
	size_t count;
	char path[256];
	struct dirty_facts facts;
};

static int remember(const struct dirty *entry, void *context)
{
	struct found *found = context;

	found->count++;
	memcpy(found->path, entry->path, entry->path_length);
	found->path[entry->path_length] = '\0';
	found->facts = entry->facts;
	return 0;
}

static struct found apply(const struct coverage *coverage, const char *path, uint32_t device, struct dirty_facts facts)
{
	const struct dirty entry = {.path = path, .path_length = strlen(path), .facts = facts};
	struct found found = {0};

	assert_int_equal(coverage_apply(coverage, &entry, device, remember, &found), 0);
	return found;
}

static struct watch mail = {.host_path = "/srv/mail", .path = "/mail", .device = DEVICE};
static const struct dirty_facts opened = {.operations = 1};

static void without_watches_all_counts(void **state)
{
	const struct coverage coverage = {.excluded = {.path = "/var/lib/state", .device = DEVICE}};

	(void)state;
	assert_int_equal(apply(&coverage, "/a", DEVICE, opened).count, 1);
	assert_int_equal(apply(&coverage, "/", DEVICE, opened).count, 1);
	assert_int_equal(apply(&coverage, "/var/lib/state", DEVICE, opened).count, 0);
	assert_int_equal(apply(&coverage, "/var/lib/state/db", DEVICE, opened).count, 0);
	assert_int_equal(apply(&coverage, "/var/lib/state2", DEVICE, opened).count, 1);
	assert_int_equal(apply(&coverage, "/var/lib/state/db", OTHER_DEVICE, opened).count, 1);
}

static void watch_limits_the_list(void **state)
{
	const struct coverage coverage = {.watches = &mail, .watch_count = 1};

	(void)state;
	assert_int_equal(apply(&coverage, "/mail", DEVICE, opened).count, 1);
	assert_int_equal(apply(&coverage, "/mail/new/1", DEVICE, opened).count, 1);
	assert_int_equal(apply(&coverage, "/mailbox", DEVICE, opened).count, 0);
	assert_int_equal(apply(&coverage, "/", DEVICE, opened).count, 0);
	assert_int_equal(apply(&coverage, "/mail/new/1", OTHER_DEVICE, opened).count, 0);
}

static void replaced_ancestor_replaces_the_watch(void **state)
{
	struct watch deep = {.host_path = "/srv/mail", .path = "/srv/mail", .device = DEVICE};
	const struct coverage coverage = {.watches = &deep, .watch_count = 1};
	const struct dirty_facts came = {.flags = DIRTY_EXPAND}, gone = {.was = DIRECTORY};
	struct found found = apply(&coverage, "/srv", DEVICE, came);

	(void)state;
	assert_int_equal(found.count, 1);
	assert_string_equal(found.path, "/srv/mail");
	assert_int_equal(found.facts.was, DIRECTORY);
	assert_int_equal(found.facts.flags, DIRTY_EXPAND);
	assert_int_equal(apply(&coverage, "/srv", DEVICE, gone).count, 1);
	assert_int_equal(apply(&coverage, "/srv", DEVICE, opened).count, 0);
	assert_int_equal(apply(&coverage, "/srv2", DEVICE, gone).count, 0);
}

/* ---- filesystems that come and go */

enum { TABLE = 3, OTHER = DEVICE + 1 };

/* In place of the mount table: the numbers of mounts; 0: none. */
static struct {
	int id;
	uint32_t device;
	const char *root; /* NULL: "/" */
} table[TABLE];
static bool ended;
static unsigned came, went;
static int change_result;

int __wrap_mounts_read(struct mounts *mounts, const char *path)
{
	assert_null(path);
	static const char *const places[TABLE] = {"/srv", "/mnt", "/"};

	*mounts = (struct mounts){.rows = calloc(TABLE, sizeof(*mounts->rows))};
	assert_non_null(mounts->rows);
	for (size_t i = 0; i < TABLE; i++)
		if (table[i].id)
			mounts->rows[mounts->count++] = (struct mount){
				.mount_point = strdup(places[i]),
				.root = strdup(table[i].root ? table[i].root : "/"),
				.type = strdup("ext4"),
				.source = strdup("none"),
				.device = table[i].device,
				.id = table[i].id,
			};
	return 0;
}

static bool has_ended(const struct covered *row, void *context)
{
	(void)row;
	(void)context;
	return ended;
}

static int count_change(struct covered *row, bool has_come, void *context)
{
	(void)context;
	assert_true(row->device == DEVICE || row->device == OTHER);
	came += has_come;
	went += !has_come;
	return change_result;
}

static void put(size_t place, uint32_t device, int id)
{
	table[place].device = device;
	table[place].id = id;
}

/* At a table with these mounts of the device. */
static void look(struct coverage *coverage, int first, int second)
{
	put(0, DEVICE, first);
	put(1, DEVICE, second);
	came = went = 0;
	assert_int_equal(coverage_update(coverage, has_ended, count_change, NULL), 0);
}

/* Its number is the same when it was unmounted, changed elsewhere and mounted again before anybody looks. */
static void filesystem_stays_as_long_as_a_mount_of_it(void **state)
{
	struct coverage coverage = {0};

	(void)state;
	ended = false;
	look(&coverage, 10, 0);
	assert_int_equal(came, 1);
	assert_int_equal(went, 0);
	/* By another mount, which then is the only one. */
	look(&coverage, 10, 11);
	look(&coverage, 0, 11);
	assert_int_equal(came + went, 0);
	look(&coverage, 12, 11);
	look(&coverage, 12, 0);
	assert_int_equal(came + went, 0);
	look(&coverage, 13, 0);
	assert_int_equal(went, 1);
	assert_int_equal(came, 1);
	coverage_close(&coverage);
}

/* The numbers of mounts are used again as well. */
static void filesystem_that_has_ended_is_another_one(void **state)
{
	struct coverage coverage = {0};

	(void)state;
	ended = false;
	look(&coverage, 10, 0);
	ended = true;
	look(&coverage, 10, 0);
	assert_int_equal(went, 1);
	assert_int_equal(came, 1);
	coverage_close(&coverage);
}

/* One error must not hide that another filesystem is seen otherwise: the table of before is not looked at again. */
static void one_that_is_moved_while_another_goes(void **state)
{
	struct coverage coverage = {0};

	(void)state;
	ended = false;
	put(0, DEVICE, 10);
	put(1, OTHER, 20);
	assert_int_equal(coverage_update(&coverage, has_ended, count_change, NULL), 0);
	assert_int_equal(coverage.count, 2);
	put(0, OTHER, 20);
	put(1, 0, 0);
	change_result = -ENOSPC;
	assert_int_equal(coverage_update(&coverage, has_ended, count_change, NULL), -ENOSPC);
	change_result = 0;
	assert_int_equal(coverage.count, 1);
	assert_int_equal(coverage.rows[0].device, OTHER);
	assert_true(coverage.rows[0].moved);
	coverage_close(&coverage);
}

/* Of several subvolumes the one that was mounted first goes: the other one is seen as before. */
static void first_mount_goes(void **state)
{
	struct coverage coverage = {0};

	(void)state;
	ended = false;
	table[0].root = "/@first";
	table[1].root = "/@second";
	look(&coverage, 10, 11);
	look(&coverage, 0, 11);
	assert_int_equal(came + went, 0);
	assert_false(coverage.rows[0].moved);
	/* But not where the other one shows it, too: it is named by that from now on. */
	table[1].root = NULL;
	look(&coverage, 12, 13);
	coverage.rows[0].moved = false;
	look(&coverage, 0, 13);
	assert_true(coverage.rows[0].moved);
	coverage_close(&coverage);
	table[0].root = NULL;
}

/* Somebody may write to it elsewhere before it is mounted there again. */
static void watch_stays_as_long_as_its_filesystem(void **state)
{
	static const struct dirty_facts opened = {.operations = 1};
	struct coverage coverage = {.watches = calloc(1, sizeof(*coverage.watches)), .watch_count = 1};
	struct watch *watch = coverage.watches;

	(void)state;
	assert_non_null(watch);
	*watch = (struct watch){.host_path = strdup("/mnt"), .path = strdup("/"), .device = DEVICE, .depth = 4};
	ended = false;
	put(2, OTHER, 1);
	look(&coverage, 10, 11);
	look(&coverage, 10, 0);
	assert_int_equal(came + went, 0);
	assert_int_equal(apply(&coverage, "/file", DEVICE, opened).count, 1);
	assert_int_equal(coverage_mount(&coverage, DEVICE, "/file")->id, 10);
	look(&coverage, 0, 0);
	assert_int_equal(went, 1);
	assert_int_equal(watch->device, 0);
	put(2, 0, 0);
	coverage_close(&coverage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_watches_all_counts),
		cmocka_unit_test(one_that_is_moved_while_another_goes),
		cmocka_unit_test(first_mount_goes),
		cmocka_unit_test(watch_limits_the_list),
		cmocka_unit_test(replaced_ancestor_replaces_the_watch),
		cmocka_unit_test(filesystem_stays_as_long_as_a_mount_of_it),
		cmocka_unit_test(filesystem_that_has_ended_is_another_one),
		cmocka_unit_test(watch_stays_as_long_as_its_filesystem),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
