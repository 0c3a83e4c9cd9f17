/* SPDX-License-Identifier: GPL-2.0 */
/* Moments, in nanoseconds of Unix time, as people and programs write them. */
#ifndef FSCHANGED_MOMENT_H
#define FSCHANGED_MOMENT_H

#include <stdint.h>

enum { MOMENT_BYTES = 40 };

#define NANOSECONDS INT64_C(1000000000)

int64_t moment_now(void);
int64_t moment_of_boot(void); /* the same moment by the clock of records, CLOCK_BOOTTIME */

/*
 * Local time "YYYY-MM-DD", "YYYY-MM-DD HH:MM[:SS]" (also with 'T'), "HH:MM[:SS]" (today), "today", "yesterday", "now";
 * Unix time "@SECONDS"; a time ago "30s", "30m", "2h", "1d", also followed by " ago". 0 or -EINVAL.
 */
int moment_parse(const char *text, int64_t now, int64_t *moment);
/* "2026-11-22T23:00:05.123456+01:00" or with "Z", the fraction of any length or none. 0 or -EINVAL. */
int moment_parse_iso(const char *text, int64_t *moment);

/* Each writes into text and returns it. */
const char *moment_local(int64_t moment, char text[MOMENT_BYTES]); /* "2026-11-22 23:00:05" */
const char *moment_clock(int64_t moment, char text[MOMENT_BYTES]); /* "23:00:05.123", local */
const char *moment_iso(int64_t moment, char text[MOMENT_BYTES]);   /* "2026-11-22T22:00:05Z" */
/* "4s", "12m", "3h 20m", "2d 4h" */
const char *moment_duration(int64_t nanoseconds, char text[MOMENT_BYTES]);

#endif
