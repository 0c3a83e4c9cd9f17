/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Inode numbers by their hash, in memory of a fixed size: a set has a few that nobody added, the more the fuller it is,
 * and lacks none that was. Threads may add and ask at the same time.
 */
#ifndef FSCHANGED_INODE_SET_H
#define FSCHANGED_INODE_SET_H

#include <stdbool.h>
#include <stdint.h>

struct inode_set;

/* Of 1 << order bits, 3 to 63; pages that nothing is added to take no memory. NULL: there is none. */
struct inode_set *inode_set_new(unsigned order);
void inode_set_free(struct inode_set *set);
void inode_set_add(struct inode_set *set, uint64_t inode);
bool inode_set_has(const struct inode_set *set, uint64_t inode);

#endif
