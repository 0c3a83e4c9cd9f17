/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Filesystems that stay mounted while no collector runs, and are traced by programs that stay: what the store keeps for
 * the next collector, so that it knows them again. Part of the collector.
 *
 * Such a one is told by its device and by which of the superblocks with that device it is, as the kernel side counts
 * them (struct superblock): that is the same as long as the kernel side has its entry. Where that goes, it counts anew.
 */
#ifndef FSCHANGED_STAYS_H
#define FSCHANGED_STAYS_H

#include <stdbool.h>
#include <stdint.h>

struct collector;
struct covered;

/* It is traced. 0 or -errno, as all of these. */
int stays_note(struct collector *collector, const struct covered *row);
/* It was unmounted. */
int stays_end(struct collector *collector, const struct covered *row);
/* Whatever had this device, or any (0), has not stayed. */
int stays_forget(struct collector *collector, uint32_t device);
/*
 * At the start: whether it was traced all along since the last collector noted it. row->writes is what was accounted
 * for by then, so that what was written past it meanwhile is noticed as always.
 */
int stays_ask(struct collector *collector, struct covered *row, bool *stayed);

#endif
