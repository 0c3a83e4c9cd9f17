// SPDX-License-Identifier: GPL-2.0
/* Records of this build and of others, whose fixed part is longer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tracer_private.h"

enum { SIZE = 4096, OLD = 80, LATER = 96 };

static const char path[] = "file/directory/";
static const char command[COMMAND_BYTES] = "deliver";

/* The kernel's side of a ring. */
struct kernel {
	uint64_t consumer, producer;
	uint8_t data[SIZE] __attribute__((aligned(8)));
};

static struct kernel old, own;
static struct tracer tracer;

static void begin(struct ring *ring, struct kernel *kernel)
{
	memset(kernel, 0, sizeof(*kernel));
	*ring = (struct ring){
		.consumer = &kernel->consumer,
		.producer = &kernel->producer,
		.data = kernel->data,
		.size = SIZE,
	};
}

static int set_up(void **state)
{
	(void)state;
	memset(&tracer, 0, sizeof(tracer));
	begin(&tracer.own.ring, &own);
	begin(&tracer.old[0].ring, &old);
	tracer.converted = malloc(sizeof(struct event) + RECORD_PATH_BYTES);
	return tracer.converted ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	free(tracer.converted);
	return 0;
}

/* A record whose fixed part has event_bytes; those beyond the ones that we know are of no meaning here. */
static void put(struct kernel *kernel, size_t event_bytes, uint64_t inode, bool with_command)
{
	const struct event event = {.kind = EVENT_PATH, .inode = inode, .links = 3, .path_bytes = sizeof(path) - 1};
	uint8_t *to = kernel->data + kernel->producer + 8;
	uint32_t length = (uint32_t)(event_bytes + event.path_bytes + (with_command ? COMMAND_BYTES : 0));

	memset(to, 0xaa, event_bytes);
	memcpy(to, &event, event_bytes < sizeof(event) ? event_bytes : sizeof(event));
	memcpy(to + event_bytes, path, event.path_bytes);
	if (with_command)
		memcpy(to + event_bytes + event.path_bytes, command, COMMAND_BYTES);
	memcpy(to - 8, &length, sizeof(length));
	kernel->producer += (length + 8 + 7) & ~7ULL;
}

static const struct event *expect_next(uint64_t inode)
{
	const struct event *event = tracer_next(&tracer);

	assert_non_null(event);
	assert_int_equal(event->inode, inode);
	assert_int_equal(event->path_bytes, sizeof(path) - 1);
	assert_memory_equal(event + 1, path, sizeof(path) - 1);
	return event;
}

static void commands_are_there_while_somebody_watches(void **state)
{
	const struct event *event;

	(void)state;
	put(&own, sizeof(struct event), 1, false);
	put(&own, sizeof(struct event), 2, true);
	put(&own, sizeof(struct event), 3, false);
	assert_null(tracer_command(&tracer, expect_next(1)));
	event = expect_next(2);
	assert_non_null(tracer_command(&tracer, event));
	assert_string_equal(tracer_command(&tracer, event), command);
	assert_null(tracer_command(&tracer, expect_next(3)));
	assert_null(tracer_next(&tracer));
}

static void other_builds_are_understood(void **state)
{
	const uint32_t bytes = *(const uint32_t *)*state;

	tracer.old_count = 1;
	tracer.old[0].header.event_bytes = bytes;
	put(&old, bytes, 1, false);
	put(&old, bytes, 2, true);
	tracer.old[0].end = old.producer;
	put(&own, sizeof(struct event), 3, true);
	assert_null(tracer_command(&tracer, expect_next(1)));
	assert_null(tracer_command(&tracer, expect_next(2)));
	assert_non_null(tracer_command(&tracer, expect_next(3)));
	assert_null(tracer_next(&tracer));
}

static uint32_t sizes[] = {OLD, sizeof(struct event), LATER};

static int set_up_with(void **state)
{
	void *size = *state;
	int result = set_up(state);

	*state = size;
	return result;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(commands_are_there_while_somebody_watches, set_up, tear_down),
		cmocka_unit_test_prestate_setup_teardown(other_builds_are_understood, set_up_with, tear_down,
							 &sizes[0]),
		cmocka_unit_test_prestate_setup_teardown(other_builds_are_understood, set_up_with, tear_down,
							 &sizes[1]),
		cmocka_unit_test_prestate_setup_teardown(other_builds_are_understood, set_up_with, tear_down,
							 &sizes[2]),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
