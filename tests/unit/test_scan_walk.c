// SPDX-License-Identifier: GPL-2.0
/*
 * The threads of a scan meet each entry once, also when it is stopped and goes on, and come to an end. Where the
 * filesystem tells of its inodes they look at those files alone that may be wanted.
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
#include "directory.h"
#include "inodes.h"
#include "scan_private.h"

enum { DIRECTORIES = 300, ROUNDS = 20, ASKED_FOR = 14 };

static char directory[DIRECTORY_BYTES];
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
	directory_make(directory, "/tmp");
	run_command("cd %s && for i in $(seq 0 %d); do d=wide/$((i %% 7))/$((i %% 5)); "
		    "[ $((i %% 3)) = 0 ] && d=deep/$(printf 'a/%%.0s' $(seq 1 $((i / 10 + 1)))); mkdir -p $d; "
		    ": >$d/file$i; done",
		    directory, DIRECTORIES - 1);
}

struct fixture {
	struct scan scan;
	struct scan_options options;
	char path[256];    /* of the tree, inside its filesystem */
	unsigned patience; /* directories until it is stopped; 0: it is not */
};

/* Called with the lock held. */
static bool is_stopped(void *context)
{
	struct fixture *fixture = context;

	if (fixture->patience > 1)
		fixture->patience--;
	return fixture->patience == 1;
}

static unsigned until_save; /* directories; 0: never */
static struct stack *kept;  /* what was still to be read then */
static unsigned seen_then[DIRECTORIES];

bool __wrap_scan_must_save(const struct scan *scan, const struct stack *directories)
{
	(void)scan;
	(void)directories;
	return until_save && --until_save == 0;
}

int __wrap_scan_save(struct scan *scan)
{
	struct walked_rest rest;

	read_parcel(&scan->changed);
	memcpy(seen_then, seen, sizeof(seen));
	stack_clear(kept);
	for (size_t at = 0; at < scan->kept.used; at += sizeof(rest) + rest.length) {
		memcpy(&rest, scan->kept.bytes + at, sizeof(rest));
		assert_int_equal(stack_push(kept, scan->kept.bytes + at + sizeof(rest), rest.length), 0);
	}
	scan->kept.used = 0;
	return 0;
}

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct scan *scan = &fixture->scan;
	const struct mount *mount;

	make_tree();
	assert_int_equal(mounts_read(&scan->mounts, NULL), 0);
	mount = mounts_find_path(&scan->mounts, directory);
	assert_non_null(mount);
	assert_true(mount_from_host(mount, directory, fixture->path, sizeof(fixture->path)) > 0);
	assert_int_equal(stack_new(&scan->rest), 0);
	assert_int_equal(stack_new(&kept), 0);
	fixture->options = (struct scan_options){.is_stopped = is_stopped, .context = fixture};
	scan->options = &fixture->options;
	scan->view.mount = *mount;
	scan->table = -1;
	*state = fixture;
	return 0;
}

static void forget(void **state)
{
	struct fixture *fixture = *state;

	fixture->patience = until_save = 0;
	scan_inodes_free(fixture->scan.inodes);
	inode_set_free(fixture->scan.wanted);
	fixture->scan.inodes = NULL;
	fixture->scan.wanted = NULL;
	fixture->scan.any_wanted = false;
	memset(seen, 0, sizeof(seen));
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	assert_false(fixture->scan.failed);
	forget(state);
	mounts_free(&fixture->scan.mounts);
	stack_free(fixture->scan.rest);
	stack_free(kept);
	free(fixture);
	directory_remove(directory);
	return 0;
}

static void walk(struct fixture *fixture)
{
	assert_int_equal(scan_walk_below(&fixture->scan, fixture->path, strlen(fixture->path)), 0);
	read_parcel(&fixture->scan.changed);
}

static void test_each_entry_once(void **state)
{
	forget(state);
	for (unsigned round = 1; round <= ROUNDS; round++) {
		walk(*state);
		for (unsigned i = 0; i < DIRECTORIES; i++)
			assert_int_equal(seen[i], round);
	}
}

static void go_on(struct fixture *fixture, struct stack *rest)
{
	struct stack *directories;

	assert_int_equal(stack_new(&directories), 0);
	assert_int_equal(stack_move(rest, directories), 0);
	assert_int_equal(scan_walk(&fixture->scan, directories), 0);
	read_parcel(&fixture->scan.changed);
	stack_free(directories);
}

/* However often it is stopped: nothing is read twice, and nothing is left out. */
static void test_stopped(void **state)
{
	struct fixture *fixture = *state;

	for (unsigned patience = 2; patience < 50; patience += 3) {
		unsigned parts = 1;

		forget(state);
		fixture->patience = patience;
		walk(fixture);
		assert_false(stack_is_empty(fixture->scan.rest));
		for (; !stack_is_empty(fixture->scan.rest) && parts < 1000; parts++) {
			fixture->patience = patience + parts;
			go_on(fixture, fixture->scan.rest);
		}
		assert_true(parts < 1000);
		for (unsigned i = 0; i < DIRECTORIES; i++)
			assert_int_equal(seen[i], 1);
	}
}

/* What was found before is in the store, what is kept is read again: so a client may be killed at any time after. */
static void test_saved_meanwhile(void **state)
{
	for (unsigned directories = 1; directories < 60; directories++) {
		forget(state);
		until_save = directories;
		walk(*state);
		for (unsigned i = 0; i < DIRECTORIES; i++)
			assert_int_equal(seen[i], 1);
		assert_int_equal(until_save, 0);
		memcpy(seen, seen_then, sizeof(seen));
		go_on(*state, kept);
		for (unsigned i = 0; i < DIRECTORIES; i++)
			assert_in_range(seen[i], 1, 2);
	}
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

static void walk_told(struct fixture *fixture, int deep)
{
	struct scan *scan = &fixture->scan;

	memset(&told, 0, sizeof(told));
	told.deep = deep;
	scan->since = 1;
	ask_for(scan, ASKED_FOR);
	scan->inodes = scan_inodes_new(way.type);
	assert_non_null(scan->inodes);
	scan->progress.inodes = 0;
	walk(fixture);
	/* What was read is read once, also for a directory that is walked again. */
	memset(seen, 0, sizeof(seen));
	scan->progress.entries = 0;
	walk(fixture);
	assert_int_equal(told.deep_read, 1);
	assert_int_equal(told.wide_read, 1);
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
	const struct fixture *fixture = *state;
	const struct scan_progress *progress = &fixture->scan.progress;

	forget(state);
	walk_told(*state, 0);
	for (unsigned i = 0; i < DIRECTORIES; i++)
		assert_int_equal(seen[i], may_be_wanted(i));
	assert_int_equal(told.settled, 1);
	assert_true(progress->inodes > DIRECTORIES);
	assert_true(progress->entries >= progress->inodes - 1);
}

static void test_part_that_cannot_be_read(void **state)
{
	forget(state);
	walk_told(*state, -EIO);
	for (unsigned i = 0; i < DIRECTORIES; i++)
		assert_int_equal(seen[i], is_deep(i) || may_be_wanted(i));
}

static void test_filesystem_that_does_not_tell(void **state)
{
	(void)state;
	assert_null(scan_inodes_new("other"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_entry_once),          cmocka_unit_test(test_stopped),
		cmocka_unit_test(test_saved_meanwhile),          cmocka_unit_test(test_files_that_are_told_of),
		cmocka_unit_test(test_part_that_cannot_be_read), cmocka_unit_test(test_filesystem_that_does_not_tell),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
