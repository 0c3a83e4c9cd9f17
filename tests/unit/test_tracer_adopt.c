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
	OLD_WORDS = 2, /* of a value */
	OWN_WORDS = 3,
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
	tables[map].values[at][0] = first;
	tables[map].values[at][1] = second;
	tables[map].values[at][2] = 0;
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
	assert_int_equal(words[2], 0);
	put(map, number, words[0], words[1]);
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
	tracer.own.globals = &globals;
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
		/* What the new programs have entered themselves is newer. */
		assert_int_equal(find(OWN + copied[i], 11)[0], 9);
	}
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
		TEST(what_has_no_room_is_a_loss),
		TEST(what_cannot_be_read_is_not_empty),
		TEST(what_has_ended_meanwhile_goes),
		TEST(another_that_gets_its_address_meanwhile_stays),
		TEST(losses_are_inherited),
		TEST(misses_that_cannot_be_told_are_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
