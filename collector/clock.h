/* SPDX-License-Identifier: GPL-2.0 */
/* Tells whether the system's clock was set. Slewing, as time synchronisation does, is not setting. */
#ifndef FSCHANGED_CLOCK_H
#define FSCHANGED_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct clock {
	int descriptor; /* readable when the clock was set */
	int64_t offset; /* Unix time minus the time since the boot, in nanoseconds */
};

#define CLOCK_CLOSED ((struct clock){.descriptor = -1})

/* 0 or -errno. */
int clock_open(struct clock *clock);
void clock_close(struct clock *clock);
/* Since it was opened or this was last asked. */
bool clock_was_set(struct clock *clock);

#endif
