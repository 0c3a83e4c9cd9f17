/* SPDX-License-Identifier: GPL-2.0 */
/* Files that are in use for swapping: the kernel holds them open, in no process. */
#ifndef FSCHANGED_SWAPS_H
#define FSCHANGED_SWAPS_H

/* Calls back with the path of each. 0, -errno, or what the callback returned. */
int swaps_each(int (*each)(const char *path, void *context), void *context);

#endif
