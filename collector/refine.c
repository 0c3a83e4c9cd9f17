// SPDX-License-Identifier: GPL-2.0
/*
 * A file is dirty while it is open for writing, whether or not somebody writes. Its ctime tells, with care. W is the
 * first window of the list that names the file; the list before was made from a look after W was opened, or the file
 * was not dirty then. A file of which only the opening is known (or that it stayed open) may be dropped when its ctime
 * is older than the opening of W, because every change of content
 * - that begins after the carry into W moves the ctime to a time after W's opening, before or after it stores, but
 * under the inode's lock (below);
 * - that ended before the carry ended before the cut was answered: whoever made the list before saw it;
 * - that was under way at the carry is flagged: DIRTY_UNDER_WAY.
 * All other changes (names, attributes, size by truncation) have operations of their own.
 *
 * Of a file that was made in W its creation may be all that is known: its ctime is of W. What would flag its opening
 * has a record of its own, or comes with the carry.
 *
 * The lock: ext4 (ext4_buffered_write_iter(), ext4_dio_write_iter(), ext4_fallocate()), XFS (xfs_file_buffered_write(),
 * xfs_file_dio_write_aligned(), xfs_file_fallocate(): its iolock is i_rwsem) and btrfs (btrfs_buffered_write(),
 * btrfs_direct_write(), btrfs_fallocate()) take i_rwsem, move the ctime (file_modified() and its kin) and store before
 * they let go; a direct write that goes on without the lock has counted itself in i_dio_count under it
 * (__iomap_dio_rw()), and is taken off after its data is in (iomap_dio_complete()). Reflinks and copies lock the target
 * in the same way (generic_remap_file_range_prep()). Until 5.17 a fallocate moved the ctime at its end, and btrfs not
 * at all when it zeroed a part of a block (05fd9564e9fa "btrfs: fix fallocate to use file_modified to update
 * permissions consistently", 5.18): there btrfs is not refined. On ext4 and XFS of those kernels a fallocate that fails
 * half way for an error of the disk leaves no trace.
 *
 * A store through a mapping moves the ctime when the page becomes writable (page_mkwrite), not when it is stored to: a
 * file that had shared writable mappings at the carry is flagged DIRTY_MAPPED. What was mapped only after that has
 * pages that became writable in W. tmpfs has no page_mkwrite and moves no ctime: it is not refined, nor is any
 * filesystem that is not in the table. DIRTY_NO_CMTIME is an opening through which the ctime does not move.
 *
 * The ctime is read from a clock that is a tick behind, and some inodes keep whole seconds: REFINE_MARGIN. Where the
 * clock was set nothing is known, in the windows listed and in those since: the ctime that is looked at is that of now.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "moment.h"
#include "refine.h"

enum {
	ONLY_OPEN = 1U << OPERATION_OPEN | 1U << OPERATION_CARRIED,
	CREATE_OPEN = 1U << OPERATION_CREATE | 1U << OPERATION_OPEN
};

/* Filesystems whose ctime is believed, and from which kernel on. */
static const struct {
	const char *type;
	unsigned kernel;
} trusted[] = {
	{"ext2", 0}, {"ext3", 0}, {"ext4", 0}, {"xfs", 0}, {"btrfs", 5 << 8 | 18},
};

bool refine_is_trusted(const struct refine *refine, const char *type)
{
	for (size_t i = 0; i < sizeof(trusted) / sizeof(*trusted); i++)
		if (strcmp(trusted[i].type, type) == 0)
			return refine->kernel >= trusted[i].kernel;
	return false;
}

void refine_init(struct refine *refine, uint64_t first)
{
	struct utsname system;
	unsigned major = 0, minor = 0;

	*refine = (struct refine){.first = first};
	if (uname(&system) == 0 && sscanf(system.release, "%3u.%3u", &major, &minor) == 2 && minor <= UINT8_MAX)
		refine->kernel = major << 8 | minor;
}

void refine_free(struct refine *refine)
{
	free(refine->opened);
}

static int reserve(struct refine *refine)
{
	size_t size = refine->size ? 2 * refine->size : 64;
	int64_t *opened;

	if (refine->count < refine->size)
		return 0;
	opened = reallocarray(refine->opened, size, sizeof(*opened));
	if (!opened)
		return -ENOMEM;
	refine->opened = opened;
	refine->size = size;
	return 0;
}

int refine_add_window(struct refine *refine, uint64_t number, int64_t opened, bool sure)
{
	int error = reserve(refine);

	if (error)
		return error;
	refine->unsure |= !sure || number != refine->first + refine->count;
	refine->opened[refine->count++] = opened;
	return 0;
}

/*
 * Any flag is a reason to look, also one that is made after this was written.
 *
 * open(2) with O_CREAT asks whether a file may be made before it has looked whether there is one (lookup_open()): one
 * that was there keeps its ctime, one that was made in W has a ctime of W. Not so an operation that was carried, as its
 * file may have got its ctime before the cut and its name after it.
 */
static bool is_only_open(const struct dirty_facts *facts)
{
	if (!facts->operations || facts->was || facts->flags)
		return false;
	return !(facts->operations & ~ONLY_OPEN) || !(facts->operations & ~CREATE_OPEN);
}

bool refine_drops(const struct refine *refine, const struct dirty_facts *facts, uint64_t first_window,
		  const struct looked *looked, const char *type)
{
	if (refine->unsure || first_window < refine->first || first_window - refine->first >= refine->count)
		return false;
	if (!S_ISREG(looked->mode) || !is_only_open(facts) || !refine_is_trusted(refine, type))
		return false;
	return looked->changed < refine->opened[first_window - refine->first] - REFINE_MARGIN;
}
