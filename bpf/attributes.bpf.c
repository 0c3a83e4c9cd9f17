// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Attributes: mode, owner, times, size, extended attributes, access control lists, flags. */
#include "hook.h"

static __always_inline void changed_inode(__u64 dentry, __u64 inode, __u64 what, enum hook hook, bool lsm)
{
	__u64 now = epoch;

	if (!inode || !is_traced(dentry_device(dentry)) || is_collector())
		return;
	dentry = current_dentry(dentry, inode);
	if (!dentry)
		return;
	remember_operation(dentry, what, 0, 0, now);
	report_once(dentry, inode, what, now, hook, lsm);
}

#define ATTRIBUTE_HOOK(name, operation)                                                                                \
	static __always_inline void name##_body(__u64 *arguments, enum hook hook, bool lsm)                            \
	{                                                                                                              \
		__u64 dentry = dentry_argument(arguments, hook, 0);                                                    \
		changed_inode(dentry, dentry_inode(dentry), about(operation, 0, 0), hook, lsm);                        \
	}                                                                                                              \
	HOOK_PROGRAMS(name, security_##name)

ATTRIBUTE_HOOK(inode_setattr, OPERATION_SETATTR)
ATTRIBUTE_HOOK(inode_setxattr, OPERATION_XATTR)
ATTRIBUTE_HOOK(inode_removexattr, OPERATION_XATTR)
ATTRIBUTE_HOOK(inode_set_acl, OPERATION_ACL)
ATTRIBUTE_HOOK(inode_remove_acl, OPERATION_ACL)
ATTRIBUTE_HOOK(inode_file_setattr, OPERATION_FILEATTR)

/* include/uapi/asm-generic/ioctl.h */
#define COMMAND_TYPE(command) ((command) >> 8 & 0xff)

/* Commands that are known to change nothing a backup holds. All others count as changes. */
static __always_inline bool changes_nothing(__u32 command)
{
	switch (command) {
	case 0x5401:     /* TCGETS: isatty() */
	case 0x5413:     /* TIOCGWINSZ */
	case 0x540f:     /* TIOCGPGRP */
	case 0x541b:     /* FIONREAD */
	case 0x5421:     /* FIONBIO */
	case 0x5450:     /* FIONCLEX */
	case 0x5451:     /* FIOCLEX */
	case 0x5452:     /* FIOASYNC */
	case 0x5460:     /* FIOQSIZE */
	case 0x0001:     /* FIBMAP */
	case 0x0002:     /* FIGETBSZ */
	case 0xc0045877: /* FIFREEZE */
	case 0xc0045878: /* FITHAW */
	case 0xc0185879: /* FITRIM */
	case 0xc020660b: /* FS_IOC_FIEMAP */
	case 0x80086601: /* FS_IOC_GETFLAGS */
	case 0x80046601: /* FS_IOC32_GETFLAGS */
	case 0x80087601: /* FS_IOC_GETVERSION */
	case 0x801c581f: /* FS_IOC_FSGETXATTR */
	case 0x81009431: /* FS_IOC_GETFSLABEL */
	case 0x80111500: /* FS_IOC_GETFSUUID */
		return true;
	}
	return false;
}

/* The canary takes the way of every record up to the ring, and changes nothing. */
static __always_inline void report_canary(__u64 inode)
{
	struct event event = {
		.kind = EVENT_CANARY,
		.epoch = epoch,
		.device = BPF_CORE_READ((struct inode *)inode, i_sb, s_dev),
	};

	if (bpf_ringbuf_output(&events, &event, sizeof(event), BPF_RB_NO_WAKEUP))
		count(losses.ring_full);
	else
		count(submitted);
}

/* On a directory a btrfs command may make, remove or receive whole trees: all below it is looked at again. */
enum { BTRFS_COMMANDS = 0x94 };

static __always_inline void ioctl_body(__u64 *arguments, enum hook hook, bool lsm)
{
	__u64 file = argument(arguments, 0);
	__u32 command = argument(arguments, 1);
	__u64 inode = (__u64)BPF_CORE_READ((struct file *)file, f_inode);
	__u16 type = BPF_CORE_READ((struct inode *)inode, i_mode) & FILE_TYPE;
	__u32 flags = 0;

	if ((type != FILE_REGULAR && type != FILE_DIRECTORY) || changes_nothing(command) ||
	    !is_traced(BPF_CORE_READ((struct inode *)inode, i_sb, s_dev)))
		return;
	if (is_collector() && command == CANARY_COMMAND)
		return report_canary(inode);
	if (type == FILE_DIRECTORY && COMMAND_TYPE(command) == BTRFS_COMMANDS)
		flags = EVENT_SUBTREE;
	changed_inode((__u64)BPF_CORE_READ((struct file *)file, f_path.dentry), inode, about(OPERATION_IOCTL, flags, 0),
		      hook, lsm);
}

#define file_ioctl_body        ioctl_body
#define file_ioctl_compat_body ioctl_body
HOOK_PROGRAMS(file_ioctl, security_file_ioctl)
HOOK_PROGRAMS(file_ioctl_compat, security_file_ioctl_compat)
