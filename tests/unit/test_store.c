// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "directory.h"
#include "store.h"

enum { SECOND = 1000, MAXIMUM = 64 };

static const int64_t nanoseconds = 1000000000;

struct fixture {
	char directory[DIRECTORY_BYTES];
	struct store *store;
	uint32_t filesystem;
};

struct list {
	size_t count;
	size_t stop_after; /* 0: never */
	struct dirty entries[MAXIMUM];
	char paths[MAXIMUM][PATH_BYTES + 1];
};

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct store_filesystem filesystem = {.identity = "uuid", .type = "ext4", .mount_point = "/", .root = "/"};
	bool is_new;

	directory_make(fixture->directory, "/tmp");
	assert_int_equal(store_open(&fixture->store, fixture->directory, STORE_WRITE), 0);
	assert_int_equal(store_put_filesystem(fixture->store, &filesystem, &is_new), 0);
	assert_true(is_new);
	fixture->filesystem = filesystem.id;
	for (uint64_t number = 1; number <= 3; number++)
		assert_int_equal(store_open_window(fixture->store, number, (int64_t)number * SECOND * nanoseconds), 0);
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

static void reopen(struct fixture *fixture)
{
	store_close(fixture->store);
	assert_int_equal(store_open(&fixture->store, fixture->directory, STORE_WRITE), 0);
}

static struct dirty entry_of(struct fixture *fixture, uint64_t window, const char *path)
{
	return (struct dirty){
		.window = window,
		.filesystem = fixture->filesystem,
		.path = path,
		.path_length = strlen(path),
		.first = (int64_t)window * SECOND + 10,
		.last = (int64_t)window * SECOND + 10,
		.facts.operations = 1U << OPERATION_OPEN,
	};
}

static void put(struct fixture *fixture, uint64_t window, const char *path)
{
	struct dirty entry = entry_of(fixture, window, path);

	assert_int_equal(store_put_dirty(fixture->store, &entry), 0);
}

static int collect(const struct dirty *entry, void *context)
{
	struct list *list = context;

	assert_true(list->count < MAXIMUM);
	assert_true(entry->path_length <= PATH_BYTES);
	memcpy(list->paths[list->count], entry->path, entry->path_length);
	list->paths[list->count][entry->path_length] = '\0';
	list->entries[list->count++] = *entry;
	return list->stop_after == list->count ? 7 : 0;
}

static struct list *list_of(struct store *store, uint64_t first, uint64_t last)
{
	static struct list list;

	memset(&list, 0, sizeof(list));
	assert_int_equal(store_union(store, first, last, collect, &list), 0);
	return &list;
}

static const struct dirty *find(const struct list *list, const char *path)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->entries[i].path_length == strlen(path) && !strcmp(list->paths[i], path))
			return &list->entries[i];
	return NULL;
}

static void has_only(const struct list *list, size_t count, const char *const *paths)
{
	assert_int_equal(list->count, count);
	for (size_t i = 0; i < count; i++)
		assert_non_null(find(list, paths[i]));
}

#define HAS_ONLY(list, ...)                                                                                            \
	has_only(list, sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *), (const char *[]){__VA_ARGS__})

static void test_meta(void **state)
{
	struct fixture *fixture = *state;
	int64_t value = 0;

	assert_int_equal(store_get_meta(fixture->store, "boot", &value), -ENOENT);
	assert_int_equal(store_set_meta(fixture->store, "boot", INT64_MIN), 0);
	assert_int_equal(store_set_meta(fixture->store, "boot", -5), 0);
	assert_int_equal(store_get_meta(fixture->store, "boot", &value), 0);
	assert_int_equal(value, -5);
}

static int check_filesystem(const struct store_filesystem *filesystem, void *context)
{
	int *count = context;

	++*count;
	if (filesystem->id != 1)
		return 0;
	assert_string_equal(filesystem->identity, "uuid");
	assert_string_equal(filesystem->mount_point, "/mnt\xff");
	assert_int_equal(filesystem->device, 0xfff00001);
	return 0;
}

static void test_filesystems(void **state)
{
	struct fixture *fixture = *state;
	struct store_filesystem filesystem = {.identity = "uuid", .mount_point = "/mnt\xff", .device = 0xfff00001};
	bool is_new = true;
	int count = 0;

	assert_int_equal(store_put_filesystem(fixture->store, &filesystem, &is_new), 0);
	assert_false(is_new);
	assert_int_equal(filesystem.id, fixture->filesystem);
	filesystem.identity = "other";
	assert_int_equal(store_put_filesystem(fixture->store, &filesystem, &is_new), 0);
	assert_true(is_new);
	assert_int_not_equal(filesystem.id, fixture->filesystem);
	assert_int_equal(store_filesystems(fixture->store, check_filesystem, &count), 0);
	assert_int_equal(count, 2);
}

static int count_watch(const struct store_watch *watch, void *context)
{
	assert_non_null(watch->path);
	assert_non_null(watch->host_path);
	++*(int *)context;
	return 0;
}

static bool set_watches(struct fixture *fixture, const struct store_watch *watches, size_t count)
{
	bool changed;

	assert_int_equal(store_set_watches(fixture->store, watches, count, &changed), 0);
	return changed;
}

static void test_watches(void **state)
{
	struct fixture *fixture = *state;
	struct store_watch watches[] = {{1, "/a", "/a"}, {1, "/b", "/b"}, {1, "/a", "/a"}};
	int count = 0;

	assert_true(set_watches(fixture, watches, 3));
	assert_false(set_watches(fixture, watches, 3));
	assert_false(set_watches(fixture, watches, 2));
	assert_true(set_watches(fixture, watches, 1));
	watches[0].host_path = "/mnt/a";
	assert_true(set_watches(fixture, watches, 2));
	assert_int_equal(store_watches(fixture->store, count_watch, &count), 0);
	assert_int_equal(count, 2);
	assert_true(set_watches(fixture, NULL, 0));
	assert_false(set_watches(fixture, NULL, 0));
}

static void test_merge(void **state)
{
	struct fixture *fixture = *state;
	struct dirty entry = entry_of(fixture, 1, "/a/file");
	const struct dirty *merged;

	assert_int_equal(store_put_dirty(fixture->store, &entry), 0);
	entry.first = entry.last = SECOND + 4;
	entry.facts = (struct dirty_facts){1U << OPERATION_ENTRY, 0x8000, DIRTY_NO_CMTIME};
	assert_int_equal(store_put_dirty(fixture->store, &entry), 0);
	entry.first = SECOND - 9;
	entry.last = SECOND + 30;
	assert_int_equal(store_put_dirty(fixture->store, &entry), 0);
	reopen(fixture);
	merged = find(list_of(fixture->store, 1, 1), "/a/file");
	assert_non_null(merged);
	assert_int_equal(merged->facts.operations, 1U << OPERATION_ENTRY | 1U << OPERATION_OPEN);
	assert_int_equal(merged->facts.was, 0x8000);
	assert_int_equal(merged->facts.flags, DIRTY_NO_CMTIME);
	assert_int_equal(merged->first, SECOND);
	assert_int_equal(merged->last, SECOND + 30);
	assert_int_equal(merged->filesystem, fixture->filesystem);
	assert_int_equal(merged->window, 1);
}

static void test_paths(void **state)
{
	struct fixture *fixture = *state;
	static const char *const paths[] = {"/",     "/a", "/a/b",     "/a/b/c/d", "/a/bc",
					    "/ab/c", "/b", "/a/b/c/e", "/a-b/x"};

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
		put(fixture, 1, paths[i]);
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
		put(fixture, 1, paths[i]);
	has_only(list_of(fixture->store, 1, 1), sizeof(paths) / sizeof(*paths), paths);
}

static void test_filesystems_apart(void **state)
{
	struct fixture *fixture = *state;
	struct dirty entry = entry_of(fixture, 1, "/a/b");
	struct list *list;

	assert_int_equal(store_put_dirty(fixture->store, &entry), 0);
	entry.filesystem = 2;
	assert_int_equal(store_put_dirty(fixture->store, &entry), 0);
	list = list_of(fixture->store, 1, 1);
	assert_int_equal(list->count, 2);
	assert_int_equal(list->entries[0].filesystem + list->entries[1].filesystem, 3);
}

static void test_bad_paths(void **state)
{
	struct fixture *fixture = *state;
	static const char *const paths[] = {"", "a", "//", "/a//b", "/a/", "//a"};
	struct dirty entry = entry_of(fixture, 9, "/a");

	assert_int_equal(store_put_dirty(fixture->store, &entry), -ENOENT);
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		entry = entry_of(fixture, 1, paths[i]);
		assert_int_equal(store_put_dirty(fixture->store, &entry), -EINVAL);
	}
	entry = entry_of(fixture, 1, "/a");
	entry.filesystem = 0;
	assert_int_equal(store_put_dirty(fixture->store, &entry), -EINVAL);
	assert_true(strlen(store_error(fixture->store)) > 0);
	put(fixture, 1, "/a/b");
	HAS_ONLY(list_of(fixture->store, 1, 1), "/a/b");
}

static void test_any_byte(void **state)
{
	struct fixture *fixture = *state;
	char path[] = "/d?/?";

	for (int byte = 1; byte < 256; byte++) {
		if (byte == '/')
			continue;
		path[2] = path[4] = (char)byte;
		put(fixture, 2, path);
		if (byte % 50 == 0 || byte == 255) {
			assert_non_null(find(list_of(fixture->store, 2, 2), path));
			store_close(fixture->store);
			directory_remove(fixture->directory);
			assert_int_equal(store_open(&fixture->store, fixture->directory, STORE_WRITE), 0);
			assert_int_equal(store_open_window(fixture->store, 2, SECOND), 0);
		}
	}
}

static void test_long_paths(void **state)
{
	struct fixture *fixture = *state;
	static char deep[PATH_BYTES + 2], wide[PATH_BYTES + 2];

	for (size_t i = 0; i < PATH_BYTES; i += 2)
		memcpy(deep + i, "/d", 2);
	memset(wide, 'w', PATH_BYTES);
	for (size_t i = 0; i < PATH_BYTES; i += 256)
		wide[i] = '/';
	put(fixture, 1, deep);
	put(fixture, 1, wide);
	deep[4000] = '\0';
	put(fixture, 1, deep);
	wide[PATH_BYTES - 1] = '\0';
	put(fixture, 1, wide);
	wide[PATH_BYTES - 1] = 'w';
	wide[PATH_BYTES] = 'w';
	struct dirty entry = entry_of(fixture, 1, wide);
	assert_int_equal(store_put_dirty(fixture->store, &entry), -ENAMETOOLONG);
	wide[PATH_BYTES] = '\0';
	assert_int_equal(list_of(fixture->store, 1, 1)->count, 4);
	assert_non_null(find(list_of(fixture->store, 1, 1), deep));
	assert_non_null(find(list_of(fixture->store, 1, 1), wide));
	deep[4000] = '/';
	wide[PATH_BYTES - 1] = '\0';
	assert_non_null(find(list_of(fixture->store, 1, 1), deep));
	assert_non_null(find(list_of(fixture->store, 1, 1), wide));
}

static void test_union(void **state)
{
	struct fixture *fixture = *state;
	struct list list = {.stop_after = 2};
	struct dirty entry = entry_of(fixture, 2, "/all");
	const struct dirty *merged;

	put(fixture, 1, "/a/one");
	put(fixture, 1, "/all");
	put(fixture, 2, "/a/two");
	entry.facts = (struct dirty_facts){1U << OPERATION_UNLINK, 0x100, DIRTY_EXPAND};
	assert_int_equal(store_put_dirty(fixture->store, &entry), 0);
	put(fixture, 3, "/all");
	put(fixture, 3, "/b/three");
	HAS_ONLY(list_of(fixture->store, 1, 3), "/a/one", "/a/two", "/b/three", "/all");
	merged = find(list_of(fixture->store, 1, 3), "/all");
	assert_int_equal(merged->window, 3);
	assert_int_equal(merged->first_window, 1);
	assert_int_equal(merged->facts.operations, 1U << OPERATION_OPEN | 1U << OPERATION_UNLINK);
	assert_int_equal(merged->facts.was, 0x100);
	assert_int_equal(merged->facts.flags, DIRTY_EXPAND);
	assert_int_equal(merged->first, SECOND + 10);
	assert_int_equal(merged->last, 3 * SECOND + 10);
	assert_int_equal(find(list_of(fixture->store, 1, 3), "/a/two")->first_window, 2);
	assert_int_equal(find(list_of(fixture->store, 2, 3), "/all")->first_window, 2);
	HAS_ONLY(list_of(fixture->store, 2, 3), "/a/two", "/b/three", "/all");
	HAS_ONLY(list_of(fixture->store, 2, 2), "/a/two", "/all");
	assert_int_equal(list_of(fixture->store, 4, 9)->count, 0);
	assert_int_equal(store_union(fixture->store, 1, 3, collect, &list), 7);
	assert_int_equal(list.count, 2);
	assert_int_equal(list_of(fixture->store, 1, 3)->count, 4);
}

static void test_rollback(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(store_begin(fixture->store), 0);
	put(fixture, 1, "/gone/deep/file");
	store_rollback(fixture->store);
	assert_int_equal(store_begin_durable(fixture->store), 0);
	put(fixture, 1, "/other/file");
	put(fixture, 1, "/gone/deep/file");
	assert_int_equal(store_commit(fixture->store), 0);
	HAS_ONLY(list_of(fixture->store, 1, 1), "/gone/deep/file", "/other/file");
	assert_int_equal(store_begin(fixture->store), 0);
	put(fixture, 2, "/again/file");
	store_rollback(fixture->store);
	put(fixture, 2, "/again/file");
	HAS_ONLY(list_of(fixture->store, 2, 2), "/again/file");
	store_rollback(fixture->store);
}

static void test_rollback_of_window(void **state)
{
	struct fixture *fixture = *state;
	struct dirty entry = entry_of(fixture, 4, "/a");

	assert_int_equal(store_begin(fixture->store), 0);
	assert_int_equal(store_open_window(fixture->store, 4, SECOND), 0);
	assert_int_equal(store_put_dirty(fixture->store, &entry), 0);
	store_rollback(fixture->store);
	assert_int_equal(store_put_dirty(fixture->store, &entry), -ENOENT);
}

static void test_second_writer(void **state)
{
	struct fixture *fixture = *state;
	struct store *second;

	assert_int_equal(store_open(&second, fixture->directory, STORE_WRITE), -EBUSY);
	assert_non_null(strstr(store_error(second), fixture->directory));
	store_close(second);
	reopen(fixture);
}

static void test_reader(void **state)
{
	struct fixture *fixture = *state;
	struct store *reader;

	put(fixture, 1, "/before");
	assert_int_equal(store_open(&reader, fixture->directory, STORE_READ), 0);
	assert_int_equal(store_begin(fixture->store), 0);
	put(fixture, 1, "/during");
	HAS_ONLY(list_of(reader, 1, 1), "/before");
	assert_int_equal(store_commit(fixture->store), 0);
	HAS_ONLY(list_of(reader, 1, 1), "/before", "/during");
	assert_int_equal(store_begin(reader), 0);
	assert_int_equal(list_of(reader, 1, 1)->count, 2);
	put(fixture, 1, "/later");
	assert_int_equal(list_of(reader, 1, 1)->count, 2);
	assert_int_equal(store_commit(reader), 0);
	assert_int_equal(list_of(reader, 1, 1)->count, 3);
	assert_int_equal(store_set_meta(reader, "key", 1), -EROFS);
	store_close(reader);
}

static void test_open_errors(void **state)
{
	struct fixture *fixture = *state;
	char path[PATH_MAX];
	struct store *store;

	snprintf(path, sizeof(path), "%s/none", fixture->directory);
	assert_int_equal(store_open(&store, path, STORE_READ), -ENOENT);
	assert_non_null(strstr(store_error(store), path));
	store_close(store);
	snprintf(path, sizeof(path), "%s/lock/below", fixture->directory);
	assert_int_equal(store_open(&store, path, STORE_WRITE), -ENOTDIR);
	assert_non_null(strstr(store_error(store), path));
	store_close(store);
	snprintf(path, sizeof(path), "%s/some/new//directory/", fixture->directory);
	assert_int_equal(store_open(&store, path, STORE_WRITE), 0);
	store_close(store);
	memset(path, 'x', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(store_open(&store, path, STORE_WRITE), -ENAMETOOLONG);
	store_close(store);
	store_close(NULL);
	assert_non_null(store_error(NULL));
}

/* Overwrites bytes of the database's header, or makes a file of it that is none. */
static void write_header(struct fixture *fixture, off_t offset, const char *bytes, size_t length)
{
	char path[PATH_MAX];
	int file;

	snprintf(path, sizeof(path), "%s/fschanged.db", fixture->directory);
	store_close(fixture->store);
	file = open(path, O_WRONLY);
	assert_true(file >= 0);
	assert_int_equal(pwrite(file, bytes, length, offset), length);
	close(file);
}

static void is_refused(struct fixture *fixture)
{
	assert_int_equal(store_open(&fixture->store, fixture->directory, STORE_READ), -EPROTO);
	assert_true(strlen(store_error(fixture->store)) > 0);
	store_close(fixture->store);
	assert_int_equal(store_open(&fixture->store, fixture->directory, STORE_WRITE), -EPROTO);
}

static void test_foreign(void **state)
{
	write_header(*state, 68, "abcd", 4);
	is_refused(*state);
}

static void test_newer(void **state)
{
	write_header(*state, 60, "\0\0\1\0", 4);
	is_refused(*state);
}

static void test_no_database(void **state)
{
	struct fixture *fixture = *state;
	char path[PATH_MAX], found[32] = "";
	struct store_job job;
	glob_t kept;
	FILE *file;

	write_header(fixture, 0, "this is a text file", 19);
	assert_int_equal(store_open(&fixture->store, fixture->directory, STORE_READ), -EUCLEAN);
	store_close(fixture->store);
	/* A writer keeps it beside a new one, in which jobs have no base. */
	assert_int_equal(store_open(&fixture->store, fixture->directory, STORE_WRITE), 0);
	assert_true(store_is_replaced(fixture->store) && !store_is_damaged(fixture->store));
	snprintf(path, sizeof(path), "%s/fschanged.db.damaged-*", fixture->directory);
	assert_int_equal(glob(path, 0, NULL, &kept), 0);
	file = fopen(kept.gl_pathv[0], "r");
	assert_non_null(file);
	assert_non_null(fgets(found, 20, file));
	fclose(file);
	unlink(kept.gl_pathv[0]);
	globfree(&kept);
	assert_string_equal(found, "this is a text file");
	assert_int_equal(store_open_window(fixture->store, 1, 1), 0);
	assert_int_equal(store_mark_job(fixture->store, "job", 1, 5, COPIED_ALL), 0);
	assert_int_equal(store_get_job(fixture->store, "job", &job), 0);
	assert_string_equal(job.fresh, "damaged");
	reopen(fixture);
	assert_false(store_is_replaced(fixture->store));
}

static int check_window(const struct store_window *window, void *context)
{
	uint64_t *sum = context;

	*sum += window->number;
	assert_int_equal(window->paths, window->number == 1 ? 2 : 0);
	assert_int_equal(window->gaps, window->number == 2 ? 1 : 0);
	return 0;
}

static int sum_steady(const struct store_window *window, void *context)
{
	uint64_t *sum = context;

	*sum += window->steady ? window->number : 0;
	return 0;
}

static void test_steady_windows(void **state)
{
	struct fixture *fixture = *state;
	struct store_window window;
	uint64_t sum = 0;

	assert_int_equal(store_windows(fixture->store, 1, 0, sum_steady, &sum), 0);
	assert_int_equal(sum, 1 + 2 + 3);
	assert_int_equal(store_set_unsteady(fixture->store, 2, 3), 0);
	assert_int_equal(store_close_window(fixture->store, 3, 99, 42), 0);
	assert_int_equal(store_open_window(fixture->store, 4, 99), 0);
	sum = 0;
	assert_int_equal(store_windows(fixture->store, 1, 0, sum_steady, &sum), 0);
	assert_int_equal(sum, 1 + 4);
	assert_int_equal(store_last_window(fixture->store, &window), 0);
	assert_true(window.steady);
}

static void test_windows(void **state)
{
	struct fixture *fixture = *state;
	struct store_gap gap = {.first = 2, .last = 2, .reason = "ring-full", .detail = "full"};
	struct store_window window;
	uint64_t sum = 0;

	put(fixture, 1, "/a");
	put(fixture, 1, "/b");
	assert_int_equal(store_add_gap(fixture->store, &gap), 0);
	assert_int_equal(store_open_window(fixture->store, 3, 1), -EEXIST);
	assert_int_equal(store_close_window(fixture->store, 3, 99, 42), 0);
	assert_int_equal(store_close_window(fixture->store, 3, 99, 42), -ENOENT);
	assert_int_equal(store_windows(fixture->store, 1, 0, check_window, &sum), 0);
	assert_int_equal(sum, 6);
	assert_int_equal(store_windows(fixture->store, 2, 2, check_window, &sum), 0);
	assert_int_equal(sum, 8);
	assert_int_equal(store_last_window(fixture->store, &window), 0);
	assert_int_equal(window.number, 3);
	assert_int_equal(window.closed, 99);
	assert_int_equal(window.events, 42);
	assert_int_equal(window.opened, 3 * SECOND * nanoseconds);
}

static int check_job(const struct store_job *job, void *context)
{
	int *count = context;

	assert_string_equal(job->name, ++*count == 1 ? "hourly" : "nightly");
	return 0;
}

static int stop(const struct store_job *job, void *context)
{
	(void)job;
	++*(int *)context;
	return -ECANCELED;
}

static void test_jobs(void **state)
{
	struct fixture *fixture = *state;
	struct store_job job;
	int count = 0;

	assert_int_equal(store_get_job(fixture->store, "nightly", &job), -ENOENT);
	assert_int_equal(store_commit_job(fixture->store, "nightly", 5), -ENOENT);
	assert_int_equal(store_drop_job(fixture->store, "nightly"), -ENOENT);
	assert_int_equal(store_mark_job(fixture->store, "nightly", 1, 5, COPIED_ALL), 0);
	assert_int_equal(store_mark_job(fixture->store, "nightly", 2, 6, COPIED_ALL), 0);
	assert_int_equal(store_get_job(fixture->store, "nightly", &job), 0);
	assert_null(job.name);
	assert_true(job.cursor == 0 && job.pending == 2);
	assert_true(job.created == 5 && job.marked == 6 && job.committed == 0);
	assert_int_equal(store_commit_job(fixture->store, "nightly", 7), 0);
	assert_int_equal(store_commit_job(fixture->store, "nightly", 8), -ENODATA);
	assert_int_equal(store_get_job(fixture->store, "nightly", &job), 0);
	assert_true(job.cursor == 2 && job.pending == 0 && job.committed == 7);
	assert_int_equal(store_mark_job(fixture->store, "hourly", 2, 6, COPIED_ALL), 0);
	assert_int_equal(store_jobs(fixture->store, check_job, &count), 0);
	assert_int_equal(count, 2);
	assert_int_equal(store_jobs(fixture->store, stop, &count), -ECANCELED);
	assert_int_equal(count, 3);
	assert_int_equal(store_drop_job(fixture->store, "nightly"), 0);
	assert_int_equal(store_get_job(fixture->store, "nightly", &job), -ENOENT);
}

static uint64_t make_fresh(struct fixture *fixture, uint64_t last)
{
	uint64_t count = 0;

	assert_int_equal(store_make_fresh(fixture->store, NULL, last, "limit_age", 9, &count), 0);
	return count;
}

static void test_fresh_jobs(void **state)
{
	struct fixture *fixture = *state;
	struct store_job job;

	assert_int_equal(store_mark_job(fixture->store, "nightly", 2, 5, COPIED_ALL), 0);
	assert_int_equal(store_get_job(fixture->store, "nightly", &job), 0);
	assert_string_equal(job.fresh, "new");
	assert_int_equal(job.since, 5);
	assert_int_equal(make_fresh(fixture, 2), 0);
	assert_int_equal(store_commit_job(fixture->store, "nightly", 7), 0);
	assert_int_equal(store_get_job(fixture->store, "nightly", &job), 0);
	assert_string_equal(job.fresh, "");
	/* What it has committed it does not need. */
	assert_int_equal(make_fresh(fixture, 2), 0);
	assert_int_equal(store_mark_job(fixture->store, "nightly", 4, 8, COPIED_ALL), 0);
	assert_int_equal(make_fresh(fixture, 3), 1);
	assert_int_equal(make_fresh(fixture, INT64_MAX), 0);
	assert_int_equal(store_get_job(fixture->store, "nightly", &job), 0);
	assert_true(job.cursor == 0 && job.pending == 0 && job.former == 2 && job.since == 9);
	assert_string_equal(job.fresh, "limit_age");
	/* A backup that began before cannot be committed; the next one can. */
	assert_int_equal(store_commit_job(fixture->store, "nightly", 10), -ENODATA);
	assert_int_equal(store_mark_job(fixture->store, "nightly", 5, 11, COPIED_ALL), 0);
	assert_int_equal(store_get_job(fixture->store, "nightly", &job), 0);
	assert_string_equal(job.fresh, "limit_age");
	assert_int_equal(make_fresh(fixture, INT64_MAX), 1);
	assert_int_equal(store_get_job(fixture->store, "nightly", &job), 0);
	assert_true(job.pending == 0 && job.former == 2);
}

static struct store_job job_of(struct fixture *fixture, const char *name)
{
	struct store_job job = {0};

	assert_int_equal(store_get_job(fixture->store, name, &job), 0);
	return job;
}

static void back_up(struct fixture *fixture, uint64_t window, enum store_copied copied)
{
	assert_int_equal(store_mark_job(fixture->store, "job", window, 1, copied), 0);
	assert_int_equal(store_commit_job(fixture->store, "job", 1), 0);
}

/* What a committed list may have lacked is listed again until a list lacks nothing, or all was copied. */
static void test_owed_windows(void **state)
{
	struct fixture *fixture = *state;
	struct store_job job;
	uint64_t base;

	back_up(fixture, 1, COPIED_ALL);
	job = job_of(fixture, "job");
	base = job.base;
	assert_int_equal(store_job_first(&job), 2);
	back_up(fixture, 2, COPIED_PART);
	back_up(fixture, 3, COPIED_PART);
	job = job_of(fixture, "job");
	assert_true(job.cursor == 3 && job.owed == 2);
	assert_int_equal(store_job_first(&job), 2);
	assert_true(base && job.base != base);
	assert_int_equal(make_fresh(fixture, 1), 0);
	back_up(fixture, 4, COPIED_LIST);
	job = job_of(fixture, "job");
	assert_int_equal(store_job_first(&job), 5);
	back_up(fixture, 5, COPIED_PART);
	back_up(fixture, 6, COPIED_ALL);
	job = job_of(fixture, "job");
	assert_int_equal(store_job_first(&job), 7);
	back_up(fixture, 7, COPIED_PART);
	assert_int_equal(make_fresh(fixture, 7), 1);
	job = job_of(fixture, "job");
	assert_true(job.owed == 0 && job.former == 7);
}

static int copy_gap(const struct store_gap *gap, void *context)
{
	struct store_gap *copy = context;

	assert_string_equal(gap->reason, "ring-full");
	*copy = *gap;
	return 0;
}

static void test_gaps(void **state)
{
	struct fixture *fixture = *state;
	struct store_gap gap = {.filesystem = 1, .first = 1, .last = 2, .started = 10, .ended = 20};
	struct store_gap copy = {}, other;

	gap.reason = "ring-full";
	assert_int_equal(store_add_gap(fixture->store, &gap), 0);
	assert_int_equal(store_gaps(fixture->store, 3, 0, copy_gap, &copy), 0);
	assert_int_equal(copy.id, 0);
	assert_int_equal(store_gaps(fixture->store, 2, 3, copy_gap, &copy), 0);
	assert_true(copy.filesystem == 1 && copy.first == 1 && copy.last == 2);
	assert_true(copy.started == 10 && copy.ended == 20 && !copy.repaired);
	other = copy;
	other.last++;
	assert_int_equal(store_cover_gap(fixture->store, &other, 1), -ENOENT);
	assert_int_equal(store_cover_gap(fixture->store, &copy, 1), 0);
	assert_int_equal(store_cover_gap(fixture->store, &copy, 1), -ENOENT);
	assert_int_equal(store_gaps(fixture->store, 1, 1, copy_gap, &copy), 0);
	assert_true(copy.repaired);
}

static void commit_job(struct fixture *fixture, const char *name, uint64_t window)
{
	assert_int_equal(store_mark_job(fixture->store, name, window, 1, COPIED_ALL), 0);
	assert_int_equal(store_commit_job(fixture->store, name, 1), 0);
}

static size_t prune(struct fixture *fixture, int64_t older)
{
	size_t removed = 9;

	assert_int_equal(store_prune(fixture->store, older, &removed), 0);
	return removed;
}

static void test_prune(void **state)
{
	struct fixture *fixture = *state;
	struct store_gap gap = {.first = 1, .last = 1, .reason = "ring-full"}, copy = {};

	put(fixture, 1, "/only/deep/one");
	put(fixture, 2, "/kept/file");
	put(fixture, 3, "/kept/other");
	assert_int_equal(store_add_gap(fixture->store, &gap), 0);
	for (uint64_t number = 1; number <= 2; number++)
		assert_int_equal(store_close_window(fixture->store, number, (int64_t)number * 100, 0), 0);
	assert_int_equal(prune(fixture, 1000), 0);
	commit_job(fixture, "first", 2);
	commit_job(fixture, "second", 1);
	assert_int_equal(prune(fixture, 100), 0);
	assert_int_equal(list_of(fixture->store, 1, 3)->count, 3);
	assert_int_equal(prune(fixture, 1000), 1);
	/* What is owed is kept. */
	assert_int_equal(store_mark_job(fixture->store, "second", 2, 1, COPIED_PART), 0);
	assert_int_equal(store_commit_job(fixture->store, "second", 1), 0);
	assert_int_equal(prune(fixture, 1000), 0);
	/* A job that needs a full backup anyway holds nothing back, but what came after the cut before it. */
	assert_int_equal(store_drop_job(fixture->store, "second"), 0);
	assert_int_equal(store_mark_job(fixture->store, "third", 1, 1, COPIED_ALL), 0);
	assert_int_equal(prune(fixture, 1000), 0);
	HAS_ONLY(list_of(fixture->store, 1, 3), "/kept/file", "/kept/other");
	assert_int_equal(store_gaps(fixture->store, 1, 0, copy_gap, &copy), 0);
	assert_int_equal(copy.id, 0);
	put(fixture, 3, "/only/deep/two");
	put(fixture, 2, "/kept/more");
	HAS_ONLY(list_of(fixture->store, 1, 3), "/kept/file", "/kept/other", "/kept/more", "/only/deep/two");
}

static uint64_t size_of(struct fixture *fixture)
{
	uint64_t bytes = 0;

	reopen(fixture);
	assert_int_equal(store_size(fixture->store, &bytes), 0);
	return bytes;
}

/* What only the pruned window named makes room for as many other directories. */
static void test_prune_directories(void **state)
{
	struct fixture *fixture = *state;
	uint64_t first_size = 0;
	char path[256];

	for (uint64_t window = 1; window <= 2; window++)
		assert_int_equal(store_close_window(fixture->store, window, 100, 0), 0);
	for (uint64_t window = 3; window < 11; window++) {
		for (int i = 0; i < 1000; i++) {
			snprintf(path, sizeof(path), "/x/%0100d/d/file", (int)window * 1000 + i);
			put(fixture, window, path);
		}
		assert_int_equal(store_close_window(fixture->store, window, 100, 0), 0);
		assert_int_equal(store_open_window(fixture->store, window + 1, SECOND * nanoseconds), 0);
		put(fixture, window + 1, "/x/kept/file");
		commit_job(fixture, "job", window);
		prune(fixture, 1000);
		HAS_ONLY(list_of(fixture->store, 3, window + 1), "/x/kept/file");
		if (!first_size)
			first_size = size_of(fixture);
	}
	assert_true(size_of(fixture) < 2 * first_size);
}

static void test_last_window_stays(void **state)
{
	struct fixture *fixture = *state;
	struct store_window window;

	for (uint64_t number = 1; number <= 3; number++)
		assert_int_equal(store_close_window(fixture->store, number, (int64_t)number, 0), 0);
	commit_job(fixture, "job", 3);
	assert_int_equal(prune(fixture, 1000), 2);
	assert_int_equal(prune(fixture, 1000), 0);
	assert_int_equal(store_last_window(fixture->store, &window), 0);
	assert_int_equal(window.number, 3);
}

static void test_size(void **state)
{
	struct fixture *fixture = *state;
	uint64_t bytes = 0;

	assert_int_equal(store_size(fixture->store, &bytes), 0);
	assert_true(bytes > 4096);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_meta),
		TEST(test_filesystems),
		TEST(test_watches),
		TEST(test_merge),
		TEST(test_paths),
		TEST(test_filesystems_apart),
		TEST(test_bad_paths),
		TEST(test_any_byte),
		TEST(test_long_paths),
		TEST(test_union),
		TEST(test_rollback),
		TEST(test_rollback_of_window),
		TEST(test_second_writer),
		TEST(test_reader),
		TEST(test_open_errors),
		TEST(test_foreign),
		TEST(test_newer),
		TEST(test_no_database),
		TEST(test_windows),
		TEST(test_steady_windows),
		TEST(test_jobs),
		TEST(test_fresh_jobs),
		TEST(test_owed_windows),
		TEST(test_gaps),
		TEST(test_fresh_jobs),
		TEST(test_prune),
		TEST(test_prune_directories),
		TEST(test_last_window_stays),
		TEST(test_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
