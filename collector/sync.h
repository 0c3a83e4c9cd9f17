/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a backup has copied must not be lost on the source: a power cut would take a file back to what it was, with its
 * old times, and no list would name it. So filesystems are synced before a backup counts.
 */
#ifndef FSCHANGED_SYNC_H
#define FSCHANGED_SYNC_H

#include <stddef.h>

struct synced {
	const char *mount_point;
	int error; /* set: 0, -errno, or -ETIMEDOUT */
	int process;
};

/* All at once, and no longer than so many seconds. Returns how many have failed. */
size_t sync_filesystems(struct synced *filesystems, size_t count, int seconds);

#endif
