// SPDX-License-Identifier: GPL-2.0
/* From records to changes of names. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "link_feed.h"

enum { CHANGES = 8, DISK = 8 << 20 };

/* In place of the batch. */
static struct link_change changes[CHANGES];
static char paths[CHANGES][256];
static size_t count, room;

int __wrap_batch_add_link(struct batch *batch, const struct link_change *change)
{
	(void)batch;
	if (count == room)
		return -ENOSPC;
	changes[count] = *change;
	memcpy(paths[count], change->path, change->path_length);
	paths[count++][change->path_length] = '\0';
	return 0;
}

static int set_up(void **state)
{
	*state = link_feed_new();
	memset(changes, 0, sizeof(changes));
	count = 0;
	room = CHANGES;
	return *state ? 0 : -1;
}

static int tear_down(void **state)
{
	link_feed_free(*state);
	return 0;
}

static int take_event_of(struct link_feed *feed, uint64_t window, struct event event, const char *path)
{
	const struct link_event at = {
		.event = &event, .path = path, .length = strlen(path), .filesystem = 3, .window = window, .time = 7};

	event.kind = event.kind ? event.kind : EVENT_PATH;
	event.inode = event.inode ? event.inode : 9;
	event.tid = event.tid ? event.tid : 1;
	event.device = event.device ? event.device : DISK;
	return link_feed_take(feed, &at, NULL);
}

static int take_event(struct link_feed *feed, struct event event, const char *path)
{
	return take_event_of(feed, 5, event, path);
}

static void take(struct link_feed *feed, enum operation operation, uint16_t mode, uint32_t links, const char *path)
{
	const struct event event = {.operation = operation, .mode = mode, .links = links};

	assert_int_equal(take_event(feed, event, path), 0);
}

static void expect(size_t number, enum link_action action, uint32_t links, const char *path)
{
	assert_true(number < count);
	assert_int_equal(changes[number].action, action);
	assert_int_equal(changes[number].links, links);
	assert_string_equal(paths[number], path);
	assert_true(changes[number].filesystem == 3 && changes[number].window == 5 && changes[number].time == 7);
}

static void only_files_with_several_links(void **state)
{
	take(*state, OPERATION_OPEN, S_IFREG, 1, "/a");
	take(*state, OPERATION_RENAME_FROM, S_IFREG, 1, "/a");
	take(*state, OPERATION_SETATTR, S_IFDIR, 9, "/d");
	assert_int_equal(count, 0);
	take(*state, OPERATION_OPEN, S_IFREG, 2, "/a");
	take(*state, OPERATION_LINK, S_IFREG, 1, "/b");
	take(*state, OPERATION_RENAME_FROM, S_IFLNK, 2, "/b");
	take(*state, OPERATION_RENAME_TO, S_IFLNK, 2, "/c");
	take(*state, OPERATION_UNLINK, S_IFREG, 2, "/c");
	take(*state, OPERATION_UNLINK, S_IFREG, 1, "/d");
	assert_int_equal(count, 6);
	expect(0, LINK_NAMED, 2, "/a");
	expect(1, LINK_NAMED, 2, "/b");
	expect(2, LINK_LEFT, 2, "/b");
	expect(3, LINK_NAMED, 2, "/c");
	expect(4, LINK_REMOVED, 1, "/c");
	expect(5, LINK_REMOVED, 0, "/d");
}

/* Of several names one may be left. */
static void last_name_moves(void **state)
{
	struct event event = {.operation = OPERATION_RENAME_TO, .mode = S_IFREG, .links = 1, .flags = EVENT_CARRIED};

	assert_int_equal(take_event(*state, event, "/b"), 0);
	event.flags = EVENT_UNFIT;
	assert_int_equal(take_event(*state, event, "/b"), 0);
	assert_int_equal(count, 0);
	event.flags = 0;
	assert_int_equal(take_event(*state, event, "/b"), 0);
	expect(0, LINK_ARRIVED, 1, "/b");
}

/* It says that there are two links, but was made before the last one went. */
static void record_that_was_passed_by_the_end(void **state)
{
	struct event opened = {.operation = OPERATION_OPEN, .mode = S_IFREG, .links = 2, .time = 100};
	struct event ended = {.operation = OPERATION_UNLINK, .mode = S_IFREG, .links = 1, .time = 110};

	assert_int_equal(take_event(*state, ended, "/b"), 0);
	assert_int_equal(take_event(*state, opened, "/a"), 0);
	assert_int_equal(count, 1);
	expect(0, LINK_REMOVED, 0, "/b");
	/* Should that unlink have failed, the list of the window before has no record of the last name. */
	assert_int_equal(take_event_of(*state, 4, opened, "/a"), 0);
	assert_int_equal(count, 2);
	count = 1;
	/* Another file has the number since. */
	opened.time = 120;
	assert_int_equal(take_event(*state, opened, "/a"), 0);
	expect(1, LINK_NAMED, 2, "/a");
	/* One that a rename ended. */
	ended = (struct event){
		.operation = OPERATION_RENAME_TO, .mode = S_IFREG, .links = 1, .time = 130, .inode = 8, .ended = 9};
	assert_int_equal(take_event(*state, ended, "/a"), 0);
	assert_int_equal(take_event(*state, opened, "/a"), 0);
	assert_int_equal(count, 4);
	expect(3, LINK_ARRIVED, 1, "/a");
	/* Not of the file itself, of which one link is left. */
	ended.operation = OPERATION_UNLINK;
	ended.ended = 0;
	ended.links = 2;
	ended.inode = 10;
	assert_int_equal(take_event(*state, ended, "/c"), 0);
	opened.inode = 10;
	assert_int_equal(take_event(*state, opened, "/d"), 0);
	expect(5, LINK_NAMED, 2, "/d");
}

static void rename_ends_another_file(void **state)
{
	struct event event = {
		.operation = OPERATION_RENAME_TO, .mode = S_IFREG, .links = 2, .ended = 77, .flags = EVENT_CARRIED};

	assert_int_equal(take_event(*state, event, "/b"), 0);
	event.flags = EVENT_UNFIT;
	assert_int_equal(take_event(*state, event, "/b"), 0);
	assert_int_equal(count, 2);
	assert_true(changes[0].inode == 9 && changes[1].inode == 9);
	event.flags = 0;
	assert_int_equal(take_event(*state, event, "/b"), 0);
	assert_int_equal(count, 4);
	expect(2, LINK_REMOVED, 0, "/b");
	assert_int_equal(changes[2].inode, 77);
	expect(3, LINK_NAMED, 2, "/b");
	assert_int_equal(changes[3].inode, 9);
}

/* By now the dentry of a name that was removed or moved away may have another one. */
static void carried_names_are_not_removed(void **state)
{
	struct event event = {.operation = OPERATION_RENAME_FROM, .mode = S_IFREG, .links = 2, .flags = EVENT_CARRIED};

	assert_int_equal(take_event(*state, event, "/new"), 0);
	expect(0, LINK_NAMED, 2, "/new");
	event.operation = OPERATION_UNLINK;
	event.links = 1;
	assert_int_equal(take_event(*state, event, "/new"), 0);
	event.mode = S_IFDIR;
	event.operation = OPERATION_RENAME_TO;
	assert_int_equal(take_event(*state, event, "/new"), 0);
	assert_int_equal(count, 1);
}

static void directory_moves(void **state)
{
	struct event event = {.operation = OPERATION_RENAME_FROM, .mode = S_IFDIR, .tid = 4};

	assert_int_equal(take_event(*state, event, "/never/arrived"), 0);
	assert_int_equal(take_event(*state, event, "/four"), 0);
	event.tid = 5;
	assert_int_equal(take_event(*state, event, "/five"), 0);
	assert_int_equal(count, 0);
	event.operation = OPERATION_RENAME_TO;
	event.replaced = S_IFDIR >> 12;
	room = 0;
	assert_int_equal(take_event(*state, event, "/to"), -ENOSPC);
	room = CHANGES;
	assert_int_equal(take_event(*state, event, "/to"), 0);
	expect(0, DIRECTORY_MOVED, 1, "/five/to");
	assert_true(changes[0].from_length == 5 && changes[0].replaced);
	assert_int_equal(take_event(*state, event, "/to"), 0);
	event.tid = 4;
	event.replaced = 0;
	event.inode = 10;
	assert_int_equal(take_event(*state, event, "/another"), 0);
	assert_int_equal(count, 1);
	event.inode = 9;
	assert_int_equal(take_event(*state, event, "/x"), 0);
	expect(1, DIRECTORY_MOVED, 1, "/four/x");
	assert_false(changes[1].replaced);
}

static void move_directory(struct link_feed *feed, const char *from, const char *to, uint64_t time)
{
	struct event event = {.operation = OPERATION_RENAME_FROM, .mode = S_IFDIR, .tid = 4, .time = time};

	assert_int_equal(take_event(feed, event, from), 0);
	event.operation = OPERATION_RENAME_TO;
	assert_int_equal(take_event(feed, event, to), 0);
}

/* The rename may not be done yet when a file is met below the old path. */
static void met_while_its_directory_moves(void **state)
{
	const uint64_t second = UINT64_C(1000000000);
	struct event event = {.operation = OPERATION_OPEN, .mode = S_IFREG, .links = 2, .time = second};

	move_directory(*state, "/d", "/longer/e", second);
	move_directory(*state, "/longer", "/f", second);
	count = 0;
	room = 1;
	assert_int_equal(take_event(*state, event, "/d/s/a"), -ENOSPC);
	room = CHANGES;
	count = 0;
	assert_int_equal(take_event(*state, event, "/d/s/a"), 0);
	expect(0, LINK_NAMED, 2, "/d/s/a");
	expect(1, LINK_MOVED_ON, 2, "/f/e/s/a");
	assert_int_equal(take_event(*state, event, "/d"), 0);
	assert_int_equal(take_event(*state, event, "/dd/a"), 0);
	event.operation = OPERATION_RENAME_FROM;
	assert_int_equal(take_event(*state, event, "/d/b"), 0);
	assert_int_equal(count, 5);
	event.operation = OPERATION_RENAME_TO;
	event.links = 1;
	assert_int_equal(take_event(*state, event, "/d/b"), 0);
	expect(5, LINK_ARRIVED, 1, "/d/b");
	expect(6, LINK_MOVED_ON, 1, "/f/e/b");
	count = 0;
	event.time = 2 * second;
	assert_int_equal(take_event(*state, event, "/d/b"), 0);
	assert_int_equal(count, 1);
}

/* The path is an ancestor's. */
static void path_that_did_not_fit(void **state)
{
	struct event event = {.operation = OPERATION_OPEN, .mode = S_IFREG, .links = 2, .flags = EVENT_UNFIT};

	assert_int_equal(take_event(*state, event, "/above"), 0);
	assert_int_equal(changes[0].action, LINK_UNNAMED);
	event.operation = OPERATION_UNLINK;
	assert_int_equal(take_event(*state, event, "/above"), 0);
	event.mode = S_IFDIR;
	event.operation = OPERATION_RMDIR;
	assert_int_equal(take_event(*state, event, "/above"), 0);
	event.operation = OPERATION_RENAME_FROM;
	assert_int_equal(take_event(*state, event, "/above"), 0);
	event.operation = OPERATION_RENAME_TO;
	assert_int_equal(take_event(*state, event, "/above"), 0);
	assert_int_equal(count, 1);
}

static void file_without_a_name(void **state)
{
	struct event event = {.kind = EVENT_INODE, .operation = OPERATION_OPEN, .mode = S_IFREG, .links = 1};

	assert_int_equal(take_event(*state, event, ""), 0);
	expect(0, LINK_UNNAMED, 1, "");
	assert_int_equal(changes[0].facts.flags, DIRTY_UNNAMED);
	event.mode = S_IFDIR;
	event.links = 5;
	assert_int_equal(take_event(*state, event, ""), 0);
	expect(1, LINK_UNNAMED, 1, "");
	event.links = 0;
	assert_int_equal(take_event(*state, event, ""), 0);
	assert_int_equal(count, 2);
}

/* Subvolumes may have the number each, and share the anonymous one of their filesystem. */
static void record_of_a_file_with_a_number_that_repeats(void **state)
{
	struct event opened = {.operation = OPERATION_OPEN, .mode = S_IFREG, .links = 2, .time = 100, .device = 45};
	struct event ended = {.operation = OPERATION_UNLINK, .mode = S_IFREG, .links = 1, .time = 110, .device = 45};

	assert_int_equal(take_event(*state, ended, "/S/b"), 0);
	assert_int_equal(take_event(*state, opened, "/a"), 0);
	assert_int_equal(count, 2);
	expect(1, LINK_NAMED, 2, "/a");
}

/* Where one was a file met may have been of another subvolume. */
static void subvolume_that_leaves(void **state)
{
	enum { BTRFS = 42, ROOT = 256 };
	static const struct event leaving[] = {
		{.operation = OPERATION_RMDIR, .mode = S_IFDIR, .inode = ROOT, .device = BTRFS},
		{.operation = OPERATION_RENAME_FROM, .mode = S_IFDIR, .inode = ROOT, .device = BTRFS},
		{.operation = OPERATION_IOCTL, .flags = EVENT_UNFIT, .device = BTRFS},
		{.operation = OPERATION_IOCTL, .mode = S_IFDIR, .flags = EVENT_UNFIT | EVENT_CARRIED, .device = BTRFS},
	};
	static const struct event others[] = {
		{.operation = OPERATION_RMDIR, .mode = S_IFDIR, .inode = ROOT},
		{.operation = OPERATION_RMDIR, .mode = S_IFDIR, .inode = ROOT + 1, .device = BTRFS},
		{.operation = OPERATION_SETATTR, .mode = S_IFDIR, .inode = ROOT, .device = BTRFS},
		{.operation = OPERATION_IOCTL, .mode = S_IFREG, .links = 1, .device = BTRFS},
		{.operation = OPERATION_IOCTL, .flags = EVENT_UNFIT},
	};

	for (size_t i = 0; i < sizeof(leaving) / sizeof(*leaving); i++) {
		count = 0;
		assert_int_equal(take_event(*state, leaving[i], "/d/S"), 0);
		assert_true(count > 0 && changes[0].action == SUBVOLUME_LEFT);
		assert_string_equal(paths[0], "/d/S");
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		count = 0;
		assert_int_equal(take_event(*state, others[i], "/d/S"), 0);
		assert_true(count == 0 || changes[0].action != SUBVOLUME_LEFT);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(only_files_with_several_links),
		TEST(last_name_moves),
		TEST(record_that_was_passed_by_the_end),
		TEST(record_of_a_file_with_a_number_that_repeats),
		TEST(rename_ends_another_file),
		TEST(carried_names_are_not_removed),
		TEST(directory_moves),
		TEST(met_while_its_directory_moves),
		TEST(path_that_did_not_fit),
		TEST(file_without_a_name),
		TEST(subvolume_that_leaves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
