/* SPDX-License-Identifier: GPL-2.0 */
/* Which machine and which boot the store belongs to, and whether its last collector came to an orderly end. */
#ifndef FSCHANGED_IDENTITY_H
#define FSCHANGED_IDENTITY_H

struct collector;

/*
 * At the start, before a window is opened. On another machine all jobs become fresh. collector->absence is what the
 * time without a collector is called if nothing bridges it. 0 or -errno.
 */
int identity_check(struct collector *collector);
/* When the start has come to its end: what the absence before it means is in the store. 0 or -errno. */
int identity_settle(struct collector *collector);
/* At the end, when all that was seen is in the store. 0 or -errno. */
int identity_leave(struct collector *collector);

#endif
