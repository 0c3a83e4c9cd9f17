// SPDX-License-Identifier: GPL-2.0
/* In which order the kernel side is told and asked things, where something else happens at the same time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tracer_private.h"

enum { DEVICE = 8 << 20 | 1, EPOCH = 9, CAME = 2 };

static struct globals globals;
static struct tracer tracer;

/* In place of the kernel: the entry of a filesystem, and what is mounted by its number meanwhile. */
static uint32_t came;
static bool is_entered, begins, ends;

static void mount_one(void)
{
	globals.mounts_begun += begins;
	globals.mounts_ended += ends;
}

int __wrap_kernel_get(int map, const void *key, void *value)
{
	(void)map;
	assert_int_equal(*(const uint32_t *)key, DEVICE);
	*(struct superblock *)value = (struct superblock){.came = came, .ended = CAME};
	return 0;
}

int __wrap_kernel_remove(int map, const void *key)
{
	(void)map;
	assert_int_equal(*(const uint32_t *)key, DEVICE);
	is_entered = false;
	mount_one();
	return 0;
}

/* What has been told when each of them goes over its map. */
static struct {
	bool settled, lasting;
} told[ITERATOR_COUNT];
static unsigned runs;

int __wrap_kernel_run_iterator(int program, int map)
{
	(void)map;
	told[program].settled = globals.settled == EPOCH;
	told[program].lasting = globals.lasting == EPOCH;
	runs++;
	return 0;
}

int __wrap_kernel_each_entry(int map, int (*each)(const void *key, const void *value, void *context), void *context)
{
	(void)map;
	(void)each;
	(void)context;
	return 0;
}

static int set_up(void **state)
{
	(void)state;
	globals = (struct globals){
		.epoch = EPOCH, .settled = EPOCH - 1, .lasting = EPOCH - 1, .mounts_begun = 4, .mounts_ended = 4};
	memset(&tracer, 0, sizeof(tracer));
	tracer.own.globals = &globals;
	for (int i = 0; i < ITERATOR_COUNT; i++)
		tracer.own.loaded.iterators[i] = i;
	came = CAME;
	is_entered = true;
	begins = ends = false;
	runs = 0;
	return 0;
}

static void number_that_is_given_up(void **state)
{
	(void)state;
	assert_int_equal(tracer_forget(&tracer, DEVICE, CAME), 0);
	assert_false(is_entered);
}

/* Whether it has found the entry of the one before, and was counted there, nobody knows. */
static void another_comes_while_it_is_given_up(void **state)
{
	(void)state;
	begins = ends = true;
	assert_int_equal(tracer_forget(&tracer, DEVICE, CAME), 1);
}

static void another_is_coming_all_the_while(void **state)
{
	(void)state;
	globals.mounts_begun++;
	assert_int_equal(tracer_forget(&tracer, DEVICE, CAME), 1);
}

static void another_has_come_before(void **state)
{
	(void)state;
	came++;
	assert_int_equal(tracer_forget(&tracer, DEVICE, CAME), 0);
	assert_true(is_entered);
}

/* What each of them meets may be named anew by what the one before has looked for. */
static void renames_are_settled_before_operations_and_these_before_files(void **state)
{
	(void)state;
	assert_int_equal(tracer_carry(&tracer), 0);
	assert_int_equal(runs, 3);
	assert_false(told[ITERATOR_carry_renames].settled);
	assert_true(told[ITERATOR_carry_operations].settled);
	assert_false(told[ITERATOR_carry_operations].lasting);
	assert_true(told[ITERATOR_carry_writers].lasting);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, set_up)
	const struct CMUnitTest tests[] = {
		TEST(number_that_is_given_up),
		TEST(another_comes_while_it_is_given_up),
		TEST(another_is_coming_all_the_while),
		TEST(another_has_come_before),
		TEST(renames_are_settled_before_operations_and_these_before_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
