/* SPDX-License-Identifier: GPL-2.0 */
/* Starts `fschanged scan` for filesystems that were never walked, in a process of its own. */
#ifndef FSCHANGED_WALKER_H
#define FSCHANGED_WALKER_H

#include <systemd/sd-event.h>

#include "collector.h"
#include "options.h"

struct walker;

/* SIGCHLD must be blocked. The functions take NULL as well: then nothing is walked. */
int walker_new(struct walker **walker, sd_event *loop, struct collector *collector, const struct options *options);
/* Ends the process. */
void walker_free(struct walker *walker);
/* There may be new filesystems. */
void walker_want(struct walker *walker);
/* To be called by the clock; now: microseconds. */
void walker_check(struct walker *walker, uint64_t now);

#endif
