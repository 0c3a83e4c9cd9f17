// SPDX-License-Identifier: GPL-2.0
/* A filesystem that cannot be entered is left out, which is a gap of each window, and tried again. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "collector.h"
#include "directory.h"
#include "filesystems.h"
#include "gap.h"
#include "stand_ins.h"
#include "stays.h"
#include "store_shown.h"

enum { DEVICE = 8 << 20 | 1, WINDOW = 5, LOST_SINCE = 1000, LATER = 2000 };

static char directory[DIRECTORY_BYTES];
static unsigned failures; /* of so many attempts */
static int was_traced;

int __wrap_tracer_trace(UNUSED struct tracer *tracer, UNUSED uint32_t device, struct superblock *entry)
{
	*entry = (struct superblock){.came = 1};
	if (!failures)
		return was_traced;
	failures--;
	return -EIO;
}

int __wrap_tracer_forget(UNUSED struct tracer *tracer, UNUSED uint32_t device, UNUSED uint32_t came)
{
	return 0;
}

int __wrap_tracer_each_superblock(UNUSED const struct tracer *tracer, UNUSED void *each, UNUSED void *context)
{
	return 0;
}

int __wrap_tracer_superblock(UNUSED const struct tracer *tracer, UNUSED uint32_t device, struct superblock *entry)
{
	*entry = (struct superblock){.came = 1};
	return 0;
}

int __wrap_seals_spoil(UNUSED struct collector *collector, UNUSED uint32_t device)
{
	return 0;
}

int __wrap_collector_flush(UNUSED struct collector *collector)
{
	return 0;
}

int __wrap_blocks_below(UNUSED uint32_t device, UNUSED const char *uuid, UNUSED uint32_t **devices,
			UNUSED size_t *count)
{
	return 0;
}

int __wrap_mount_identity(UNUSED const struct mount *mount, char **identity)
{
	*identity = strdup("identity");
	return *identity ? 0 : -ENOMEM;
}

/* The directories that are mounted at /srv, and at /home; NULL: none. */
static const char *srv, *home;

static void add_mount(struct mounts *mounts, const char *mount_point, const char *root)
{
	mounts->rows[mounts->count] = (struct mount){
		.mount_point = strdup(mount_point),
		.root = strdup(root),
		.type = strdup("ext4"),
		.source = strdup("none"),
		.device = DEVICE,
		.id = 10 + (int)mounts->count,
	};
	mounts->count++;
}

int __wrap_mounts_read(struct mounts *mounts, UNUSED const char *path)
{
	*mounts = (struct mounts){.rows = calloc(2, sizeof(*mounts->rows))};
	assert_non_null(mounts->rows);
	if (srv)
		add_mount(mounts, "/srv", srv);
	if (home)
		add_mount(mounts, "/home", home);
	return 0;
}

/* In place of the store's: so many fail. */
static unsigned gap_failures;

int __real_store_add_gap(struct store *store, const struct store_gap *gap);

int __wrap_store_add_gap(struct store *store, const struct store_gap *gap)
{
	if (!gap_failures)
		return __real_store_add_gap(store, gap);
	gap_failures--;
	return -ENOSPC;
}

enum tracer_origin __wrap_tracer_origin(UNUSED const struct tracer *tracer)
{
	return TRACER_TAKEN_OVER;
}

int __wrap_seals_load(UNUSED struct collector *collector)
{
	return 0;
}

int __wrap_seals_look(UNUSED struct collector *collector)
{
	return 0;
}

static int set_up(void **state)
{
	static struct collector collector;

	failures = gap_failures = 0;
	was_traced = 0;
	srv = "/";
	home = NULL;
	directory_make(directory, "/tmp");
	collector = (struct collector){.window = WINDOW, .closing = WINDOW, .started = 1, .flushed = LOST_SINCE};
	assert_int_equal(store_open(&collector.store, directory, STORE_WRITE), 0);
	*state = &collector;
	return 0;
}

static int tear_down(void **state)
{
	struct collector *collector = *state;

	coverage_close(&collector->coverage);
	seals_free(&collector->seals);
	store_close(collector->store);
	directory_remove(directory);
	return 0;
}

struct gaps {
	unsigned unknown;        /* it cannot be traced */
	unsigned mounted, since; /* it was mounted unseen; since it is lost */
	unsigned watches;        /* other directories are watched */
	unsigned moved;          /* something else of it is seen */
};

static int count_gap(const struct store_gap *gap, void *context)
{
	struct gaps *gaps = context;

	if (strcmp(gap->reason, gap_word(GAP_NOT_TRACEABLE)) == 0) {
		assert_int_equal(gap->filesystem, STORE_UNKNOWN_FILESYSTEM);
		gaps->unknown++;
		return 0;
	}
	if (strcmp(gap->reason, gap_word(GAP_WATCH_CHANGED)) == 0) {
		gaps->watches++;
		return 0;
	}
	if (strcmp(gap->reason, gap_word(GAP_MOVED)) == 0) {
		gaps->moved++;
		return 0;
	}
	assert_string_equal(gap->reason, gap_word(GAP_MOUNTED));
	gaps->mounted++;
	gaps->since += gap->started == LOST_SINCE;
	return 0;
}

static struct gaps gaps_of(struct collector *collector, uint64_t window)
{
	struct gaps gaps = {0};

	assert_int_equal(store_gaps(collector->store, window, window, count_gap, &gaps), 0);
	return gaps;
}

static uint32_t owner_of_a_record(struct collector *collector)
{
	const struct event event = {.device = DEVICE};
	uint32_t filesystem = 0;

	collector->stranger = 0;
	assert_int_equal(filesystems_find(collector, &event, &filesystem), 0);
	return filesystem;
}

/* As by a cut. */
static void open_window(struct collector *collector)
{
	collector->window++;
	assert_int_equal(filesystems_miss(collector), 0);
	collector->closing++;
	collector->flushed = LATER;
}

static void error_that_does_not_come_again(void **state)
{
	struct collector *collector = *state;
	struct gaps gaps;

	failures = 1;
	assert_int_equal(filesystems_follow(collector), 0);
	assert_int_equal(collector->coverage.count, 1);
	assert_int_not_equal(owner_of_a_record(collector), 0);
	gaps = gaps_of(collector, WINDOW);
	assert_int_equal(gaps.unknown, 0);
	assert_int_equal(gaps.mounted, 1);
	open_window(collector);
	assert_int_equal(gaps_of(collector, WINDOW + 1).unknown, 0);
}

/* Its records are nobody's. */
static void each_window_has_a_gap(void **state)
{
	struct collector *collector = *state;

	failures = UINT32_MAX;
	assert_int_equal(filesystems_follow(collector), 0);
	assert_int_equal(collector->coverage.count, 0);
	assert_int_equal(gaps_of(collector, WINDOW).unknown, 1);
	assert_int_equal(owner_of_a_record(collector), 0);
	for (unsigned i = 1; i < 4; i++) {
		open_window(collector);
		assert_int_equal(gaps_of(collector, WINDOW + i).unknown, 1);
	}
}

static void record_tries_again(void **state)
{
	struct collector *collector = *state;

	failures = 2;
	assert_int_equal(filesystems_follow(collector), 0);
	open_window(collector);
	assert_int_not_equal(owner_of_a_record(collector), 0);
	assert_int_equal(collector->coverage.count, 1);
	assert_int_equal(gaps_of(collector, WINDOW + 1).since, 1);
	open_window(collector);
	assert_int_equal(gaps_of(collector, WINDOW + 2).mounted + gaps_of(collector, WINDOW + 2).unknown, 0);
}

static int count_watch(const struct store_watch *watch, void *context)
{
	assert_int_not_equal(watch->filesystem, 0);
	++*(unsigned *)context;
	return 0;
}

static unsigned watches_of(struct collector *collector)
{
	unsigned count = 0;

	assert_int_equal(store_watches(collector->store, count_watch, &count), 0);
	return count;
}

static void add_watch(struct collector *collector)
{
	collector->coverage.watches = calloc(1, sizeof(*collector->coverage.watches));
	assert_non_null(collector->coverage.watches);
	collector->coverage.watches[0] =
		(struct watch){.host_path = strdup("/srv/mail"), .path = strdup("/mail"), .device = DEVICE, .depth = 4};
	collector->coverage.watch_count = 1;
}

/* A list could not be made of one that lies nowhere. */
static void watch_of_one_that_is_left_out(void **state)
{
	struct collector *collector = *state;

	add_watch(collector);
	failures = 2;
	assert_int_equal(filesystems_follow(collector), 0);
	assert_int_equal(watches_of(collector), 0);
	assert_int_equal(filesystems_follow(collector), 0);
	assert_int_equal(watches_of(collector), 1);
}

static int64_t stay_of(struct collector *collector, const char *key)
{
	int64_t value = 0;

	assert_int_equal(store_get_meta(collector->store, key, &value), 0);
	return value;
}

static int count_filesystem(const struct store_filesystem *filesystem, void *context)
{
	(void)filesystem;
	++*(unsigned *)context;
	return 0;
}

/* Killed in between, the next collector would find it as it is, and no gap. */
static void what_it_was_goes_with_the_gap(void **state)
{
	struct collector *collector = *state;
	unsigned count = 0;

	gap_failures = 2;
	assert_int_equal(filesystems_follow(collector), 0);
	assert_int_equal(store_filesystems(collector->store, count_filesystem, &count), 0);
	assert_int_equal(count, 0);
	assert_int_equal(gaps_of(collector, WINDOW).unknown, 1);
	assert_int_equal(filesystems_follow(collector), 0);
	assert_int_equal(gaps_of(collector, WINDOW).since, 1);
	assert_int_not_equal(stay_of(collector, "came:1"), 0);
}

/* Nobody would see later that it was not watched before. */
static void watch_goes_with_the_gap(void **state)
{
	struct collector *collector = *state;
	struct gaps gaps;

	assert_int_equal(filesystems_follow(collector), 0);
	gaps = gaps_of(collector, WINDOW);
	add_watch(collector);
	gap_failures = 1;
	assert_int_equal(filesystems_follow(collector), -ENOSPC);
	assert_int_equal(watches_of(collector), 0);
	assert_int_equal(filesystems_follow(collector), 0);
	assert_int_equal(watches_of(collector), 1);
	assert_int_equal(gaps_of(collector, WINDOW).watches, gaps.watches + 1);
}

/* Whether the next collector that takes the programs over has a gap of it. */
static bool has_stayed(struct collector *before)
{
	static struct collector next;
	bool stayed;

	was_traced = 1;
	next = (struct collector){.store = before->store,
				  .window = before->window + 1,
				  .closing = before->window + 1,
				  .flushed = LOST_SINCE};
	assert_int_equal(filesystems_start(&next), 0);
	stayed = !gaps_of(&next, next.window).mounted;
	coverage_close(&next.coverage);
	seals_free(&next.seals);
	before->window++;
	return stayed;
}

static void stays_while_it_is_known(void **state)
{
	struct collector *collector = *state;

	assert_int_equal(filesystems_follow(collector), 0);
	assert_true(has_stayed(collector));
	assert_true(has_stayed(collector));
	assert_int_equal(stays_forget(collector, 0), 0);
	assert_false(has_stayed(collector));
	assert_true(has_stayed(collector));
}

/* Under the number of one whose entry in the kernel goes others were before: there the count begins anew. */
static void does_not_stay_when_it_was_left_out(void **state)
{
	struct collector *collector = *state;

	assert_int_equal(filesystems_follow(collector), 0);
	assert_int_equal(store_set_meta(collector->store, "came:7", (int64_t)DEVICE << 32 | 3), 0);
	assert_int_equal(store_set_meta(collector->store, "came:8", (int64_t)(DEVICE + 1) << 32 | 3), 0);
	coverage_close(&collector->coverage);
	failures = 2;
	assert_int_equal(filesystems_follow(collector), 0);
	assert_int_equal(stay_of(collector, "came:1"), 0);
	assert_int_equal(stay_of(collector, "came:7"), 0);
	assert_int_not_equal(stay_of(collector, "came:8"), 0);
	assert_false(has_stayed(collector));
}

/* Of the place where a directory is mounted the last look has seen nothing. */
static void look_at_no_home(struct collector *collector)
{
	srv = "/srv";
	home = "/home";
	assert_int_equal(filesystems_follow(collector), 0);
	home = NULL;
	assert_int_equal(filesystems_follow(collector), 0);
	assert_int_equal(gaps_of(collector, WINDOW).moved, 0);
}

/* Killed in between, the next collector would find no difference. */
static void what_is_shown_goes_with_the_gap(void **state)
{
	struct collector *collector = *state;

	look_at_no_home(collector);
	home = "/home.old";
	gap_failures = 1;
	assert_int_equal(filesystems_follow(collector), -ENOSPC);
	assert_int_equal(gaps_of(collector, WINDOW).moved, 0);
	assert_true(has_stayed(collector));
	assert_int_equal(gaps_of(collector, WINDOW + 1).moved, 1);
	assert_true(has_stayed(collector));
	assert_int_equal(gaps_of(collector, WINDOW + 2).moved, 0);
}

/* Its gap is one of all that it shows. */
static void arrival_tells_of_new_places(void **state)
{
	struct collector *collector = *state;

	look_at_no_home(collector);
	coverage_close(&collector->coverage);
	assert_int_equal(store_remove_shown(collector->store, 1, "/home"), 0);
	collector->window = collector->closing = WINDOW + 1;
	home = "/home";
	assert_int_equal(filesystems_follow(collector), 0);
	assert_int_equal(gaps_of(collector, WINDOW + 1).mounted, 1);
	assert_int_equal(gaps_of(collector, WINDOW + 1).moved, 0);
	/* But not of those that come later. */
	home = NULL;
	assert_int_equal(filesystems_follow(collector), 0);
	assert_int_equal(store_remove_shown(collector->store, 1, "/home"), 0);
	home = "/home";
	assert_int_equal(filesystems_follow(collector), 0);
	assert_int_equal(gaps_of(collector, WINDOW + 1).moved, 1);
}

/* Of several mounts, which come in any order. */
static void another_mount_is_the_first_one(void **state)
{
	struct collector *collector = *state;

	srv = "/srv";
	home = "/home";
	assert_int_equal(filesystems_follow(collector), 0);
	srv = NULL;
	assert_true(has_stayed(collector));
	assert_int_equal(gaps_of(collector, WINDOW + 1).moved, 0);
	/* But not one at a place that is not known. */
	home = NULL;
	srv = "/other";
	assert_true(has_stayed(collector));
	assert_int_equal(gaps_of(collector, WINDOW + 2).moved, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(error_that_does_not_come_again),
		TEST(each_window_has_a_gap),
		TEST(record_tries_again),
		TEST(watch_of_one_that_is_left_out),
		TEST(what_it_was_goes_with_the_gap),
		TEST(watch_goes_with_the_gap),
		TEST(stays_while_it_is_known),
		TEST(does_not_stay_when_it_was_left_out),
		TEST(what_is_shown_goes_with_the_gap),
		TEST(arrival_tells_of_new_places),
		TEST(another_mount_is_the_first_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
