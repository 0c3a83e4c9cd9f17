// SPDX-License-Identifier: GPL-2.0
/* Whatever is written, merged, cut off or fails: the dirty sets are those of a model that keeps each entry by itself.
 */
#include <errno.h>
#include <limits.h>
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

#include "database.h"
#include "directory.h"
#include "runs_model.h"

enum {
	WINDOWS = 3,
	BATCH = 700,
	MANY = 1 << 20, /* blocks: all that is to be done */
	STEPS_MOST = 2000,
};

struct fixture {
	char directory[DIRECTORY_BYTES], copy[64];
	struct store *store;
};

/* Queries that may still run; -1: any number. */
static int runs_left;

int __real_database_run(struct database *database, enum query query, const struct value *values, size_t count);

int __wrap_database_run(struct database *database, enum query query, const struct value *values, size_t count)
{
	if (runs_left == 0 && query != ROLLBACK)
		return database_refuse(database, -EIO, "it fails");
	runs_left -= runs_left > 0;
	return __real_database_run(database, query, values, count);
}

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	runs_left = -1;
	model.count = 0;
	srandom(1);
	directory_make(fixture->directory, "/tmp");
	snprintf(fixture->copy, sizeof(fixture->copy), "%s/copy", fixture->directory);
	assert_int_equal(store_open(&fixture->store, fixture->directory, STORE_WRITE), 0);
	for (uint64_t window = 1; window <= WINDOWS; window++)
		assert_int_equal(store_open_window(fixture->store, window, OPENED * INT64_C(1000000000)), 0);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	store_close(fixture->store);
	directory_remove(fixture->directory);
	free(fixture);
	return 0;
}

static void all_as_model(struct store *store, size_t count)
{
	for (uint64_t first = 1; first <= WINDOWS; first++)
		for (uint64_t last = first; last <= WINDOWS; last++)
			is_as_model(store, first, last, count);
}

/* The store */

/* What the model got since `from`, sorted as a batch is, in one transaction. */
static int put_since(struct store *store, size_t from)
{
	size_t count = 0;
	int result = store_begin(store);

	for (uint64_t window = 1; window <= WINDOWS; window++) {
		count = 0;
		for (size_t i = from; i < model.count; i++)
			if (model.entries[i].window == window)
				sorted[count++] = &model.entries[i];
		qsort(sorted, count, sizeof(*sorted), compare);
		for (size_t i = 0; !result && i < count; i++)
			result = store_put_dirty(store, sorted[i]);
	}
	if (!result)
		result = store_commit(store);
	if (result)
		store_rollback(store);
	return result;
}

static int merge(struct store *store, uint64_t blocks)
{
	uint64_t made;
	bool more = true;
	int result = 0;

	for (unsigned steps = 0; more && !result; steps++) {
		assert_true(steps < STEPS_MOST);
		result = store_merge(store, blocks, &made, &more);
	}
	return result;
}

static void reopen(struct fixture *fixture)
{
	store_close(fixture->store);
	assert_int_equal(store_open(&fixture->store, fixture->directory, STORE_WRITE), 0);
}

static int64_t ask(struct fixture *fixture, const char *query)
{
	char path[PATH_MAX];
	sqlite3_stmt *statement;
	sqlite3 *database;
	int64_t answer;

	snprintf(path, sizeof(path), "%s/fschanged.db", fixture->directory);
	assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(database, query, -1, &statement, NULL), SQLITE_OK);
	answer = sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
	sqlite3_finalize(statement);
	sqlite3_close(database);
	return answer;
}

static void forge(struct fixture *fixture, const char *statements)
{
	char path[PATH_MAX];
	sqlite3 *database;

	store_close(fixture->store);
	snprintf(path, sizeof(path), "%s/fschanged.db", fixture->directory);
	assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
	assert_int_equal(sqlite3_exec(database, statements, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(database);
	assert_int_equal(store_open(&fixture->store, fixture->directory, STORE_WRITE), 0);
}

/* Tests */

static void is_the_model_at_any_time(void **state)
{
	struct fixture *fixture = *state;
	size_t from = 0;

	for (int round = 0; round < 300; round++) {
		for (int i = 0; i < 1 + random() % 40; i++)
			add_few(1 + (uint64_t)random() % WINDOWS);
		if (random() % 4 == 0)
			for (int i = 0; i < 100; i++)
				add_large(1 + (uint64_t)random() % WINDOWS);
		if (random() % 2) {
			assert_int_equal(put_since(fixture->store, from), 0);
			from = model.count;
		}
		if (random() % 3 == 0)
			assert_int_equal(merge(fixture->store, 1 + (uint64_t)random() % 20), 0);
		if (random() % 20 == 0)
			reopen(fixture);
		if (random() % 10 == 0)
			is_as_model(fixture->store, 1 + (uint64_t)random() % 2, 2 + (uint64_t)random() % 2, from);
	}
	all_as_model(fixture->store, from);
}

/* The order in which things are put in a transaction does not matter, nor what is read in it. */
static void any_order_will_do(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(store_begin(fixture->store), 0);
	for (int i = 0; i < 500; i++) {
		add_few(1 + (uint64_t)random() % WINDOWS);
		assert_int_equal(store_put_dirty(fixture->store, &model.entries[model.count - 1]), 0);
		if (i % 50 == 0)
			all_as_model(fixture->store, model.count);
	}
	assert_int_equal(store_commit(fixture->store), 0);
	all_as_model(fixture->store, model.count);
}

static void put_large(struct fixture *fixture, int batches)
{
	for (int batch = 0; batch < batches; batch++) {
		size_t from = model.count;

		for (int i = 0; i < BATCH; i++)
			add_large(1);
		for (int i = 0; i < 50; i++)
			add_few(1);
		assert_int_equal(put_since(fixture->store, from), 0);
	}
}

static void few_runs_are_left(void **state)
{
	struct fixture *fixture = *state;

	for (int i = 0; i < 300; i++) {
		size_t from = model.count;

		add_few(1);
		assert_int_equal(put_since(fixture->store, from), 0);
		assert_int_equal(merge(fixture->store, MANY), 0);
		assert_true(ask(fixture, "SELECT count(*) FROM run") < 8);
	}
	put_large(fixture, 70);
	assert_true(ask(fixture, "SELECT count(*) FROM run") > 70);
	assert_int_equal(merge(fixture->store, MANY), 0);
	assert_true(ask(fixture, "SELECT count(*) FROM run") < 40);
	assert_int_equal(ask(fixture, "SELECT count(*) FROM run WHERE target != 0"), 0);
	assert_int_equal(ask(fixture, "SELECT count(*) - (SELECT sum(next - first) FROM run) FROM block"), 0);
	assert_int_equal(store_check(fixture->store), 0);
	all_as_model(fixture->store, model.count);
}

/* Each merge writes all of them again: in a window that gets more they wait for some others. */
static void small_runs_wait_for_each_other(void **state)
{
	struct fixture *fixture = *state;

	for (int i = 1; i < 8; i++) {
		size_t from = model.count;

		add_few(1);
		assert_int_equal(put_since(fixture->store, from), 0);
		assert_int_equal(merge(fixture->store, MANY), 0);
		assert_int_equal(ask(fixture, "SELECT count(*) FROM run"), i);
	}
	assert_int_equal(store_close_window(fixture->store, 1, 5, 0), 0);
	assert_int_equal(merge(fixture->store, MANY), 0);
	assert_int_equal(ask(fixture, "SELECT count(*) FROM run"), 1);
	all_as_model(fixture->store, model.count);
}

static void fewer_are_left_of_a_closed_window(void **state)
{
	struct fixture *fixture = *state;

	put_large(fixture, 20);
	assert_int_equal(merge(fixture->store, 50), 0);
	assert_true(ask(fixture, "SELECT count(*) FROM run") > 8);
	assert_int_equal(store_close_window(fixture->store, 1, 5, 0), 0);
	assert_int_equal(merge(fixture->store, 50), 0);
	assert_true(ask(fixture, "SELECT count(*) FROM run") <= 8);
	all_as_model(fixture->store, model.count);
}

static int count_paths(const struct store_window *window, void *context)
{
	*(uint64_t *)context = window->paths;
	return 0;
}

static void windows_tell_how_many(void **state)
{
	struct fixture *fixture = *state;
	uint64_t paths = 0;
	size_t distinct;

	for (int i = 0; i < 30; i++) {
		size_t from = model.count;

		for (int j = 0; j < 20; j++)
			add_few(1);
		assert_int_equal(put_since(fixture->store, from), 0);
	}
	distinct = is_as_model(fixture->store, 1, 1, model.count);
	assert_int_equal(store_windows(fixture->store, 1, 1, count_paths, &paths), 0);
	assert_true(paths >= distinct);
	assert_int_equal(store_close_window(fixture->store, 1, 5, 0), 0);
	assert_int_equal(merge(fixture->store, MANY), 0);
	assert_int_equal(store_windows(fixture->store, 1, 1, count_paths, &paths), 0);
	assert_int_equal(paths, distinct);
	/* What was put and is not committed. */
	assert_int_equal(store_begin(fixture->store), 0);
	add_large(1);
	assert_int_equal(store_put_dirty(fixture->store, &model.entries[model.count - 1]), 0);
	assert_int_equal(store_windows(fixture->store, 1, 1, count_paths, &paths), 0);
	assert_int_equal(paths, distinct + 1);
	store_rollback(fixture->store);
	is_as_model(fixture->store, 1, 1, model.count - 1);
}

struct disturbed {
	struct check check; /* first: it is what check_entry() sees */
	struct fixture *fixture;
	bool merged;
};

static int check_and_merge(const struct dirty *entry, void *context)
{
	struct disturbed *disturbed = context;

	if (!disturbed->merged)
		assert_int_equal(merge(disturbed->fixture->store, MANY), 0);
	disturbed->merged = true;
	return check_entry(entry, &disturbed->check);
}

/* Another process reads; the blocks that it has still to come to are merged and removed meanwhile. */
static void reading_goes_on_while_runs_are_merged(void **state)
{
	struct fixture *fixture = *state;
	struct disturbed disturbed = {.fixture = fixture};
	struct store *reader;

	put_large(fixture, 33);
	for (size_t i = 0; i < model.count; i++)
		sorted[disturbed.check.count++] = &model.entries[i];
	qsort(sorted, disturbed.check.count, sizeof(*sorted), compare);
	assert_int_equal(store_open(&reader, fixture->directory, STORE_READ), 0);
	assert_int_equal(store_union(reader, 1, WINDOWS, check_and_merge, &disturbed), 0);
	assert_int_equal(disturbed.check.next, disturbed.check.count);
	is_as_model(reader, 1, WINDOWS, model.count);
	store_close(reader);
}

/* What is on the disk if the machine stops now. */
static void look_at_copy(struct fixture *fixture, size_t count)
{
	struct store *store;
	bool more;
	uint64_t made;

	run_command("rm -rf '%2$s'; mkdir '%2$s' && cp '%1$s'/fschanged.db* '%2$s'", fixture->directory, fixture->copy);
	assert_int_equal(store_open(&store, fixture->copy, STORE_WRITE), 0);
	assert_false(store_is_replaced(store));
	assert_int_equal(store_check(store), 0);
	is_as_model(store, 1, WINDOWS, count);
	assert_int_equal(store_merge(store, 5, &made, &more), 0);
	is_as_model(store, 1, WINDOWS, count);
	assert_int_equal(merge(store, MANY), 0);
	is_as_model(store, 1, WINDOWS, count);
	store_close(store);
}

static void cut_off_between_transactions(void **state)
{
	struct fixture *fixture = *state;
	bool more = true;
	uint64_t made;

	for (int i = 0; i < 6; i++) {
		put_large(fixture, 1);
		look_at_copy(fixture, model.count);
	}
	put_large(fixture, 33);
	for (int i = 0; more; i++) {
		assert_true(i < STEPS_MOST);
		assert_int_equal(store_merge(fixture->store, 40, &made, &more), 0);
		if (i % 2 == 0)
			look_at_copy(fixture, model.count);
	}
	assert_true(ask(fixture, "SELECT count(*) FROM run") < 40);
}

static void cut_off_within_a_transaction(void **state)
{
	struct fixture *fixture = *state;
	size_t count;

	put_large(fixture, 1);
	count = model.count;
	assert_int_equal(store_begin(fixture->store), 0);
	for (int i = 0; i < BATCH; i++) {
		add_large(1);
		assert_int_equal(store_put_dirty(fixture->store, &model.entries[model.count - 1]), 0);
	}
	look_at_copy(fixture, count);
	assert_int_equal(store_commit(fixture->store), 0);
	look_at_copy(fixture, model.count);
}

/* Each query fails once: the sets stay as they are, and the next attempt succeeds. */
static void merges_that_fail_lose_nothing(void **state)
{
	struct fixture *fixture = *state;
	int failed = 0, result;

	put_large(fixture, 33);
	do {
		bool more;
		uint64_t made;

		runs_left = failed;
		result = store_merge(fixture->store, 30, &made, &more);
		runs_left = -1;
		if (result)
			assert_int_equal(result, -EIO);
		if (failed % 8 == 0 || !result)
			is_as_model(fixture->store, 1, 1, model.count);
		failed++;
		assert_true(failed < STEPS_MOST);
	} while (result);
	assert_true(failed > 100);
	assert_int_equal(merge(fixture->store, 30), 0);
	is_as_model(fixture->store, 1, 1, model.count);
	assert_true(ask(fixture, "SELECT count(*) FROM run") < 40);
}

/* It refuses, and takes nothing back. */
static void merging_leaves_a_transaction_alone(void **state)
{
	struct fixture *fixture = *state;
	bool more;
	uint64_t made;

	put_large(fixture, 33);
	assert_int_equal(store_begin(fixture->store), 0);
	add_large(1);
	assert_int_equal(store_put_dirty(fixture->store, &model.entries[model.count - 1]), 0);
	assert_int_not_equal(store_merge(fixture->store, MANY, &made, &more), 0);
	assert_int_equal(store_commit(fixture->store), 0);
	is_as_model(fixture->store, 1, 1, model.count);
}

/* Each query of a batch's transaction fails once: nothing of it is there, and it can be written again. */
static void puts_that_fail_are_repeated(void **state)
{
	struct fixture *fixture = *state;
	int result = -EIO;
	size_t from;

	put_large(fixture, 1);
	from = model.count;
	for (int i = 0; i < BATCH; i++)
		add_large(1 + (uint64_t)i % WINDOWS);
	for (int allowed = 0; result; allowed++) {
		is_as_model(fixture->store, 1, WINDOWS, from);
		runs_left = allowed;
		result = put_since(fixture->store, from);
		runs_left = -1;
		assert_true(result == 0 || result == -EIO);
	}
	is_as_model(fixture->store, 1, WINDOWS, model.count);
}

static int ignore(const struct dirty *entry, void *context)
{
	(void)entry;
	(void)context;
	return 0;
}

/* So many runs of one size that they are merged. */
static void put_alike(struct fixture *fixture)
{
	for (int run = 0; run < 33; run++) {
		size_t from = model.count;

		for (int i = 0; i < BATCH; i++)
			add_large(1);
		assert_int_equal(put_since(fixture->store, from), 0);
	}
}

static void is_damaged(struct fixture *fixture, const char *what)
{
	bool more;
	uint64_t made;

	assert_int_equal(store_union(fixture->store, 1, 1, ignore, NULL), -EUCLEAN);
	assert_true(store_is_damaged(fixture->store));
	assert_non_null(strstr(store_error(fixture->store), what));
	reopen(fixture);
	assert_int_equal(store_merge(fixture->store, MANY, &made, &more), -EUCLEAN);
	assert_true(store_is_damaged(fixture->store));
	reopen(fixture);
	assert_int_equal(store_check(fixture->store), -EUCLEAN);
	assert_true(store_is_damaged(fixture->store));
}

#define A_BLOCK "(SELECT id FROM block ORDER BY id LIMIT 1 OFFSET 3)"

static void altered_block_is_damage(void **state)
{
	put_alike(*state);
	forge(*state, "UPDATE block SET data = CAST(substr(data, 1, 4000) || x'00' || substr(data, 4002) AS BLOB) "
		      "WHERE id = " A_BLOCK);
	is_damaged(*state, "is damaged or not there");
}

static void missing_block_is_damage(void **state)
{
	put_alike(*state);
	forge(*state, "DELETE FROM block WHERE id = " A_BLOCK);
	is_damaged(*state, "is damaged or not there");
}

static void block_in_place_of_another_is_damage(void **state)
{
	put_alike(*state);
	forge(*state, "UPDATE block SET data = (SELECT data FROM block ORDER BY id LIMIT 1) WHERE id = " A_BLOCK);
	is_damaged(*state, "is damaged or not there");
}

static void run_of_another_window_is_damage(void **state)
{
	put_alike(*state);
	forge(*state, "UPDATE run SET window = 2 WHERE id = 5");
	assert_int_equal(store_union(((struct fixture *)*state)->store, 2, 2, ignore, NULL), -EUCLEAN);
}

/* Blocks that are there and that nobody would read. */
static void run_that_begins_later_is_damage(void **state)
{
	put_alike(*state);
	forge(*state, "UPDATE run SET first = first + 1 WHERE id = 1");
	is_damaged(*state, "has not as many entries");
}

static void run_that_ends_before_is_damage(void **state)
{
	put_alike(*state);
	forge(*state, "UPDATE run SET next = next - 1 WHERE id = 1");
	is_damaged(*state, "has not as many entries");
}

static void missing_run_is_damage(void **state)
{
	struct fixture *fixture = *state;

	put_large(fixture, 3);
	assert_int_equal(store_check(fixture->store), 0);
	forge(fixture, "DELETE FROM run WHERE id = 2");
	assert_int_equal(store_check(fixture->store), -EUCLEAN);
	assert_true(store_is_damaged(fixture->store));
}

static void pruned_windows_leave_nothing(void **state)
{
	struct fixture *fixture = *state;
	size_t removed;

	put_large(fixture, 3);
	assert_int_equal(store_close_window(fixture->store, 1, 5, 0), 0);
	assert_int_equal(store_prune(fixture->store, INT64_MAX, &removed), 0);
	assert_int_equal(removed, 1);
	assert_int_equal(ask(fixture, "SELECT count(*) FROM run"), 0);
	assert_int_equal(ask(fixture, "SELECT count(*) FROM block"), 0);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(is_the_model_at_any_time),
		TEST(any_order_will_do),
		TEST(few_runs_are_left),
		TEST(small_runs_wait_for_each_other),
		TEST(fewer_are_left_of_a_closed_window),
		TEST(windows_tell_how_many),
		TEST(reading_goes_on_while_runs_are_merged),
		TEST(cut_off_between_transactions),
		TEST(cut_off_within_a_transaction),
		TEST(merges_that_fail_lose_nothing),
		TEST(merging_leaves_a_transaction_alone),
		TEST(puts_that_fail_are_repeated),
		TEST(altered_block_is_damage),
		TEST(missing_block_is_damage),
		TEST(block_in_place_of_another_is_damage),
		TEST(run_of_another_window_is_damage),
		TEST(run_that_begins_later_is_damage),
		TEST(run_that_ends_before_is_damage),
		TEST(missing_run_is_damage),
		TEST(pruned_windows_leave_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
