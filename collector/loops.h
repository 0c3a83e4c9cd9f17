/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Loop devices that were set up before anybody traced: their files are open in no process, so that they are found in
 * sysfs only. Those that come later are opened by a process, and traced as all files.
 */
#ifndef FSCHANGED_LOOPS_H
#define FSCHANGED_LOOPS_H

#include <stddef.h>

struct loop {
	int number;
	long long sequence; /* another one: it was set up anew */
};

struct loops {
	struct loop *rows; /* those that can be written */
	size_t count;
};

/* 0 or -errno. */
int loops_find(struct loops *loops);
void loops_free(struct loops *loops);

/* Calls back with the present path of each file that is still behind one of them. 0, or what the callback returned. */
int loops_each(const struct loops *loops, int (*each)(const char *path, void *context), void *context);

#endif
