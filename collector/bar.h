/* SPDX-License-Identifier: GPL-2.0 */
/* The progress of a scan, for people: one line on a terminal that is written over. */
#ifndef FSCHANGED_BAR_H
#define FSCHANGED_BAR_H

#include "scan.h"

struct bar {
	bool is_wanted, is_shown;
};

/* Wanted where standard error is a terminal. */
void bar_init(struct bar *bar);
void bar_show(struct bar *bar, const struct scan_progress *progress);
/* Before anything else is printed. */
void bar_clear(struct bar *bar);

#endif
