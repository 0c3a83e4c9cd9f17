// SPDX-License-Identifier: GPL-2.0
/* Write access that no known file explains. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "collector.h"
#include "hidden.h"
#include "stand_ins.h"

enum { DEVICE = 8 << 20 | 1, OTHER_DEVICE = 8 << 20 | 2, CLOSING = 3, WINDOW = 4 };

/* In place of the kernel: for each look from the first on; the last one stays. */
static int64_t held[4], other_held;
static unsigned looks, swaps[2], swap_calls;

/* In place of the store. */
static unsigned gaps;
static int gap_result;
static enum gap_reason last_reason;

int __wrap_tracer_count_held(struct tracer *tracer)
{
	(void)tracer;
	looks++;
	return 0;
}

int64_t __wrap_tracer_held(const struct tracer *tracer, uint32_t device)
{
	(void)tracer;
	if (device == OTHER_DEVICE)
		return other_held;
	return held[looks <= 4 ? looks - 1 : 3];
}

int __wrap_swaps_each(int (*each)(const char *path, void *context), void *context)
{
	unsigned count = swaps[swap_calls++ % 2];

	for (unsigned i = 0; i < count; i++)
		assert_int_equal(each("/disk/swapfile", context), 0);
	return 0;
}

int __wrap_collector_add_gap(struct collector *collector, uint64_t first, uint64_t last,
			     const struct covered *filesystem, int64_t started, enum gap_reason reason,
			     const char *detail)
{
	(void)collector;
	(void)started;
	assert_int_equal(filesystem->device, DEVICE);
	assert_int_equal(first, CLOSING);
	assert_int_equal(last, WINDOW);
	(void)detail;
	last_reason = reason;
	if (gap_result)
		return gap_result;
	gaps++;
	return 0;
}

static int set_up(void **state)
{
	static char root[] = "/", disk[] = "/disk", other[] = "/other";
	static struct mount mounts[] = {
		{.mount_point = disk, .root = root, .device = DEVICE},
		{.mount_point = other, .root = root, .device = OTHER_DEVICE},
	};
	static struct covered rows[2];
	static struct collector collector;

	rows[0] = (struct covered){.device = DEVICE};
	rows[1] = (struct covered){.device = OTHER_DEVICE};
	collector = (struct collector){
		.closing = CLOSING,
		.window = WINDOW,
		.coverage = {.mounts = {.rows = mounts, .count = 2}, .rows = rows, .count = 2},
	};
	memset(held, 0, sizeof(held));
	memset(swaps, 0, sizeof(swaps));
	other_held = 0;
	looks = swap_calls = entered = gaps = 0;
	*state = &collector;
	return 0;
}

static void set_held(int64_t first, int64_t second, int64_t rest)
{
	held[0] = first;
	held[1] = second;
	held[2] = held[3] = rest;
}

static void nothing_is_held(void **state)
{
	assert_int_equal(hidden_check(*state), 0);
	assert_int_equal(looks, 1);
	assert_int_equal(gaps, 0);
	/* For good. */
	set_held(1, 1, 1);
	assert_int_equal(hidden_check(*state), 0);
	assert_int_equal(hidden_settle(*state), 0);
	assert_int_equal(looks, 1);
	assert_int_equal(gaps, 0);
}

/* Operations under way end. */
static void one_look_at_rest_is_enough(void **state)
{
	set_held(5, 2, 0);
	assert_int_equal(hidden_check(*state), 0);
	assert_int_equal(looks, 3);
	assert_int_equal(gaps, 0);
	assert_int_equal(entered, 1);
}

static void held_file_is_a_gap_until_it_goes(void **state)
{
	set_held(2, 1, 1);
	for (unsigned cut = 1; cut <= 3; cut++) {
		assert_int_equal(hidden_check(*state), 0);
		assert_int_equal(gaps, cut);
		assert_int_equal(last_reason, GAP_HELD_OPEN);
	}
	assert_int_equal(entered, 3);
	set_held(0, 0, 0);
	assert_int_equal(hidden_check(*state), 0);
	assert_int_equal(gaps, 3);
}

/* It was held in that window, whatever is seen later. */
static void gap_that_cannot_be_kept_is_kept_later(void **state)
{
	set_held(1, 1, 1);
	gap_result = -ENOSPC;
	assert_int_equal(hidden_check(*state), -ENOSPC);
	gap_result = 0;
	set_held(0, 0, 0);
	assert_int_equal(hidden_check(*state), 0);
	assert_int_equal(gaps, 1);
	assert_int_equal(hidden_check(*state), 0);
	assert_int_equal(gaps, 1);
}

static void swap_file_explains_one(void **state)
{
	swaps[0] = swaps[1] = 1;
	set_held(1, 1, 1);
	assert_int_equal(hidden_check(*state), 0);
	assert_int_equal(gaps, 0);
}

/* One that comes or goes while it is counted may be among the known files, or not. */
static void swap_file_that_goes_explains_nothing(void **state)
{
	swaps[0] = 1;
	set_held(1, 1, 1);
	assert_int_equal(hidden_check(*state), 0);
	assert_int_equal(gaps, 1);
}

static void what_cannot_be_counted_is_a_gap(void **state)
{
	set_held(HELD_UNKNOWN, HELD_UNKNOWN, HELD_UNKNOWN - 3);
	assert_int_equal(hidden_check(*state), 0);
	assert_int_equal(gaps, 1);
	assert_int_equal(last_reason, GAP_HELD_UNCOUNTED);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, set_up)
	const struct CMUnitTest tests[] = {
		TEST(nothing_is_held),
		TEST(one_look_at_rest_is_enough),
		TEST(held_file_is_a_gap_until_it_goes),
		TEST(gap_that_cannot_be_kept_is_kept_later),
		TEST(swap_file_explains_one),
		TEST(swap_file_that_goes_explains_nothing),
		TEST(what_cannot_be_counted_is_a_gap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
