// SPDX-License-Identifier: GPL-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "moment.h"

/* 2026-11-23 12:00:00 in Berlin */
#define NOW (INT64_C(1795431600) * NANOSECONDS)

static int set_up(void **state)
{
	(void)state;
	setenv("TZ", "Europe/Berlin", 1);
	tzset();
	return 0;
}

static void expect(const char *text, const char *iso)
{
	char found[MOMENT_BYTES];
	int64_t moment;

	assert_int_equal(moment_parse(text, NOW, &moment), 0);
	assert_string_equal(moment_iso(moment, found), iso);
}

static void expect_none(const char *text)
{
	int64_t moment;

	assert_int_not_equal(moment_parse(text, NOW, &moment), 0);
}

static void dates_are_local(void **state)
{
	(void)state;
	expect("2026-11-22", "2026-11-21T23:00:00Z");
	expect("2026-11-22 23:00", "2026-11-22T22:00:00Z");
	expect("2026-11-22T23:00", "2026-11-22T22:00:00Z");
	expect("2026-11-22 23:00:05", "2026-11-22T22:00:05Z");
	expect("2026-07-01 00:30", "2026-06-30T22:30:00Z");
	expect("08:15", "2026-11-23T07:15:00Z");
	expect("today", "2026-11-22T23:00:00Z");
	expect("yesterday", "2026-11-21T23:00:00Z");
	expect("now", "2026-11-23T11:00:00Z");
}

static void times_ago(void **state)
{
	(void)state;
	expect("30s", "2026-11-23T10:59:30Z");
	expect("30m", "2026-11-23T10:30:00Z");
	expect("2h ago", "2026-11-23T09:00:00Z");
	expect("1d", "2026-11-22T11:00:00Z");
}

static void unix_time(void **state)
{
	(void)state;
	expect("@0", "1970-01-01T00:00:00Z");
	expect("@1795431600", "2026-11-23T11:00:00Z");
}

static void yesterday_of_the_first(void **state)
{
	char found[MOMENT_BYTES];
	int64_t first = 0, moment;

	(void)state;
	assert_int_equal(moment_parse("2027-01-01 10:00", NOW, &first), 0);
	assert_int_equal(moment_parse("yesterday", first, &moment), 0);
	assert_string_equal(moment_local(moment, found), "2026-12-31 00:00:00");
}

static void nonsense_is_refused(void **state)
{
	static const char *const texts[] = {"",
					    "soon",
					    "2026-02-30",
					    "2026-13-01",
					    "2026-11-22 25:00",
					    "@",
					    "@-1",
					    "@12x",
					    "5x",
					    "-5m",
					    "12",
					    "2026-11-22x",
					    "h",
					    "99999999999999999999s",
					    "@99999999999999",
					    "2hago"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		expect_none(texts[i]);
}

static void iso_has_fraction_and_zone(void **state)
{
	int64_t moment;

	(void)state;
	assert_int_equal(moment_parse_iso("2026-11-23T12:00:00.250001+01:00", &moment), 0);
	assert_int_equal(moment, NOW + 250001000);
	assert_int_equal(moment_parse_iso("2026-11-23T11:00:00Z", &moment), 0);
	assert_int_equal(moment, NOW);
	assert_int_not_equal(moment_parse_iso("2026-11-23T11:00:00", &moment), 0);
	assert_int_not_equal(moment_parse_iso("yesterday", &moment), 0);
}

static void expect_duration(int64_t seconds, const char *text)
{
	char found[MOMENT_BYTES];

	assert_string_equal(moment_duration(seconds * NANOSECONDS, found), text);
}

static void written_for_people(void **state)
{
	char text[MOMENT_BYTES];

	(void)state;
	assert_string_equal(moment_local(NOW, text), "2026-11-23 12:00:00");
	assert_string_equal(moment_clock(NOW + 7000000, text), "12:00:00.007");
	expect_duration(59, "59s");
	expect_duration(720, "12m");
	expect_duration(3 * 3600 + 20 * 60, "3h 20m");
	expect_duration(2 * 86400 + 4 * 3600, "2d 4h");
	expect_duration(-1, "0s");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dates_are_local),     cmocka_unit_test(times_ago),
		cmocka_unit_test(unix_time),           cmocka_unit_test(yesterday_of_the_first),
		cmocka_unit_test(nonsense_is_refused), cmocka_unit_test(iso_has_fraction_and_zone),
		cmocka_unit_test(written_for_people),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
