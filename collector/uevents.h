/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel's messages about devices: they come before udev's, and so before what is mounted because of these. */
#ifndef FSCHANGED_UEVENTS_H
#define FSCHANGED_UEVENTS_H

#include <stdbool.h>

/* A descriptor that is readable when there are some, or -errno. */
int uevents_open(void);
/* Takes all that wait. Whether one of them says that a block device came or changed, or some were lost. */
bool uevents_take(int descriptor);

#endif
