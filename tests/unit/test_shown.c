// SPDX-License-Identifier: GPL-2.0
/* A place that shows other content than it did is told, whatever was looked at in between. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "directory.h"
#include "shown.h"
#include "store_shown.h"

enum { DEVICE = 45, OTHER = 8 << 20 | 1, FOREIGN = 46, FILESYSTEM = 1, OTHER_FILESYSTEM, MOUNTS = 2 * SHOWN_MOST };

static char directory[DIRECTORY_BYTES];
static struct store *store;
static struct mount table[MOUNTS];
static struct covered rows[] = {{.device = DEVICE, .id = FILESYSTEM}, {.device = OTHER, .id = OTHER_FILESYSTEM}};
static struct coverage coverage;

static void open_store(void)
{
	assert_int_equal(store_open(&store, directory, STORE_WRITE), 0);
}

/* Another collector. */
static void restart(void)
{
	store_close(store);
	open_store();
}

static int set_up(void **state)
{
	(void)state;
	directory_make(directory, "/tmp");
	open_store();
	coverage = (struct coverage){.mounts = {.rows = table}, .rows = rows, .count = 2};
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	store_close(store);
	directory_remove(directory);
	return 0;
}

static void clear(void)
{
	coverage.mounts.count = 0;
}

static struct mount *add(uint32_t device, const char *mount_point, const char *root)
{
	struct mount *mount = &table[coverage.mounts.count++];

	assert_true(coverage.mounts.count <= MOUNTS);
	*mount = (struct mount){.device = device, .mount_point = (char *)mount_point, .root = (char *)root};
	return mount;
}

/* As by the caller of shown_update(); result: of what else is in the transaction. */
static void look_and_end(int result)
{
	for (size_t i = 0; i < coverage.count; i++)
		rows[i].moved = false;
	assert_int_equal(store_begin(store), 0);
	assert_int_equal(shown_update(store, &coverage), 0);
	assert_int_equal(store_end(store, result), result);
}

static bool look(void)
{
	look_and_end(0);
	return rows[0].moved;
}

/* What most tests begin with: seen, so known. */
static void look_at_root_and_home(void)
{
	add(DEVICE, "/", "/@");
	add(DEVICE, "/home", "/@home");
	assert_false(look());
	assert_false(look());
}

static void what_is_new_to_the_store_is_only_kept(void **state)
{
	(void)state;
	look_at_root_and_home();
	add(OTHER, "/srv", "/");
	assert_false(look());
	assert_false(rows[1].moved);
}

static void another_subvolume_after_a_look(void **state)
{
	(void)state;
	look_at_root_and_home();
	coverage.mounts.count = 1;
	assert_false(look());
	add(DEVICE, "/home", "/@home_old");
	assert_true(look());
	assert_false(look());
	/* And the first one again. */
	coverage.mounts.count = 1;
	assert_false(look());
	add(DEVICE, "/home", "/@home_old");
	assert_false(look());
	coverage.mounts.count = 1;
	add(DEVICE, "/home", "/@home");
	assert_true(look());
}

static void another_subvolume_after_a_restart(void **state)
{
	(void)state;
	look_at_root_and_home();
	restart();
	assert_false(look());
	restart();
	/* As at boot: not all is there at once. */
	coverage.mounts.count = 1;
	assert_false(look());
	restart();
	add(DEVICE, "/home", "/@home_old");
	assert_true(look());
	restart();
	assert_false(look());
}

static void another_subvolume_of_one_that_came_with_a_gap(void **state)
{
	(void)state;
	look_at_root_and_home();
	clear();
	add(DEVICE, "/", "/@");
	add(DEVICE, "/home", "/@home_old");
	add(DEVICE, "/new", "/@new");
	rows[0].told = true;
	assert_true(look());
	rows[0].told = false;
	assert_false(look());
}

static void subvolume_is_mounted_for_the_first_time(void **state)
{
	(void)state;
	look_at_root_and_home();
	add(DEVICE, "/data", "/@data");
	assert_true(look());
	assert_false(look());
	coverage.mounts.count--;
	assert_false(look());
	add(DEVICE, "/data", "/@data");
	assert_false(look());
	/* A gap of its own tells all of it. */
	add(DEVICE, "/more", "/@more");
	rows[0].told = true;
	assert_false(look());
	rows[0].told = false;
	assert_false(look());
}

static bool is_known(const char *mount_point);

/* As long as a tool runs. */
static void pool_that_is_mounted_for_a_while(void **state)
{
	(void)state;
	look_at_root_and_home();
	add(DEVICE, "/run/tool/1/pool", "/");
	assert_false(look());
	add(DEVICE, "/running", "/");
	assert_true(look());
}

/* What changes in between is listed below it alone. */
static void only_a_transient_place_names_it_for_a_while(void **state)
{
	(void)state;
	look_at_root_and_home();
	coverage.mounts.count = 1;
	add(DEVICE, "/run/tool/1/pool", "/");
	assert_false(look());
	coverage.mounts.count = 1;
	assert_false(look());
	restart();
	add(DEVICE, "/home", "/@home");
	assert_true(look());
	assert_false(look());
	/* Not what it shows as well, whichever is first. */
	coverage.mounts.count = 1;
	add(DEVICE, "/run/tool/1/pool", "/");
	add(DEVICE, "/home", "/@home");
	assert_false(look());
	coverage.mounts.count = 1;
	add(DEVICE, "/home", "/@home");
	assert_false(look());
}

static void bind_mounts_are_nothing_new(void **state)
{
	(void)state;
	look_at_root_and_home();
	add(DEVICE, "/var/lib/container", "/@/srv/volume");
	add(DEVICE, "/var/lib/other", "/@home");
	assert_false(look());
	assert_false(is_known("/var/lib/container"));
	assert_false(is_known("/var/lib/other"));
	/* Of what the top of the filesystem shows as well the list goes on to name the first place. */
	add(DEVICE, "/mnt/top", "/");
	assert_true(look());
	assert_false(look());
}

/* What changes in between is listed there alone. */
static void subvolume_is_elsewhere_for_a_while(void **state)
{
	(void)state;
	look_at_root_and_home();
	coverage.mounts.count = 1;
	assert_false(look());
	add(DEVICE, "/mnt/home", "/@home");
	assert_true(look());
	assert_false(look());
	coverage.mounts.count = 1;
	restart();
	assert_false(look());
	add(DEVICE, "/home", "/@home");
	assert_true(look());
	assert_false(look());
	/* A gap of its own tells all of it. */
	coverage.mounts.count = 1;
	add(DEVICE, "/mnt/home", "/@home");
	rows[0].told = true;
	assert_false(look());
	rows[0].told = false;
	assert_false(look());
	coverage.mounts.count = 1;
	add(DEVICE, "/home", "/@home");
	assert_true(look());
}

/* The list names it by the top then, also when it is mounted again. */
static void subvolume_goes_on_to_be_seen_from_the_top(void **state)
{
	(void)state;
	look_at_root_and_home();
	add(DEVICE, "/mnt/top", "/");
	assert_true(look());
	coverage.mounts.count = 1;
	add(DEVICE, "/mnt/top", "/");
	assert_true(look());
	assert_false(look());
	add(DEVICE, "/home", "/@home");
	assert_false(look());
	assert_false(look());
	coverage.mounts.count = 1;
	add(DEVICE, "/home", "/@home");
	assert_true(look());
	assert_false(look());
	/* The first one names it all the time. */
	add(DEVICE, "/mnt/top", "/");
	assert_false(look());
	coverage.mounts.count = 2;
	assert_false(look());
}

/* Which is one difference, also for the looks that follow. */
static void another_directory_that_is_shown_before(void **state)
{
	(void)state;
	look_at_root_and_home();
	coverage.mounts.count = 1;
	add(DEVICE, "/home", "/@/srv");
	assert_true(look());
	assert_false(look());
	coverage.mounts.count = 1;
	add(DEVICE, "/home", "/@home");
	assert_true(look());
	assert_false(look());
}

/* By it the list would name nothing. */
static void removed_directory_is_nothing_new(void **state)
{
	(void)state;
	look_at_root_and_home();
	add(DEVICE, "/bound", "/@gone//deleted");
	assert_false(look());
	assert_false(is_known("/bound"));
}

static void only_the_last_mount_at_a_place_is_seen(void **state)
{
	(void)state;
	look_at_root_and_home();
	add(DEVICE, "/home", "/@home_old");
	assert_true(look());
	assert_false(look());
	coverage.mounts.count--;
	assert_true(look());
	/* What is covered shows nothing, so what is bound from there is named. */
	clear();
	add(DEVICE, "/", "/@");
	add(DEVICE, "/home", "/");
	add(OTHER, "/home", "/");
	add(DEVICE, "/data", "/@data");
	assert_true(look());
}

static void another_filesystem_was_at_the_place(void **state)
{
	struct mount *mount;

	(void)state;
	look_at_root_and_home();
	coverage.mounts.count = 1;
	add(OTHER, "/home", "/");
	assert_false(look());
	coverage.mounts.count = 1;
	add(DEVICE, "/home", "/@home");
	assert_true(look());
	assert_false(look());
	/* Also one that is not traced, while the first is not there. */
	clear();
	coverage.count = 0;
	add(FOREIGN, "/home", "/")->class = MOUNT_REMOTE;
	assert_false(look());
	coverage.count = 2;
	clear();
	add(DEVICE, "/", "/@");
	add(DEVICE, "/home", "/@home");
	assert_true(look());
	/* But not what only waits for it. */
	coverage.mounts.count = 1;
	mount = add(FOREIGN, "/home", "/");
	mount->class = MOUNT_PSEUDO;
	assert_false(look());
	add(DEVICE, "/home", "/@home");
	assert_false(look());
}

static void difference_counts_until_its_gap_is_kept(void **state)
{
	(void)state;
	look_at_root_and_home();
	coverage.mounts.count = 1;
	add(DEVICE, "/home", "/@home_old");
	add(DEVICE, "/data", "/@data");
	look_and_end(-ENOSPC);
	assert_true(rows[0].moved);
	restart();
	coverage.mounts.count = 2;
	assert_true(look());
	add(DEVICE, "/data", "/@data");
	assert_true(look());
	assert_false(look());
}

static int count_known(const struct store_shown *row, void *context)
{
	(void)row;
	++*(unsigned *)context;
	return 0;
}

static unsigned known(void)
{
	unsigned count = 0;

	assert_int_equal(store_shown(store, count_known, &count), 0);
	return count;
}

static int find_known(const struct store_shown *row, void *context)
{
	return strcmp(row->mount_point, context) == 0;
}

static bool is_known(const char *mount_point)
{
	return store_shown(store, find_known, (void *)mount_point) == 1;
}

/* Tools mount under names with a number that is never the same. */
static void places_do_not_grow_without_end(void **state)
{
	static char names[MOUNTS][32];

	(void)state;
	look_at_root_and_home();
	for (unsigned i = 0; i < MOUNTS; i++) {
		snprintf(names[i], sizeof(names[i]), "/mnt/mount-%u", i);
		coverage.mounts.count = 2;
		add(DEVICE, names[i], "/");
		look();
	}
	assert_int_equal(known(), SHOWN_MOST);
	assert_true(is_known("/home"));
	assert_false(is_known(names[0]));
	assert_true(is_known(names[MOUNTS - 1]));
	/* All that are there. */
	coverage.mounts.count = 2;
	for (unsigned i = 2; i < MOUNTS; i++)
		add(DEVICE, names[i], names[i]);
	assert_true(look());
	assert_int_equal(known(), MOUNTS);
	assert_false(look());
}

static void nothing_is_kept_where_directories_are_watched(void **state)
{
	(void)state;
	coverage.watch_count = 1;
	add(DEVICE, "/home", "/@home");
	assert_false(look());
	assert_int_equal(known(), 0);
}

/* A database of this version that was made without it. */
static void table_is_made_where_it_is_missing(void **state)
{
	char path[DIRECTORY_BYTES + 32];
	sqlite3 *connection;

	(void)state;
	store_close(store);
	snprintf(path, sizeof(path), "%s/fschanged.db", directory);
	assert_int_equal(sqlite3_open_v2(path, &connection, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_exec(connection, "DROP TABLE shown", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(connection), SQLITE_OK);
	/* Who only reads needs none. */
	assert_int_equal(store_open(&store, directory, STORE_READ), 0);
	store_close(store);
	open_store();
	look_at_root_and_home();
}

static void see_last(const char *mount_point, const char *root)
{
	struct store_filesystem filesystem = {
		.identity = "identity", .type = "btrfs", .mount_point = mount_point, .root = root, .device = DEVICE};
	bool is_new;

	assert_int_equal(store_put_filesystem(store, &filesystem, &is_new), 0);
	assert_int_equal(filesystem.id, FILESYSTEM);
}

static bool was_kept(const char *mount_point, const char *root)
{
	const struct store_filesystem filesystem = {.identity = "identity", .mount_point = mount_point, .root = root};
	bool was;

	assert_int_equal(store_was_kept(store, &filesystem, &was), 0);
	return was;
}

/* Which of several mounts comes first is no difference. */
static void any_place_that_is_kept_is_as_before(void **state)
{
	(void)state;
	look_at_root_and_home();
	see_last("/", "/@");
	assert_true(was_kept("/", "/@"));
	assert_true(was_kept("/home", "/@home"));
	assert_false(was_kept("/home", "/@home_old"));
	assert_false(was_kept("/srv", "/@home"));
	/* Named by another place meanwhile. */
	coverage.mounts.count = 1;
	add(DEVICE, "/mnt/home", "/@home");
	assert_true(look());
	assert_false(was_kept("/home", "/@home"));
	/* Last at one of which nothing is kept. */
	see_last("/run/tool", "/");
	assert_false(was_kept("/", "/@"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(what_is_new_to_the_store_is_only_kept),
		TEST(another_subvolume_after_a_look),
		TEST(another_subvolume_after_a_restart),
		TEST(another_subvolume_of_one_that_came_with_a_gap),
		TEST(subvolume_is_mounted_for_the_first_time),
		TEST(bind_mounts_are_nothing_new),
		TEST(subvolume_is_elsewhere_for_a_while),
		TEST(subvolume_goes_on_to_be_seen_from_the_top),
		TEST(another_directory_that_is_shown_before),
		TEST(pool_that_is_mounted_for_a_while),
		TEST(only_a_transient_place_names_it_for_a_while),
		TEST(removed_directory_is_nothing_new),
		TEST(only_the_last_mount_at_a_place_is_seen),
		TEST(another_filesystem_was_at_the_place),
		TEST(difference_counts_until_its_gap_is_kept),
		TEST(places_do_not_grow_without_end),
		TEST(nothing_is_kept_where_directories_are_watched),
		TEST(any_place_that_is_kept_is_as_before),
		TEST(table_is_made_where_it_is_missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
