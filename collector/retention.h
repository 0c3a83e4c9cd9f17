/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What no job needs any more goes. A job that lags behind a stated limit (limit_age, limit_size) loses its base,
 * loudly: it is fresh, and holds nothing back.
 */
#ifndef FSCHANGED_RETENTION_H
#define FSCHANGED_RETENTION_H

struct collector;

/* After a commit. */
int retention_prune(struct collector *collector);
/* Now and then; looks every few seconds. 0 or -errno. */
int retention_check(struct collector *collector);

#endif
