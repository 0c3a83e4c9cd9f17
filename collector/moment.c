// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "moment.h"

enum { MINUTE = 60, HOUR = 3600, DAY = 86400 };

static int64_t read_clock(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * NANOSECONDS + now.tv_nsec;
}

int64_t moment_now(void)
{
	return read_clock(CLOCK_REALTIME);
}

int64_t moment_of_boot(void)
{
	return read_clock(CLOCK_BOOTTIME);
}

/* Digits only; at most what still is a moment. */
static int parse_seconds(const char *text, char **end, int64_t *seconds)
{
	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	errno = 0;
	*seconds = strtoll(text, end, 10);
	return errno || *seconds > INT64_MAX / NANOSECONDS ? -EINVAL : 0;
}

static int64_t unit_seconds(char unit)
{
	switch (unit) {
	case 's':
		return 1;
	case 'm':
		return MINUTE;
	case 'h':
		return HOUR;
	case 'd':
		return DAY;
	default:
		return 0;
	}
}

static int parse_ago(const char *text, int64_t now, int64_t *moment)
{
	int64_t count, unit, ago;
	char *end;

	if (parse_seconds(text, &end, &count))
		return -EINVAL;
	unit = unit_seconds(*end);
	if (!unit || (end[1] && strcmp(end + 1, " ago") != 0))
		return -EINVAL;
	if (__builtin_mul_overflow(count, unit * NANOSECONDS, &ago) || ago > now)
		return -EINVAL;
	*moment = now - ago;
	return 0;
}

static void start_of_day(struct tm *date)
{
	date->tm_hour = date->tm_min = date->tm_sec = 0;
}

/* The calendar decides what a day is: it may have 23 or 25 hours. */
static int parse_word(const char *text, struct tm *date)
{
	if (strcmp(text, "today") != 0 && strcmp(text, "yesterday") != 0)
		return -EINVAL;
	start_of_day(date);
	if (*text == 'y')
		date->tm_mday--;
	return 0;
}

static int parse_calendar(const char *text, struct tm *date)
{
	static const char *const layouts[] = {
		"%Y-%m-%d",          "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M",
		"%Y-%m-%dT%H:%M:%S", "%H:%M",          "%H:%M:%S",
	};

	for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++) {
		struct tm parsed = *date;
		const char *end;

		start_of_day(&parsed);
		end = strptime(text, layouts[i], &parsed);
		if (!end || *end)
			continue;
		*date = parsed;
		return 0;
	}
	return -EINVAL;
}

static int from_calendar(struct tm *date, int64_t *moment)
{
	struct tm wanted = *date;
	time_t seconds;

	date->tm_isdst = -1;
	seconds = mktime(date);
	/* A date that is none, such as 30 February, comes back as another one; "yesterday" asks for that. */
	if (seconds < 0 || (wanted.tm_mday > 0 && date->tm_mday != wanted.tm_mday))
		return -EINVAL;
	*moment = seconds * NANOSECONDS;
	return 0;
}

int moment_parse(const char *text, int64_t now, int64_t *moment)
{
	time_t seconds = now / NANOSECONDS;
	struct tm date;
	char *end;

	if (strcmp(text, "now") == 0) {
		*moment = now;
		return 0;
	}
	if (*text == '@') {
		if (parse_seconds(text + 1, &end, moment) || *end)
			return -EINVAL;
		*moment *= NANOSECONDS;
		return 0;
	}
	if (parse_ago(text, now, moment) == 0)
		return 0;
	localtime_r(&seconds, &date);
	if (parse_word(text, &date) && parse_calendar(text, &date))
		return -EINVAL;
	return from_calendar(&date, moment);
}

static const char *parse_fraction(const char *text, int64_t *nanoseconds)
{
	int64_t unit = NANOSECONDS / 10;

	*nanoseconds = 0;
	if (*text != '.')
		return text;
	for (text++; isdigit((unsigned char)*text); text++, unit /= 10)
		*nanoseconds += (*text - '0') * unit;
	return text;
}

int moment_parse_iso(const char *text, int64_t *moment)
{
	struct tm date = {0}, zone = {0};
	int64_t fraction;
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &date);

	if (!end)
		return -EINVAL;
	end = strptime(parse_fraction(end, &fraction), "%z", &zone);
	if (!end || *end)
		return -EINVAL;
	*moment = (timegm(&date) - zone.tm_gmtoff) * NANOSECONDS + fraction;
	return 0;
}

const char *moment_local(int64_t moment, char text[MOMENT_BYTES])
{
	time_t seconds = moment / NANOSECONDS;
	struct tm date;

	localtime_r(&seconds, &date);
	strftime(text, MOMENT_BYTES, "%Y-%m-%d %H:%M:%S", &date);
	return text;
}

const char *moment_clock(int64_t moment, char text[MOMENT_BYTES])
{
	time_t seconds = moment / NANOSECONDS;
	struct tm date;
	size_t length;

	localtime_r(&seconds, &date);
	length = strftime(text, MOMENT_BYTES, "%H:%M:%S", &date);
	snprintf(text + length, MOMENT_BYTES - length, ".%03" PRId64, moment % NANOSECONDS / 1000000);
	return text;
}

const char *moment_iso(int64_t moment, char text[MOMENT_BYTES])
{
	time_t seconds = moment / NANOSECONDS;
	struct tm date;

	gmtime_r(&seconds, &date);
	strftime(text, MOMENT_BYTES, "%Y-%m-%dT%H:%M:%SZ", &date);
	return text;
}

const char *moment_duration(int64_t nanoseconds, char text[MOMENT_BYTES])
{
	int64_t seconds = nanoseconds < 0 ? 0 : nanoseconds / NANOSECONDS;

	if (seconds < MINUTE)
		snprintf(text, MOMENT_BYTES, "%" PRId64 "s", seconds);
	else if (seconds < HOUR)
		snprintf(text, MOMENT_BYTES, "%" PRId64 "m", seconds / MINUTE);
	else if (seconds < DAY)
		snprintf(text, MOMENT_BYTES, "%" PRId64 "h %" PRId64 "m", seconds / HOUR, seconds % HOUR / MINUTE);
	else
		snprintf(text, MOMENT_BYTES, "%" PRId64 "d %" PRId64 "h", seconds / DAY, seconds % DAY / HOUR);
	return text;
}
