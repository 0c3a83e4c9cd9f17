/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which directory of a filesystem is shown where. The list names what has changed inside a filesystem; that a place
 * shows other content than it did changes no file, so a gap tells it. What the places have shown is in the store: other
 * looks may lie in between, and times in which no collector ran.
 */
#ifndef FSCHANGED_SHOWN_H
#define FSCHANGED_SHOWN_H

#include "coverage.h"
#include "store.h"

/* Of a filesystem so many places are kept, or those that show it now, if these are more. */
enum { SHOWN_MOST = 256 };

/*
 * Compares the mount table with what the store keeps, and keeps what is shown now. Sets .moved of each filesystem of
 * which other content is seen. To be called in a transaction that holds the gaps as well. Returns 0 or -errno. Does
 * nothing where directories are watched: the store compares these (store_set_watches()).
 */
int shown_update(struct store *store, struct coverage *coverage);

#endif
