// SPDX-License-Identifier: GPL-2.0
/*
 * bulkstat goes through the inode cache (xfs_bulkstat_one_int(): xfs_iget()) and tells of an inode what statx would,
 * also what is not on the disk yet. It passes over inodes that are free or have lost their last name, and waits for
 * those on their way into the cache or out of it. A kernel that does not know it answers ENOTTY, a mount with mapped
 * user numbers EINVAL.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "inodes_private.h"
#include "moment.h"

enum { AT_ONCE = 4096 }; /* inodes */

/* All of it: its inodes are numbered through. */
static int get_part(int directory, uint64_t *part)
{
	(void)directory;
	*part = 0;
	return 0;
}

static int settle(int directory)
{
	(void)directory;
	return 0;
}

static int take(const struct bulkstat_request *request, inodes_each *each, void *context)
{
	int code = 0;

	for (uint32_t i = 0; !code && i < request->count; i++) {
		const struct bulkstat_inode *inode = &request->inodes[i];
		const struct inode_facts facts = {
			.inode = inode->inode,
			.changed = inode->changed * NANOSECONDS + inode->changed_nsec,
			.mode = inode->mode,
			.links = inode->links,
		};

		code = each(&facts, context);
	}
	return code;
}

static int read_inodes(int directory, uint64_t part, inodes_each *each, void *context)
{
	struct bulkstat_request *request = calloc(1, sizeof(*request) + AT_ONCE * sizeof(*request->inodes));
	int code = request ? 0 : -ENOMEM;

	(void)part;
	while (!code) {
		request->room = AT_ONCE;
		if (ioctl(directory, BULKSTAT_IOCTL, request))
			code = -errno;
		else if (!request->count)
			break;
		else
			code = take(request, each, context);
	}
	free(request);
	return code;
}

const struct inodes_way inodes_xfs = {"xfs", get_part, settle, read_inodes};
