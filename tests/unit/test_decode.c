// SPDX-License-Identifier: GPL-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "decode.h"

enum { DIRECTORY = 1 << (S_IFDIR >> 12), REGULAR = 1 << (S_IFREG >> 12), LINK = 1 << (S_IFLNK >> 12) };

static struct event *make_event(const char *bytes, size_t length)
{
	struct event *event = calloc(1, sizeof(*event) + length);

	assert_non_null(event);
	event->path_bytes = length;
	memcpy(event + 1, bytes, length);
	return event;
}

static void expect_path(const char *bytes, size_t length, const char *expected, uint8_t flags)
{
	struct event *event = make_event(bytes, length);
	char path[DECODED_PATH_BYTES];
	uint8_t found = 0;

	assert_int_equal(decode_path(event, path, &found), strlen(expected));
	assert_string_equal(path, expected);
	assert_int_equal(found, flags);
	free(event);
}

static void path_is_turned_round(void **state)
{
	(void)state;
	expect_path("", 0, "/", 0);
	expect_path("a/", 2, "/a", 0);
	expect_path("file/directory/top/", 19, "/top/directory/file", 0);
	expect_path("\n\xff/ b /", 7, "/ b /\n\xff", 0);
	/* What the kernel writes behind a removed name is part of no name that it has. */
	expect_path("x (deleted)/a (deleted)/", 24, "/a (deleted)/x (deleted)", 0);
}

static void what_is_no_name_stands_for_all_below(void **state)
{
	(void)state;
	expect_path("b/a/", 4, "/a/b", 0);
	expect_path(".b/..a/.../a./", 14, "/a./.../..a/.b", 0);
	expect_path("//a/", 4, "/a", EVENT_UNFIT);
	expect_path("/a/", 3, "/a", EVENT_UNFIT);
	expect_path("//", 2, "/", EVENT_UNFIT);
	expect_path("c//b/a/", 7, "/a/b", EVENT_UNFIT);
	expect_path("../b/a/", 7, "/a/b", EVENT_UNFIT);
	expect_path("c/./a/", 6, "/a", EVENT_UNFIT);
	expect_path("../", 3, "/", EVENT_UNFIT);
	expect_path("c/b\0b/a/", 8, "/a", EVENT_UNFIT);
	/* As a caller may have it in an ioctl: no directory is left through it. */
	expect_path("../../etc/a/", 12, "/a/etc", EVENT_UNFIT);
}

/* "x/x/.../", and a name of leaf bytes before. */
static void expect_cut(size_t leaf, size_t components, size_t expected, uint8_t flags)
{
	char bytes[RECORD_PATH_BYTES], path[DECODED_PATH_BYTES];
	size_t length = leaf ? leaf + 1 : 0;
	struct event *event;
	uint8_t found = 0;

	memset(bytes, 'y', sizeof(bytes));
	if (leaf)
		bytes[leaf] = '/';
	for (size_t i = 0; i < components; i++, length += 2)
		memcpy(bytes + length, "x/", 2);
	event = make_event(bytes, length);
	assert_int_equal(decode_path(event, path, &found), expected);
	assert_int_equal(found, flags);
	assert_int_equal(strlen(path), expected);
	assert_int_equal(path[0], '/');
	free(event);
}

static void path_that_is_too_long(void **state)
{
	(void)state;
	expect_cut(0, PATH_BYTES / 2, PATH_BYTES, 0);
	expect_cut(1, PATH_BYTES / 2 - 1, PATH_BYTES, 0);
	expect_cut(199, PATH_BYTES / 2 - 100, PATH_BYTES, 0);
	expect_cut(200, PATH_BYTES / 2 - 100, PATH_BYTES - 200, EVENT_UNFIT);
	expect_cut(199, PATH_BYTES / 2, PATH_BYTES, EVENT_UNFIT);
	expect_cut(0, RECORD_PATH_BYTES / 2, PATH_BYTES, EVENT_UNFIT);
}

static struct dirty_facts facts_of(enum operation operation, uint16_t mode, uint8_t replaced, uint8_t flags)
{
	const struct event event = {.operation = operation, .mode = mode, .replaced = replaced, .flags = flags};

	return decode_facts(&event);
}

static void removal_keeps_the_type(void **state)
{
	(void)state;
	assert_int_equal(facts_of(OPERATION_UNLINK, S_IFREG | 0600, 0, 0).was, REGULAR);
	assert_int_equal(facts_of(OPERATION_RMDIR, S_IFDIR | 0700, 0, 0).was, DIRECTORY);
	assert_int_equal(facts_of(OPERATION_RENAME_FROM, S_IFDIR | 0700, 0, 0).was, DIRECTORY);
	assert_int_equal(facts_of(OPERATION_RENAME_TO, S_IFREG, S_IFLNK >> 12, 0).was, LINK);
	assert_int_equal(facts_of(OPERATION_OPEN, S_IFREG, 0, 0).was, 0);
	assert_int_equal(facts_of(OPERATION_CREATE, 0, 0, 0).was, 0);
}

static void directory_that_comes_is_replaced(void **state)
{
	(void)state;
	assert_int_equal(facts_of(OPERATION_RENAME_TO, S_IFDIR, 0, 0).flags, DIRTY_EXPAND);
	assert_int_equal(facts_of(OPERATION_RENAME_TO, S_IFDIR, 0, 0).was, DIRECTORY);
	assert_int_equal(facts_of(OPERATION_RENAME_TO, S_IFREG, 0, 0).flags, 0);
	assert_int_equal(facts_of(OPERATION_RENAME_FROM, S_IFDIR, 0, 0).flags, 0);
	assert_int_equal(facts_of(OPERATION_MKDIR, 0, 0, 0).flags, 0);
}

static void unknown_depth_expands_and_unknown_name_replaces(void **state)
{
	struct dirty_facts subtree = facts_of(OPERATION_IOCTL, S_IFDIR, 0, EVENT_SUBTREE);
	struct dirty_facts unfit = facts_of(OPERATION_OPEN, S_IFREG, 0, EVENT_UNFIT);

	(void)state;
	assert_int_equal(subtree.was, 0);
	assert_int_equal(subtree.flags, DIRTY_EXPAND);
	assert_int_equal(unfit.was, DIRECTORY);
	assert_int_equal(unfit.flags, DIRTY_EXPAND);
}

static void flags_are_kept(void **state)
{
	struct dirty_facts facts =
		facts_of(OPERATION_OPEN, S_IFREG, 0, EVENT_MAPPED | EVENT_NO_CMTIME | EVENT_CARRIED | EVENT_UNDER_WAY);

	(void)state;
	assert_int_equal(facts.flags, DIRTY_MAPPED | DIRTY_NO_CMTIME | DIRTY_UNDER_WAY);
	assert_int_equal(facts.operations, 1U << OPERATION_OPEN | 1U << OPERATION_CARRIED);
}

static void links_after_the_operation(void **state)
{
	const struct event linked = {.operation = OPERATION_LINK, .mode = S_IFREG, .links = 1};
	const struct event opened = {.operation = OPERATION_OPEN, .mode = S_IFREG, .links = 3};
	const struct event directory = {.operation = OPERATION_SETATTR, .mode = S_IFDIR, .links = 9};

	(void)state;
	assert_int_equal(decode_links(&linked), 2);
	assert_int_equal(decode_links(&opened), 3);
	assert_int_equal(decode_links(&directory), 1);
}

static void names_change_their_directory(void **state)
{
	(void)state;
	for (enum operation operation = 0; operation < OPERATION_COUNT; operation++) {
		const struct event event = {.operation = operation};
		bool expected = operation >= OPERATION_CREATE && operation <= OPERATION_RENAME_TO;

		assert_int_equal(decode_changes_directory(&event), expected);
		assert_non_null(operation_name(operation));
	}
}

static void facts_survive_packing(void **state)
{
	struct dirty_facts facts = {.operations = 0xabcdef, .was = 0x9876, .flags = 0x5a};
	struct dirty_facts again = dirty_facts_unpack(dirty_facts_pack(facts));

	(void)state;
	assert_memory_equal(&again, &facts, sizeof(facts));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(path_is_turned_round),
		cmocka_unit_test(what_is_no_name_stands_for_all_below),
		cmocka_unit_test(path_that_is_too_long),
		cmocka_unit_test(removal_keeps_the_type),
		cmocka_unit_test(directory_that_comes_is_replaced),
		cmocka_unit_test(unknown_depth_expands_and_unknown_name_replaces),
		cmocka_unit_test(flags_are_kept),
		cmocka_unit_test(links_after_the_operation),
		cmocka_unit_test(names_change_their_directory),
		cmocka_unit_test(facts_survive_packing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
