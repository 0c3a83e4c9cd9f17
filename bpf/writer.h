/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What a list maker must know of an open file before it may believe its ctime; see collector/refine.c. */
#ifndef FSCHANGED_WRITER_H
#define FSCHANGED_WRITER_H

#include "shared.h"

/* Enters a file, or counts the loss. */
static __always_inline void remember_writer(__u64 file, const struct inode_facts *inode, __u64 now)
{
	struct writer writer = {.epoch = lasting(now), .inode = inode->number};

	if (bpf_map_update_elem(&writers, &file, &writer, BPF_ANY))
		count(losses.writers_full);
}

/* mode: the file's. */
static __always_inline __u32 cmtime_flags(__u32 mode, const struct inode_facts *inode)
{
	return mode & FMODE_NOCMTIME || inode->flags & (S_NOCMTIME | S_SWAPFILE) ? EVENT_NO_CMTIME : 0;
}

/*
 * Some set FMODE_NOCMTIME only when the file is open: XFS after XFS_IOC_OPEN_BY_HANDLE, which is the task's last
 * operation then; and, for a delegation, nfsd, whose threads have no memory of their own.
 */
static __always_inline __u32 opening_flags(__u32 mode, const struct inode_facts *inode,
					   const struct operation_under_way *operation)
{
	__u64 task = bpf_get_current_task();

	if (!READ(struct task_struct, task, mm) || (operation && operation->what[0] >> 8 & EVENT_NO_CMTIME))
		return EVENT_NO_CMTIME;
	return cmtime_flags(mode, inode);
}

/*
 * A direct write lets go of the lock only when it counts in i_dio_count: read in this order, none is missed. After a
 * cut, so that a write which begins later moves the ctime into the new window.
 */
static __always_inline __u32 held_flags(__u64 file, const struct inode_facts *inode)
{
	__u64 address = inode->address;
	bool under_way = compat_may_be_locked(address) || READ(struct inode, address, i_dio_count.counter);

	return cmtime_flags(READ(struct file, file, f_mode), inode) | (under_way ? EVENT_UNDER_WAY : 0);
}

#endif
