// SPDX-License-Identifier: GPL-2.0
/* The number of a filesystem that has ended is given up; whoever may have come by it unseen costs seals. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "blocks.h"
#include "collector.h"
#include "directory.h"
#include "filesystems.h"
#include "gap.h"
#include "store_seals.h"

enum { FILESYSTEMS = 3 };

/* In place of the kernel: all have ended and their records were taken; one may have come meanwhile. */
static int forget_result;

static char directory[DIRECTORY_BYTES];

int __wrap_tracer_forget(struct tracer *tracer, uint32_t device, uint32_t came)
{
	(void)tracer;
	(void)device;
	(void)came;
	return forget_result;
}

int __wrap_tracer_superblock(const struct tracer *tracer, uint32_t device, struct superblock *entry)
{
	(void)tracer;
	(void)device;
	*entry = (struct superblock){.came = 1, .ended = 1};
	return 0;
}

uint64_t __wrap_tracer_produced(const struct tracer *tracer)
{
	(void)tracer;
	return 1;
}

uint64_t __wrap_tracer_consumed(const struct tracer *tracer)
{
	(void)tracer;
	return 1;
}

static uint64_t raw_writes;

void __wrap_tracer_raw_write(const struct tracer *tracer, uint32_t device, struct raw_write *entry)
{
	(void)tracer;
	(void)device;
	*entry = (struct raw_write){.writes = raw_writes};
}

static enum gap_reason expected;
static int gap_result;
static unsigned gaps;

int __wrap_store_add_gap(struct store *store, const struct store_gap *gap)
{
	(void)store;
	assert_string_equal(gap->reason, gap_word(expected));
	gaps++;
	return gap_result;
}

int __wrap_blocks_name(uint32_t device, char name[BLOCK_NAME_BYTES])
{
	snprintf(name, BLOCK_NAME_BYTES, "%u", device);
	return 0;
}

static unsigned set_back; /* what the devices show is something else */

int __wrap_seal_read(const char *path, struct seal *seal)
{
	*seal = (struct seal){.clean = 1, .digest = strtoul(path, NULL, 10) + set_back};
	return 0;
}

/* As they are when their mounts have gone: the seal in the store is that of the mount before. */
static void add_sealed(struct collector *collector, uint32_t device)
{
	static const struct seal old = {.clean = 1};
	const struct store_seal stored = {.filesystem = device, .bytes = &old, .size = sizeof(old)};
	struct sealed *row = &collector->seals.rows[collector->seals.count++];

	*row = (struct sealed){
		.filesystem = device,
		.superblock = device,
		.is_anonymous = true,
		.devices = calloc(1, sizeof(*row->devices)),
		.device_count = 1,
		.watched = true,
		.reads = 1,
	};
	assert_non_null(row->devices);
	row->devices[0] = device;
	assert_int_equal(store_put_seal(collector->store, &stored), 0);
}

static int set_up(void **state)
{
	static struct collector collector;

	directory_make(directory, "/tmp");
	expected = GAP_RAW_WRITE;
	collector = (struct collector){.seals.rows = calloc(FILESYSTEMS, sizeof(*collector.seals.rows))};
	assert_non_null(collector.seals.rows);
	assert_int_equal(store_open(&collector.store, directory, STORE_WRITE), 0);
	for (uint32_t device = 1; device <= FILESYSTEMS; device++)
		add_sealed(&collector, device);
	*state = &collector;
	return 0;
}

static int tear_down(void **state)
{
	struct collector *collector = *state;

	seals_free(&collector->seals);
	store_close(collector->store);
	directory_remove(directory);
	return 0;
}

static int count_new(const struct store_seal *stored, void *context)
{
	struct seal seal;
	unsigned *count = context;

	assert_int_equal(stored->size, sizeof(seal));
	memcpy(&seal, stored->bytes, sizeof(seal));
	assert_int_equal(seal.digest, stored->filesystem);
	++*count;
	return 0;
}

/* Each of those in the store is new. */
static unsigned seals_of(struct collector *collector)
{
	unsigned count = 0;

	assert_int_equal(store_seals(collector->store, count_new, &count), 0);
	return count;
}

static void seals_are_read_when_all_is_taken(void **state)
{
	struct collector *collector = *state;

	forget_result = 0;
	assert_int_equal(seals_check(collector, 1), 0);
	assert_int_equal(collector->seals.count, FILESYSTEMS);
	assert_int_equal(seals_of(collector), FILESYSTEMS);
	for (size_t i = 0; i < FILESYSTEMS; i++)
		assert_int_equal(collector->seals.rows[i].superblock, 0);
}

/* By an anonymous number any of them may have come. */
static void one_that_may_have_come_unseen_costs_the_seals(void **state)
{
	struct collector *collector = *state;

	forget_result = 1;
	assert_int_equal(seals_check(collector, 1), 0);
	assert_int_equal(collector->seals.count, 0);
	assert_int_equal(seals_of(collector), 0);
}

/* It was mounted, changed and unmounted before anybody looked: by its number it is known whose the record is. */
static void record_of_one_that_is_gone_again(void **state)
{
	const struct event event = {.device = 2};
	struct collector *collector = *state;
	uint32_t filesystem = 0;

	for (size_t i = 0; i < FILESYSTEMS; i++)
		collector->seals.rows[i].is_anonymous = false;
	assert_int_equal(filesystems_find(collector, &event, &filesystem), 0);
	assert_int_equal(filesystem, 2);
	assert_int_equal(collector->seals.count, FILESYSTEMS);
}

static void add_written(struct collector *collector)
{
	struct covered *row = calloc(1, sizeof(*row));

	assert_non_null(row);
	*row = (struct covered){.id = 9, .device = 9, .devices = malloc(sizeof(*row->devices)), .device_count = 1};
	assert_non_null(row->devices);
	row->devices[0] = 9;
	collector->coverage.rows = row;
	collector->coverage.count = 1;
	seals_free(&collector->seals);
}

/* It counts at the next look as well; what could not be kept counts until it is. */
static void write_whose_gap_cannot_be_kept(void **state)
{
	struct collector *collector = *state;

	add_written(collector);
	raw_writes = 1;
	gaps = 0;
	gap_result = -ENOSPC;
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(seals_check(collector, 1), -ENOSPC);
	gap_result = 0;
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(seals_check(collector, 1), 0);
	assert_int_equal(gaps, 3 + 2);
	raw_writes = 0;
	coverage_close(&collector->coverage);
}

/* No write has passed a hook. */
static void device_that_is_set_back(void **state)
{
	struct collector *collector = *state;
	const struct sealed *row = &collector->seals.rows[1];

	forget_result = 0;
	assert_int_equal(seals_check(collector, 1), 0);
	assert_int_equal(seals_look(collector), 0);
	assert_true(row->watched);
	set_back = 1;
	assert_int_equal(seals_look(collector), 0);
	assert_false(row->watched);
	assert_true(*row->difference);
	set_back = 0;
}

static void add_gap_of_all(struct collector *collector, enum gap_reason reason)
{
	expected = reason;
	assert_int_equal(collector_add_gap(collector, 1, 1, NULL, 0, reason, NULL), 0);
}

/* It is not among those that such a gap is to be covered on, and may have been mounted meanwhile. */
static void gap_of_all_costs_the_seals(void **state)
{
	struct collector *collector = *state;

	forget_result = 0;
	gap_result = 0;
	assert_int_equal(seals_check(collector, 1), 0);
	/* What was before the start is told by the seals themselves; nothing was missed when the clock was set. */
	add_gap_of_all(collector, GAP_MISSED_RUNS);
	collector->started = 1;
	add_gap_of_all(collector, GAP_CLOCK_SET);
	assert_int_equal(seals_of(collector), FILESYSTEMS);
	/* Also where the rows have gone by a transaction that was taken back. */
	seals_free(&collector->seals);
	add_gap_of_all(collector, GAP_MISSED_RUNS);
	assert_int_equal(seals_of(collector), 0);
}

/* Whether it goes on without a gap. */
static bool comes_back(struct collector *collector, struct covered *row, char difference[SEAL_DIFFERENCE_BYTES])
{
	static const struct mount mount = {.read_only = true};

	row->id = row->device = 1;
	row->device_count = 1;
	row->devices = &row->device;
	return seals_came(collector, row, &mount, true, difference) == 1;
}

/* No later list would name what is on it. */
static void full_backup_has_nothing_of_what_is_not_mounted(void **state)
{
	struct collector *collector = *state;
	char difference[SEAL_DIFFERENCE_BYTES];
	struct covered row = {0};

	forget_result = 0;
	assert_int_equal(seals_check(collector, 1), 0);
	assert_int_equal(seals_leave_out(collector, 5), 0);
	assert_int_equal(seals_of(collector), 0);
	collector->window = 5;
	assert_false(comes_back(collector, &row, difference));
	assert_non_null(strstr(difference, "full backup"));
	expected = GAP_MOUNTED;
	gaps = 0;
	collector->coverage = (struct coverage){.rows = &row, .count = 1};
	assert_int_equal(seals_leave_out(collector, 0), 0);
	assert_int_equal(gaps, 0);
	collector->coverage = (struct coverage){0};
}

static unsigned gaps_of_backup(struct collector *collector, uint64_t window)
{
	gaps = 0;
	gap_result = 0;
	expected = GAP_MOUNTED;
	assert_int_equal(seals_leave_out(collector, window), 0);
	return gaps;
}

static void mounted_while_a_full_backup_is_made(void **state)
{
	struct collector *collector = *state;
	char difference[SEAL_DIFFERENCE_BYTES];
	struct covered row = {0};

	collector->window = collector->closing = 5;
	assert_true(comes_back(collector, &row, difference));
	collector->coverage = (struct coverage){.rows = &row, .count = 1};
	/* When it had gone does not matter: if that was later, the backup may have come there afterwards. */
	assert_int_equal(gaps_of_backup(collector, 2), 1);
	assert_int_equal(gaps_of_backup(collector, 4), 1);
	assert_int_equal(gaps_of_backup(collector, 5), 0);
	/* Another collector knows it as well. */
	store_close(collector->store);
	assert_int_equal(store_open(&collector->store, directory, STORE_WRITE), 0);
	row = (struct covered){.id = row.id, .device = row.device};
	assert_int_equal(gaps_of_backup(collector, 4), 1);
	collector->coverage = (struct coverage){0};
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(seals_are_read_when_all_is_taken),
		TEST(one_that_may_have_come_unseen_costs_the_seals),
		TEST(record_of_one_that_is_gone_again),
		TEST(write_whose_gap_cannot_be_kept),
		TEST(device_that_is_set_back),
		TEST(gap_of_all_costs_the_seals),
		TEST(full_backup_has_nothing_of_what_is_not_mounted),
		TEST(mounted_while_a_full_backup_is_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
