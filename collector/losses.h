/* SPDX-License-Identifier: GPL-2.0 */
/* Everything by which the collector learns that a change may have gone unseen: each is a gap. */
#ifndef FSCHANGED_LOSSES_H
#define FSCHANGED_LOSSES_H

#include <stdint.h>

struct collector;
struct covered;

/* What an earlier collector has accounted for, in whose place this one steps. */
void losses_take_over(struct collector *collector);

/*
 * Accounts for losses since the last call: what moved is a gap of the windows first to the open one. 0 or -errno.
 */
int losses_check(struct collector *collector, uint64_t first);

/* At a cut: the canary of the filesystem did not come back. 0 or -errno. */
int losses_canary(struct collector *collector, const struct covered *row);

/*
 * At a cut, when the epoch has moved: what was lost may go on. A file that is open and in no table of the kernel side
 * is looked for again; should there be no room again, that is a gap of the new window too. 0 or -errno.
 */
int losses_carry(struct collector *collector);
/* The cut has come to its end: what was carried counts no more for the next one. 0 or -errno. */
int losses_carried(struct collector *collector);

#endif
