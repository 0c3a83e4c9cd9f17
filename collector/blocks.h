/* SPDX-License-Identifier: GPL-2.0 */
/* Block devices, from sysfs. By their numbers: major << 20 | minor. */
#ifndef FSCHANGED_BLOCKS_H
#define FSCHANGED_BLOCKS_H

#include <stddef.h>
#include <stdint.h>

enum { BLOCK_NAME_BYTES = 280 };

/* Its node, "/dev/vda1". 0 or -errno. */
int blocks_name(uint32_t device, char name[BLOCK_NAME_BYTES]);
/*
 * Tells a device apart from the next one with its number: another disk in its place, or another medium in it. 0: that
 * cannot be told, as of loop devices: their files are changed past them.
 */
uint64_t blocks_instance(uint32_t device);
/* Calls back for each that may hold a filesystem, until the callback's result is other than 0. */
int blocks_each(int (*each)(uint32_t device, void *context), void *context);
/*
 * Those on which a mounted filesystem lies: its own device and the disk around it, and of a mapped device or a RAID
 * what it is made of, down to the disks, but for the physical volumes of LVM. Of one without a number of its own
 * (btrfs), the same of all members. Each once. 0 or -errno; *devices is the caller's to free.
 */
int blocks_below(uint32_t device, const char *uuid, uint32_t **devices, size_t *count);

#endif
