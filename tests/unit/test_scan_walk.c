// SPDX-License-Identifier: GPL-2.0
/*
 * The threads of a scan meet each entry once, and come to an end. Where the filesystem tells of its inodes they look at
 * those files alone that may be wanted.
 */
#include <errno.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "cover.h"
#include "inodes.h"
#include "scan_private.h"

enum { DIRECTORIES = 300, ROUNDS = 20, ASKED_FOR = 14 };

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

static int make_all(void **state)
{
	(void)state;
	make_tree();
	return 0;
}

static int remove_all(void **state)
{
	char command[256];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", directory);
	return system(command);
}

static struct scan *begin(char *path, size_t size)
{
	static const struct scan_options options = {0};
	struct scan *scan = calloc(1, sizeof(*scan));
	const struct mount *mount;

	assert_int_equal(mounts_read(&scan->mounts, NULL), 0);
	mount = mounts_find_path(&scan->mounts, directory);
	assert_non_null(mount);
	assert_true(mount_from_host(mount, directory, path, size) > 0);
	scan->options = &options;
	scan->view.mount = *mount;
	scan->table = -1;
	memset(seen, 0, sizeof(seen));
	return scan;
}

static void end(struct scan *scan)
{
	assert_false(scan->failed);
	mounts_free(&scan->mounts);
	scan_inodes_free(scan->inodes);
	inode_set_free(scan->wanted);
	free(scan);
}

static void test_each_entry_once(void **state)
{
	char path[256];
	struct scan *scan = begin(path, sizeof(path));

	(void)state;
	for (unsigned round = 1; round <= ROUNDS; round++) {
		assert_int_equal(scan_walk_below(scan, path, strlen(path)), 0);
		read_parcel(&scan->changed);
		for (unsigned i = 0; i < DIRECTORIES; i++)
			assert_int_equal(seen[i], round);
	}
	end(scan);
}

/* A filesystem that tells of its inodes: what is below "deep" is a part of its own. */
static struct {
	int settled, deep, deep_read, wide_read;
	inodes_each *each;
	void *context;
	bool reads_deep, looks;
} told;

static int find_part(int descriptor, uint64_t *part)
{
	char link[64], path[4096] = "";

	snprintf(link, sizeof(link), "/proc/self/fd/%d", descriptor);
	assert_true(readlink(link, path, sizeof(path) - 1) > 0);
	*part = strstr(path, "/deep") ? 1 : 2;
	return 0;
}

static int settle(int descriptor)
{
	(void)descriptor;
	return told.settled++ ? -EIO : 0;
}

/* Odd ones have changed, of five others one has a second link. */
static int tell_of(const char *path, const struct stat *found, int type, struct FTW *at)
{
	struct inode_facts facts = {.inode = found->st_ino, .mode = found->st_mode, .links = 1};
	unsigned number;

	(void)type;
	if (!strstr(path, "/deep") == told.reads_deep)
		return 0;
	if (sscanf(path + at->base, "file%u", &number) == 1) {
		facts.changed = number % 2;
		facts.links += number % 5 == 0;
	}
	return told.each(&facts, told.context);
}

static int read_inodes(int descriptor, uint64_t part, inodes_each *each, void *context)
{
	(void)descriptor;
	told.each = each;
	told.context = context;
	told.reads_deep = part == 1;
	++*(part == 1 ? &told.deep_read : &told.wide_read);
	return part == 1 && told.deep ? told.deep : nftw(directory, tell_of, 8, FTW_PHYS);
}

static const struct inodes_way way = {"told", find_part, settle, read_inodes};

const struct inodes_way *__wrap_inodes_find(const char *type)
{
	return strcmp(type, way.type) == 0 ? &way : NULL;
}

static void ask_for(struct scan *scan, unsigned number)
{
	char command[512], path[512];
	struct stat found;
	FILE *output;

	snprintf(command, sizeof(command), "find %s -name file%u", directory, number);
	output = popen(command, "r");
	assert_non_null(fgets(path, sizeof(path), output));
	pclose(output);
	path[strcspn(path, "\n")] = '\0';
	assert_int_equal(stat(path, &found), 0);
	scan->wanted = inode_set_new(23);
	inode_set_add(scan->wanted, found.st_ino);
	scan->any_wanted = true;
}

static struct scan *walk_told(int deep)
{
	char path[256];
	struct scan *scan = begin(path, sizeof(path));

	memset(&told, 0, sizeof(told));
	told.deep = deep;
	scan->since = 1;
	ask_for(scan, ASKED_FOR);
	scan->inodes = scan_inodes_new(way.type);
	assert_non_null(scan->inodes);
	assert_int_equal(scan_walk_below(scan, path, strlen(path)), 0);
	/* What was read is read once, also for a directory that is walked again. */
	read_parcel(&scan->changed);
	memset(seen, 0, sizeof(seen));
	scan->progress.entries = 0;
	assert_int_equal(scan_walk_below(scan, path, strlen(path)), 0);
	read_parcel(&scan->changed);
	assert_int_equal(told.deep_read, 1);
	assert_int_equal(told.wide_read, 1);
	return scan;
}

static bool may_be_wanted(unsigned number)
{
	return number % 2 || number % 5 == 0 || number == ASKED_FOR;
}

static bool is_deep(unsigned number)
{
	return number % 3 == 0;
}

static void test_files_that_are_told_of(void **state)
{
	struct scan *scan = walk_told(0);

	(void)state;
	for (unsigned i = 0; i < DIRECTORIES; i++)
		assert_int_equal(seen[i], may_be_wanted(i));
	assert_int_equal(told.settled, 1);
	assert_true(scan->progress.inodes > DIRECTORIES);
	assert_true(scan->progress.entries >= scan->progress.inodes - 1);
	end(scan);
}

static void test_part_that_cannot_be_read(void **state)
{
	struct scan *scan = walk_told(-EIO);

	(void)state;
	for (unsigned i = 0; i < DIRECTORIES; i++)
		assert_int_equal(seen[i], is_deep(i) || may_be_wanted(i));
	end(scan);
}

static void test_filesystem_that_does_not_tell(void **state)
{
	(void)state;
	assert_null(scan_inodes_new("other"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_entry_once),
		cmocka_unit_test(test_files_that_are_told_of),
		cmocka_unit_test(test_part_that_cannot_be_read),
		cmocka_unit_test(test_filesystem_that_does_not_tell),
	};

	return cmocka_run_group_tests(tests, make_all, remove_all);
}
