// SPDX-License-Identifier: GPL-2.0
/* That the kernel tells of a setting is tested in a guest (suite/precision.sh): here nothing sets the clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "clock.h"
#include "moment.h"

static void is_quiet_while_nothing_happens(void **state)
{
	struct clock clock;

	(void)state;
	assert_int_equal(clock_open(&clock), 0);
	for (int i = 0; i < 3; i++) {
		assert_false(clock_was_set(&clock));
		usleep(10000);
	}
	clock_close(&clock);
	assert_int_equal(clock.descriptor, -1);
}

static void tells_once_that_the_clocks_differ(void **state)
{
	static const int64_t steps[] = {NANOSECONDS, -NANOSECONDS, NANOSECONDS / 4, -NANOSECONDS / 4};
	struct clock clock;

	(void)state;
	assert_int_equal(clock_open(&clock), 0);
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		clock.offset += steps[i];
		assert_true(clock_was_set(&clock));
		assert_false(clock_was_set(&clock));
	}
	clock_close(&clock);
}

/* Without its timer it knows nothing, and says so. */
static void is_not_sure_without_a_timer(void **state)
{
	struct clock clock;

	(void)state;
	assert_int_equal(clock_open(&clock), 0);
	clock_close(&clock);
	assert_true(clock_was_set(&clock));
	assert_true(clock_was_set(&clock));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_quiet_while_nothing_happens),
		cmocka_unit_test(tells_once_that_the_clocks_differ),
		cmocka_unit_test(is_not_sure_without_a_timer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
