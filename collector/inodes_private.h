/* SPDX-License-Identifier: GPL-2.0 */
/* What the ways of inodes.h are made of. */
#ifndef FSCHANGED_INODES_PRIVATE_H
#define FSCHANGED_INODES_PRIVATE_H

#include <stddef.h>

#include "inodes.h"

extern const struct inodes_way inodes_xfs, inodes_btrfs;

/*
 * XFS_IOC_BULKSTAT, version 5 of struct xfs_bulkstat (fs/xfs/libxfs/xfs_fs.h, there since 5.3): the headers of the
 * kernel's that all systems have do not have these.
 */
struct bulkstat_inode {
	uint64_t inode, size, blocks, xflags;
	int64_t accessed, modified, changed, born; /* seconds */
	uint32_t generation, user, group, project;
	uint32_t accessed_nsec, modified_nsec, changed_nsec, born_nsec;
	uint32_t block_size, device, cow_extent_size, extent_size;
	uint32_t links, extents, attribute_extents;
	uint16_t version, fork_offset, sick, checked, mode, padding;
	uint64_t more[7];
};

struct bulkstat_request {
	uint64_t next; /* the first inode; then the one after the last */
	uint32_t flags, room, count, group;
	uint64_t reserved[5];
	struct bulkstat_inode inodes[];
};

enum { BULKSTAT_OF_GROUP = 1 }; /* flag: of that group alone */

#define BULKSTAT_IOCTL _IOR('X', 127, struct bulkstat_request)

struct btrfs_ioctl_search_key;

/* Takes the items that a search has found, and puts the key of the last one where the search begins. */
int inodes_btrfs_take(struct btrfs_ioctl_search_key *key, const char *items, size_t size, inodes_each *each,
		      void *context);
/* Begins the search behind that key. -ENOENT: there is none. */
int inodes_btrfs_next(struct btrfs_ioctl_search_key *key);

#endif
