/* SPDX-License-Identifier: GPL-2.0 */
/* What goes before the tasks that change files, and what steps back behind all others. */
#ifndef FSCHANGED_PRIORITY_H
#define FSCHANGED_PRIORITY_H

/*
 * Before all of the usual priority. Another one that the process was started with stays, as it does without
 * CAP_SYS_NICE. Returns the priority of before, for priority_return().
 */
int priority_step_forward(void);
void priority_return(int priority);
/* For good: the lowest one, and the disk when nobody else wants it. */
void priority_step_back(void);

#endif
