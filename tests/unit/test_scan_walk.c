// SPDX-License-Identifier: GPL-2.0
/* The threads of a scan meet each entry once, and come to an end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cover.h"
#include "scan_private.h"

enum { DIRECTORIES = 300, ROUNDS = 20 };

static char directory[] = "/tmp/test-scan-walk-XXXXXX";
static unsigned seen[DIRECTORIES];

static void count(const char *path, size_t length)
{
	char text[512];
	unsigned number;

	snprintf(text, sizeof(text), "%.*s", (int)length, path);
	if (sscanf(strrchr(text, '/'), "/file%u", &number) == 1 && number < DIRECTORIES)
		seen[number]++;
}

static void read_parcel(struct parcel *parcel)
{
	struct covered_entry entry;

	for (size_t at = 0; at < parcel->used; at += sizeof(entry) + entry.length) {
		memcpy(&entry, parcel->bytes + at, sizeof(entry));
		count(parcel->bytes + at + sizeof(entry), entry.length);
	}
	parcel->used = 0;
}

/* In place of the collector. */
int __wrap_scan_send(struct scan *scan, const char *step, struct parcel *parcel)
{
	(void)scan;
	(void)step;
	read_parcel(parcel);
	return 0;
}

/* A chain of directories beside wide ones: workers wait for each other. */
static void make_tree(void)
{
	char command[512];

	assert_non_null(mkdtemp(directory));
	snprintf(command, sizeof(command),
		 "cd %s && for i in $(seq 0 %d); do d=wide/$((i %% 7))/$((i %% 5)); "
		 "[ $((i %% 3)) = 0 ] && d=deep/$(printf 'a/%%.0s' $(seq 1 $((i / 10 + 1)))); mkdir -p $d; "
		 ": >$d/file$i; done",
		 directory, DIRECTORIES - 1);
	assert_int_equal(system(command), 0);
}

static void test_each_entry_once(void **state)
{
	const struct scan_options options = {0};
	struct scan *scan = calloc(1, sizeof(*scan));
	const struct mount *mount;
	char path[256];

	(void)state;
	make_tree();
	assert_int_equal(mounts_read(&scan->mounts, NULL), 0);
	mount = mounts_find_path(&scan->mounts, directory);
	assert_non_null(mount);
	assert_true(mount_from_host(mount, directory, path, sizeof(path)) > 0);
	scan->options = &options;
	scan->view.mount = *mount;
	scan->table = -1;
	for (unsigned round = 1; round <= ROUNDS; round++) {
		assert_int_equal(scan_walk_below(scan, path, strlen(path)), 0);
		read_parcel(&scan->changed);
		for (unsigned i = 0; i < DIRECTORIES; i++)
			assert_int_equal(seen[i], round);
	}
	assert_false(scan->failed);
	mounts_free(&scan->mounts);
	free(scan);
	snprintf(path, sizeof(path), "rm -rf '%s'", directory);
	assert_int_equal(system(path), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_each_entry_once)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
