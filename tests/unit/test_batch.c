// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "batch.h"
#include "store.h"
#include "store_links.h"

enum { ENTRIES = 8, CHANGES = 4, BYTES = 64 };

/* In place of the store: what the batch puts into it. */
static struct {
	struct dirty entry;
	char path[32];
} written[ENTRIES];
static size_t count;
static int failure;
static uint32_t only_operations; /* not 0: more are written than are kept, all with these */

int __wrap_store_put_dirty(struct store *store, const struct dirty *entry)
{
	(void)store;
	if (failure)
		return failure;
	if (only_operations) {
		assert_int_equal(entry->facts.operations, only_operations);
		count++;
		return 0;
	}
	assert_true(count < ENTRIES);
	written[count].entry = *entry;
	memcpy(written[count].path, entry->path, entry->path_length);
	written[count].path[entry->path_length] = '\0';
	count++;
	return 0;
}

static struct link_change changes[CHANGES];
static size_t change_count;

int __wrap_store_put_link(struct store *store, const struct link_change *change)
{
	(void)store;
	assert_true(change_count < CHANGES);
	changes[change_count++] = *change;
	return 0;
}

static struct dirty entry(uint64_t window, const char *path, uint32_t operations)
{
	return (struct dirty){
		.window = window,
		.filesystem = 1,
		.path = path,
		.path_length = strlen(path),
		.first = 10,
		.last = 10,
		.facts = {.operations = operations},
	};
}

static int set_up(void **state)
{
	*state = batch_new(ENTRIES, CHANGES, BYTES);
	memset(written, 0, sizeof(written));
	count = change_count = 0;
	failure = 0;
	only_operations = 0;
	return *state ? 0 : -1;
}

static int tear_down(void **state)
{
	batch_free(*state);
	return 0;
}

static void add(struct batch *batch, struct dirty dirty)
{
	assert_int_equal(batch_add(batch, &dirty), 0);
}

static void order_is_the_stores(void **state)
{
	struct batch *batch = *state;

	add(batch, entry(2, "/a", 1));
	add(batch, entry(1, "/b/c", 1));
	add(batch, entry(1, "/b", 1));
	add(batch, entry(1, "/a", 1));
	assert_int_equal(batch_write(batch, NULL), 0);
	assert_int_equal(count, 4);
	assert_string_equal(written[0].path, "/a");
	assert_string_equal(written[1].path, "/b");
	assert_string_equal(written[2].path, "/b/c");
	assert_int_equal(written[3].entry.window, 2);
}

static void same_path_merges(void **state)
{
	struct batch *batch = *state;
	struct dirty second = entry(1, "/a", 4);

	second.first = 5;
	second.last = 20;
	second.facts.was = 2;
	second.facts.flags = DIRTY_EXPAND;
	add(batch, entry(1, "/a", 1));
	add(batch, second);
	add(batch, entry(2, "/a", 8));
	assert_int_equal(batch_write(batch, NULL), 0);
	assert_int_equal(count, 2);
	assert_int_equal(written[0].entry.facts.operations, 5);
	assert_int_equal(written[0].entry.facts.was, 2);
	assert_int_equal(written[0].entry.facts.flags, DIRTY_EXPAND);
	assert_int_equal(written[0].entry.first, 5);
	assert_int_equal(written[0].entry.last, 20);
}

/* What became of a file depends on what came first. */
static void changes_keep_their_order(void **state)
{
	struct batch *batch = *state;
	struct link_change change = {.path = "/b", .path_length = 2, .inode = 9};

	for (int i = 0; i < CHANGES; i++) {
		assert_int_equal(batch_add_link(batch, &change), 0);
		change.inode--;
		change.path = "/a";
	}
	assert_false(batch_is_empty(batch));
	assert_int_equal(batch_add_link(batch, &change), -ENOSPC);
	assert_int_equal(batch_write(batch, NULL), 0);
	assert_int_equal(change_count, CHANGES);
	for (int i = 0; i < CHANGES; i++)
		assert_int_equal(changes[i].inode, 9 - i);
	batch_clear(batch);
	assert_true(batch_is_empty(batch));
	assert_int_equal(batch_add_link(batch, &change), 0);
}

static void full_batch_says_so(void **state)
{
	static const char *const paths[ENTRIES] = {"/a", "/b", "/c", "/d", "/e", "/f", "/g", "/h"};
	struct batch *batch = *state;
	char path[BYTES + 2] = {};
	struct dirty large;

	memset(path, 'x', sizeof(path) - 1);
	large = entry(1, path, 1);
	assert_int_equal(batch_add(batch, &large), -ENOSPC);
	assert_true(batch_is_empty(batch));
	for (int i = 0; i < ENTRIES; i++)
		add(batch, entry(1, paths[i], 1));
	large = entry(1, "/i", 1);
	assert_int_equal(batch_add(batch, &large), -ENOSPC);
	/* What it has takes no room. */
	add(batch, entry(1, paths[0], 2));
	batch_clear(batch);
	assert_int_equal(batch_add(batch, &large), 0);
}

static void failed_write_loses_nothing(void **state)
{
	struct batch *batch = *state;

	add(batch, entry(1, "/a", 1));
	add(batch, entry(1, "/b", 1));
	failure = -EIO;
	assert_int_equal(batch_write(batch, NULL), -EIO);
	failure = 0;
	assert_int_equal(batch_write(batch, NULL), 0);
	assert_int_equal(count, 2);
}

static int compare_written(int left, int right)
{
	const struct dirty *a = &written[left].entry, *b = &written[right].entry;

	if (a->window != b->window)
		return a->window < b->window ? -1 : 1;
	if (a->filesystem != b->filesystem)
		return a->filesystem < b->filesystem ? -1 : 1;
	return strcmp(written[left].path, written[right].path);
}

/* Of few letters, so that they have beginnings of all lengths in common. */
static void make_path(char path[24])
{
	int length = 1 + rand() % 22;

	for (int i = 0; i < length; i++)
		path[i] = (rand() % 8) ? '\xfe' : "\x01/"[rand() % 2];
	path[0] = '/';
	path[length] = '\0';
}

static void any_order_is_sorted(void **state)
{
	struct batch *batch = *state;

	srand(1);
	for (int round = 0; round < 20000; round++) {
		count = 0;
		for (int i = 0; i < ENTRIES; i++) {
			char path[24];
			struct dirty dirty;

			make_path(path);
			dirty = entry(1 + rand() % 2, path, 1);
			dirty.filesystem = 1 + rand() % 2;
			if (batch_add(batch, &dirty))
				break;
		}
		assert_int_equal(batch_write(batch, NULL), 0);
		for (int i = 1; i < (int)count; i++)
			assert_true(compare_written(i - 1, i) < 0);
		batch_clear(batch);
	}
}

enum { PATHS = 2003 };

/* Each path once, in some order: stride is prime to their number. */
static void add_all(struct batch *batch, int stride, uint32_t operations)
{
	char path[16];

	for (int i = 0; i < PATHS; i++) {
		snprintf(path, sizeof(path), "/%05d", (int)((long)i * stride % PATHS));
		add(batch, entry(1, path, operations));
	}
}

/* What was sorted and merged lies elsewhere: nothing is merged into what it was before. */
static void failed_write_leaves_nothing_behind(void **state)
{
	(void)state;
	only_operations = 1 | 2 | 4;
	for (int stride = 1; stride < 100; stride++) {
		struct batch *batch = batch_new(3 * PATHS, CHANGES, 3 * PATHS * sizeof("/00000"));

		assert_non_null(batch);
		count = 0;
		add_all(batch, 1, 1);
		add_all(batch, stride, 2);
		failure = -EIO;
		assert_int_equal(batch_write(batch, NULL), -EIO);
		failure = 0;
		add_all(batch, PATHS - 1, 4);
		assert_int_equal(batch_write(batch, NULL), 0);
		assert_int_equal(count, PATHS);
		batch_free(batch);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(order_is_the_stores, set_up, tear_down),
		cmocka_unit_test_setup_teardown(same_path_merges, set_up, tear_down),
		cmocka_unit_test_setup_teardown(changes_keep_their_order, set_up, tear_down),
		cmocka_unit_test_setup_teardown(full_batch_says_so, set_up, tear_down),
		cmocka_unit_test_setup_teardown(failed_write_loses_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(any_order_is_sorted, set_up, tear_down),
		cmocka_unit_test_setup_teardown(failed_write_leaves_nothing_behind, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
