// SPDX-License-Identifier: GPL-2.0
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "sort.h"

enum { SMALL = 64 << 10 };

static void add(struct sorter *sorter, const char *path, size_t length, struct sorted facts)
{
	facts.path = path;
	facts.length = length;
	assert_int_equal(sorter_add(sorter, &facts), 0);
}

static void add_text(struct sorter *sorter, const char *path)
{
	add(sorter, path, strlen(path), (struct sorted){.mode = 0100644, .first = 5, .last = 6});
}

static void expect(struct sorter *sorter, const char *path)
{
	struct sorted found;

	assert_int_equal(sorter_next(sorter, &found), 1);
	assert_int_equal(found.length, strlen(path));
	assert_memory_equal(found.path, path, found.length);
}

static void expect_end(struct sorter *sorter)
{
	struct sorted found;

	assert_int_equal(sorter_next(sorter, &found), 0);
	assert_int_equal(sorter_next(sorter, &found), 0);
}

static struct sorter *new_sorter(size_t memory)
{
	struct sorter *sorter;

	assert_int_equal(sorter_new(&sorter, memory, NULL), 0);
	return sorter;
}

static void nothing(void **state)
{
	struct sorter *sorter = new_sorter(0);

	(void)state;
	assert_int_equal(sorter_finish(sorter), 0);
	expect_end(sorter);
	sorter_free(sorter);
	sorter_free(NULL);
}

static void order_is_bytewise(void **state)
{
	struct sorter *sorter = new_sorter(0);

	(void)state;
	add_text(sorter, "/a/x");
	add_text(sorter, "/\xff");
	add_text(sorter, "/a-b");
	add_text(sorter, "/a");
	add_text(sorter, "/");
	add_text(sorter, "/a\n");
	assert_int_equal(sorter_finish(sorter), 0);
	expect(sorter, "/");
	expect(sorter, "/a");
	expect(sorter, "/a\n");
	expect(sorter, "/a-b");
	expect(sorter, "/a/x");
	expect(sorter, "/\xff");
	expect_end(sorter);
	sorter_free(sorter);
}

/* filler: so many other paths that the equal ones lie in different runs. */
static void check_merging(size_t filler)
{
	struct sorter *sorter = new_sorter(SMALL);
	struct sorted found;
	char path[64];

	add(sorter, "/a", 2, (struct sorted){.mode = 0, .facts = {1, 1 << 8, DIRTY_EXPAND}, .first = 10, .last = 20});
	for (size_t i = 0; i < filler; i++)
		add_text(sorter, (snprintf(path, sizeof(path), "/b%09zu", i), path));
	add(sorter, "/a", 2, (struct sorted){.mode = 0100644, .facts = {1 << 17, 1 << 4, 0}, .first = 5, .last = 6});
	for (size_t i = 0; i < filler; i++)
		add_text(sorter, (snprintf(path, sizeof(path), "/c%09zu", i), path));
	add(sorter, "/a", 2, (struct sorted){.mode = 0, .facts = {2, 0, DIRTY_MAPPED}, .first = 7, .last = 30});
	assert_int_equal(sorter_finish(sorter), 0);
	assert_int_equal(sorter_next(sorter, &found), 1);
	assert_memory_equal(found.path, "/a", 2);
	assert_int_equal(found.facts.operations, 3 | 1 << 17);
	assert_int_equal(found.facts.was, 1 << 8 | 1 << 4);
	assert_int_equal(found.facts.flags, DIRTY_EXPAND | DIRTY_MAPPED);
	assert_int_equal(found.first, 5);
	assert_int_equal(found.last, 30);
	assert_int_equal(found.mode, 0100644);
	for (size_t i = 0; i < 2 * filler; i++)
		assert_int_equal(sorter_next(sorter, &found), 1);
	expect_end(sorter);
	sorter_free(sorter);
}

static void equals_merge_in_memory(void **state)
{
	(void)state;
	check_merging(0);
}

static void equals_merge_over_runs(void **state)
{
	(void)state;
	check_merging(3000);
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Against qsort, with repeated and very different lengths. */
static void check_random(size_t count, size_t memory)
{
	struct sorter *sorter = new_sorter(memory);
	char **paths = calloc(count, sizeof(*paths));
	unsigned int seed = 42;

	for (size_t i = 0; i < count; i++) {
		unsigned int number = (unsigned int)rand_r(&seed) % (unsigned int)(count / 2);

		assert_true(asprintf(&paths[i], "/%x/%*u", number % 16, (int)(number % 300), number) > 0);
		add_text(sorter, paths[i]);
	}
	qsort(paths, count, sizeof(*paths), compare);
	assert_int_equal(sorter_finish(sorter), 0);
	for (size_t i = 0; i < count; i++)
		if (i == 0 || strcmp(paths[i], paths[i - 1]) != 0)
			expect(sorter, paths[i]);
	expect_end(sorter);
	for (size_t i = 0; i < count; i++)
		free(paths[i]);
	free(paths);
	sorter_free(sorter);
}

static void one_run(void **state)
{
	(void)state;
	check_random(1000, 4 << 20);
}

static void some_runs(void **state)
{
	(void)state;
	check_random(3000, 256 << 10);
}

/* More runs than are merged at a time, twice over. */
static void several_passes(void **state)
{
	(void)state;
	check_random(100000, SMALL);
}

/* What comes in order makes one run, however long; equal ones at its seams, and what comes late, are merged. */
static void in_order(void **state)
{
	struct sorter *sorter = new_sorter(SMALL);
	struct sorted found;
	char path[64];

	(void)state;
	for (unsigned i = 0; i < 40000; i++) {
		snprintf(path, sizeof(path), "/%09u", i / 2);
		add(sorter, path, strlen(path), (struct sorted){.facts = {1U << i % 2, 0, 0}, .first = i, .last = i});
	}
	for (unsigned i = 0; i < 20000; i += 100) {
		snprintf(path, sizeof(path), "/%09u", i);
		add(sorter, path, strlen(path), (struct sorted){.facts = {4, 0, 0}, .first = 50000, .last = 50000});
	}
	assert_int_equal(sorter_finish(sorter), 0);
	for (unsigned i = 0; i < 20000; i++) {
		snprintf(path, sizeof(path), "/%09u", i);
		assert_int_equal(sorter_next(sorter, &found), 1);
		assert_int_equal(found.length, strlen(path));
		assert_memory_equal(found.path, path, found.length);
		assert_int_equal(found.facts.operations, i % 100 ? 3 : 7);
		assert_int_equal(found.first, 2 * i);
		assert_int_equal(found.last, i % 100 ? 2 * i + 1 : 50000);
	}
	expect_end(sorter);
	sorter_free(sorter);
}

static void long_records(void **state)
{
	struct sorter *sorter = new_sorter(SMALL);
	size_t length = 300000;
	char *path = malloc(length);
	struct sorted found;

	(void)state;
	memset(path, 'x', length);
	path[0] = '/';
	for (char last = 'e'; last >= 'a'; last--) {
		path[length - 1] = last;
		add(sorter, path, length, (struct sorted){0});
		add_text(sorter, "/short");
	}
	assert_int_equal(sorter_finish(sorter), 0);
	expect(sorter, "/short");
	for (char last = 'a'; last <= 'e'; last++) {
		assert_int_equal(sorter_next(sorter, &found), 1);
		assert_int_equal(found.length, length);
		assert_int_equal(found.path[length - 1], last);
	}
	expect_end(sorter);
	free(path);
	sorter_free(sorter);
}

static void misuse(void **state)
{
	struct sorter *sorter = new_sorter(0);
	struct sorted found = {.path = "/a", .length = 2};

	(void)state;
	assert_int_equal(sorter_next(sorter, &found), -EINVAL);
	assert_int_equal(sorter_finish(sorter), 0);
	assert_int_equal(sorter_finish(sorter), -EINVAL);
	assert_int_equal(sorter_add(sorter, &found), -EINVAL);
	sorter_free(sorter);
}

static void disk_errors_show(void **state)
{
	struct sorter *sorter;
	struct rlimit old, limit;
	int error = 0;
	char path[64];

	(void)state;
	assert_int_equal(sorter_new(&sorter, SMALL, "/nonexistent"), 0);
	for (size_t i = 0; i < 100000 && !error; i++) {
		struct sorted record = {.path = path, .length = (size_t)snprintf(path, sizeof(path), "/%zu", i)};

		error = sorter_add(sorter, &record);
	}
	assert_int_equal(error, -ENOENT);
	assert_int_equal(sorter_finish(sorter), -ENOENT);
	assert_int_equal(sorter_next(sorter, &(struct sorted){0}), -ENOENT);
	sorter_free(sorter);

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	limit = (struct rlimit){.rlim_cur = 200 << 10, .rlim_max = old.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	sorter = new_sorter(SMALL);
	error = 0;
	for (size_t i = 0; i < 100000 && !error; i++) {
		struct sorted record = {.path = path, .length = (size_t)snprintf(path, sizeof(path), "/%zu", i)};

		error = sorter_add(sorter, &record);
	}
	setrlimit(RLIMIT_FSIZE, &old);
	assert_int_equal(error, -EFBIG);
	assert_int_equal(sorter_finish(sorter), -EFBIG);
	sorter_free(sorter);
}

static size_t descriptors(void)
{
	DIR *stream = opendir("/proc/self/fd");
	size_t count = 0;

	while (readdir(stream))
		count++;
	closedir(stream);
	return count;
}

static void descriptors_are_few_and_closed(void **state)
{
	size_t before = descriptors();
	struct sorter *sorter = new_sorter(SMALL);
	char path[64];

	(void)state;
	for (size_t i = 0; i < 200000; i++)
		add_text(sorter, (snprintf(path, sizeof(path), "/%zu", i), path));
	assert_true(descriptors() <= before + 1);
	assert_int_equal(sorter_finish(sorter), 0);
	assert_true(descriptors() <= before + 1);
	sorter_free(sorter);
	assert_int_equal(descriptors(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing),
		cmocka_unit_test(order_is_bytewise),
		cmocka_unit_test(equals_merge_in_memory),
		cmocka_unit_test(equals_merge_over_runs),
		cmocka_unit_test(one_run),
		cmocka_unit_test(some_runs),
		cmocka_unit_test(several_passes),
		cmocka_unit_test(in_order),
		cmocka_unit_test(long_records),
		cmocka_unit_test(misuse),
		cmocka_unit_test(disk_errors_show),
		cmocka_unit_test(descriptors_are_few_and_closed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
