// SPDX-License-Identifier: GPL-2.0
/* The index of the names of files with several links. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "directory.h"
#include "store_links.h"
#include "store_places.h"
#include "store_walk.h"

enum { INODE = 100, TEXT_BYTES = 4096 };

struct fixture {
	char directory[DIRECTORY_BYTES];
	struct store *store;
};

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct store_filesystem filesystem = {.identity = "one", .type = "ext4", .mount_point = "/", .root = "/"};
	bool is_new;

	directory_make(fixture->directory, "/tmp");
	assert_int_equal(store_open(&fixture->store, fixture->directory, STORE_WRITE), 0);
	assert_int_equal(store_put_filesystem(fixture->store, &filesystem, &is_new), 0);
	assert_int_equal(filesystem.id, 1);
	for (uint64_t number = 1; number <= 3; number++)
		assert_int_equal(store_open_window(fixture->store, number, 1), 0);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	store_close(fixture->store);
	directory_remove(fixture->directory);
	free(fixture);
	return 0;
}

static void put(struct fixture *fixture, enum link_action action, uint64_t inode, uint32_t links, const char *path)
{
	const struct link_change change = {
		.action = action,
		.filesystem = 1,
		.inode = inode,
		.links = links,
		.window = 1,
		.time = 10,
		.facts.operations = 1U << OPERATION_OPEN,
		.path = path,
		.path_length = strlen(path),
	};

	assert_int_equal(store_put_link(fixture->store, &change), 0);
}

static void move(struct fixture *fixture, const char *from, const char *to, bool replaced)
{
	char path[256];
	const struct link_change change = {
		.action = DIRECTORY_MOVED,
		.filesystem = 1,
		.replaced = replaced,
		.path = path,
		.path_length = (size_t)snprintf(path, sizeof(path), "%s%s", from, to),
		.from_length = strlen(from),
	};

	assert_int_equal(store_put_link(fixture->store, &change), 0);
}

static int collect_name(const char *path, size_t length, void *context)
{
	char *text = context;

	snprintf(text + strlen(text), TEXT_BYTES - strlen(text), "%.*s ", (int)length, path);
	return 0;
}

static void expect_names(struct fixture *fixture, uint64_t inode, const char *names)
{
	char text[TEXT_BYTES] = "";

	assert_int_equal(store_names(fixture->store, 1, inode, collect_name, text), 0);
	assert_string_equal(text, names);
}

static int collect_linked(const struct store_linked *linked, void *context)
{
	char *text = context;

	snprintf(text + strlen(text), TEXT_BYTES - strlen(text), "%llu:%u:%.*s%s ", (unsigned long long)linked->inode,
		 linked->links, linked->place ? (int)linked->place_length : 1, linked->place ? linked->place : "-",
		 linked->walked ? ":walked" : "");
	return 0;
}

static void expect_linked(struct fixture *fixture, const char *linked)
{
	char text[TEXT_BYTES] = "";

	assert_int_equal(store_linked(fixture->store, 1, collect_linked, text), 0);
	assert_string_equal(text, linked);
}

static void names_come_and_go(void **state)
{
	struct fixture *fixture = *state;

	put(fixture, LINK_NAMED, INODE, 2, "/a");
	put(fixture, LINK_NAMED, INODE, 2, "/d/e/b");
	put(fixture, LINK_NAMED, INODE + 1, 2, "/d/e/b");
	expect_names(fixture, INODE, "/a /d/e/b ");
	put(fixture, LINK_LEFT, INODE, 2, "/a");
	put(fixture, LINK_NAMED, INODE, 2, "/d/c");
	expect_names(fixture, INODE, "/d/c /d/e/b ");
	put(fixture, LINK_REMOVED, INODE, 1, "/d/c");
	put(fixture, LINK_REMOVED, INODE, 1, "/never/seen");
	expect_names(fixture, INODE, "/d/e/b ");
	expect_names(fixture, INODE + 1, "/d/e/b ");
}

/* The last one that is known of a file tells whether it has ended. */
static void ends_with_its_last_link(void **state)
{
	struct fixture *fixture = *state;

	put(fixture, LINK_REMOVED, INODE, 0, "/never/changed");
	expect_linked(fixture, "");
	put(fixture, LINK_NAMED, INODE, 2, "/d/a");
	put(fixture, LINK_REMOVED, INODE, 1, "/d/a");
	expect_linked(fixture, "100:2:/d ");
	put(fixture, LINK_REMOVED, INODE, 0, "/d/b");
	expect_linked(fixture, "100:0:/d ");
	put(fixture, LINK_NAMED, INODE, 3, "/d/c");
	expect_linked(fixture, "100:3:/d ");
	put(fixture, LINK_UNNAMED, INODE, 3, "");
	put(fixture, LINK_NAMED, INODE, 3, "/root");
	expect_linked(fixture, "100:3:- 100:3:/ 100:3:/d ");
}

/* Of a file that has changed and has one name left. */
static void last_name_moves(void **state)
{
	struct fixture *fixture = *state;

	put(fixture, LINK_ARRIVED, INODE, 1, "/d/never/changed");
	expect_names(fixture, INODE, "");
	expect_linked(fixture, "");
	put(fixture, LINK_NAMED, INODE, 2, "/d/a");
	put(fixture, LINK_ARRIVED, INODE, 1, "/d/b");
	expect_names(fixture, INODE, "/d/a /d/b ");
	expect_linked(fixture, "100:1:/d ");
}

static void directory_may_have_moved(void **state)
{
	struct fixture *fixture = *state;

	put(fixture, LINK_MOVED_ON, INODE, 2, "/e/a");
	expect_names(fixture, INODE, "");
	put(fixture, LINK_NAMED, INODE, 2, "/d/a");
	put(fixture, LINK_MOVED_ON, INODE, 2, "/e/a");
	expect_names(fixture, INODE, "/d/a /e/a ");
	expect_linked(fixture, "100:2:/d ");
}

static void directory_takes_its_names_along(void **state)
{
	struct fixture *fixture = *state;

	put(fixture, LINK_NAMED, INODE, 2, "/d/e/a");
	put(fixture, LINK_NAMED, INODE, 2, "/d/b");
	move(fixture, "/not/known", "/there", false);
	move(fixture, "/d", "/x/y", false);
	expect_names(fixture, INODE, "/x/y/b /x/y/e/a ");
	put(fixture, LINK_NAMED, INODE, 3, "/d/b");
	expect_names(fixture, INODE, "/x/y/b /x/y/e/a /d/b ");
	move(fixture, "/x/y/e", "/e", false);
	move(fixture, "/x", "/d/x", false);
	expect_names(fixture, INODE, "/d/x/y/b /e/a /d/b ");
	/* No rename does that; were it copied, there would be no end of it. */
	move(fixture, "/d", "/d/x/z", true);
	expect_names(fixture, INODE, "/d/x/y/b /e/a /d/b ");
}

/* It may fail, or be an exchange: the names stay where they were as well. */
static void directory_that_replaces_leaves_its_names(void **state)
{
	struct fixture *fixture = *state;

	put(fixture, LINK_NAMED, INODE, 2, "/one/e/f/a");
	put(fixture, LINK_NAMED, INODE, 2, "/one/g/b");
	put(fixture, LINK_NAMED, INODE + 1, 2, "/two/e/c");
	move(fixture, "/one", "/two", true);
	move(fixture, "/two", "/one", true);
	expect_names(fixture, INODE, "/one/e/f/a /one/g/b /two/e/f/a /two/g/b ");
	expect_names(fixture, INODE + 1, "/one/e/c /two/e/c ");
	/* A place that nobody has removed is as good as something that was replaced. */
	move(fixture, "/one/g", "/two/e", false);
	expect_names(fixture, INODE, "/one/e/f/a /one/g/b /two/e/b /two/e/f/a /two/g/b ");
}

static int count_name(const char *path, size_t length, void *context)
{
	(void)path;
	(void)length;
	++*(size_t *)context;
	return 0;
}

static size_t names_of(struct fixture *fixture, uint64_t inode)
{
	size_t count = 0;

	assert_int_equal(store_names(fixture->store, 1, inode, count_name, &count), 0);
	return count;
}

/* Each into the other, again and again, while all of the renames may have failed: what doubles comes to an end. */
static void copies_have_an_end(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(store_begin(fixture->store), 0);
	put(fixture, LINK_NAMED, INODE, 2, "/one/a");
	for (int i = 0; i < 20; i++) {
		char place[32];

		snprintf(place, sizeof(place), "/two/in%d", i);
		move(fixture, "/one", place, true);
		snprintf(place, sizeof(place), "/one/in%d", i);
		move(fixture, "/two", place, true);
	}
	assert_int_equal(store_commit(fixture->store), 0);
	assert_in_range(names_of(fixture, INODE), STORE_COPIES / 10, STORE_COPIES + 1000);
	/* A walk finds what is true, and begins anew. */
	assert_int_equal(store_begin_walk(fixture->store, 1), 0);
	assert_int_equal(store_end_walk(fixture->store, 1), 0);
	assert_int_equal(names_of(fixture, INODE), 0);
	put(fixture, LINK_NAMED, INODE, 2, "/three/a");
	move(fixture, "/three", "/four", true);
	expect_names(fixture, INODE, "/three/a /four/a ");
}

static void removed_directory_can_come_again(void **state)
{
	struct fixture *fixture = *state;

	put(fixture, LINK_NAMED, INODE, 2, "/d/a");
	put(fixture, DIRECTORY_REMOVED, 5, 0, "/d");
	expect_names(fixture, INODE, "/d/a ");
	put(fixture, LINK_REMOVED, INODE, 1, "/d/a");
	put(fixture, DIRECTORY_REMOVED, 5, 0, "/d");
	put(fixture, DIRECTORY_REMOVED, 5, 0, "/not/known");
	put(fixture, LINK_NAMED, INODE, 2, "/d/b");
	expect_names(fixture, INODE, "/d/b ");
}

static void expect_left(struct fixture *fixture, const char *directory, bool expected)
{
	int64_t id;
	bool has;

	assert_int_equal(store_find_place(fixture->store, 1, directory, strlen(directory), true, &id), 0);
	assert_int_equal(store_has_left(fixture->store, 1, id, &has), 0);
	assert_int_equal(has, expected);
}

/* Below the directory that it was in anything may have been in it. */
static void subvolume_has_left(void **state)
{
	struct fixture *fixture = *state;

	put(fixture, SUBVOLUME_LEFT, 0, 0, "/d/S");
	expect_left(fixture, "/d", true);
	expect_left(fixture, "/d/S/e/f", true);
	expect_left(fixture, "/", false);
	expect_left(fixture, "/e/S", false);
	move(fixture, "/d", "/e/d", false);
	expect_left(fixture, "/e/d/x", true);
	expect_left(fixture, "/d/x", false);
}

/* Each place that has gone asks; those from which subvolumes have left may be many. */
static void subvolumes_have_left_elsewhere(void **state)
{
	static const char query[] = "SELECT 1 FROM sqlite_master WHERE name = 'linked_left'";
	struct fixture *fixture = *state;
	char path[DIRECTORY_BYTES + 32];
	sqlite3_stmt *statement;
	sqlite3 *connection;

	snprintf(path, sizeof(path), "%s/fschanged.db", fixture->directory);
	store_close(fixture->store);
	assert_int_equal(sqlite3_open(path, &connection), SQLITE_OK);
	assert_int_equal(sqlite3_exec(connection, "DROP INDEX linked_left", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(connection), SQLITE_OK);
	/* One that is without the index gets it. */
	assert_int_equal(store_open(&fixture->store, fixture->directory, STORE_WRITE), 0);
	subvolume_has_left(state);
	assert_int_equal(sqlite3_open(path, &connection), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(connection, query, -1, &statement, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	sqlite3_finalize(statement);
	assert_int_equal(sqlite3_close(connection), SQLITE_OK);
}

static void put_walked(struct fixture *fixture, uint64_t inode, uint32_t links, const char *path)
{
	assert_int_equal(store_put_walked(fixture->store, 1, inode, links, path, strlen(path)), 0);
}

static void walk_replaces_what_was_known(void **state)
{
	struct fixture *fixture = *state;
	uint64_t wanted[4];
	size_t count;
	bool walked;

	put(fixture, LINK_NAMED, INODE, 2, "/gone/a");
	put(fixture, LINK_UNNAMED, INODE + 1, 1, "");
	assert_int_equal(store_is_walked(fixture->store, 1, &walked), 0);
	assert_false(walked);
	assert_int_equal(store_begin_walk(fixture->store, 1), 0);
	assert_int_equal(store_wanted(fixture->store, 1, 0, 4, wanted, &count), 0);
	assert_true(count == 2 && wanted[0] == INODE && wanted[1] == INODE + 1);
	assert_int_equal(store_wanted(fixture->store, 1, INODE, 1, wanted, &count), 0);
	assert_true(count == 1 && wanted[0] == INODE + 1);
	put_walked(fixture, INODE, 2, "/d/a");
	put_walked(fixture, INODE + 1, 1, "/d/single");
	put_walked(fixture, INODE + 2, 1, "/d/not-wanted");
	put_walked(fixture, INODE + 3, 2, "/linked");
	/* While it is walked. */
	put(fixture, LINK_NAMED, INODE + 4, 2, "/new");
	expect_names(fixture, INODE, "/gone/a /d/a ");
	assert_int_equal(store_end_walk(fixture->store, 1), 0);
	expect_names(fixture, INODE, "/d/a ");
	expect_names(fixture, INODE + 1, "/d/single ");
	expect_names(fixture, INODE + 2, "");
	expect_names(fixture, INODE + 3, "/linked ");
	expect_names(fixture, INODE + 4, "/new ");
	expect_linked(fixture, "101:1:-:walked 104:2:/ 100:2:/gone:walked ");
	assert_int_equal(store_is_walked(fixture->store, 1, &walked), 0);
	assert_true(walked);
	/* Of the last name that goes nothing but the walk has told. */
	put(fixture, LINK_REMOVED, INODE + 3, 0, "/linked");
	expect_names(fixture, INODE + 3, "");
}

static void open_again(struct fixture *fixture)
{
	store_close(fixture->store);
	assert_int_equal(store_open(&fixture->store, fixture->directory, STORE_WRITE), 0);
}

/* Which files have rows is not asked of the database each time. */
static void rows_of_before_are_known(void **state)
{
	struct fixture *fixture = *state;

	put(fixture, LINK_NAMED, INODE, 2, "/d/a");
	put_walked(fixture, INODE + 1, 2, "/d/b");
	put(fixture, LINK_UNNAMED, INODE + 2, 1, "");
	open_again(fixture);
	put(fixture, LINK_REMOVED, INODE, 0, "/d/a");
	put(fixture, LINK_REMOVED, INODE + 1, 0, "/d/b");
	put(fixture, LINK_REMOVED, INODE + 2, 0, "/c");
	put(fixture, LINK_REMOVED, INODE + 3, 0, "/never/seen");
	expect_names(fixture, INODE, "");
	expect_names(fixture, INODE + 1, "");
	expect_linked(fixture, "102:1:- 102:0:/ 100:0:/d ");
}

static void many_rows_are_known(void **state)
{
	enum { MANY = 101 * 1000 };
	struct fixture *fixture = *state;
	char path[32];

	assert_int_equal(store_begin(fixture->store), 0);
	for (uint64_t i = 0; i < MANY; i++) {
		snprintf(path, sizeof(path), "/d/%llu", (unsigned long long)i);
		put_walked(fixture, i, 2, path);
	}
	assert_int_equal(store_commit(fixture->store), 0);
	open_again(fixture);
	/* Whichever is read last. */
	for (uint64_t i = MANY - 1000; i < MANY; i++) {
		snprintf(path, sizeof(path), "/d/%llu", (unsigned long long)i);
		put(fixture, LINK_REMOVED, i, 0, path);
		expect_names(fixture, i, "");
	}
}

static void moved_directories_wait_for_the_walk(void **state)
{
	struct fixture *fixture = *state;
	struct store_moved moved;

	put(fixture, DIRECTORY_ARRIVED, 7, 1, "/before");
	assert_int_equal(store_begin_walk(fixture->store, 1), 0);
	assert_int_equal(store_next_moved(fixture->store, 1, &moved), -ENOENT);
	put(fixture, DIRECTORY_ARRIVED, 7, 1, "/before/that");
	put(fixture, DIRECTORY_ARRIVED, 7, 1, "/one");
	put(fixture, DIRECTORY_ARRIVED, 8, 1, "/two");
	assert_int_equal(store_next_moved(fixture->store, 1, &moved), 0);
	assert_true(moved.inode == 7 && moved.length == 4 && memcmp(moved.path, "/one", 4) == 0);
	assert_int_equal(store_forget_moved(fixture->store, moved.id), 0);
	assert_int_equal(store_next_moved(fixture->store, 1, &moved), 0);
	assert_int_equal(moved.inode, 8);
}

/* What changed goes with its window; names stay. */
static void pruned_with_their_window(void **state)
{
	struct fixture *fixture = *state;
	size_t removed;

	put(fixture, LINK_NAMED, INODE, 2, "/d/a");
	for (uint64_t number = 1; number <= 2; number++)
		assert_int_equal(store_close_window(fixture->store, number, 100, 0), 0);
	assert_int_equal(store_mark_job(fixture->store, "job", 2, 1, COPIED_ALL), 0);
	assert_int_equal(store_commit_job(fixture->store, "job", 1), 0);
	assert_int_equal(store_prune(fixture->store, 1000, &removed), 0);
	assert_int_equal(removed, 2);
	expect_linked(fixture, "");
	expect_names(fixture, INODE, "/d/a ");
}

/* A rolled back transaction leaves no place behind that is only remembered. */
static void rolled_back(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(store_begin(fixture->store), 0);
	put(fixture, LINK_NAMED, INODE, 2, "/d/a");
	store_rollback(fixture->store);
	put(fixture, LINK_NAMED, INODE, 2, "/d/b");
	expect_names(fixture, INODE, "/d/b ");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(names_come_and_go),
		TEST(ends_with_its_last_link),
		TEST(last_name_moves),
		TEST(directory_may_have_moved),
		TEST(directory_takes_its_names_along),
		TEST(directory_that_replaces_leaves_its_names),
		TEST(copies_have_an_end),
		TEST(removed_directory_can_come_again),
		TEST(subvolume_has_left),
		TEST(subvolumes_have_left_elsewhere),
		TEST(walk_replaces_what_was_known),
		TEST(rows_of_before_are_known),
		TEST(many_rows_are_known),
		TEST(moved_directories_wait_for_the_walk),
		TEST(pruned_with_their_window),
		TEST(rolled_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
