// SPDX-License-Identifier: GPL-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ring.h"

/* The kernel's side of a small ring, with its data twice in a row as the kernel maps it. */
enum { SIZE = 64, BUSY = 1 << 31, DISCARDED = 1 << 30 };

static struct {
	uint64_t consumer, producer;
	uint8_t data[2 * SIZE] __attribute__((aligned(8)));
} kernel;

static struct ring ring;

static int set_up(void **state)
{
	(void)state;
	memset(&kernel, 0, sizeof(kernel));
	ring = (struct ring){
		.consumer = &kernel.consumer,
		.producer = &kernel.producer,
		.data = kernel.data,
		.size = SIZE,
	};
	return 0;
}

static uint32_t *put(const char *text, uint32_t flags)
{
	uint32_t length = strlen(text) + 1;
	uint64_t offset = kernel.producer % SIZE;

	for (uint32_t i = 0; i < 8 + length; i++) {
		uint8_t byte = i < 8 ? 0 : text[i - 8];

		kernel.data[(offset + i) % SIZE] = byte;
		kernel.data[(offset + i) % SIZE + SIZE] = byte;
	}
	length |= flags;
	memcpy(kernel.data + offset, &length, sizeof(length));
	kernel.producer += ((length & 0xffff) + 8 + 7) & ~7ULL;
	return (uint32_t *)(kernel.data + offset);
}

static void records_come_in_order(void **state)
{
	(void)state;
	put("one", 0);
	put("two", 0);
	assert_string_equal(ring_next(&ring), "one");
	assert_string_equal(ring_next(&ring), "two");
	assert_null(ring_next(&ring));
}

static void nothing_is_freed_before_release(void **state)
{
	(void)state;
	put("one", 0);
	ring_next(&ring);
	assert_int_equal(kernel.consumer, 0);
	ring_release(&ring, false);
	assert_int_equal(kernel.consumer, kernel.producer);
}

static void last_record_can_be_kept(void **state)
{
	(void)state;
	put("one", 0);
	put("two", 0);
	ring_next(&ring);
	ring_next(&ring);
	ring_release(&ring, true);
	assert_int_equal(kernel.consumer, 16);
	ring_release(&ring, false);
	assert_int_equal(kernel.consumer, kernel.producer);
}

static void unfinished_record_holds_the_rest(void **state)
{
	uint32_t *header;

	(void)state;
	header = put("one", BUSY);
	put("two", 0);
	assert_null(ring_next(&ring));
	*header &= ~BUSY;
	assert_string_equal(ring_next(&ring), "one");
	assert_string_equal(ring_next(&ring), "two");
}

static void discarded_record_is_passed_over(void **state)
{
	(void)state;
	put("one", DISCARDED);
	put("two", 0);
	assert_string_equal(ring_next(&ring), "two");
}

static void record_goes_over_the_end(void **state)
{
	(void)state;
	for (int i = 0; i < 20; i++) {
		put("a record of 25 bytes ...", 0);
		assert_string_equal(ring_next(&ring), "a record of 25 bytes ...");
		ring_release(&ring, false);
	}
	assert_int_equal(ring_produced(&ring), ring.position);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(records_come_in_order, set_up),
		cmocka_unit_test_setup(nothing_is_freed_before_release, set_up),
		cmocka_unit_test_setup(last_record_can_be_kept, set_up),
		cmocka_unit_test_setup(unfinished_record_holds_the_rest, set_up),
		cmocka_unit_test_setup(discarded_record_is_passed_over, set_up),
		cmocka_unit_test_setup(record_goes_over_the_end, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
