/* SPDX-License-Identifier: GPL-2.0 */
/* Filesystems that are traced: which these are, those that come and go, and what is a gap then. Part of the collector.
 */
#ifndef FSCHANGED_FILESYSTEMS_H
#define FSCHANGED_FILESYSTEMS_H

#include <stdint.h>

struct collector;
struct covered;

/* Those that are mounted at the start, and those that are known and are not. */
int filesystems_start(struct collector *collector);
/* Those that programs which stayed have traced, and that are gone: a gap. */
int filesystems_depart(struct collector *collector);
/* Looks at the mount table again. */
int filesystems_follow(struct collector *collector);
/* One that could not be entered is tried again with each look; until then its records are lost. A gap of each window.
 */
int filesystems_miss(struct collector *collector);
/*
 * Stops to trace what has this number if that has ended. Looks again, as another one may have come by now, which is
 * traced from its mount on by that entry alone. If one may have come unseen, seals are taken out.
 */
int filesystems_forget_ended(struct collector *collector, uint32_t device);
/*
 * Whose change a record tells of. The kernel side traces a filesystem from its mount on, which may not have been seen
 * yet; and one that was gone before it was seen is still known by the device on which it had been. *filesystem 0: it is
 * none that is watched.
 */
int filesystems_find(struct collector *collector, const struct event *event, uint32_t *filesystem);

#endif
