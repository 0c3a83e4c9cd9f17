// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Names: whatever adds, removes or moves one. Always reported, whether or not the inode was before. */
#include "hook.h"

static __always_inline bool is_watched(__u64 dentry)
{
	return is_traced(dentry_device(dentry)) && !is_collector();
}

static __always_inline void changed_name(__u64 *arguments, enum hook hook, enum operation operation, bool lsm)
{
	__u64 dentry = dentry_argument(arguments, hook, 0);
	struct operation_under_way *entry;
	__u64 now = globals.epoch, lasts;

	if (!is_watched(dentry))
		return;
	entry = remember_operation(dentry, about(operation, 0, 0), 0, 0, now);
	/* Asked for before the path is read. */
	lasts = lasting(now);
	if (!report(dentry, dentry_inode(dentry), about(operation, 0, 0), now, hook, lsm) && entry)
		entry->reported = lasts;
}

#define NAME_HOOK(name, operation)                                                                                     \
	static __always_inline void name##_body(__u64 *arguments, enum hook hook, bool lsm)                            \
	{                                                                                                              \
		changed_name(arguments, hook, operation, lsm);                                                         \
	}                                                                                                              \
	HOOK_PROGRAMS(name, security_##name)

NAME_HOOK(inode_create, OPERATION_CREATE)
NAME_HOOK(inode_mkdir, OPERATION_MKDIR)
NAME_HOOK(inode_mknod, OPERATION_MKNOD)
NAME_HOOK(inode_symlink, OPERATION_SYMLINK)
NAME_HOOK(inode_unlink, OPERATION_UNLINK)
NAME_HOOK(inode_rmdir, OPERATION_RMDIR)

/* Two records: the old name, so that a tool that keeps hard links finds both names in the list, and the new one. */
static __always_inline void inode_link_body(__u64 *arguments, enum hook hook, bool lsm)
{
	__u64 old = dentry_argument(arguments, hook, 0);
	__u64 new = dentry_argument(arguments, hook, 2);
	__u64 inode = dentry_inode(old);
	__u64 what = about(OPERATION_LINK, 0, 0), what_old = what;
	struct inode_facts facts;
	struct dentry_facts given;
	__u64 now = globals.epoch;

	if (!is_watched(new))
		return;
	remember_operation(old, what, new, what, now);
	facts = inode_at(inode);
	given = dentry_at(old);
	report(current_dentry(&given, &facts, &what_old), inode, what_old, now, hook, lsm);
	report(new, inode, what, now, hook, lsm);
}
HOOK_PROGRAMS(inode_link, security_inode_link)

static __always_inline void moved(__u64 from, __u64 to, __u64 now, enum hook hook, bool lsm)
{
	__u64 inode = dentry_inode(from);
	__u64 victim = dentry_inode(to);
	__u32 replaced = victim ? READ(struct inode, victim, i_mode) >> 12 : 0;
	__u64 departure = about(OPERATION_RENAME_FROM, 0, 0);
	__u64 arrival = about(OPERATION_RENAME_TO, 0, replaced);

	remember_operation(from, departure, to, arrival, now);
	report(from, inode, departure, now, hook, lsm);
	report(to, inode, arrival, now, hook, lsm);
}

/*
 * On an exchange the LSM hook is called once for either direction, the function around it once with the flags. What is
 * remembered is the second direction: carried over, both names are listed as replaced and with all below them.
 */
static __always_inline void inode_rename_body(__u64 *arguments, enum hook hook, bool lsm)
{
	__u64 from = dentry_argument(arguments, hook, 0);
	__u64 to = dentry_argument(arguments, hook, 2);
	__u64 now = globals.epoch;

	if (!is_watched(from))
		return;
	moved(from, to, now, hook, lsm);
	if (!lsm && (__u32)argument(arguments, 4) & RENAME_EXCHANGE)
		moved(to, from, now, hook, lsm);
}
HOOK_PROGRAMS(inode_rename, security_inode_rename)

/* A task that has ended has ended its operations. */
static __always_inline void task_free_body(__u64 *arguments, enum hook hook, bool lsm)
{
	__u64 task = argument(arguments, 0);

	(void)hook;
	(void)lsm;
	bpf_map_delete_elem(&operations, &task);
}
HOOK_PROGRAMS(task_free, security_task_free)
