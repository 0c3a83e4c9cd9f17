// SPDX-License-Identifier: GPL-2.0
/* What new programs are told by older ones, of another build. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tracer_private.h"

#define COPIED UINT64_MAX

enum {
	ROOM = 3, /* entries of a table */
	OWN = MAP_COUNT,
	OLD_WORDS = sizeof(struct raw_write) / sizeof(uint64_t), /* of a value */
	OWN_WORDS = OLD_WORDS + 1,
	KNOWN = sizeof(struct losses) / sizeof(uint64_t),
};

/* In place of the kernel: the tables of the older programs, then of the new ones. */
static struct {
	size_t count;
	uint64_t keys[ROOM], values[ROOM][OWN_WORDS];
} tables[2 * MAP_COUNT];
/* Counters of the older ones, which have one more: now, and accounted for. */
static uint64_t counters[2][KNOWN + 1];
static int unreadable = -1;
static uint64_t appears; /* in the old table, when it is taken out of the new one */
static uint64_t missed, missed_raw;
/* What the old programs have of this key while programs are waited for, once. */
static struct {
	uint64_t key;
	struct superblock superblock;
} meanwhile;

static struct globals globals;
static struct tracer tracer;

static uint64_t *find(int map, uint64_t key)
{
	for (size_t i = 0; i < tables[map].count; i++)
		if (tables[map].keys[i] == key)
			return tables[map].values[i];
	return NULL;
}

static void put(int map, uint64_t key, uint64_t first, uint64_t second)
{
	size_t at = tables[map].count++;

	tables[map].keys[at] = key;
	memset(tables[map].values[at], 0, sizeof(tables[map].values[at]));
	tables[map].values[at][0] = first;
	tables[map].values[at][1] = second;
}

static void put_superblock(int map, uint64_t key, uint32_t came, uint32_t ended)
{
	struct superblock superblock = {.came = came, .ended = ended};

	put(map, key, 0, 0);
	memcpy(find(map, key), &superblock, sizeof(superblock));
}

static void put_raw_write(int map, uint64_t key, const struct raw_write *entry)
{
	put(map, key, 0, 0);
	memcpy(find(map, key), entry, sizeof(*entry));
}

uint32_t __wrap_kernel_value_bytes(int map)
{
	if (map == unreadable)
		return 0;
	if (map == MAP_bss)
		return sizeof(counters);
	return (map < OWN ? OLD_WORDS : OWN_WORDS) * sizeof(uint64_t);
}

int __wrap_kernel_each_entry(int map, int (*each)(const void *key, const void *value, void *context), void *context)
{
	int code = 0;

	for (size_t i = 0; !code && i < tables[map].count; i++)
		code = each(&tables[map].keys[i], tables[map].values[i], context);
	return code;
}

int __wrap_kernel_add(int map, const void *key, const void *value)
{
	uint64_t number, words[OWN_WORDS];

	memcpy(&number, key, sizeof(number));
	memcpy(words, value, sizeof(words));
	if (find(map, number))
		return -EEXIST;
	if (tables[map].count == ROOM)
		return -E2BIG;
	assert_int_equal(words[OLD_WORDS], 0);
	put(map, number, words[0], words[1]);
	return 0;
}

int __wrap_kernel_put(int map, const void *key, const void *value)
{
	uint64_t number, *found;

	memcpy(&number, key, sizeof(number));
	found = find(map, number);
	assert_non_null(found);
	memcpy(found, value, OWN_WORDS * sizeof(*found));
	return 0;
}

int __wrap_kernel_wait_for_programs(const struct barrier *barrier)
{
	assert_ptr_equal(barrier, &tracer.barrier);
	if (meanwhile.key)
		memcpy(find(MAP_superblocks, meanwhile.key), &meanwhile.superblock, sizeof(meanwhile.superblock));
	meanwhile.key = 0;
	return 0;
}

int __wrap_kernel_get(int map, const void *key, void *value)
{
	uint64_t number = 0;
	const uint64_t *found;

	if (map == MAP_bss) {
		memcpy(value, counters, sizeof(counters));
		return 0;
	}
	memcpy(&number, key, sizeof(number));
	found = find(map, number);
	if (found)
		memcpy(value, found, (map < OWN ? OLD_WORDS : OWN_WORDS) * sizeof(*found));
	return found ? 0 : -ENOENT;
}

int __wrap_kernel_remove(int map, const void *key)
{
	uint64_t number, *found;

	memcpy(&number, key, sizeof(number));
	found = find(map, number);
	assert_non_null(found);
	*found = 0;
	tables[map].keys[(size_t)(found - tables[map].values[0]) / OWN_WORDS] = 0;
	if (number == appears)
		put(map - OWN, number, 1, 1);
	return 0;
}

uint64_t __wrap_generation_pinned_misses(const struct tracer *asked, const struct generation *generation)
{
	(void)asked;
	(void)generation;
	return missed;
}

uint64_t __wrap_generation_pinned_missed_raw_writes(const struct tracer *asked, const struct generation *generation)
{
	(void)asked;
	(void)generation;
	return missed_raw;
}

static int set_up(void **state)
{
	(void)state;
	memset(tables, 0, sizeof(tables));
	memset(counters, 0, sizeof(counters));
	memset(&globals, 0, sizeof(globals));
	memset(&tracer, 0, sizeof(tracer));
	unreadable = -1;
	appears = missed = missed_raw = 0;
	meanwhile.key = 0;
	tracer.own.globals = &globals;
	tracer.own.ready = -1;
	tracer.old_count = 1;
	for (int i = 0; i < MAP_COUNT; i++) {
		tracer.old[0].loaded.maps[i] = i;
		tracer.own.loaded.maps[i] = OWN + i;
	}
	tracer.old[0].header.losses_bytes = sizeof(counters[0]);
	tracer.old[0].header.accounted = sizeof(counters[0]);
	return 0;
}

static const enum map copied[] = {MAP_superblocks, MAP_raw_writes, MAP_writers, MAP_operations};
enum { COPIES = sizeof(copied) / sizeof(*copied) };

static bool is_living(enum map map)
{
	return map == MAP_writers || map == MAP_operations;
}

static void tables_are_copied(void **state)
{
	(void)state;
	for (size_t i = 0; i < COPIES; i++) {
		put(copied[i], 10, 5, 6);
		put(copied[i], 11, 7, 8);
		put(OWN + copied[i], 11, 9, 9);
	}
	assert_int_equal(tracer_copy_tables(&tracer), 0);
	for (size_t i = 0; i < COPIES; i++) {
		const uint64_t *entry = find(OWN + copied[i], 10);

		assert_non_null(entry);
		assert_true(entry[0] == (is_living(copied[i]) ? COPIED : 5));
		assert_int_equal(entry[1], 6);
	}
	/* Of what lives, what the new programs have entered themselves is newer. */
	assert_int_equal(find(OWN + MAP_writers, 11)[0], 9);
	assert_int_equal(find(OWN + MAP_operations, 11)[0], 9);
}

/* The store knows of no more than the old programs do. */
static void writes_go_on_where_they_were(void **state)
{
	struct raw_write old = {.writes = 3, .pid = 5, .mapped = 1, .checker = 7, .command = "dd"};
	struct raw_write opened = {.pid = 6, .command = "smartd"}, mapped = {.writes = 4, .pid = 8, .mapped = 1};
	struct raw_write entry;

	(void)state;
	put_raw_write(MAP_raw_writes, 10, &old);
	put_raw_write(OWN + MAP_raw_writes, 10, &opened);
	old = (struct raw_write){.writes = 3, .pid = 5, .command = "dd"};
	put_raw_write(MAP_raw_writes, 11, &old);
	put_raw_write(OWN + MAP_raw_writes, 11, &mapped);
	assert_int_equal(tracer_copy_tables(&tracer), 0);
	memcpy(&entry, find(OWN + MAP_raw_writes, 10), sizeof(entry));
	assert_true(entry.writes > 3);
	assert_int_equal(entry.pid, 5);
	assert_int_equal(entry.mapped, 1);
	assert_int_equal(entry.checker, 7);
	assert_string_equal(entry.command, "dd");
	memcpy(&entry, find(OWN + MAP_raw_writes, 11), sizeof(entry));
	assert_true(entry.writes > 7);
	assert_int_equal(entry.pid, 8);
	assert_int_equal(entry.mapped, 1);
}

static void assert_superblock(uint64_t key, uint32_t came, uint32_t ended)
{
	struct superblock entry;

	memcpy(&entry, find(OWN + MAP_superblocks, key), sizeof(entry));
	assert_int_equal(entry.came, came);
	assert_int_equal(entry.ended, ended);
}

/* The start before had told the new programs, and pinned them: both sides have counted since. */
static void writes_that_were_told_before_stay(void **state)
{
	struct raw_write old = {.writes = 3}, own = {.writes = 3}, entry;

	(void)state;
	tracer.own.ready = 1;
	put_raw_write(MAP_raw_writes, 10, &old);
	put_raw_write(OWN + MAP_raw_writes, 10, &own);
	assert_int_equal(tracer_copy_tables(&tracer), 0);
	memcpy(&entry, find(OWN + MAP_raw_writes, 10), sizeof(entry));
	assert_int_equal(entry.writes, 3);
}

/* It ends between the looks at both entries: none has come that goes on. */
static void superblock_that_was_told_before_stays(void **state)
{
	(void)state;
	tracer.own.ready = 1;
	put_superblock(MAP_superblocks, 10, 2, 2);
	put_superblock(OWN + MAP_superblocks, 10, 2, 1);
	assert_int_equal(tracer_copy_tables(&tracer), 0);
	assert_superblock(10, 2, 1);
}

/* What the new programs count between the look and the putting is lost. The store may know of the one write. */
static void write_that_is_counted_meanwhile_shows(void **state)
{
	struct raw_write old = {.writes = 1}, own = {0}, entry;

	(void)state;
	put_raw_write(MAP_raw_writes, 10, &old);
	put_raw_write(OWN + MAP_raw_writes, 10, &own);
	assert_int_equal(tracer_copy_tables(&tracer), 0);
	memcpy(&entry, find(OWN + MAP_raw_writes, 10), sizeof(entry));
	assert_true(entry.writes > old.writes);
}

static void superblock_that_came_meanwhile_is_another(void **state)
{
	static const struct {
		uint32_t old[2], own[2], result[2];
	} rows[] = {
		{{2, 1}, {1, 0}, {2, 1}}, /* both have seen it */
		{{1, 1}, {1, 0}, {2, 1}}, /* the old programs are just about to */
		{{2, 2}, {1, 0}, {3, 2}}, /* and had seen one before */
		{{2, 2}, {1, 1}, {2, 2}}, /* it has gone again */
		{{1, 0}, {1, 0}, {1, 0}}, /* copied before, by one that did not come to its end */
		{{1, 0}, {2, 1}, {2, 1}}, /* the new programs are further */
		{{1, 0}, {1, 1}, {1, 1}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		set_up(NULL);
		put_superblock(MAP_superblocks, 10, rows[i].old[0], rows[i].old[1]);
		put_superblock(OWN + MAP_superblocks, 10, rows[i].own[0], rows[i].own[1]);
		assert_int_equal(tracer_copy_tables(&tracer), 0);
		assert_superblock(10, rows[i].result[0], rows[i].result[1]);
	}
}

/* Its end is counted in the entry that is replaced. */
static void superblock_that_goes_meanwhile_is_looked_at_again(void **state)
{
	(void)state;
	put_superblock(MAP_superblocks, 10, 2, 1);
	put_superblock(OWN + MAP_superblocks, 10, 1, 0);
	meanwhile.key = 10;
	meanwhile.superblock = (struct superblock){.came = 3, .ended = 2};
	assert_int_equal(tracer_copy_tables(&tracer), 0);
	assert_superblock(10, 3, 2);
}

static void what_has_no_room_is_a_loss(void **state)
{
	(void)state;
	for (size_t i = 1; i < COPIES; i++) {
		put(copied[i], 10, 5, 6);
		for (uint64_t key = 20; key < 20 + ROOM; key++)
			put(OWN + copied[i], key, 9, 9);
	}
	assert_int_equal(tracer_copy_tables(&tracer), 0);
	assert_int_equal(globals.losses.raw_writes_full, 1);
	assert_int_equal(globals.losses.writers_full, 1);
	assert_int_equal(globals.losses.operations_full, 1);
}

static void what_cannot_be_read_is_not_empty(void **state)
{
	(void)state;
	for (size_t i = 0; i < COPIES; i++) {
		unreadable = copied[i];
		assert_true(tracer_copy_tables(&tracer) < 0);
	}
	unreadable = MAP_bss;
	assert_true(tracer_inherit_losses(&tracer) < 0);
}

/* Their end may have been before the new programs were there, and after the old table was read. */
static void what_has_ended_meanwhile_goes(void **state)
{
	(void)state;
	put(OWN + MAP_writers, 10, COPIED, 1);
	put(OWN + MAP_writers, 11, COPIED, 1);
	put(OWN + MAP_writers, 12, 9, 1);
	put(MAP_writers, 11, 5, 1);
	put(OWN + MAP_operations, 13, COPIED, 1);
	assert_int_equal(tracer_remove_stale(&tracer), 0);
	assert_null(find(OWN + MAP_writers, 10));
	assert_non_null(find(OWN + MAP_writers, 11));
	assert_non_null(find(OWN + MAP_writers, 12));
	assert_null(find(OWN + MAP_operations, 13));
}

static void another_that_gets_its_address_meanwhile_stays(void **state)
{
	(void)state;
	put(OWN + MAP_writers, 10, COPIED, 1);
	appears = 10;
	assert_int_equal(tracer_remove_stale(&tracer), 0);
	assert_non_null(find(OWN + MAP_writers, 10));
}

/* Whatever they are called: those that this build does not know as well. */
static void losses_are_inherited(void **state)
{
	uint64_t sum = 0;

	(void)state;
	counters[0][1] = 7;
	counters[1][1] = 5;
	counters[0][KNOWN] = 3;
	counters[0][2] = counters[1][2] = 4;
	missed = 9;
	tracer.old[0].header.missed_runs = 6;
	tracer.old[0].header.lasting = 2;
	missed_raw = 4;
	assert_int_equal(tracer_inherit_losses(&tracer), 0);
	assert_int_equal(tracer.own.header.inherited, 3);
	assert_int_equal(tracer.own.header.missed_raw, 4);
	assert_int_equal(tracer.own.header.lasting, 2);
	for (size_t i = 0; i < KNOWN; i++)
		sum += ((const uint64_t *)&globals.losses)[i];
	assert_int_equal(((const uint64_t *)&globals.losses)[1], 2);
	assert_int_equal(sum, 5);
}

static void misses_that_cannot_be_told_are_one(void **state)
{
	(void)state;
	missed = MISSED_UNKNOWN;
	assert_int_equal(tracer_inherit_losses(&tracer), 0);
	assert_int_equal(tracer.own.header.inherited, 1);
	/* A server has gone. */
	missed = 1;
	tracer.old[0].header.missed_runs = 2;
	assert_int_equal(tracer_inherit_losses(&tracer), 0);
	assert_int_equal(tracer.own.header.inherited, 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, set_up)
	const struct CMUnitTest tests[] = {
		TEST(tables_are_copied),
		TEST(writes_go_on_where_they_were),
		TEST(writes_that_were_told_before_stay),
		TEST(superblock_that_was_told_before_stays),
		TEST(write_that_is_counted_meanwhile_shows),
		TEST(superblock_that_came_meanwhile_is_another),
		TEST(superblock_that_goes_meanwhile_is_looked_at_again),
		TEST(what_has_no_room_is_a_loss),
		TEST(what_cannot_be_read_is_not_empty),
		TEST(what_has_ended_meanwhile_goes),
		TEST(another_that_gets_its_address_meanwhile_stays),
		TEST(losses_are_inherited),
		TEST(misses_that_cannot_be_told_are_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
