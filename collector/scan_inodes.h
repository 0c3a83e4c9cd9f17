/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where a filesystem tells of its inodes by themselves (inodes.h) these are read before its directories: then a walk
 * looks at directories and at those files alone of which something is wanted.
 */
#ifndef FSCHANGED_SCAN_INODES_H
#define FSCHANGED_SCAN_INODES_H

#include <stdbool.h>
#include <stdint.h>

struct scan;
struct scan_inodes;

/* Of a directory that is read. */
struct scan_part {
	uint64_t number;
	bool is_known; /* the number is */
	bool is_read;  /* scan_inodes_passes() tells of the files in it */
};

/* Of one filesystem, from when the walk of it has begun on. NULL: there is no memory, or it does not tell. */
struct scan_inodes *scan_inodes_new(const char *type);
void scan_inodes_free(struct scan_inodes *inodes);

/*
 * Reads the inodes of the part that the directory is in, unless they were. *part: what this thread had before. tell is
 * called now and then with how many were read since, and its error ends the walk and is returned.
 */
int scan_inodes_enter(struct scan *scan, int directory, struct scan_part *part,
		      int (*tell)(uint64_t count, void *context), void *context);

/* Nothing is wanted of the file of a name with that inode. */
bool scan_inodes_passes(const struct scan *scan, uint64_t inode);

#endif
