/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Filesystems that tell of their inodes in the order in which they keep them: that is read sooner than by way of the
 * names. The directories that are given are open for reading.
 */
#ifndef FSCHANGED_INODES_H
#define FSCHANGED_INODES_H

#include <stdint.h>

struct inode_facts {
	uint64_t inode;
	int64_t changed; /* ctime, Unix time in nanoseconds */
	uint32_t mode, links;
};

/* -errno ends the reading and is returned. */
typedef int inodes_each(const struct inode_facts *facts, void *context);

/* Functions return 0 or -errno. */
struct inodes_way {
	const char *type;
	/*
	 * The number of the part of the filesystem that the directory is in; no other has it while this one is mounted.
	 * An inode's number is that of its names (d_ino) in this part.
	 */
	int (*part)(int directory, uint64_t *part);
	/* What has changed until now is read afterwards. */
	int (*settle)(int directory);
	/* Every inode of the part that is there from before until after. One that is made or ends meanwhile may be. */
	int (*read)(int directory, uint64_t part, inodes_each *each, void *context);
};

/* NULL: filesystems of this type do not tell. */
const struct inodes_way *inodes_find(const char *type);

#endif
