// SPDX-License-Identifier: GPL-2.0
/* On the filesystem of /var/tmp and with the real mount table; what needs mounts of its own runs as root only. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "directory.h"
#include "list.h"
#include "mounts.h"
#include "output.h"
#include "store_links.h"
#include "store_walk.h"

enum {
	FILE_WAS = 1 << (S_IFREG >> 12),
	DIRECTORY_WAS = 1 << (S_IFDIR >> 12),
	LINK_WAS = 1 << (S_IFLNK >> 12),
	REPORTS = 64,
};

struct fixture {
	char base[DIRECTORY_BYTES];
	char state[80];
	char tree[80]; /* what is dirty lies here; the tests name it relative to it */
	char changed[80], deleted[80];
	struct store *store;
	struct store_filesystem filesystem;
	char *identity;
	char inside[256]; /* the tree inside its filesystem */
	struct mounts mounts;
	struct list_options options;
	struct list_result result;
	char *reports[REPORTS];
	size_t report_count;
	char *error;
	char *texts[2]; /* what was written */
};

static bool own_mounts;

static char *format_text(const char *format, ...) __attribute__((format(printf, 1, 2)));

static char *format_text(const char *format, ...)
{
	va_list arguments;
	char *text;

	va_start(arguments, format);
	assert_true(vasprintf(&text, format, arguments) >= 0);
	va_end(arguments);
	return text;
}

static void shell(struct fixture *fixture, const char *script)
{
	run_command("cd '%s' && set -e && %s", fixture->tree, script);
}

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	const struct mount *mount;
	bool is_new;

	directory_make(fixture->base, "/var/tmp");
	snprintf(fixture->tree, sizeof(fixture->tree), "%s/tree", fixture->base);
	snprintf(fixture->changed, sizeof(fixture->changed), "%s/changed", fixture->base);
	snprintf(fixture->deleted, sizeof(fixture->deleted), "%s/deleted", fixture->base);
	assert_int_equal(mkdir(fixture->tree, 0755), 0);
	assert_int_equal(mounts_read(&fixture->mounts, NULL), 0);
	mount = mounts_find_path(&fixture->mounts, fixture->tree);
	assert_true(mount_from_host(mount, fixture->tree, fixture->inside, sizeof(fixture->inside)) > 0);
	assert_int_equal(mount_identity(mount, &fixture->identity), 0);
	fixture->filesystem = (struct store_filesystem){
		.identity = fixture->identity,
		.type = mount->type,
		.mount_point = mount->mount_point,
		.root = mount->root,
		.device = mount->device,
	};
	snprintf(fixture->state, sizeof(fixture->state), "%s/state", fixture->base);
	assert_int_equal(store_open(&fixture->store, fixture->state, STORE_WRITE), 0);
	assert_int_equal(store_put_filesystem(fixture->store, &fixture->filesystem, &is_new), 0);
	assert_int_equal(store_open_window(fixture->store, 1, 1000000000), 0);
	assert_int_equal(store_close_window(fixture->store, 1, 2000000000, 5), 0);
	fixture->options = (struct list_options){
		.first = 1,
		.last = 1,
		.format = format_find("lines"),
		.changed = fixture->changed,
		.deleted = fixture->deleted,
		.relative_to = fixture->tree,
	};
	*state = fixture;
	return 0;
}

static void forget(struct fixture *fixture)
{
	for (size_t i = 0; i < fixture->report_count; i++)
		free(fixture->reports[i]);
	fixture->report_count = 0;
	free(fixture->error);
	fixture->error = NULL;
	for (int kind = 0; kind < 2; kind++) {
		free(fixture->texts[kind]);
		fixture->texts[kind] = NULL;
	}
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	forget(fixture);
	store_close(fixture->store);
	directory_remove(fixture->base);
	mounts_free(&fixture->mounts);
	free(fixture->identity);
	free(fixture);
	return 0;
}

/* path: below the tree; "" is the tree; with "//" in front: inside the filesystem. */
static void dirty_in(struct fixture *fixture, uint32_t filesystem, const char *path, struct dirty entry)
{
	char *inside;

	if (strncmp(path, "//", 2) == 0)
		inside = strdup(path + 1);
	else
		inside = format_text("%s%s%s", fixture->inside, *path ? "/" : "", path);
	entry.window = entry.window ? entry.window : 1;
	entry.filesystem = filesystem;
	entry.path = inside;
	entry.path_length = strlen(inside);
	entry.first = entry.last = 1000000000;
	assert_int_equal(store_begin(fixture->store), 0);
	assert_int_equal(store_put_dirty(fixture->store, &entry), 0);
	assert_int_equal(store_commit(fixture->store), 0);
	free(inside);
}

static void dirty(struct fixture *fixture, const char *path, uint16_t was, uint8_t flags)
{
	dirty_in(fixture, fixture->filesystem.id, path, (struct dirty){.facts = {.was = was, .flags = flags}});
}

static void watch(struct fixture *fixture, const char *first, const char *second)
{
	struct store_watch watches[2];
	char *paths[4] = {
		format_text("%s%s", fixture->inside, first),
		format_text("%s%s", fixture->tree, first),
		format_text("%s%s", fixture->inside, second ? second : ""),
		format_text("%s%s", fixture->tree, second ? second : ""),
	};
	bool changed;

	for (size_t i = 0; i < 2; i++)
		watches[i] = (struct store_watch){fixture->filesystem.id, paths[2 * i], paths[2 * i + 1]};
	assert_int_equal(store_set_watches(fixture->store, watches, second ? 2 : 1, &changed), 0);
	for (size_t i = 0; i < 4; i++)
		free(paths[i]);
}

static void keep_report(const char *sentence, void *context)
{
	struct fixture *fixture = context;

	assert_true(fixture->report_count < REPORTS);
	fixture->reports[fixture->report_count++] = strdup(sentence);
}

static char *read_whole(const char *name)
{
	FILE *stream = fopen(name, "r");
	char *text = NULL;
	size_t size = 0;

	if (!stream)
		return NULL;
	if (getdelim(&text, &size, EOF, stream) < 0)
		text[0] = '\0';
	fclose(stream);
	return text;
}

static int make(struct fixture *fixture)
{
	int error;

	forget(fixture);
	error = list_make(fixture->store, &fixture->options, &fixture->result, keep_report, fixture, &fixture->error);
	if (error) {
		assert_non_null(fixture->error);
		return error;
	}
	assert_null(fixture->error);
	fixture->texts[LIST_CHANGED] = read_whole(fixture->changed);
	fixture->texts[LIST_DELETED] = read_whole(fixture->deleted);
	return 0;
}

static size_t count_lines(const char *text)
{
	size_t lines = 0;

	while ((text = strchr(text, '\n'))) {
		text++;
		lines++;
	}
	return lines;
}

/* The lists, their entries separated by newlines, with a newline at the end. */
static void expect(struct fixture *fixture, const char *changed, const char *deleted)
{
	assert_int_equal(make(fixture), 0);
	assert_string_equal(fixture->texts[LIST_CHANGED], changed);
	assert_string_equal(fixture->texts[LIST_DELETED], deleted);
	assert_int_equal(fixture->result.changed, count_lines(changed));
	assert_int_equal(fixture->result.deleted, count_lines(deleted));
}

static void expect_complete(struct fixture *fixture, const char *changed, const char *deleted)
{
	expect(fixture, changed, deleted);
	for (size_t i = 0; i < fixture->report_count; i++)
		fail_msg("unexpected: %s", fixture->reports[i]);
	assert_int_equal(fixture->result.incomplete, 0);
}

static bool has_report(const struct fixture *fixture, const char *part)
{
	for (size_t i = 0; i < fixture->report_count; i++)
		if (strstr(fixture->reports[i], part))
			return true;
	return false;
}

static void expect_report(const struct fixture *fixture, const char *part)
{
	if (!has_report(fixture, part))
		fail_msg("no report about %s, first: %s", part, fixture->report_count ? fixture->reports[0] : "none");
	assert_true(fixture->result.incomplete > 0);
}

/* Nothing but what was there before. */
static void expect_no_files(struct fixture *fixture)
{
	run_command("test -z \"$(ls -A '%s' | grep -e changed -e deleted)\"", fixture->base);
}

/* The table */

static void nothing(void **state)
{
	expect_complete(*state, "", "");
}

static void not_there(void **state)
{
	struct fixture *fixture = *state;

	shell(fixture, "touch file");
	dirty(fixture, "gone", 0, 0);
	dirty(fixture, "gone-too", FILE_WAS, 0);
	dirty(fixture, "file/below", 0, 0);
	dirty(fixture, "no/directory/here", DIRECTORY_WAS, DIRTY_EXPAND);
	expect_complete(fixture, "", "file/below\ngone\ngone-too\nno/directory/here\n");
}

static void directory(void **state)
{
	struct fixture *fixture = *state;

	shell(fixture, "mkdir -p plain/sub came/sub was/sub; touch plain/f came/f came/sub/g was/f was/sub/g");
	dirty(fixture, "plain", 0, 0);
	dirty(fixture, "came", 0, DIRTY_EXPAND);
	dirty(fixture, "was", DIRECTORY_WAS, 0);
	expect_complete(fixture, "came\ncame/f\ncame/sub\ncame/sub/g\nplain\nwas\nwas/f\nwas/sub\nwas/sub/g\n",
			"was\n");
}

static void file_became_directory(void **state)
{
	struct fixture *fixture = *state;

	shell(fixture, "mkdir was; touch was/f");
	dirty(fixture, "was", FILE_WAS, 0);
	expect_complete(fixture, "was\nwas/f\n", "was\n");
}

static void other_types(void **state)
{
	struct fixture *fixture = *state;

	shell(fixture, "touch a b c d e; ln -s a link; ln -s b link2; mkfifo fifo");
	dirty(fixture, "a", 0, 0);
	dirty(fixture, "b", FILE_WAS, 0);
	dirty(fixture, "c", DIRECTORY_WAS, 0);
	dirty(fixture, "d", LINK_WAS, 0);
	dirty(fixture, "e", FILE_WAS | LINK_WAS, DIRTY_EXPAND);
	dirty(fixture, "fifo", 0, DIRTY_EXPAND);
	dirty(fixture, "link", LINK_WAS, 0);
	dirty(fixture, "link2", FILE_WAS, 0);
	expect_complete(fixture, "a\nb\nc\nd\ne\nfifo\nlink\nlink2\n", "c\nd\ne\nlink2\n");
}

static void opened(struct fixture *fixture, const char *path, uint64_t window)
{
	const struct dirty_facts facts = {.operations = 1U << OPERATION_OPEN};

	dirty_in(fixture, fixture->filesystem.id, path, (struct dirty){.window = window, .facts = facts});
}

/* What was opened and has not changed since the window that names it was opened. */
static void refinement(void **state)
{
	static const int64_t later = INT64_C(5000000000) * 1000000000;
	struct fixture *fixture = *state;
	struct store_gap gap = {.first = 3, .last = 3, .reason = "gap"};

	if (strcmp(fixture->filesystem.type, "ext4") != 0)
		skip();
	shell(fixture, "touch old both linked removed && ln linked name");
	store_open_window(fixture->store, 2, later);
	store_close_window(fixture->store, 2, later, 0);
	fixture->options.last = 2;
	opened(fixture, "both", 1);
	opened(fixture, "both", 2);
	opened(fixture, "gone", 2);
	opened(fixture, "linked", 2);
	opened(fixture, "name", 2);
	opened(fixture, "old", 2);
	dirty_in(fixture, fixture->filesystem.id, "removed",
		 (struct dirty){.window = 2, .facts = {.operations = 1U << OPERATION_OPEN, .was = FILE_WAS}});
	expect_complete(fixture, "both\nlinked\nname\nremoved\n", "gone\n");
	fixture->options.no_refine = true;
	expect_complete(fixture, "both\nlinked\nname\nold\nremoved\n", "gone\n");
	fixture->options.no_refine = false;
	/* Not in the list, but after it: the ctime that is looked at is that of now. */
	store_open_window(fixture->store, 3, later);
	expect_complete(fixture, "both\nlinked\nname\nremoved\n", "gone\n");
	store_set_unsteady(fixture->store, 3, 3);
	expect_complete(fixture, "both\nlinked\nname\nold\nremoved\n", "gone\n");
	store_close_window(fixture->store, 3, later, 0);
	fixture->options.first = 2;
	expect_complete(fixture, "both\nlinked\nname\nold\nremoved\n", "gone\n");
	store_add_gap(fixture->store, &gap);
	expect_complete(fixture, "both\nlinked\nname\nold\nremoved\n", "gone\n");
}

static void union_of_windows(void **state)
{
	struct fixture *fixture = *state;

	shell(fixture, "touch a b c");
	store_open_window(fixture->store, 2, 1);
	store_close_window(fixture->store, 2, 2, 0);
	store_open_window(fixture->store, 3, 1);
	store_close_window(fixture->store, 3, 2, 0);
	dirty(fixture, "a", DIRECTORY_WAS, 0);
	dirty_in(fixture, fixture->filesystem.id, "a", (struct dirty){.window = 2});
	dirty_in(fixture, fixture->filesystem.id, "b", (struct dirty){.window = 2});
	dirty_in(fixture, fixture->filesystem.id, "c", (struct dirty){.window = 3});
	fixture->options.last = 2;
	expect_complete(fixture, "a\nb\n", "a\n");
	fixture->options.first = 2;
	expect_complete(fixture, "a\nb\n", "");
	fixture->options.first = 4;
	fixture->options.last = 3;
	expect_complete(fixture, "", "");
}

/* Symbolic links */

static void links_are_not_followed(void **state)
{
	struct fixture *fixture = *state;

	shell(fixture, "mkdir real real/sub came; touch real/f real/sub/g; ln -s real link; ln -s ../real came/link");
	dirty(fixture, "link/f", 0, 0);
	dirty(fixture, "link/sub/g", 0, 0);
	dirty(fixture, "link", 0, DIRTY_EXPAND);
	dirty(fixture, "came", 0, DIRTY_EXPAND);
	expect_complete(fixture, "came\ncame/link\nlink\n", "link/f\nlink/sub/g\n");
}

static void directory_became_link(void **state)
{
	struct fixture *fixture = *state;

	shell(fixture, "mkdir real; touch real/f; ln -s real link");
	dirty(fixture, "link", DIRECTORY_WAS, 0);
	dirty(fixture, "link/f", 0, 0);
	expect_complete(fixture, "link\n", "link\n");
}

/* Below an entry of the deleted list nothing else is listed there */

static void pruning(void **state)
{
	struct fixture *fixture = *state;

	dirty(fixture, "a", 0, 0);
	dirty(fixture, "a-b", 0, 0);
	dirty(fixture, "a-b/y", 0, 0);
	dirty(fixture, "a-b/y.z", 0, 0);
	dirty(fixture, "a.", 0, 0);
	dirty(fixture, "a./q", 0, 0);
	dirty(fixture, "a/x", 0, 0);
	dirty(fixture, "a/x-", 0, 0);
	dirty(fixture, "a/x/y", 0, 0);
	dirty(fixture, "aa", 0, 0);
	dirty(fixture, "aa/b", 0, 0);
	dirty(fixture, "ab/c", 0, 0);
	dirty(fixture, "ab/c d/e", 0, 0);
	dirty(fixture, "ab/c/e", 0, 0);
	dirty(fixture, "ab/cd", 0, 0);
	expect_complete(fixture, "", "a\na-b\na.\naa\nab/c\nab/c d/e\nab/cd\n");
	fixture->options.relative_to = NULL;
	assert_int_equal(make(fixture), 0);
	assert_int_equal(fixture->result.deleted, 7);
}

static void pruning_is_of_the_deleted_list_alone(void **state)
{
	struct fixture *fixture = *state;

	shell(fixture, "mkdir d d-; touch d/f d/g");
	dirty(fixture, "d", DIRECTORY_WAS, 0);
	dirty(fixture, "d-", 0, 0);
	dirty(fixture, "d/f", LINK_WAS, 0);
	dirty(fixture, "d/gone", 0, 0);
	expect_complete(fixture, "d\nd-\nd/f\nd/g\n", "d\n");
}

static bool has_ancestor(char *const *paths, const bool *gone, size_t count, size_t at)
{
	for (size_t i = 0; i < count; i++) {
		size_t length = strlen(paths[i]);

		if (gone[i] && strncmp(paths[i], paths[at], length) == 0 && paths[at][length] == '/')
			return true;
	}
	return false;
}

/* All names of up to three components out of {a, a-, a0}: "-" sorts before "/", "0" behind it. */
static void pruning_of_all_subsets(void **state)
{
	static const char *const names[] = {"a", "a-", "a0"};
	struct fixture *fixture = *state;
	char *paths[39];
	bool gone[39];
	size_t count = 0, expected = 0;
	unsigned int seed = 7;

	for (size_t i = 0; i < 3; i++) {
		paths[count++] = strdup(names[i]);
		for (size_t j = 0; j < 3; j++) {
			paths[count++] = format_text("%s/%s", names[i], names[j]);
			for (size_t k = 0; k < 3; k++)
				paths[count++] = format_text("%s/%s/%s", names[i], names[j], names[k]);
		}
	}
	for (uint64_t window = 1; window <= 60; window++) {
		if (window > 1)
			store_open_window(fixture->store, window, 1);
		store_close_window(fixture->store, window, 2, 0);
		for (size_t i = 0; i < count; i++) {
			gone[i] = rand_r(&seed) % 4 == 0;
			if (gone[i])
				dirty_in(fixture, fixture->filesystem.id, paths[i], (struct dirty){.window = window});
		}
		fixture->options.first = fixture->options.last = window;
		assert_int_equal(make(fixture), 0);
		expected = 0;
		for (size_t i = 0; i < count; i++) {
			char *line = format_text("\n%s\n", paths[i]);
			char *text = format_text("\n%s", fixture->texts[LIST_DELETED]);
			bool wanted = gone[i] && !has_ancestor(paths, gone, count, i);

			assert_int_equal(strstr(text, line) != NULL, wanted);
			expected += wanted;
			free(line);
			free(text);
		}
		assert_int_equal(fixture->result.deleted, expected);
	}
	for (size_t i = 0; i < count; i++)
		free(paths[i]);
}

/* Expansion */

/* A directory of `depth` levels, whose path is far longer than PATH_MAX. */
static void make_deep(struct fixture *fixture, const char *below, const char *name, int depth)
{
	char *start = format_text("%s/%s", fixture->tree, below);
	int at = open(start, O_RDONLY | O_DIRECTORY);

	free(start);

	for (int i = 0; i < depth; i++) {
		int next;

		assert_int_equal(mkdirat(at, name, 0755), 0);
		next = openat(at, name, O_RDONLY | O_DIRECTORY);
		close(at);
		at = next;
		assert_true(at >= 0);
	}
	close(openat(at, "leaf", O_CREAT | O_WRONLY, 0644));
	close(at);
}

static void expansion_is_deep(void **state)
{
	struct fixture *fixture = *state;
	struct rlimit old, limit;
	size_t length = 0;

	make_deep(fixture, "", "deep-directory", 2000);
	dirty(fixture, "deep-directory", 0, DIRTY_EXPAND);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	limit = (struct rlimit){.rlim_cur = 32, .rlim_max = old.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(make(fixture), 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_int_equal(fixture->result.incomplete, 0);
	assert_int_equal(fixture->result.changed, 2001);
	for (char *line = strtok(fixture->texts[LIST_CHANGED], "\n"); line; line = strtok(NULL, "\n"))
		length = strlen(line);
	assert_int_equal(length, 2000 * 15 + 4);
}

/* A tmpfs at tree/m, known to the store. */
static uint32_t mount_memory(struct fixture *fixture)
{
	struct store_filesystem memory = {.type = "tmpfs", .root = "/"};
	char *point = format_text("%s/m", fixture->tree), *identity;
	const struct mount *mount;
	struct mounts mounts;
	bool is_new;

	shell(fixture, "mkdir -p m; mount -t tmpfs none m");
	assert_int_equal(mounts_read(&mounts, NULL), 0);
	mount = mounts_find_path(&mounts, point);
	assert_int_equal(mount_identity(mount, &identity), 0);
	memory.identity = identity;
	memory.device = mount->device;
	memory.mount_point = point;
	assert_int_equal(store_put_filesystem(fixture->store, &memory, &is_new), 0);
	mounts_free(&mounts);
	free(identity);
	free(point);
	return memory.id;
}

static void paths_beyond_path_max(void **state)
{
	struct fixture *fixture = *state;
	char path[PATH_BYTES + 16] = "/", expected[2 * PATH_BYTES];
	uint32_t memory;

	if (!own_mounts)
		skip();
	memory = mount_memory(fixture);
	make_deep(fixture, "m", "level", 700);
	for (int i = 0; i < 681; i++)
		strcat(path, "/level");
	dirty_in(fixture, memory, path, (struct dirty){0});
	snprintf(expected, sizeof(expected), "m%s\n", path + 1);
	fixture->options.relative_to = fixture->tree;
	expect_complete(fixture, expected, "");
	path[strlen(path) - 1] = 'x';
	dirty_in(fixture, memory, path, (struct dirty){0});
	assert_int_equal(make(fixture), 0);
	assert_int_equal(fixture->result.changed, 1);
	assert_int_equal(fixture->result.deleted, 1);
	assert_int_equal(fixture->result.incomplete, 0);
	shell(fixture, "umount m");
}

static void overlapping_expansions(void **state)
{
	struct fixture *fixture = *state;

	shell(fixture, "mkdir -p a/b/c; touch a/b/f a/b/c/g");
	dirty(fixture, "a", 0, DIRTY_EXPAND);
	dirty(fixture, "a/b", 0, DIRTY_EXPAND);
	dirty(fixture, "a/b/c/g", FILE_WAS, 0);
	expect_complete(fixture, "a\na/b\na/b/c\na/b/c/g\na/b/f\n", "");
}

static void sorted_with_little_memory(void **state)
{
	struct fixture *fixture = *state;

	shell(fixture, "mkdir many; for i in $(seq 100); do mkdir many/$i; (cd many/$i; seq 100 | xargs touch); done");
	dirty(fixture, "many", 0, DIRTY_EXPAND);
	fixture->options.memory = 1;
	fixture->options.relative_to = NULL;
	assert_int_equal(make(fixture), 0);
	assert_int_equal(fixture->result.changed, 10101);
	shell(fixture, "LC_ALL=C sort -uc ../changed; find $PWD/many | LC_ALL=C sort | cmp - ../changed");
}

/* Names */

static void newlines(void **state)
{
	struct fixture *fixture = *state;

	shell(fixture, "touch a \"$(printf 'new\\nline')\"; echo old > ../changed");
	dirty(fixture, "a", 0, 0);
	dirty(fixture, "new\nline", 0, 0);
	dirty(fixture, "gone", 0, 0);
	assert_int_equal(make(fixture), -EILSEQ);
	assert_non_null(strstr(fixture->error, "new\\nline"));
	assert_non_null(strstr(fixture->error, "--escape"));
	assert_non_null(strstr(fixture->error, "json"));
	fixture->texts[0] = read_whole(fixture->changed);
	assert_string_equal(fixture->texts[0], "old\n");
	assert_int_equal(unlink(fixture->changed), 0);
	expect_no_files(fixture);
	fixture->options.escape = true;
	expect_complete(fixture, "a\nnew\\nline\n", "gone\n");
}

static void newline_in_the_second_list(void **state)
{
	struct fixture *fixture = *state;

	shell(fixture, "touch a");
	dirty(fixture, "a", 0, 0);
	dirty(fixture, "new\nline", 0, 0);
	assert_int_equal(make(fixture), -EILSEQ);
	expect_no_files(fixture);
	fixture->options.format = format_find("nul");
	assert_int_equal(make(fixture), 0);
	assert_string_equal(fixture->texts[LIST_DELETED], "new\nline");
}

static void relative(void **state)
{
	struct fixture *fixture = *state;
	char *directory = format_text("%s/d///", fixture->tree), *expected;

	shell(fixture, "mkdir d d-; touch d/f d/-f d-/f out");
	dirty(fixture, "d", 0, 0);
	dirty(fixture, "d/f", 0, 0);
	dirty(fixture, "d/-f", 0, 0);
	dirty(fixture, "d/gone", 0, 0);
	dirty(fixture, "d-/f", 0, 0);
	dirty(fixture, "d-/gone", 0, 0);
	dirty(fixture, "out", 0, 0);
	dirty(fixture, "", 0, 0);
	fixture->options.relative_to = directory;
	expect_complete(fixture, "-f\n.\nf\n", "gone\n");
	fixture->options.relative_to = NULL;
	expected = format_text("%1$s/d-/gone\n%1$s/d/gone\n", fixture->tree);
	assert_int_equal(make(fixture), 0);
	assert_string_equal(fixture->texts[LIST_DELETED], expected);
	fixture->options.relative_to = "/";
	assert_int_equal(make(fixture), 0);
	free(expected);
	expected = format_text("%1$s/d-/gone\n%1$s/d/gone\n", fixture->tree + 1);
	assert_non_null(strstr(fixture->texts[LIST_DELETED], fixture->tree + 1));
	assert_int_equal(fixture->texts[LIST_DELETED][0], fixture->tree[1]);
	fixture->options.relative_to = "relative";
	assert_int_equal(make(fixture), -EINVAL);
	free(expected);
	free(directory);
}

/* What is above the directory took it along when it went. */
static void relative_to_what_was_replaced(void **state)
{
	struct fixture *fixture = *state;
	char *directory = format_text("%s/a/b", fixture->tree);

	shell(fixture, "mkdir -p a/b; touch a/b/f");
	dirty(fixture, "a", DIRECTORY_WAS, 0);
	dirty(fixture, "a/b/-gone", 0, 0);
	dirty(fixture, "a/b/gone", 0, 0);
	fixture->options.relative_to = directory;
	expect_complete(fixture, ".\nf\n", ".\n");
	free(directory);
}

static void expect_relative_to(struct fixture *fixture, const char *directory, const char *changed, const char *deleted)
{
	char *path = format_text("%s/%s", fixture->tree, directory);

	fixture->options.relative_to = path;
	expect_complete(fixture, changed, deleted);
	free(path);
}

/* The lists have the real path, and of a directory that was deleted what is left of it. */
static void relative_to_another_name(void **state)
{
	static const char *const names[] = {"var/home",  "home",       "home/",       "home/.",
					    "var//home", "var/./home", "home/../home"};
	struct fixture *fixture = *state;

	shell(fixture, "mkdir -p var/home/u; ln -s var/home home; ln -s nowhere dangling; touch var/home/u/f");
	dirty(fixture, "var/home/u/f", 0, 0);
	dirty(fixture, "var/home/u/gone", 0, 0);
	dirty(fixture, "var/home/d", DIRECTORY_WAS, 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		expect_relative_to(fixture, names[i], "u/f\n", "d\nu/gone\n");
	expect_relative_to(fixture, "home/d", "", ".\n");
	expect_relative_to(fixture, "home//d/", "", ".\n");
	expect_relative_to(fixture, "home/d/below/it", "", ".\n");
	expect_relative_to(fixture, "home/u/f/was/a/directory", "", "");
}

static void relative_to_what_cannot_be_told(void **state)
{
	static const char *const names[] = {"d/../x", "d/./x", "d//x", "d/.", "d/..", "dangling", "dangling/x"};
	struct fixture *fixture = *state;

	shell(fixture, "ln -s nowhere dangling");
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char *path = format_text("%s/%s", fixture->tree, names[i]);

		fixture->options.relative_to = path;
		assert_int_equal(make(fixture), -EINVAL);
		assert_non_null(strstr(fixture->error, path));
		expect_no_files(fixture);
		free(path);
	}
}

static void expect_nothing_traced_in(struct fixture *fixture, const char *directory)
{
	fixture->options.relative_to = directory;
	expect(fixture, "", "");
	assert_int_equal(fixture->result.incomplete, 1);
	expect_report(fixture, "is neither in nor above a place that is watched and mounted");
}

/* Its lists are empty, whatever happens there. */
static void relative_to_what_is_not_traced(void **state)
{
	struct fixture *fixture = *state;
	char *other = format_text("%s/in2", fixture->tree), *below = format_text("%s/in/gone", fixture->tree);

	shell(fixture, "mkdir in in2; touch in/f");
	expect_nothing_traced_in(fixture, "/proc/sys");
	fixture->options.relative_to = other;
	expect_complete(fixture, "", "");
	watch(fixture, "/in", NULL);
	expect_nothing_traced_in(fixture, other);
	expect_nothing_traced_in(fixture, "/proc/sys");
	fixture->options.relative_to = below;
	expect_complete(fixture, "", "");
	fixture->options.relative_to = fixture->tree;
	expect_complete(fixture, "", "");
	fixture->options.relative_to = "/";
	expect_complete(fixture, "", "");
	free(other);
	free(below);
}

/* What cannot be looked at is not deleted */

static void not_mounted(void **state)
{
	struct fixture *fixture = *state;
	struct store_filesystem other = {
		.identity = "0000-not-there",
		.type = "ext4",
		.mount_point = "/mnt/other",
		.root = "/",
		.device = fixture->filesystem.device,
	};
	bool is_new;

	assert_int_equal(store_put_filesystem(fixture->store, &other, &is_new), 0);
	dirty(fixture, "gone", 0, 0);
	dirty_in(fixture, other.id, "//etc", (struct dirty){0});
	dirty_in(fixture, other.id, "//gone", (struct dirty){0});
	expect(fixture, "", "gone\n");
	assert_int_equal(fixture->result.incomplete, 1);
	expect_report(fixture, "/mnt/other");
}

static void found_under_another_number(void **state)
{
	struct fixture *fixture = *state;
	bool is_new;

	if (mounts_find_path(&fixture->mounts, fixture->tree)->class != MOUNT_LOCAL)
		skip();
	shell(fixture, "touch a");
	fixture->filesystem.device ^= 1 << 19;
	assert_int_equal(store_put_filesystem(fixture->store, &fixture->filesystem, &is_new), 0);
	assert_false(is_new);
	dirty(fixture, "a", 0, 0);
	dirty(fixture, "gone", 0, 0);
	expect_complete(fixture, "a\n", "gone\n");
}

static void unreadable(void **state)
{
	struct fixture *fixture = *state;
	char name[301];

	/* Longer than NAME_MAX: neither there nor not there. */
	memset(name, 'n', 300);
	name[300] = '\0';
	dirty(fixture, name, 0, 0);
	dirty(fixture, "gone", 0, 0);
	expect(fixture, "", "gone\n");
	assert_int_equal(fixture->result.incomplete, 1);
	expect_report(fixture, "nnnn");
}

static void many_unreadable(void **state)
{
	struct fixture *fixture = *state;
	char name[310];

	for (int i = 0; i < 30; i++) {
		snprintf(name, sizeof(name), "%0300d", i);
		dirty(fixture, name, 0, 0);
	}
	expect(fixture, "", "");
	assert_int_equal(fixture->result.incomplete, 30);
	assert_int_equal(fixture->report_count, 21);
	expect_report(fixture, "and 10 more paths");
}

static void watches(void **state)
{
	struct fixture *fixture = *state;

	shell(fixture, "mkdir in in2; touch in/f in2/f out");
	watch(fixture, "/in", NULL);
	dirty(fixture, "", 0, DIRTY_EXPAND);
	dirty(fixture, "in", 0, 0);
	dirty(fixture, "in/f", 0, 0);
	dirty(fixture, "in/gone", 0, 0);
	dirty(fixture, "in2/f", 0, 0);
	dirty(fixture, "in2/gone", 0, 0);
	dirty(fixture, "out", 0, 0);
	expect_complete(fixture, "in\nin/f\n", "in/gone\n");
}

static void vanished_watch(void **state)
{
	struct fixture *fixture = *state;

	shell(fixture, "mkdir there; touch there/f");
	watch(fixture, "/lost", "/there");
	dirty(fixture, "lost", DIRECTORY_WAS, 0);
	dirty(fixture, "lost/f", 0, 0);
	dirty(fixture, "there/f", 0, 0);
	dirty(fixture, "there/gone", 0, 0);
	expect(fixture, "there/f\n", "there/gone\n");
	assert_int_equal(fixture->result.incomplete, 1);
	expect_report(fixture, "/tree/lost has vanished");
	shell(fixture, "ln -s there lost");
	expect(fixture, "there/f\n", "there/gone\n");
	expect_report(fixture, "/tree/lost is not a directory");
	shell(fixture, "rm lost; mkdir lost");
	expect_complete(fixture, "lost\nthere/f\n", "lost\nthere/gone\n");
}

/* The watched directory came in with what is above it. */
static void directory_above_a_watch(void **state)
{
	struct fixture *fixture = *state;

	shell(fixture, "mkdir -p above/watched; touch above/f above/watched/f");
	watch(fixture, "/above/watched", NULL);
	dirty(fixture, "above", 0, 0);
	expect_complete(fixture, "", "");
	dirty(fixture, "above", 0, DIRTY_EXPAND);
	expect_complete(fixture, "above/watched\nabove/watched/f\n", "");
	dirty(fixture, "above", DIRECTORY_WAS, 0);
	expect_complete(fixture, "above/watched\nabove/watched/f\n", "above/watched\n");
}

static void hidden_below_a_mount(void **state)
{
	struct fixture *fixture = *state;

	if (!own_mounts)
		skip();
	shell(fixture, "mkdir -p over/sub; touch over/sub/f file; mount -t tmpfs none over; touch over/new;"
		       "mount --bind ../changed file 2>/dev/null || { touch ../x; mount --bind ../x file; }");
	dirty(fixture, "over", 0, 0);
	dirty(fixture, "over/gone", 0, 0);
	dirty(fixture, "over/sub/f", 0, 0);
	dirty(fixture, "over/new", 0, 0);
	dirty(fixture, "file", 0, 0);
	dirty(fixture, "gone", 0, 0);
	expect(fixture, "", "gone\n");
	assert_int_equal(fixture->result.incomplete, 2);
	expect_report(fixture, "hidden below the mount at");
	shell(fixture, "umount over file");
	expect_complete(fixture, "file\nover\nover/sub/f\n", "gone\nover/gone\nover/new\n");
}

static void expansion_stops_at_mounts(void **state)
{
	struct fixture *fixture = *state;

	if (!own_mounts)
		skip();
	shell(fixture, "mkdir -p came/over came/bound; touch came/over/f;"
		       "mount -t tmpfs none came/over; touch came/over/new; mount --bind .. came/bound");
	dirty(fixture, "came", 0, DIRTY_EXPAND);
	expect_complete(fixture, "came\ncame/bound\ncame/over\n", "");
	shell(fixture, "umount came/over came/bound");
}

/* Everything is covered: nothing can be seen through the mount that the table names. */
static void mount_covered_as_a_whole(void **state)
{
	struct fixture *fixture = *state;
	uint32_t memory;

	if (!own_mounts)
		skip();
	memory = mount_memory(fixture);
	shell(fixture, "touch m/f");
	dirty_in(fixture, memory, "//f", (struct dirty){0});
	dirty_in(fixture, memory, "//gone", (struct dirty){0});
	expect_complete(fixture, "m/f\n", "m/gone\n");
	shell(fixture, "mount --bind .. m");
	expect(fixture, "", "");
	assert_true(fixture->result.incomplete > 0);
	/* Another tmpfs in its place is not the same filesystem, whatever its number. */
	shell(fixture, "umount m; umount m; mount -t tmpfs none m");
	expect(fixture, "", "");
	expect_report(fixture, "is not mounted");
	shell(fixture, "umount m");
	expect(fixture, "", "");
	expect_report(fixture, "is not mounted");
}

/* The watch decides under which of several mounts a path is listed. */
static void mount_of_the_watch(void **state)
{
	struct fixture *fixture = *state;
	struct store_watch watch_row = {.filesystem = fixture->filesystem.id};
	char *path = format_text("%s/data/w", fixture->inside), *host = format_text("%s/view/w", fixture->tree);
	bool changed;

	if (!own_mounts)
		skip();
	shell(fixture, "mkdir -p data/w view; touch data/w/f; mount --bind data view");
	watch_row.path = path;
	watch_row.host_path = host;
	dirty(fixture, "data/w/f", 0, 0);
	dirty(fixture, "data/w/gone", 0, 0);
	expect_complete(fixture, "data/w/f\n", "data/w/gone\n");
	assert_int_equal(store_set_watches(fixture->store, &watch_row, 1, &changed), 0);
	expect_complete(fixture, "view/w/f\n", "view/w/gone\n");
	shell(fixture, "umount view");
	free(path);
	free(host);
}

/* A backup by the watch's own name would miss what is listed by another one. */
static void watch_is_seen_elsewhere(void **state)
{
	struct fixture *fixture = *state;
	struct store_watch watch_row = {.path = "/sub"};
	char *host = format_text("%s/w", fixture->tree);
	bool changed;

	if (!own_mounts)
		skip();
	watch_row.filesystem = mount_memory(fixture);
	watch_row.host_path = host;
	shell(fixture, "mkdir m/sub w o; touch m/sub/f; mount --bind m/sub w; mount --bind m/sub o; umount m");
	assert_int_equal(store_set_watches(fixture->store, &watch_row, 1, &changed), 0);
	dirty_in(fixture, watch_row.filesystem, "//sub/f", (struct dirty){0});
	expect_complete(fixture, "w/f\n", "");
	shell(fixture, "umount w");
	expect(fixture, "o/f\n", "");
	expect_report(fixture, "is not seen where it is watched");
	shell(fixture, "umount o");
	free(host);
}

/* A path that two mounts show is not dropped because the first one shows it elsewhere. */
static void relative_to_another_mount(void **state)
{
	struct fixture *fixture = *state;
	char *view = format_text("%s/view", fixture->tree);

	if (!own_mounts)
		skip();
	shell(fixture, "mkdir -p data/w view; touch data/w/f; mount --bind data view");
	fixture->options.relative_to = view;
	dirty(fixture, "data/w/f", 0, 0);
	dirty(fixture, "data/w/gone", 0, 0);
	dirty(fixture, "gone", 0, 0);
	expect_complete(fixture, "w/f\n", "w/gone\n");
	dirty(fixture, "", 0, DIRTY_EXPAND);
	expect_complete(fixture, ".\nw\nw/f\n", "w/gone\n");
	watch(fixture, "", NULL);
	expect_complete(fixture, ".\nw\nw/f\n", "w/gone\n");
	shell(fixture, "umount view");
	free(view);
}

/* Tools mount a whole filesystem for as long as they run: what is shown elsewhere as well is in no backup by that name.
 */
static void transient_place_names_nothing_else(void **state)
{
	struct fixture *fixture = *state;
	uint32_t memory;

	if (!own_mounts)
		skip();
	memory = mount_memory(fixture);
	shell(fixture, "mkdir m/sub; touch m/f m/sub/f; mount --bind m/sub /mnt");
	dirty_in(fixture, memory, "//f", (struct dirty){0});
	dirty_in(fixture, memory, "//sub/f", (struct dirty){0});
	expect_complete(fixture, "m/f\nm/sub/f\n", "");
	fixture->options.relative_to = "/mnt";
	expect_complete(fixture, "f\n", "");
	fixture->options.relative_to = NULL;
	assert_int_equal(make(fixture), 0);
	assert_int_equal(fixture->result.incomplete, 0);
	assert_int_equal(fixture->result.changed, 2);
	assert_memory_equal(fixture->texts[LIST_CHANGED], "/mnt/f\n", strlen("/mnt/f\n"));
	shell(fixture, "umount /mnt m");
}

/* Of a filesystem whose top is not mounted: what is dirty as a whole is expanded where it is mounted. */
static void top_is_not_mounted(void **state)
{
	struct fixture *fixture = *state;
	uint32_t memory;

	if (!own_mounts)
		skip();
	memory = mount_memory(fixture);
	shell(fixture, "mkdir -p m/home/u m/x one; touch m/home/u/f m/x/f; mount --bind m/home one; umount m");
	dirty_in(fixture, memory, "//", (struct dirty){.facts.flags = DIRTY_EXPAND});
	expect_complete(fixture, "one\none/u\none/u/f\n", "");
	dirty_in(fixture, memory, "//x/f", (struct dirty){0});
	expect(fixture, "one\none/u\none/u/f\n", "");
	assert_int_equal(fixture->result.incomplete, 1);
	expect_report(fixture, "no mount of its filesystem shows it");
	shell(fixture, "umount one");
}

/* Store */

static void gaps(void **state)
{
	struct fixture *fixture = *state;
	struct store_gap gap = {
		.first = 1,
		.last = 1,
		.started = 1000000000000000000,
		.ended = 1000000001000000000,
		.reason = "ring-full",
		.detail = "the ring was full",
	};

	gap.repaired = true;
	assert_int_equal(store_add_gap(fixture->store, &gap), 0);
	expect_complete(fixture, "", "");
	gap.repaired = false;
	assert_int_equal(store_add_gap(fixture->store, &gap), 0);
	gap.filesystem = fixture->filesystem.id;
	assert_int_equal(store_add_gap(fixture->store, &gap), 0);
	gap.first = gap.last = 2;
	assert_int_equal(store_add_gap(fixture->store, &gap), 0);
	expect(fixture, "", "");
	assert_int_equal(fixture->result.incomplete, 2);
	expect_report(fixture,
		      "changes between 2001-09-09T01:46:40Z and 2001-09-09T01:46:41Z on all filesystems may be "
		      "missing: the ring was full");
	expect_report(fixture, fixture->filesystem.mount_point);
}

static void open_and_missing_windows(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(store_open_window(fixture->store, 4, 1), 0);
	fixture->options.last = 6;
	expect(fixture, "", "");
	assert_int_equal(fixture->result.incomplete, 3);
	expect_report(fixture, "windows 2 to 3 are not in the store");
	expect_report(fixture, "window 4 is still open");
	expect_report(fixture, "windows 5 to 6 are not in the store");
}

/* Names of a file with several links */

static uint64_t inode_of(struct fixture *fixture, const char *name)
{
	char *path = format_text("%s/%s", fixture->tree, name);
	struct stat found;

	assert_int_equal(lstat(path, &found), 0);
	free(path);
	return found.st_ino;
}

static void change_link(struct fixture *fixture, enum link_action action, const char *name, uint64_t inode,
			uint32_t links, uint32_t operations)
{
	char *inside = format_text("%s/%s", fixture->inside, name);
	const struct link_change change = {
		.action = action,
		.filesystem = fixture->filesystem.id,
		.links = links,
		.inode = inode,
		.window = 1,
		.time = 1000000000,
		.facts.operations = operations,
		.facts.flags = action == LINK_UNNAMED ? DIRTY_UNNAMED : 0,
		.path = inside,
		.path_length = strlen(inside),
	};

	assert_int_equal(store_put_link(fixture->store, &change), 0);
	free(inside);
}

/* What the collector makes of operations on a file with this many links. */
static void met(struct fixture *fixture, const char *name, uint64_t inode, uint32_t links, uint32_t operations)
{
	const uint32_t removed = operations & 1 << OPERATION_UNLINK, left = operations & 1 << OPERATION_RENAME_FROM;

	dirty_in(fixture, fixture->filesystem.id, name, (struct dirty){.facts.operations = operations});
	if (operations & ~(removed | left))
		change_link(fixture, LINK_NAMED, name, inode, links, operations & ~(removed | left));
	if (left)
		change_link(fixture, LINK_LEFT, name, inode, links, left);
	if (removed)
		change_link(fixture, LINK_REMOVED, name, inode, links - 1, removed);
}

static void left(struct fixture *fixture, const char *subvolume)
{
	change_link(fixture, SUBVOLUME_LEFT, subvolume, 0, 0, 0);
}

static void walk(struct fixture *fixture, const char *names)
{
	char *copy = strdup(names), *rest = copy, *name;

	assert_int_equal(store_begin_walk(fixture->store, fixture->filesystem.id), 0);
	while ((name = strsep(&rest, " ")) && *name) {
		char *inside = format_text("%s/%s", fixture->inside, name);

		assert_int_equal(store_put_walked(fixture->store, fixture->filesystem.id, inode_of(fixture, name), 2,
						  inside, strlen(inside)),
				 0);
		free(inside);
	}
	assert_int_equal(store_end_walk(fixture->store, fixture->filesystem.id), 0);
	free(copy);
}

static void unknown_links(void **state)
{
	struct fixture *fixture = *state;
	char name[16];

	for (uint64_t i = 0; i < 8; i++) {
		snprintf(name, sizeof(name), "link%d", (int)i);
		met(fixture, name, 1000 + i, 3, 1 << OPERATION_OPEN);
	}
	assert_int_equal(make(fixture), 0);
	assert_int_equal(fixture->result.incomplete, 8);
	assert_int_equal(fixture->report_count, 6);
	expect_report(fixture, "/tree is where the file with inode 100");
	expect_report(fixture, "of which no name is known");
	expect_report(fixture, "and 3 more");
}

static void names_listed(void **state)
{
	struct fixture *fixture = *state;

	shell(fixture, "mkdir d; touch a; ln a b; ln a d/c; ln -s x s; ln s s2");
	met(fixture, "a", inode_of(fixture, "a"), 3, 1 << OPERATION_OPEN);
	dirty(fixture, "b", 0, 0);
	expect(fixture, "a\nb\n", "");
	assert_int_equal(fixture->result.incomplete, 1);
	expect_report(fixture, "/tree/a has 3 names, of which only 2 are known");
	dirty(fixture, "d/c", 0, 0);
	expect_complete(fixture, "a\nb\nd/c\n", "");
	fixture->options.changed = NULL;
	assert_int_equal(make(fixture), 0);
	assert_int_equal(fixture->result.incomplete, 0);
	dirty(fixture, "s2", 0, 0);
	assert_int_equal(make(fixture), 0);
	expect_report(fixture, "/tree/s2 has 2 names, of which only 1 is known");
}

/* Names outside are known, though they are not listed. */
static void names_outside(void **state)
{
	struct fixture *fixture = *state;
	char *directory = format_text("%s/d", fixture->tree);

	shell(fixture, "mkdir d; touch d/a; ln d/a b");
	dirty(fixture, "b", 0, 0);
	fixture->options.relative_to = directory;
	expect(fixture, "", "");
	assert_int_equal(fixture->result.incomplete, 1);
	dirty(fixture, "d/a", 0, 0);
	expect_complete(fixture, "a\n", "");
	free(directory);
}

static void many_names(void **state)
{
	struct fixture *fixture = *state;

	shell(fixture, "mkdir many; touch many/0 many/other; for i in $(seq 3000); do ln many/0 many/$i; done");
	dirty(fixture, "many", 0, DIRTY_EXPAND);
	fixture->options.memory = 1;
	assert_int_equal(make(fixture), 0);
	assert_int_equal(fixture->result.incomplete, 0);
	shell(fixture, "ln many/7 unlisted");
	assert_int_equal(make(fixture), 0);
	assert_int_equal(fixture->result.incomplete, 1);
	expect_report(fixture, "has 3002 names, of which only 3001 are known");
}

static void linked_and_unlinked(void **state)
{
	struct fixture *fixture = *state;
	uint64_t inode;

	shell(fixture, "mkdir tmp new; touch new/x");
	inode = inode_of(fixture, "new/x");
	met(fixture, "tmp/x", inode, 1, 1 << OPERATION_CREATE);
	met(fixture, "tmp/x", inode, 2, 1 << OPERATION_UNLINK);
	met(fixture, "new/x", inode, 2, 1 << OPERATION_LINK);
	expect_complete(fixture, "new/x\n", "tmp/x\n");
}

static void moved_name(void **state)
{
	struct fixture *fixture = *state;
	uint64_t inode;

	shell(fixture, "touch y; ln y z");
	inode = inode_of(fixture, "z");
	met(fixture, "x", inode, 2, 1 << OPERATION_RENAME_FROM);
	met(fixture, "z", inode, 2, 1 << OPERATION_RENAME_TO);
	expect(fixture, "z\n", "x\n");
	assert_int_equal(fixture->result.incomplete, 1);
	expect_report(fixture, "/tree/z has 2 names, of which only 1 is known");
	met(fixture, "y", inode, 2, 1 << OPERATION_SETATTR);
	expect_complete(fixture, "y\nz\n", "x\n");
}

static void written_moved_and_unlinked(void **state)
{
	struct fixture *fixture = *state;
	uint64_t inode;

	shell(fixture, "touch y");
	inode = inode_of(fixture, "y");
	met(fixture, "x", inode, 2, 1 << OPERATION_OPEN | 1 << OPERATION_RENAME_FROM);
	met(fixture, "z", inode, 2, 1 << OPERATION_RENAME_TO | 1 << OPERATION_UNLINK);
	expect(fixture, "", "x\nz\n");
	assert_int_equal(fixture->result.incomplete, 1);
	expect_report(fixture, "of which no name is known");
	met(fixture, "y", inode, 2, 1 << OPERATION_SETATTR);
	expect_complete(fixture, "y\n", "x\nz\n");
}

static void all_names_gone(void **state)
{
	struct fixture *fixture = *state;

	/* The name is that of another file now. */
	shell(fixture, "touch a");
	met(fixture, "a", inode_of(fixture, "a") + 1, 2, 1 << OPERATION_OPEN | 1 << OPERATION_UNLINK);
	expect(fixture, "a\n", "");
	assert_int_equal(fixture->result.incomplete, 1);
	met(fixture, "b", inode_of(fixture, "a") + 1, 1, 1 << OPERATION_UNLINK);
	expect_complete(fixture, "a\n", "b\n");
	met(fixture, "c", 12345, 2, 1 << OPERATION_UNLINK);
	expect_complete(fixture, "a\n", "b\nc\n");
}

/* What changed through one name is listed under all of them. */
static void all_names_of_a_changed_file(void **state)
{
	struct fixture *fixture = *state;

	shell(fixture, "mkdir d e; touch a; ln a d/b; ln a e/c; touch other");
	walk(fixture, "a d/b e/c");
	met(fixture, "a", inode_of(fixture, "a"), 3, 1 << OPERATION_SETATTR);
	expect_complete(fixture, "a\nd/b\ne/c\n", "");
	/* A candidate that leads to another file is none of them. */
	shell(fixture, "ln -f other e/c; ln a f");
	expect(fixture, "a\nd/b\n", "");
	expect_report(fixture, "/tree/a has 3 names, of which only 2 are known");
	walk(fixture, "a d/b f");
	expect_complete(fixture, "a\nd/b\nf\n", "");
}

static void changed_and_unlinked(void **state)
{
	struct fixture *fixture = *state;
	uint64_t inode;

	shell(fixture, "touch a; ln a b");
	inode = inode_of(fixture, "a");
	met(fixture, "a", inode, 2, 1 << OPERATION_OPEN | 1 << OPERATION_UNLINK);
	shell(fixture, "rm a");
	expect(fixture, "", "a\n");
	assert_int_equal(fixture->result.incomplete, 1);
	walk(fixture, "b");
	expect_complete(fixture, "b\n", "a\n");
	/* Nothing known leads to it, and a walk that began after the change has found nothing. */
	shell(fixture, "rm b");
	expect_complete(fixture, "", "a\n");
	met(fixture, "b", inode, 2, 1 << OPERATION_OPEN);
	expect(fixture, "", "a\nb\n");
	assert_int_equal(fixture->result.incomplete, 1);
}

/* Of a later window it is known that the file has ended. */
static void ended_later(void **state)
{
	struct fixture *fixture = *state;
	char *inside = format_text("%s/a", fixture->inside);
	struct link_change end = {
		.action = LINK_REMOVED,
		.filesystem = fixture->filesystem.id,
		.inode = 77,
		.window = 2,
		.path = inside,
		.path_length = strlen(inside),
	};

	met(fixture, "a", 77, 2, 1 << OPERATION_OPEN);
	assert_int_equal(make(fixture), 0);
	assert_int_equal(fixture->result.incomplete, 1);
	assert_int_equal(store_put_link(fixture->store, &end), 0);
	expect_complete(fixture, "", "a\n");
	/* And so it has, whatever has its number since. */
	end.action = LINK_NAMED;
	end.links = 2;
	end.window = 3;
	assert_int_equal(store_put_link(fixture->store, &end), 0);
	expect_complete(fixture, "", "a\n");
	free(inside);
}

static void changed_without_a_name(void **state)
{
	struct fixture *fixture = *state;

	shell(fixture, "mkdir d; touch d/f");
	change_link(fixture, LINK_UNNAMED, "", inode_of(fixture, "d/f"), 1, 1 << OPERATION_OPEN);
	change_link(fixture, LINK_UNNAMED, "", inode_of(fixture, "d"), 1, 1 << OPERATION_SETATTR);
	expect(fixture, "", "");
	assert_int_equal(fixture->result.incomplete, 2);
	walk(fixture, "d/f d");
	expect_complete(fixture, "d\nd/f\n", "");
}

static void names_in_a_moved_directory(void **state)
{
	struct fixture *fixture = *state;
	char *moved = format_text("%s/from%s/to", fixture->inside, fixture->inside);
	struct link_change change = {
		.action = DIRECTORY_MOVED,
		.filesystem = fixture->filesystem.id,
		.path = moved,
		.path_length = strlen(moved),
		.from_length = strlen(fixture->inside) + strlen("/from"),
	};

	shell(fixture, "mkdir -p from/sub other; touch from/sub/a; ln from/sub/a other/b");
	walk(fixture, "from/sub/a other/b");
	shell(fixture, "mv from to");
	assert_int_equal(store_put_link(fixture->store, &change), 0);
	met(fixture, "other/b", inode_of(fixture, "other/b"), 2, 1 << OPERATION_OPEN);
	expect_complete(fixture, "other/b\nto/sub/a\n", "");
	/* An exchange leaves candidates at both places. */
	shell(fixture, "mv to from; mkdir to");
	change.replaced = true;
	change.path_length = strlen(moved);
	memcpy(moved, fixture->inside, strlen(fixture->inside));
	free(moved);
	moved = format_text("%s/to%s/from", fixture->inside, fixture->inside);
	change.path = moved;
	change.from_length = strlen(fixture->inside) + strlen("/to");
	assert_int_equal(store_put_link(fixture->store, &change), 0);
	expect_complete(fixture, "from/sub/a\nother/b\n", "");
	shell(fixture, "rmdir to; mv from to");
	expect_complete(fixture, "other/b\nto/sub/a\n", "");
	free(moved);
}

/* Names that are not watched are known, and make others known to be all. */
static void names_not_watched(void **state)
{
	struct fixture *fixture = *state;

	shell(fixture, "mkdir in out; touch in/a; ln in/a out/b");
	watch(fixture, "/in", NULL);
	walk(fixture, "in/a out/b");
	change_link(fixture, LINK_NAMED, "out/b", inode_of(fixture, "in/a"), 2, 1 << OPERATION_OPEN);
	expect_complete(fixture, "in/a\n", "");
}

static void only_if_all_names_are_known(void **state)
{
	struct fixture *fixture = *state;

	shell(fixture, "touch a; ln a b");
	met(fixture, "a", inode_of(fixture, "a"), 2, 1 << OPERATION_OPEN);
	fixture->options.or_nothing = true;
	assert_int_equal(make(fixture), -EAGAIN);
	assert_null(fixture->texts[LIST_CHANGED]);
	walk(fixture, "a b");
	expect_complete(fixture, "a\nb\n", "");
}

/* How things are when the store has been brought up to date. */
static const char *const *upcoming;
static unsigned settled;
static time_t late, takes; /* seconds, in all and each time */

int __real_clock_gettime(clockid_t clock, struct timespec *time);

int __wrap_clock_gettime(clockid_t clock, struct timespec *time)
{
	int result = __real_clock_gettime(clock, time);

	time->tv_sec += late;
	return result;
}

static int priority;

int __wrap_setpriority(int which, int who, int value)
{
	(void)which;
	(void)who;
	priority = value;
	return 0;
}

/* A name that is a link to n, or one that goes: it is in the store only by now. */
static int bring_news(void *context)
{
	struct fixture *fixture = context;
	const char *name = *upcoming;

	settled++;
	/* Of a process that was started with another priority that stays. */
	assert_true(priority < 0 || getpriority(PRIO_PROCESS, 0) != 0);
	late += takes;
	store_rollback(fixture->store);
	if (!name)
		return 0;
	if (*name == '!')
		return -ETIMEDOUT;
	upcoming++;
	if (*name == '-')
		change_link(fixture, LINK_REMOVED, name + 1, 4711, 0, 1 << OPERATION_UNLINK);
	else
		change_link(fixture, LINK_NAMED, name, inode_of(fixture, "n"), 2, 1 << OPERATION_LINK);
	return 0;
}

static void expect_rounds(struct fixture *fixture, const char *const *news, unsigned rounds)
{
	static const char *const nothing[] = {NULL};

	upcoming = news;
	settled = 0;
	fixture->options.settle = bring_news;
	fixture->options.context = fixture;
	assert_int_equal(make(fixture), 0);
	assert_int_equal(settled, rounds);
	assert_int_equal(priority, getpriority(PRIO_PROCESS, 0));
	upcoming = nothing;
}

static void name_made_meanwhile(void **state)
{
	struct fixture *fixture = *state;

	shell(fixture, "touch n; ln n a; ln n b");
	dirty(fixture, "n", 0, 0);
	change_link(fixture, LINK_NAMED, "n", inode_of(fixture, "n"), 2, 1 << OPERATION_LINK);
	expect_rounds(fixture, (const char *[]){"gone", "a", "b", NULL}, 3);
	assert_int_equal(fixture->result.incomplete, 0);
	assert_string_equal(fixture->texts[LIST_CHANGED], "a\nb\nn\n");
	expect_rounds(fixture, (const char *[]){NULL}, 0);
}

/* It is listed as the name to which it was moved; the record of the link came with the path of before. */
static void linked_moved_and_unlinked(void **state)
{
	struct fixture *fixture = *state;
	uint64_t inode;

	shell(fixture, "touch moved");
	inode = inode_of(fixture, "moved");
	dirty(fixture, "moved", 0, 0);
	change_link(fixture, LINK_NAMED, "a", inode, 2, 1 << OPERATION_LINK | 1 << OPERATION_CARRIED);
	expect_complete(fixture, "moved\n", "");
	change_link(fixture, LINK_NAMED, "a", inode, 2, 1 << OPERATION_SETATTR);
	expect(fixture, "moved\n", "");
	assert_int_equal(fixture->result.incomplete, 1);
}

/* Also one that the store has known when the file was looked at first. */
static void name_gone_meanwhile(void **state)
{
	struct fixture *fixture = *state;

	change_link(fixture, LINK_NAMED, "a", 4711, 2, 1 << OPERATION_OPEN);
	expect_rounds(fixture, (const char *[]){"-a", NULL}, 1);
	assert_int_equal(fixture->result.incomplete, 0);
}

static void names_never_known(void **state)
{
	struct fixture *fixture = *state;

	shell(fixture, "touch n; ln n a; ln n b");
	dirty(fixture, "n", 0, 0);
	change_link(fixture, LINK_NAMED, "x", 4711, 2, 1 << OPERATION_OPEN);
	expect_rounds(fixture, (const char *[]){"n", "b", NULL}, 32);
	assert_string_equal(fixture->texts[LIST_CHANGED], "b\nn\n");
	assert_int_equal(fixture->result.incomplete, 2);
	expect_report(fixture, "/tree is where the file with inode 4711 was changed, of which no name is known");
	expect_report(fixture, "has 3 names, of which only 2 are known");
	expect_rounds(fixture, (const char *[]){"!"}, 1);
	for (unsigned i = 0; i < 64; i++)
		change_link(fixture, LINK_NAMED, "y", 5000 + i, 2, 1 << OPERATION_OPEN);
	expect_rounds(fixture, (const char *[]){NULL}, 4);
}

/* What is written meanwhile makes the answers longer. */
static void answers_that_take_long(void **state)
{
	struct fixture *fixture = *state;

	change_link(fixture, LINK_NAMED, "x", 4711, 2, 1 << OPERATION_OPEN);
	takes = 1;
	expect_rounds(fixture, (const char *[]){NULL}, 11);
	takes = 60;
	expect_rounds(fixture, (const char *[]){NULL}, 4);
	takes = late = 0;
}

/* Another file has the number of one that has ended: what was done to the first is no matter of names any more. */
static void number_of_an_ended_file(void **state)
{
	static const char *const places[] = {"b", "d/b"}; /* where the first one was, and elsewhere */
	struct fixture *fixture = *state;

	shell(fixture, "mkdir d");
	for (unsigned i = 0; i < sizeof(places) / sizeof(*places); i++) {
		uint64_t inode = 4711 + i;

		change_link(fixture, LINK_NAMED, "a", inode, 2, 1 << OPERATION_OPEN);
		change_link(fixture, LINK_REMOVED, "a", inode, 0, 1 << OPERATION_UNLINK);
		change_link(fixture, LINK_NAMED, places[i], inode, 2, 1 << OPERATION_LINK);
		expect_complete(fixture, "", "");
		expect_rounds(fixture, (const char *[]){NULL}, 0);
	}
	change_link(fixture, LINK_NAMED, places[1], 4712, 2, 1 << OPERATION_SETATTR);
	expect(fixture, "", "");
	assert_int_equal(fixture->result.incomplete, 1);
}

/* The one name that a file had then is dirty, in this window or a later one; so are those that it got since. */
static void moved_to_its_only_name(void **state)
{
	struct fixture *fixture = *state;

	shell(fixture, "mkdir d");
	change_link(fixture, LINK_NAMED, "a", 4711, 2, 1 << OPERATION_SETATTR);
	change_link(fixture, LINK_ARRIVED, "b", 4711, 1, 1 << OPERATION_RENAME_TO);
	expect_complete(fixture, "", "");
	change_link(fixture, LINK_NAMED, "d/c", 4711, 2, 1 << OPERATION_LINK);
	expect_complete(fixture, "", "");
	change_link(fixture, LINK_ARRIVED, "d/c", 4711, 1, 1 << OPERATION_RENAME_TO);
	expect_complete(fixture, "", "");
	/* Through no name it may have got another one. */
	change_link(fixture, LINK_UNNAMED, "", 4711, 1, 1 << OPERATION_OPEN);
	expect(fixture, "", "");
	assert_int_equal(fixture->result.incomplete, 1);
}

static void name_in_a_moved_directory(void **state)
{
	struct fixture *fixture = *state;

	shell(fixture, "mkdir moved; touch moved/x; ln moved/x y");
	dirty(fixture, "was-there", DIRECTORY_WAS, 0);
	dirty(fixture, "moved", 0, DIRTY_EXPAND);
	expect(fixture, "moved\nmoved/x\n", "was-there\n");
	assert_int_equal(fixture->result.incomplete, 1);
	expect_report(fixture, "/tree/moved/x has 2 names");
	shell(fixture, "mv y moved/y");
	expect_complete(fixture, "moved\nmoved/x\nmoved/y\n", "was-there\n");
}

/* The same name through another mount is no other name. */
static void name_seen_twice(void **state)
{
	struct fixture *fixture = *state;
	char *view = format_text("%s/view", fixture->tree);

	if (!own_mounts)
		skip();
	shell(fixture, "mkdir -p data/w view; touch data/w/f; ln data/w/f ../unlisted; mount --bind data view");
	fixture->options.relative_to = view;
	dirty(fixture, "data/w/f", 0, 0);
	dirty(fixture, "", 0, DIRTY_EXPAND);
	expect(fixture, ".\nw\nw/f\n", "");
	assert_int_equal(fixture->result.incomplete, 1);
	expect_report(fixture, "/w/f has 2 names, of which only 1 is known");
	shell(fixture, "umount view");
	free(view);
}

static void names_not_mounted(void **state)
{
	struct fixture *fixture = *state;
	struct store_filesystem other = {
		.identity = "0000-not-there", .type = "ext4", .mount_point = "/mnt/other", .root = "/"};
	bool is_new;

	assert_int_equal(store_put_filesystem(fixture->store, &other, &is_new), 0);
	dirty_in(fixture, other.id, "//x", (struct dirty){.facts.operations = 1 << OPERATION_OPEN});
	expect(fixture, "", "");
	assert_int_equal(fixture->result.incomplete, 1);
	expect_report(fixture, "is not mounted");
}

static void hidden_file_in_an_expansion(void **state)
{
	struct fixture *fixture = *state;

	if (!own_mounts)
		skip();
	shell(fixture, "mkdir came; touch came/f came/g x; mount --bind x came/f");
	dirty(fixture, "came", 0, DIRTY_EXPAND);
	expect(fixture, "came\ncame/g\n", "");
	assert_int_equal(fixture->result.incomplete, 1);
	expect_report(fixture, "hidden below the mount at");
	shell(fixture, "umount came/f");
}

/* Where numbers repeat: two subvolumes of one btrfs, in the place of the tree. */

static bool mount_btrfs(struct fixture *fixture)
{
	const struct mount *mount;
	bool is_new;

	if (!own_mounts || system("command -v mkfs.btrfs btrfs >/dev/null 2>&1") != 0)
		return false;
	shell(fixture, "truncate -s 300M ../image; mkfs.btrfs -q ../image >/dev/null; mount -o loop ../image .");
	mounts_free(&fixture->mounts);
	free(fixture->identity);
	assert_int_equal(mounts_read(&fixture->mounts, NULL), 0);
	mount = mounts_find_path(&fixture->mounts, fixture->tree);
	assert_string_equal(mount->type, "btrfs");
	assert_int_equal(mount_identity(mount, &fixture->identity), 0);
	fixture->filesystem = (struct store_filesystem){
		.identity = fixture->identity,
		.type = mount->type,
		.mount_point = mount->mount_point,
		.root = mount->root,
		.device = mount->device,
	};
	fixture->inside[0] = '\0';
	assert_int_equal(store_put_filesystem(fixture->store, &fixture->filesystem, &is_new), 0);
	return true;
}

/* S/d/f in another subvolume has the number of the file. */
static void make_same_number(struct fixture *fixture, const char *name)
{
	const uint64_t inode = inode_of(fixture, name);
	char *script = format_text("btrfs -q subvolume create S; mkdir S/d; i=0; until [ $i = %1$ju ]; do rm -f S/d/f;"
				   "touch S/d/f; i=$(stat -c %%i S/d/f); [ $i -le %1$ju ]; done",
				   (uintmax_t)inode);

	shell(fixture, script);
	assert_int_equal(inode_of(fixture, "S/d/f"), inode);
	free(script);
}

/* The file was changed through one name, which went; f has ended, and its directory went with the subvolume. */
static void end_in_another_subvolume(struct fixture *fixture, bool is_known)
{
	uint64_t inode;

	shell(fixture, "touch 0 1 2 3 a; ln a b");
	inode = inode_of(fixture, "a");
	make_same_number(fixture, "a");
	if (is_known)
		walk(fixture, "a b");
	met(fixture, "a", inode, 2, 1 << OPERATION_SETATTR);
	met(fixture, "a", inode, 2, 1 << OPERATION_UNLINK);
	met(fixture, "S/d/f", inode, 1, 1 << OPERATION_UNLINK);
	dirty(fixture, "S", DIRECTORY_WAS, 0);
	left(fixture, "S");
	shell(fixture, "rm a; rm -r S/d; btrfs -q subvolume delete S");
}

static void end_of_another_subvolumes_file(void **state)
{
	struct fixture *fixture = *state;

	if (!mount_btrfs(fixture))
		skip();
	end_in_another_subvolume(fixture, true);
	assert_int_equal(make(fixture), 0);
	assert_string_equal(fixture->texts[LIST_CHANGED], "b\n");
	assert_string_equal(fixture->texts[LIST_DELETED], "S\na\n");
	/* Where it ended another directory has come. */
	shell(fixture, "mkdir -p S/d");
	assert_int_equal(make(fixture), 0);
	assert_non_null(strstr(fixture->texts[LIST_CHANGED], "b\n"));
	shell(fixture, "cd ..; umount tree");
}

static void end_where_no_name_is_known(void **state)
{
	struct fixture *fixture = *state;

	if (!mount_btrfs(fixture))
		skip();
	end_in_another_subvolume(fixture, false);
	assert_int_equal(make(fixture), 0);
	assert_int_equal(fixture->result.incomplete, 1);
	expect_report(fixture, "of which no name is known");
	shell(fixture, "cd ..; umount tree");
}

static int left_meanwhile(void *context)
{
	struct fixture *fixture = context;

	store_rollback(fixture->store);
	left(fixture, "elsewhere/S");
	return 0;
}

static int no_answer(void *context)
{
	(void)context;
	return -ETIMEDOUT;
}

static int nothing_new(void *context)
{
	(void)context;
	return 0;
}

static void expect_incomplete(struct fixture *fixture, int (*settle)(void *), bool incomplete)
{
	fixture->options.settle = settle;
	fixture->options.context = fixture;
	assert_int_equal(make(fixture), 0);
	assert_int_equal(fixture->result.incomplete, incomplete);
	fixture->options.settle = NULL;
}

/* All of its names went with their directories. */
static void file_that_ended_with_its_directories(void **state)
{
	struct fixture *fixture = *state;
	uint64_t inode;

	if (!mount_btrfs(fixture))
		skip();
	shell(fixture, "mkdir -p c/d c/e; touch c/d/a; ln c/d/a c/e/b");
	inode = inode_of(fixture, "c/d/a");
	met(fixture, "c/d/a", inode, 2, 1 << OPERATION_SETATTR);
	met(fixture, "c/e/b", inode, 2, 1 << OPERATION_SETATTR | 1 << OPERATION_UNLINK);
	met(fixture, "c/d/a", inode, 1, 1 << OPERATION_UNLINK);
	shell(fixture, "rm -r c");
	assert_int_equal(make(fixture), 0);
	assert_int_equal(fixture->result.incomplete, 0);
	expect_incomplete(fixture, nothing_new, false);
	/* From where is not asked while the list is made. */
	expect_incomplete(fixture, left_meanwhile, true);
	expect_incomplete(fixture, no_answer, true);
	/* Elsewhere it says nothing; beside them one of them may have been the subvolume. */
	expect_incomplete(fixture, nothing_new, false);
	left(fixture, "c/S");
	expect_incomplete(fixture, nothing_new, true);
	shell(fixture, "cd ..; umount tree");
}

/* As mail is delivered, by a link and an unlink, and expunged: in two directories, which are there. */
static void file_that_was_linked_elsewhere_and_has_ended(void **state)
{
	struct fixture *fixture = *state;
	uint64_t inode;

	if (!mount_btrfs(fixture))
		skip();
	shell(fixture, "mkdir tmp new; touch mail");
	inode = inode_of(fixture, "mail");
	met(fixture, "tmp/mail", inode, 2, 1 << OPERATION_LINK);
	met(fixture, "new/mail", inode, 2, 1 << OPERATION_LINK);
	met(fixture, "tmp/mail", inode, 2, 1 << OPERATION_UNLINK);
	met(fixture, "new/mail", inode, 1, 1 << OPERATION_UNLINK);
	shell(fixture, "rm mail");
	assert_int_equal(make(fixture), 0);
	assert_int_equal(fixture->result.incomplete, 0);
	shell(fixture, "cd ..; umount tree");
}

/* The directory's rename has failed after its hook, and one was copied: what was met there seems to be of S. */
static void directory_moved_to_another_subvolume(void **state)
{
	struct fixture *fixture = *state;
	static const char moved[] = "/dir/S/dir";
	struct link_change change = {
		.action = DIRECTORY_MOVED,
		.path = moved,
		.path_length = sizeof(moved) - 1,
		.from_length = sizeof("/dir") - 1,
		.window = 1,
	};
	uint64_t inode;

	if (!mount_btrfs(fixture))
		skip();
	shell(fixture, "touch 0 1 2 3; mkdir dir other; touch dir/a; ln dir/a other/b");
	inode = inode_of(fixture, "dir/a");
	make_same_number(fixture, "dir/a");
	shell(fixture, "ln S/d/f S/g");
	walk(fixture, "dir/a other/b S/d/f S/g");
	met(fixture, "dir/a", inode, 2, 1 << OPERATION_SETATTR);
	change.filesystem = fixture->filesystem.id;
	assert_int_equal(store_put_link(fixture->store, &change), 0);
	shell(fixture, "cp -a dir S/dir; rm -r dir");
	assert_int_equal(make(fixture), 0);
	assert_non_null(strstr(fixture->texts[LIST_CHANGED], "other/b\n"));
	shell(fixture, "cd ..; umount tree");
}

/* Each subvolume begins with the same numbers: what has ended in one, or is there by all its names, lists no others. */
static void others_of_the_number_are_left_alone(void **state)
{
	struct fixture *fixture = *state;
	uint64_t inode;

	if (!mount_btrfs(fixture))
		skip();
	shell(fixture, "touch 0 1 2 3 a; ln a b");
	inode = inode_of(fixture, "a");
	make_same_number(fixture, "a");
	shell(fixture, "ln S/d/f S/g");
	walk(fixture, "a b S/d/f S/g");
	dirty(fixture, "a", 0, 0);
	met(fixture, "a", inode, 2, 1 << OPERATION_SETATTR);
	assert_int_equal(make(fixture), 0);
	assert_non_null(strstr(fixture->texts[LIST_CHANGED], "b\n"));
	assert_null(strstr(fixture->texts[LIST_CHANGED], "S/"));
	met(fixture, "a", inode, 2, 1 << OPERATION_UNLINK);
	met(fixture, "b", inode, 1, 1 << OPERATION_UNLINK);
	shell(fixture, "rm a b");
	assert_int_equal(make(fixture), 0);
	assert_null(strstr(fixture->texts[LIST_CHANGED], "S/"));
	assert_int_equal(fixture->result.incomplete, 0);
	shell(fixture, "cd ..; umount tree");
}

/* A file that was met in its directory alone has ended with its name there. */
static void ended_where_it_was_met(void **state)
{
	struct fixture *fixture = *state;

	if (!mount_btrfs(fixture))
		skip();
	met(fixture, "a", 4711, 2, 1 << OPERATION_OPEN);
	met(fixture, "a", 4711, 1, 1 << OPERATION_UNLINK);
	expect_complete(fixture, "", "a\n");
	shell(fixture, "cd ..; umount tree");
}

/* What is mounted changes while the lists are made. */
static const char *swap; /* a script, before the first entry */
static struct fixture *swapping;

int __real_outputs_add(struct outputs *outputs, enum list_kind kind, const struct sorted *entry, char **error);

int __wrap_outputs_add(struct outputs *outputs, enum list_kind kind, const struct sorted *entry, char **error)
{
	const char *script = swap;

	swap = NULL;
	if (script)
		shell(swapping, script);
	return __real_outputs_add(outputs, kind, entry, error);
}

static void make_while(struct fixture *fixture, const char *script)
{
	swapping = fixture;
	swap = script;
	assert_int_equal(make(fixture), 0);
	assert_null(swap);
}

/* Another one gets all of its numbers. */
static void mount_replaced_meanwhile(void **state)
{
	struct fixture *fixture = *state;
	struct store_filesystem row = {.type = "ext4", .root = "/"};
	const struct mount *mount;
	struct mounts mounts;
	char *identity, *point = format_text("%s/m", fixture->tree);
	bool is_new;

	if (!own_mounts || system("command -v mkfs.ext4 >/dev/null 2>&1") != 0)
		skip();
	shell(fixture, "touch first; mkdir m; truncate -s 4M ../one ../two; mkfs.ext4 -q ../one; mkfs.ext4 -q ../two;"
		       "mount -o loop ../one m; touch m/x");
	assert_int_equal(mounts_read(&mounts, NULL), 0);
	mount = mounts_find_path(&mounts, point);
	assert_int_equal(mount_identity(mount, &identity), 0);
	row.identity = identity;
	row.mount_point = point;
	row.device = mount->device;
	assert_int_equal(store_put_filesystem(fixture->store, &row, &is_new), 0);
	dirty(fixture, "first", 0, 0);
	dirty_in(fixture, row.id, "//x", (struct dirty){0});
	expect_complete(fixture, "first\nm/x\n", "");
	make_while(fixture, "mkdir other; mount -t tmpfs none other; umount other");
	assert_int_equal(fixture->result.incomplete, 0);
	make_while(fixture, "umount m; mount -o loop ../two m");
	expect_report(fixture, "/tree/m was replaced, moved or unmounted while the lists were made");
	shell(fixture, "umount m");
	mounts_free(&mounts);
	free(identity);
	free(point);
}

/* Targets */

static void refused_targets(void **state)
{
	struct fixture *fixture = *state;

	dirty(fixture, "gone", 0, 0);
	shell(fixture, "echo precious > ../precious; ln -s precious ../changed");
	assert_int_equal(make(fixture), -ELOOP);
	assert_non_null(strstr(fixture->error, "symbolic link"));
	shell(fixture,
	      "test \"$(cat ../precious)\" = precious; test ! -e ../deleted; rm ../changed; ln -s x ../deleted");
	assert_int_equal(make(fixture), -ELOOP);
	shell(fixture, "test ! -e ../changed; rm ../deleted; mkdir ../changed");
	assert_int_equal(make(fixture), -EINVAL);
	shell(fixture, "test ! -e ../deleted; rmdir ../changed");
	expect_no_files(fixture);
	fixture->options.changed = "/nonexistent/changed";
	assert_int_equal(make(fixture), -ENOENT);
	expect_no_files(fixture);
	fixture->options.changed = fixture->deleted;
	assert_int_equal(make(fixture), -EINVAL);
	fixture->options.changed = "";
	assert_int_equal(make(fixture), -EINVAL);
	fixture->options.changed = fixture->options.deleted = "-";
	assert_int_equal(make(fixture), -EINVAL);
	expect_no_files(fixture);
}

static void written_lists(void **state)
{
	struct fixture *fixture = *state;
	struct stat found;

	shell(fixture, "touch a; echo old > ../changed; chmod 666 ../changed; ln ../changed ../other");
	dirty(fixture, "a", 0, 0);
	fixture->options.deleted = NULL;
	assert_int_equal(make(fixture), 0);
	assert_string_equal(fixture->texts[LIST_CHANGED], "a\n");
	assert_null(fixture->texts[LIST_DELETED]);
	assert_int_equal(stat(fixture->changed, &found), 0);
	assert_int_equal(found.st_mode & 07777, 0600);
	shell(fixture, "test \"$(cat ../other)\" = old");
	assert_int_equal(chdir(fixture->base), 0);
	fixture->options.changed = "changed";
	assert_int_equal(make(fixture), 0);
	assert_string_equal(fixture->texts[LIST_CHANGED], "a\n");
	assert_int_equal(chdir("/"), 0);
}

static int make_to_file(struct fixture *fixture, char **text)
{
	char *name = format_text("%s/stdout", fixture->base);
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600), saved, error;

	fflush(stdout);
	saved = dup(STDOUT_FILENO);
	dup2(fd, STDOUT_FILENO);
	error = make(fixture);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	close(fd);
	*text = read_whole(name);
	free(name);
	return error;
}

static void standard_output(void **state)
{
	struct fixture *fixture = *state;
	char *text;

	shell(fixture, "touch a b");
	dirty(fixture, "a", 0, 0);
	dirty(fixture, "b", 0, 0);
	dirty(fixture, "gone", 0, 0);
	fixture->options.changed = "-";
	assert_int_equal(make_to_file(fixture, &text), 0);
	assert_string_equal(text, "a\nb\n");
	assert_string_equal(fixture->texts[LIST_DELETED], "gone\n");
	free(text);
	assert_int_equal(unlink(fixture->deleted), 0);
	shell(fixture, "touch \"$(printf 'new\\nline')\"");
	dirty(fixture, "new\nline", 0, 0);
	assert_int_equal(make_to_file(fixture, &text), -EILSEQ);
	assert_string_equal(text, "");
	free(text);
	expect_no_files(fixture);
	fixture->options.deleted = "-";
	fixture->options.format = format_find("json");
	assert_int_equal(make_to_file(fixture, &text), 0);
	assert_int_equal(count_lines(text), 4);
	assert_ptr_equal(strstr(text, "\"deleted\""), strstr(text, "\"list\":\"deleted\"") + 7);
	free(text);
}

/* Mounts of our own are seen by nobody else and go with the process. */
static bool unshare_mounts(void)
{
	return geteuid() == 0 && unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing),
		TEST(not_there),
		TEST(directory),
		TEST(file_became_directory),
		TEST(other_types),
		TEST(union_of_windows),
		TEST(refinement),
		TEST(links_are_not_followed),
		TEST(directory_became_link),
		TEST(pruning),
		TEST(pruning_is_of_the_deleted_list_alone),
		TEST(pruning_of_all_subsets),
		TEST(expansion_is_deep),
		TEST(paths_beyond_path_max),
		TEST(overlapping_expansions),
		TEST(sorted_with_little_memory),
		TEST(newlines),
		TEST(newline_in_the_second_list),
		TEST(relative),
		TEST(relative_to_what_was_replaced),
		TEST(relative_to_another_name),
		TEST(relative_to_what_cannot_be_told),
		TEST(relative_to_what_is_not_traced),
		TEST(not_mounted),
		TEST(found_under_another_number),
		TEST(unreadable),
		TEST(many_unreadable),
		TEST(watches),
		TEST(vanished_watch),
		TEST(directory_above_a_watch),
		TEST(hidden_below_a_mount),
		TEST(expansion_stops_at_mounts),
		TEST(mount_covered_as_a_whole),
		TEST(mount_of_the_watch),
		TEST(watch_is_seen_elsewhere),
		TEST(relative_to_another_mount),
		TEST(transient_place_names_nothing_else),
		TEST(top_is_not_mounted),
		TEST(gaps),
		TEST(open_and_missing_windows),
		TEST(unknown_links),
		TEST(only_if_all_names_are_known),
		TEST(name_made_meanwhile),
		TEST(name_gone_meanwhile),
		TEST(names_never_known),
		TEST(answers_that_take_long),
		TEST(number_of_an_ended_file),
		TEST(moved_to_its_only_name),
		TEST(names_not_watched),
		TEST(names_in_a_moved_directory),
		TEST(changed_without_a_name),
		TEST(linked_moved_and_unlinked),
		TEST(ended_later),
		TEST(changed_and_unlinked),
		TEST(all_names_of_a_changed_file),
		TEST(names_listed),
		TEST(names_outside),
		TEST(many_names),
		TEST(linked_and_unlinked),
		TEST(moved_name),
		TEST(written_moved_and_unlinked),
		TEST(all_names_gone),
		TEST(name_in_a_moved_directory),
		TEST(name_seen_twice),
		TEST(names_not_mounted),
		TEST(hidden_file_in_an_expansion),
		TEST(mount_replaced_meanwhile),
		TEST(end_of_another_subvolumes_file),
		TEST(end_where_no_name_is_known),
		TEST(file_that_ended_with_its_directories),
		TEST(file_that_was_linked_elsewhere_and_has_ended),
		TEST(directory_moved_to_another_subvolume),
		TEST(others_of_the_number_are_left_alone),
		TEST(ended_where_it_was_met),
		TEST(refused_targets),
		TEST(written_lists),
		TEST(standard_output),
	};

	own_mounts = unshare_mounts();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
