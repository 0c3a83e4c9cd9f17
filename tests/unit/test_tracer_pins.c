// SPDX-License-Identifier: GPL-2.0
/* What is pinned in the kernel is taken over, or goes; a call that fails tells neither. And missed runs of programs. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tracer_private.h"

enum {
	INSTANCE = 7,
	EPOCH = 20,        /* the newest window of the database */
	OFFSET = 8,        /* of the epoch in the globals of the build that has pinned this */
	NOTHING = 1 << 20, /* descriptors from here on are of no file */
	READY,
	GLOBALS,
	RING,
	LINK,
	ANY_LINK,
};

/* In place of the kernel: one generation, and the call that fails. */
static enum { NO_CALL, OPEN_READY, OPEN_GLOBALS, OPEN_LINK, SIZE_READY, SIZE_GLOBALS, GET_READY, GET_GLOBALS } failing;
static struct pin_header header;
static uint64_t epoch;
static struct ring_position known; /* to the store */
static uint64_t ring_taken;        /* as far as the ring was taken; 0: it has no pin */
static bool is_pinned;
static unsigned removed;

static uint64_t missed[HOOK_COUNT];
static bool has_server;
static int each_result, link_result, program_result;

static struct tracer tracer;

int __wrap_pins_next(const struct pins *pins, unsigned after, unsigned *next)
{
	(void)pins;
	*next = is_pinned && after == 0 ? 1 : 0;
	return 0;
}

int __wrap_pins_remove(const struct pins *pins, unsigned generation)
{
	(void)pins;
	(void)generation;
	removed++;
	return 0;
}

size_t __wrap_pins_count(const struct pins *pins, unsigned generation)
{
	(void)pins;
	(void)generation;
	return header.pins;
}

int __wrap_pins_each(const struct pins *pins, unsigned generation, int (*each)(const char *name, void *context),
		     void *context)
{
	(void)pins;
	(void)generation;
	if (!each_result)
		each_result = each("link_set_posix_acl", context);
	return each_result;
}

static bool fails(int call)
{
	return (int)failing == call;
}

int __wrap_kernel_open_pin(const char *path)
{
	const char *name = strrchr(path, '/') + 1;

	if (strcmp(name, PINS_READY) == 0)
		return fails(OPEN_READY) ? -EMFILE : READY;
	if (strcmp(name, "map_bss") == 0)
		return fails(OPEN_GLOBALS) ? -ENOMEM : GLOBALS;
	if (strcmp(name, "map_events") == 0 && ring_taken)
		return RING;
	if (strcmp(name, "link_set_posix_acl") == 0)
		return fails(OPEN_LINK) ? -EMFILE : link_result;
	return -ENOENT;
}

uint32_t __wrap_kernel_entries(int map)
{
	assert_int_equal(map, RING);
	return 1;
}

int __wrap_ring_open(struct ring *ring, int map, uint32_t size)
{
	assert_int_equal(map, RING);
	assert_int_equal(size, 1);
	*ring = (struct ring){.consumer = &ring_taken, .position = ring_taken};
	return 0;
}

void __wrap_ring_close(struct ring *ring)
{
	(void)ring;
}

uint32_t __wrap_kernel_value_bytes(int map)
{
	if (map == READY)
		return fails(SIZE_READY) ? 0 : sizeof(header);
	return fails(SIZE_GLOBALS) ? 0 : OFFSET + sizeof(epoch);
}

int __wrap_kernel_get(int map, const void *key, void *value)
{
	(void)key;
	if (map == READY && !fails(GET_READY))
		memcpy(value, &header, sizeof(header));
	if (map == GLOBALS && !fails(GET_GLOBALS))
		memcpy((char *)value + OFFSET, &epoch, sizeof(epoch));
	return fails(map == READY ? GET_READY : GET_GLOBALS) ? -EINTR : 0;
}

int __wrap_kernel_program_of(int link)
{
	assert_int_equal(link, LINK);
	return program_result;
}

uint64_t __wrap_kernel_missed_runs(int program)
{
	return missed[program - ANY_LINK];
}

bool __wrap_host_has_server(void)
{
	return has_server;
}

static int set_up(void **state)
{
	(void)state;
	failing = NO_CALL;
	header = (struct pin_header){
		.magic = PIN_MAGIC,
		.version = PIN_VERSION,
		.instance = INSTANCE,
		.epoch = OFFSET,
		.pins = 3,
	};
	epoch = EPOCH;
	ring_taken = 0;
	known = (struct ring_position){0};
	is_pinned = true;
	has_server = false;
	removed = 0;
	each_result = 0;
	link_result = LINK;
	program_result = ANY_LINK + HOOK_set_posix_acl;
	memset(missed, 0, sizeof(missed));
	memset(&tracer, 0, sizeof(tracer));
	return 0;
}

static unsigned judged; /* times, before anything was removed */
static int judged_result;

static int judge(enum tracer_origin origin, void *context)
{
	(void)context;
	assert_true(origin >= TRACER_FOREIGN);
	assert_int_equal(removed, 0);
	judged++;
	return judged_result;
}

static int start(void)
{
	static const struct tracer_options options;
	const struct tracer_state state = {.instance = INSTANCE, .taken = known, .epoch = EPOCH, .judged = judge};

	judged = 0;
	return generations_open(&tracer, &options, &state);
}

static void expect_taken(void)
{
	assert_int_equal(start(), 0);
	assert_int_equal(tracer.origin, TRACER_TAKEN_OVER);
	assert_int_equal(tracer.old_count, 1);
	assert_int_equal(removed, 0);
}

static void expect_removed(enum tracer_origin origin)
{
	assert_int_equal(start(), 0);
	assert_int_equal(tracer.origin, origin);
	assert_int_equal(tracer.old_count, 0);
	assert_int_equal(removed, 1);
	assert_int_equal(judged, 1);
}

static void what_is_ours_is_taken_over(void **state)
{
	(void)state;
	expect_taken();
}

/* The row of the next window is there before the kernel side knows of it: killed in between. */
static void killed_within_a_cut(void **state)
{
	(void)state;
	epoch = EPOCH - 1;
	expect_taken();
}

static void of_an_older_copy_of_the_database(void **state)
{
	(void)state;
	epoch = EPOCH + 1;
	expect_removed(TRACER_NEWER);
}

/* In the same window. */
static void of_an_older_copy_that_knows_less_of_the_ring(void **state)
{
	(void)state;
	header.ring = 3;
	ring_taken = 2000;
	known = (struct ring_position){3, 2000};
	expect_taken();
	known.position = 1000;
	memset(&tracer, 0, sizeof(tracer));
	expect_removed(TRACER_NEWER);
}

static void of_an_older_copy_that_knows_another_ring(void **state)
{
	(void)state;
	header.ring = 3;
	ring_taken = 2000;
	known = (struct ring_position){4, 3000};
	expect_removed(TRACER_NEWER);
}

static void of_a_store_that_knows_no_ring(void **state)
{
	(void)state;
	header.ring = 3;
	ring_taken = 2000;
	expect_taken();
}

static void of_a_newer_database(void **state)
{
	(void)state;
	epoch = EPOCH - 2;
	expect_removed(TRACER_NEWER);
}

static void of_another_database(void **state)
{
	(void)state;
	header.instance++;
	expect_removed(TRACER_FOREIGN);
}

static void never_whole(void **state)
{
	(void)state;
	header.magic = 0;
	expect_removed(TRACER_FOREIGN);
}

/* What it tells is not lost. */
static void foreign_ones_stay_until_that_is_known(void **state)
{
	(void)state;
	header.instance++;
	judged_result = -ENOSPC;
	assert_int_equal(start(), -ENOSPC);
	assert_int_equal(removed, 0);
	judged_result = 0;
}

/* It fails, and the next start finds all as it was. */
static void calls_that_fail(void **state)
{
	(void)state;
	for (int call = OPEN_READY; call <= GET_GLOBALS; call++) {
		failing = call;
		assert_true(start() < 0);
		assert_int_equal(tracer.old_count, 0);
		assert_int_equal(removed, 0);
	}
	failing = NO_CALL;
	expect_taken();
}

/* ---- missed runs */

static struct globals globals;

/* All programs that this kernel needs, each with a number of missed runs. */
static void begin_generation(struct generation *generation)
{
	generation_init(generation);
	globals = (struct globals){0};
	generation->globals = &globals;
	for (size_t i = 0; i < HOOK_COUNT; i++)
		generation->loaded.hooks[i] = ANY_LINK + (int)i;
}

/* Where there is no server tasks that set ACLs at the same time would miss it all the time. */
static void missed_acls_count_where_there_is_a_server(void **state)
{
	struct generation generation;

	(void)state;
	begin_generation(&generation);
	missed[HOOK_set_posix_acl] = 3;
	assert_int_equal(generation_missed_runs(&generation), 0);
	assert_int_equal(generation_pinned_misses(&tracer, &generation), 0);
	has_server = true;
	assert_int_equal(generation_missed_runs(&generation), 3);
	assert_int_equal(generation_pinned_misses(&tracer, &generation), 3);
	missed[HOOK_inode_setattr] = 2;
	assert_int_equal(generation_missed_runs(&generation), 5);
	has_server = false;
	assert_int_equal(generation_missed_runs(&generation), 2);
}

/* A write that was missed is over; a mapping is not. */
static void missed_raw_writes_are_of_devices_alone(void **state)
{
	struct generation generation;

	(void)state;
	begin_generation(&generation);
	missed[HOOK_blkdev_write_iter] = 2;
	missed[HOOK_blkdev_fallocate] = 1;
	assert_int_equal(generation_missed_runs(&generation), 0);
	assert_int_equal(generation_missed_raw_writes(&generation), 3);
	missed[HOOK_mmap_file] = 4;
	assert_int_equal(generation_missed_runs(&generation), 4);
	assert_int_equal(generation_missed_raw_writes(&generation), 3);
}

/* One of them is enough, and no sum is the same. */
static void count_that_cannot_be_read(void **state)
{
	struct generation generation;

	(void)state;
	begin_generation(&generation);
	generation.header.inherited = 5;
	missed[HOOK_inode_setattr] = MISSED_UNKNOWN;
	missed[HOOK_inode_unlink] = 4;
	assert_true(generation_missed_runs(&generation) == MISSED_UNKNOWN);
	has_server = true;
	missed[HOOK_set_posix_acl] = 1;
	assert_int_equal(generation_pinned_misses(&tracer, &generation), 6);
	missed[HOOK_set_posix_acl] = MISSED_UNKNOWN;
	assert_true(generation_pinned_misses(&tracer, &generation) == MISSED_UNKNOWN);
	missed[HOOK_set_posix_acl] = 1;
	program_result = -EMFILE;
	assert_true(generation_pinned_misses(&tracer, &generation) == MISSED_UNKNOWN);
	program_result = ANY_LINK + HOOK_set_posix_acl;
	link_result = -EMFILE;
	assert_true(generation_pinned_misses(&tracer, &generation) == MISSED_UNKNOWN);
	link_result = LINK;
	each_result = -EMFILE;
	assert_true(generation_pinned_misses(&tracer, &generation) == MISSED_UNKNOWN);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, set_up)
	const struct CMUnitTest tests[] = {
		TEST(what_is_ours_is_taken_over),
		TEST(killed_within_a_cut),
		TEST(of_an_older_copy_of_the_database),
		TEST(of_an_older_copy_that_knows_less_of_the_ring),
		TEST(of_an_older_copy_that_knows_another_ring),
		TEST(of_a_store_that_knows_no_ring),
		TEST(of_a_newer_database),
		TEST(of_another_database),
		TEST(never_whole),
		TEST(foreign_ones_stay_until_that_is_known),
		TEST(calls_that_fail),
		TEST(missed_acls_count_where_there_is_a_server),
		TEST(missed_raw_writes_are_of_devices_alone),
		TEST(count_that_cannot_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
