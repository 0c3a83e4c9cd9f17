// SPDX-License-Identifier: GPL-2.0
/* What a disk that fails for a while has of the database afterwards. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "directory.h"
#include "disk_model.h"
#include "store.h"

enum { SECOND = 1000, GROWN = 400, LOG_PAGES = 4096 };

struct fixture {
	char top[DIRECTORY_BYTES];
	char directory[80];
	char cut[80]; /* where a power cut leaves what is on the disk */
	struct store *store, *reader;
};

static struct fixture *current;

static int durable(struct store *store, const char *key, int64_t value)
{
	int code = store_begin_durable(store);

	if (!code)
		code = store_set_meta(store, key, value);
	if (!code)
		code = store_commit(store);
	if (code)
		store_rollback(store);
	return code;
}

static int64_t get(struct store *store, const char *key)
{
	int64_t value = -1;
	int code = store_get_meta(store, key, &value);

	assert_true(code == 0 || code == -ENOENT);
	return value;
}

static void open_again(struct fixture *fixture)
{
	assert_int_equal(store_open(&fixture->store, fixture->directory, STORE_WRITE), 0);
	assert_false(store_is_replaced(fixture->store));
}

static void restart(struct fixture *fixture)
{
	store_close(fixture->store);
	open_again(fixture);
}

/* What a power cut now, or one before, has left is opened in place of the store. */
static void open_cut(struct fixture *fixture)
{
	store_close(fixture->store);
	disk_clear();
	assert_int_equal(store_open(&fixture->store, fixture->cut, STORE_WRITE), 0);
	assert_false(store_is_replaced(fixture->store));
	assert_int_equal(store_check(fixture->store), 0);
}

static void cut_power(struct fixture *fixture)
{
	disk_copy(fixture->cut);
	open_cut(fixture);
}

static void read_from_now_on(struct fixture *fixture)
{
	struct store_window window;

	assert_int_equal(store_open(&fixture->reader, fixture->directory, STORE_READ), 0);
	assert_int_equal(store_begin(fixture->reader), 0);
	assert_int_equal(store_last_window(fixture->reader, &window), 0);
}

static void stop_reading(struct fixture *fixture)
{
	if (!fixture->reader)
		return;
	store_rollback(fixture->reader);
	store_close(fixture->reader);
	fixture->reader = NULL;
}

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	disk_clear();
	directory_make(fixture->top, "/tmp");
	snprintf(fixture->directory, sizeof(fixture->directory), "%s/state", fixture->top);
	snprintf(fixture->cut, sizeof(fixture->cut), "%s/cut", fixture->top);
	open_again(fixture);
	assert_int_equal(store_open_window(fixture->store, 1, SECOND), 0);
	assert_int_equal(store_set_meta(fixture->store, "before", 1), 0);
	restart(fixture);
	assert_int_equal(durable(fixture->store, "before", 2), 0);
	current = *state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	disk_clear();
	stop_reading(fixture);
	store_close(fixture->store);
	directory_remove(fixture->top);
	free(fixture);
	return 0;
}

/* Pages of their own. */
static void grow(struct store *store, int64_t value)
{
	char key[64];

	assert_int_equal(store_begin(store), 0);
	for (int i = 0; i < GROWN; i++) {
		snprintf(key, sizeof(key), "%06d is one of many that make pages of their own", i);
		assert_int_equal(store_set_meta(store, key, value), 0);
	}
	assert_int_equal(store_commit(store), 0);
}

static void expect_grown(struct store *store, int64_t value)
{
	char key[64];

	for (int i = 0; i < GROWN; i++) {
		snprintf(key, sizeof(key), "%06d is one of many that make pages of their own", i);
		assert_int_equal(get(store, key), value);
	}
}

static void refuse(struct fixture *fixture)
{
	disk.files[DISK_LOG].fails = true;
	assert_int_equal(durable(fixture->store, "taken back", 1), -EIO);
	disk.files[DISK_LOG].fails = false;
}

static void cut_power_here(void)
{
	disk_copy(current->cut);
}

/* Else what the disk has of the log, an older part of it, would be copied again over what is newer. */
static void test_on_the_disk_before_it_is_copied(void **state)
{
	struct fixture *fixture = *state;

	disk.files[DISK_LOG].fails = true;
	grow(fixture->store, 3);
	assert_int_equal(durable(fixture->store, "taken back", 1), -EIO);
	assert_int_equal(store_set_meta(fixture->store, "before", 3), 0);
	disk.files[DISK_LOG].fails = false;
	disk.at_cut = cut_power_here;
	assert_int_equal(durable(fixture->store, "later", 4), 0);
	assert_null(disk.at_cut);
	open_cut(fixture);
	assert_int_equal(get(fixture->store, "before"), 3);
	expect_grown(fixture->store, 3);
}

/* Nor after a restart, of which the log knows nothing. */
static void test_on_the_disk_before_it_is_copied_later(void **state)
{
	struct fixture *fixture = *state;

	disk.files[DISK_LOG].fails = true;
	grow(fixture->store, 3);
	assert_int_equal(durable(fixture->store, "taken back", 1), -EIO);
	store_close(fixture->store);
	disk.files[DISK_LOG].fails = false;
	open_again(fixture);
	disk.at_cut = cut_power_here;
	assert_int_equal(durable(fixture->store, "later", 4), 0);
	assert_null(disk.at_cut);
	open_cut(fixture);
	expect_grown(fixture->store, 3);
}

/* What is durable then lies behind what was written when the disk failed. */
static void test_durable_while_somebody_reads(void **state)
{
	struct fixture *fixture = *state;

	refuse(fixture);
	read_from_now_on(fixture);
	assert_int_equal(durable(fixture->store, "later", 4), 0);
	assert_int_equal(durable(fixture->store, "later", 5), 0);
	stop_reading(fixture);
	cut_power(fixture);
	assert_int_equal(get(fixture->store, "later"), 5);
}

/* A refused transaction of many pages leaves blocks behind those that are in use. */
static void test_durable_behind_what_was_refused(void **state)
{
	struct fixture *fixture = *state;
	char key[64];

	assert_int_equal(store_begin_durable(fixture->store), 0);
	for (int i = 0; i < GROWN; i++) {
		snprintf(key, sizeof(key), "%06d is one of many that make pages of their own", i);
		assert_int_equal(store_set_meta(fixture->store, key, 1), 0);
	}
	disk.files[DISK_LOG].fails = true;
	assert_int_equal(store_commit(fixture->store), -EIO);
	store_rollback(fixture->store);
	disk.files[DISK_LOG].fails = false;
	read_from_now_on(fixture);
	for (int i = 0; i < 4; i++)
		assert_int_equal(durable(fixture->store, "later", i), 0);
	stop_reading(fixture);
	cut_power(fixture);
	assert_int_equal(get(fixture->store, "later"), 3);
}

/* Who comes next does not know of the error. */
static void test_restarted_after_an_error(void **state)
{
	struct fixture *fixture = *state;

	refuse(fixture);
	disk.files[DISK_LOG].fails = true;
	store_close(fixture->store);
	disk.files[DISK_LOG].fails = false;
	open_again(fixture);
	assert_int_equal(durable(fixture->store, "later", 4), 0);
	cut_power(fixture);
	assert_int_equal(get(fixture->store, "later"), 4);
}

/* Where nothing goes past the cache, the log gets other blocks. */
static void test_restarted_without_direct_writes(void **state)
{
	disk.refuses_direct = true;
	test_restarted_after_an_error(state);
}

/* The kernel may write into the cache all the same, and says nothing. */
static void test_direct_writes_that_are_cached(void **state)
{
	struct fixture *fixture = *state;

	refuse(fixture);
	disk.caches_direct = true;
	assert_int_equal(durable(fixture->store, "later", 3), -EIO);
	disk.caches_direct = false;
	assert_int_equal(durable(fixture->store, "later", 4), 0);
	cut_power(fixture);
	assert_int_equal(get(fixture->store, "later"), 4);
}

static int put(struct store *store, const char *key, int64_t value)
{
	int code = store_begin(store);

	if (!code)
		code = store_set_meta(store, key, value);
	return code ? code : store_commit(store);
}

/* So that there is a checkpoint. */
static void many(struct store *store)
{
	for (int i = 0; i < LOG_PAGES + 8; i++)
		assert_int_equal(put(store, "many", i), 0);
}

static int count_gap(const struct store_gap *gap, void *context)
{
	(void)gap;
	++*(int *)context;
	return 0;
}

static int count_gaps(struct store *store)
{
	int count = 0;

	assert_int_equal(store_gaps(store, 0, 0, count_gap, &count), 0);
	return count;
}

static void add_gap(struct store *store)
{
	const struct store_gap gap = {
		.filesystem = STORE_ALL_FILESYSTEMS,
		.first = 1,
		.last = 1,
		.started = 1,
		.ended = 2,
		.reason = "ring-full",
		.detail = "",
	};

	assert_int_equal(store_add_gap(store, &gap), 0);
}

/* What is on bad blocks is not copied before the log can be emptied. */
static void test_not_copied_while_somebody_reads(void **state)
{
	struct fixture *fixture = *state;

	add_gap(fixture->store); /* on a page that nothing writes later */
	refuse(fixture);
	read_from_now_on(fixture);
	disk.files[DISK_DATABASE].lowest = INT64_MAX;
	many(fixture->store);
	assert_int_equal(disk.files[DISK_DATABASE].lowest, INT64_MAX);
	stop_reading(fixture);
	assert_int_equal(durable(fixture->store, "later", 4), 0);
	assert_true(disk.files[DISK_DATABASE].lowest < INT64_MAX);
}

/* SQLite syncs the database only when all is copied, and copies nothing twice. */
static void test_copied_in_part(void **state)
{
	struct fixture *fixture = *state;

	add_gap(fixture->store); /* on a page that nothing writes later */
	assert_int_equal(durable(fixture->store, "before", 3), 0);
	read_from_now_on(fixture);
	many(fixture->store);
	stop_reading(fixture);
	disk.files[DISK_DATABASE].fails = true;
	assert_int_equal(put(fixture->store, "many", 0), 0);
	disk.files[DISK_DATABASE].fails = false;
	assert_int_equal(durable(fixture->store, "later", 4), 0);
	cut_power(fixture);
	assert_int_equal(count_gaps(fixture->store), 1);
	assert_int_equal(get(fixture->store, "later"), 4);
}

/* The database grows by blocks that it gets while the disk fails. */
static void test_grown(void **state)
{
	struct fixture *fixture = *state;

	grow(fixture->store, 3);
	assert_int_equal(durable(fixture->store, "before", 3), 0);
	disk.files[DISK_DATABASE].fails = true;
	store_close(fixture->store);
	disk.files[DISK_DATABASE].fails = false;
	open_again(fixture);
	assert_int_equal(durable(fixture->store, "later", 4), 0);
	restart(fixture);
	cut_power(fixture);
	expect_grown(fixture->store, 3);
}

/* The kernel may not be able to write it, and then reads again what was there before. */
static void test_index_stays_in_memory(void **state)
{
	struct fixture *fixture = *state;

	assert_true(disk.held >= 1);
	disk.held = 0;
	read_from_now_on(fixture);
	many(fixture->store);
	assert_int_equal(disk.held, 1);
	stop_reading(fixture);
	disk.held = 0;
	restart(fixture);
	assert_int_equal(disk.held, 1);
}

static void read_at_sync(int file)
{
	if (file == DISK_DATABASE)
		read_from_now_on(current);
	else
		disk.at_sync = read_at_sync;
}

/* All is copied, and the log begins anew with what is refused: what it had before is not missed. */
static void test_begun_anew_by_what_is_refused(void **state)
{
	struct fixture *fixture = *state;

	for (int i = 0; i < 20; i++)
		assert_int_equal(durable(fixture->store, "before", i), 0);
	refuse(fixture);
	disk.at_sync = read_at_sync;
	assert_int_equal(store_begin_durable(fixture->store), 0);
	assert_non_null(fixture->reader);
	store_rollback(fixture->store);
	stop_reading(fixture);
	disk.files[DISK_LOG].fails = true;
	assert_int_not_equal(store_set_meta(fixture->store, "later", 2), 0);
	disk.files[DISK_LOG].fails = false;
	assert_int_equal(durable(fixture->store, "later", 3), 0);
	assert_false(store_is_damaged(fixture->store));
	cut_power(fixture);
	assert_int_equal(get(fixture->store, "later"), 3);
}

/* The end of its last frame. */
static void spoil_log(struct fixture *fixture)
{
	enum { HEADER = 32, FRAME = 24 + DISK_BLOCK };
	struct stat status;
	char path[128];
	int file;

	snprintf(path, sizeof(path), "%s/%s", fixture->directory, disk_names[DISK_LOG]);
	file = open(path, O_WRONLY | O_CLOEXEC);
	assert_int_equal(fstat(file, &status), 0);
	status.st_size -= (status.st_size - HEADER) % FRAME;
	assert_int_equal(syscall(SYS_pwrite64, file, "what was there before", 21, status.st_size - 21), 21);
	close(file);
}

/* What of the log is lost is in the database. But it cannot go on, while somebody has it open, and is not copied again.
 */
static void test_lost_and_not_needed(void **state)
{
	struct fixture *fixture = *state;

	refuse(fixture);
	disk.at_sync = read_at_sync;
	assert_int_equal(store_begin_durable(fixture->store), 0);
	store_rollback(fixture->store);
	spoil_log(fixture);
	store_close(fixture->store);
	open_again(fixture);
	assert_int_equal(durable(fixture->store, "later", 3), -EIO);
	stop_reading(fixture);
	assert_int_equal(durable(fixture->store, "later", 4), 0);
	assert_false(store_is_damaged(fixture->store));
	cut_power(fixture);
	assert_int_equal(get(fixture->store, "before"), 2);
	assert_int_equal(get(fixture->store, "later"), 4);
}

static void refuse_twice(struct fixture *fixture)
{
	disk.files[DISK_LOG].fails = true;
	assert_int_equal(store_begin_durable(fixture->store), 0);
	assert_int_equal(store_set_meta(fixture->store, "taken back", 1), 0);
	assert_int_equal(store_commit(fixture->store), -EIO);
	disk.files[DISK_LOG].refuses = true;
	store_rollback(fixture->store);
	disk.files[DISK_LOG].fails = false;
}

/* Who opens the log next finds nothing of what was refused, though it could not be written over at once. */
static void test_refused_and_not_written_over(void **state)
{
	struct fixture *fixture = *state;

	refuse_twice(fixture);
	store_close(fixture->store);
	disk.files[DISK_LOG].refuses = false;
	open_again(fixture);
	assert_int_equal(get(fixture->store, "taken back"), -1);
}

static void test_refused_and_not_cut(void **state)
{
	struct fixture *fixture = *state;

	disk.files[DISK_LOG].refuses_cuts = true;
	refuse_twice(fixture);
	disk.files[DISK_LOG].refuses = false;
	disk.files[DISK_DATABASE].fails = true;
	store_close(fixture->store);
	disk.files[DISK_LOG].refuses_cuts = false;
	disk.files[DISK_DATABASE].fails = false;
	open_again(fixture);
	assert_int_equal(get(fixture->store, "taken back"), -1);
}

static int64_t put_until_refused(struct fixture *fixture)
{
	int64_t value = 0;
	int code = store_open(&fixture->store, fixture->directory, STORE_WRITE);

	disk.refuses_index = true;
	while (!code && value < 2 * (int64_t)LOG_PAGES)
		code = put(fixture->store, "counted", ++value);
	store_rollback(fixture->store);
	return code == -EIO ? value : -1;
}

/* A commit that nobody waits for is refused, too, when it is in the log and its index has no room. */
static void test_refused_by_the_index(void **state)
{
	struct fixture *fixture = *state;
	int64_t *value = mmap(NULL, sizeof(*value), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t child;

	assert_ptr_not_equal(value, MAP_FAILED);
	store_close(fixture->store);
	child = fork();
	if (!child) {
		*value = put_until_refused(fixture);
		_exit(0);
	}
	assert_int_equal(waitpid(child, NULL, 0), child);
	open_again(fixture);
	assert_true(*value > 1);
	assert_int_equal(get(fixture->store, "counted"), *value - 1);
	munmap(value, sizeof(*value));
}

/* What is written once more is on the disk, whoever reads it. */
static void test_written_again_once(void **state)
{
	struct fixture *fixture = *state;

	refuse(fixture);
	read_from_now_on(fixture);
	disk.files[DISK_LOG].lowest = INT64_MAX;
	assert_int_equal(durable(fixture->store, "later", 1), 0);
	assert_int_equal(disk.files[DISK_LOG].lowest, 0);
	disk.files[DISK_LOG].lowest = INT64_MAX;
	assert_int_equal(durable(fixture->store, "later", 2), 0);
	assert_true(disk.files[DISK_LOG].lowest > 0);
}

/* The first page of before the schema came, and others of after it: what is in them is not written over. */
static void test_first_page_of_before(void **state)
{
	struct fixture *fixture = *state;
	char path[128], page[DISK_BLOCK];
	int file;

	store_close(fixture->store);
	fixture->store = NULL;
	memset(page, 0, sizeof(page));
	snprintf(path, sizeof(path), "%s/%s", fixture->directory, disk_names[DISK_DATABASE]);
	file = open(path, O_RDWR | O_CLOEXEC);
	assert_int_equal(pread(file, page, 100, 0), 100);
	memset(page + 28, 0, 72); /* page count, schema cookie ... application id, version */
	page[31] = 1;
	page[47] = 4;
	page[59] = 1;
	page[100] = 13; /* a leaf without cells */
	page[105] = 0x10;
	page[106] = 0;
	assert_int_equal(pwrite(file, page, sizeof(page), 0), sizeof(page));
	close(file);
	assert_int_equal(store_open(&fixture->store, fixture->directory, STORE_WRITE), 0);
	assert_true(store_is_replaced(fixture->store));
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_on_the_disk_before_it_is_copied),
		TEST(test_on_the_disk_before_it_is_copied_later),
		TEST(test_durable_while_somebody_reads),
		TEST(test_durable_behind_what_was_refused),
		TEST(test_restarted_after_an_error),
		TEST(test_restarted_without_direct_writes),
		TEST(test_not_copied_while_somebody_reads),
		TEST(test_copied_in_part),
		TEST(test_direct_writes_that_are_cached),
		TEST(test_lost_and_not_needed),
		TEST(test_grown),
		TEST(test_index_stays_in_memory),
		TEST(test_begun_anew_by_what_is_refused),
		TEST(test_refused_and_not_written_over),
		TEST(test_refused_and_not_cut),
		TEST(test_refused_by_the_index),
		TEST(test_written_again_once),
		TEST(test_first_page_of_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
