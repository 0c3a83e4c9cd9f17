// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "directory.h"
#include "store.h"

enum { FRAME = 32 + 24, SECOND = 1000 }; /* the first page in the log */

struct fixture {
	char directory[DIRECTORY_BYTES];
	struct store *store;
};

static bool failing;
static unsigned readable = UINT_MAX; /* reads until one fails; the next one after it works again */
static off_t lowest;                 /* that was written since the last failure */

/* These come before the C library's, for SQLite as well. */
int fdatasync(int file)
{
	if (!failing)
		return (int)syscall(SYS_fdatasync, file);
	lowest = INT64_MAX;
	errno = EIO;
	return -1;
}

ssize_t pwrite64(int file, const void *bytes, size_t size, off64_t offset)
{
	if (offset < lowest && size > 24)
		lowest = offset;
	return syscall(SYS_pwrite64, file, bytes, size, offset);
}

ssize_t pread64(int file, void *bytes, size_t size, off64_t offset)
{
	if (readable-- != 0)
		return syscall(SYS_pread64, file, bytes, size, offset);
	errno = EIO;
	return -1;
}

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	directory_make(fixture->directory, "/tmp");
	assert_int_equal(store_open(&fixture->store, fixture->directory, STORE_WRITE), 0);
	assert_int_equal(store_open_window(fixture->store, 1, SECOND), 0);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	failing = false;
	readable = UINT_MAX;
	store_close(fixture->store);
	directory_remove(fixture->directory);
	free(fixture);
	return 0;
}

static int close_window(struct store *store)
{
	int code = store_begin_durable(store);

	if (!code)
		code = store_close_window(store, 1, 2 * SECOND, 0);
	if (!code)
		code = store_commit(store);
	if (code)
		store_rollback(store);
	return code;
}

static bool is_closed(struct store *store)
{
	struct store_window window;

	assert_int_equal(store_last_window(store, &window), 0);
	return window.closed;
}

static void refuse(struct store *store)
{
	failing = true;
	assert_int_equal(close_window(store), -EIO);
	assert_false(is_closed(store));
}

/* What is refused has not taken place, so that it can be tried again; what is not durable goes on meanwhile. */
static void test_failing_sync(void **state)
{
	struct fixture *fixture = *state;
	int64_t value;

	refuse(fixture->store);
	refuse(fixture->store);
	assert_int_equal(store_set_meta(fixture->store, "meanwhile", 7), 0);
	failing = false;
	assert_int_equal(close_window(fixture->store), 0);
	assert_true(is_closed(fixture->store));
	assert_int_equal(store_get_meta(fixture->store, "meanwhile", &value), 0);
	assert_int_equal(value, 7);
}

static bool is_refused_and_dies(const struct fixture *fixture)
{
	struct store *store;
	pid_t child = fork();
	int status = 0;

	if (!child) {
		int code = store_open(&store, fixture->directory, STORE_WRITE);

		/* Then the log has its head, whose sync would fail first. */
		if (!code)
			code = store_begin_durable(store);
		if (!code)
			code = store_set_meta(store, "before", 1);
		if (!code)
			code = store_commit(store);
		failing = true;
		_exit(!code && close_window(store) == -EIO ? 0 : 1);
	}
	return waitpid(child, &status, 0) == child && !status;
}

/* Nor has it for who opens the database next, though all of it was in the log. */
static void test_refused_for_good(void **state)
{
	struct fixture *fixture = *state;

	store_close(fixture->store);
	assert_true(is_refused_and_dies(fixture));
	assert_int_equal(store_open(&fixture->store, fixture->directory, STORE_WRITE), 0);
	assert_false(is_closed(fixture->store));
}

/* A sync that succeeds after one that failed tells nothing of what was written before. */
static void test_written_again(void **state)
{
	struct fixture *fixture = *state;

	refuse(fixture->store);
	failing = false;
	assert_int_equal(close_window(fixture->store), 0);
	assert_int_equal(lowest, 0);
}

static off_t log_bytes(const struct fixture *fixture)
{
	struct stat status;
	char path[128];

	snprintf(path, sizeof(path), "%s/fschanged.db-wal", fixture->directory);
	assert_int_equal(stat(path, &status), 0);
	return status.st_size;
}

/* So that it gets other blocks. Who reads it is not waited for, and does not keep anything from being durable. */
static void test_emptied(void **state)
{
	struct fixture *fixture = *state;
	struct store *reader;
	off_t before;

	assert_int_equal(store_open(&reader, fixture->directory, STORE_READ), 0);
	assert_int_equal(store_begin(reader), 0);
	assert_false(is_closed(reader));
	refuse(fixture->store);
	failing = false;
	before = log_bytes(fixture);
	assert_int_equal(close_window(fixture->store), 0);
	assert_true(log_bytes(fixture) >= before);
	store_rollback(reader);
	store_close(reader);
	before = log_bytes(fixture);
	assert_int_equal(store_begin_durable(fixture->store), 0);
	assert_true(log_bytes(fixture) < before);
	assert_int_equal(store_commit(fixture->store), 0);
	assert_true(is_closed(fixture->store));
}

static void spoil(const struct fixture *fixture)
{
	char path[128];
	int file;

	snprintf(path, sizeof(path), "%s/fschanged.db-wal", fixture->directory);
	file = open(path, O_WRONLY | O_CLOEXEC);
	assert_int_equal(pwrite(file, "what was there before", 21, FRAME), 21);
	close(file);
}

/* Memory that the kernel takes for written may go; then the disk has what was there before. */
static void test_lost(void **state)
{
	struct fixture *fixture = *state;

	refuse(fixture->store);
	spoil(fixture);
	failing = false;
	assert_int_equal(close_window(fixture->store), -EUCLEAN);
	assert_true(store_is_damaged(fixture->store));
}

static void die_after_writing(const struct fixture *fixture)
{
	struct store *store;
	pid_t child = fork();
	int status = 0;

	if (!child) {
		status = store_open(&store, fixture->directory, STORE_WRITE);
		if (!status)
			status = store_set_meta(store, "last", 7);
		_exit(status ? 1 : 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

/* Nobody knows what syncs have failed in a process that died. */
static void test_opened(void **state)
{
	struct fixture *fixture = *state;
	int64_t value;

	store_close(fixture->store);
	die_after_writing(fixture);
	assert_int_equal(store_open(&fixture->store, fixture->directory, STORE_WRITE), 0);
	lowest = INT64_MAX;
	assert_int_equal(close_window(fixture->store), 0);
	assert_int_equal(lowest, 0);
	assert_int_equal(store_get_meta(fixture->store, "last", &value), 0);
}

/* SQLite takes what cannot be read for damage. It may be whole, and readable at the next start. Each read fails once.
 */
static void test_unreadable(void **state)
{
	struct fixture *fixture = *state;
	unsigned failed = 0;

	assert_int_equal(close_window(fixture->store), 0);
	for (unsigned reads = 0;; reads++) {
		int result;

		store_close(fixture->store);
		readable = reads;
		result = store_open(&fixture->store, fixture->directory, STORE_WRITE);
		if (readable <= reads)
			break;
		readable = UINT_MAX;
		failed += result != 0;
		assert_true(result == 0 || result == -EIO);
		assert_false(store_is_damaged(fixture->store));
		assert_false(result == 0 && store_is_replaced(fixture->store));
	}
	readable = UINT_MAX;
	assert_true(failed > 1);
	assert_true(is_closed(fixture->store));
}

/* What a check says of a page that it could not read is not told apart by its words. */
static void test_unreadable_check(void **state)
{
	struct fixture *fixture = *state;
	unsigned reads = 0;

	do {
		store_close(fixture->store);
		assert_int_equal(store_open(&fixture->store, fixture->directory, STORE_WRITE), 0);
		readable = reads;
		if (store_check(fixture->store))
			assert_int_equal(store_check(fixture->store), 0);
		assert_false(store_is_damaged(fixture->store));
	} while (readable > reads++);
	assert_true(reads > 1);
}

static void damage(const struct fixture *fixture)
{
	char path[128], garbage[4096];
	int file;

	memset(garbage, 7, sizeof(garbage));
	snprintf(path, sizeof(path), "%s/fschanged.db", fixture->directory);
	file = open(path, O_WRONLY | O_CLOEXEC);
	for (off_t page = 5; page < 10; page++)
		assert_int_equal(pwrite(file, garbage, sizeof(garbage), page * 4096), sizeof(garbage));
	close(file);
}

/* Damage that shows after an error of something else is damage. */
static void test_damaged_later(void **state)
{
	struct fixture *fixture = *state;

	for (int i = 0; i < 2; i++) {
		store_close(fixture->store);
		assert_int_equal(store_open(&fixture->store, fixture->directory, STORE_WRITE), 0);
		/* In the second round it is within the transaction that the sync fails. */
		assert_int_equal(i ? store_begin_durable(fixture->store) : 0, 0);
		store_rollback(fixture->store);
		refuse(fixture->store);
		failing = false;
		damage(fixture);
		assert_int_equal(store_check(fixture->store), -EUCLEAN);
		assert_true(store_is_damaged(fixture->store));
	}
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_failing_sync),  TEST(test_refused_for_good),
		TEST(test_emptied),       TEST(test_written_again),
		TEST(test_lost),          TEST(test_opened),
		TEST(test_unreadable),    TEST(test_unreadable_check),
		TEST(test_damaged_later),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
