// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Commands by ioctl. What is not known to change nothing counts as a change of the file, and of all below it where a
 * filesystem's own command comes to a directory.
 */
#include "raw.h"

/* include/uapi/asm-generic/ioctl.h */
#define COMMAND_TYPE(command)   ((command) >> 8 & 0xff)
#define COMMAND_NUMBER(command) ((command)&0xff)

enum { TYPE_EXT4 = 'f', TYPE_XFS = 'X', TYPE_BTRFS = 0x94 };

/* fs/ext4/ext4.h, fs/xfs/libxfs/xfs_fs.h, include/uapi/linux/btrfs.h */
enum {
	EXT4_MOVE_EXT = 15,
	XFS_OPEN_BY_HANDLE = 107,
	XFS_SWAPEXT = 109,
	XFS_FSSETDM_BY_HANDLE = 121,
	XFS_ATTRMULTI_BY_HANDLE = 123,
	XFS_EXCHANGE_RANGE = 129,
	XFS_COMMIT_RANGE = 131,
	BTRFS_SNAP_CREATE = 1,
	BTRFS_SUBVOL_CREATE = 14,
	BTRFS_SNAP_DESTROY = 15,
	BTRFS_SNAP_CREATE_V2 = 23,
	BTRFS_SUBVOL_CREATE_V2 = 24,
	BTRFS_SNAP_DESTROY_V2 = 63,
};

/*
 * Of btrfs, those that read, or that move data about without changing files: defragmentation, devices, balance, scrub,
 * search, quota, labels, send, deduplication.
 */
#define BIT(number)       (1ULL << (number))
#define BITS(first, last) ((~0ULL >> (63 - (last))) & (~0ULL << (first)))
#define BTRFS_HARMLESS                                                                                                 \
	(BITS(2, 8) | BITS(10, 12) | BITS(16, 20) | BIT(22) | BIT(25) | BITS(27, 36) | BITS(38, 46) | BITS(49, 50) |   \
	 BITS(52, 54) | BITS(57, 62))

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
	case 0x8040587f: /* XFS_IOC_BULKSTAT */
	case 0x81009431: /* FS_IOC_GETFSLABEL */
	case 0x80111500: /* FS_IOC_GETFSUUID */
	case 0x80089418: /* BTRFS_IOC_START_SYNC; its number makes subvolumes, too */
	case 0xc0096616: /* FS_IOC_GET_ENCRYPTION_POLICY_EX */
	case 0xc080661a: /* FS_IOC_GET_ENCRYPTION_KEY_STATUS */
		return true;
	}
	return COMMAND_TYPE(command) == TYPE_BTRFS && COMMAND_NUMBER(command) < 64 &&
	       BTRFS_HARMLESS >> COMMAND_NUMBER(command) & 1;
}

/*
 * Where in the command's structure stands the name of a subvolume that it makes in the directory, or removes from it:
 * of struct btrfs_ioctl_vol_args and _v2. -1: it is no such command.
 */
static __always_inline int subvolume_name(__u32 command)
{
	switch (COMMAND_TYPE(command) << 8 | COMMAND_NUMBER(command)) {
	case TYPE_BTRFS << 8 | BTRFS_SNAP_CREATE:
	case TYPE_BTRFS << 8 | BTRFS_SUBVOL_CREATE:
	case TYPE_BTRFS << 8 | BTRFS_SNAP_DESTROY:
		return 8;
	case TYPE_BTRFS << 8 | BTRFS_SNAP_CREATE_V2:
	case TYPE_BTRFS << 8 | BTRFS_SUBVOL_CREATE_V2:
	case TYPE_BTRFS << 8 | BTRFS_SNAP_DESTROY_V2:
		return 56;
	}
	return -1;
}

/* The canary takes the way of every record up to the ring, and changes nothing. */
static __always_inline void report_canary(__u64 inode)
{
	struct event event = {
		.kind = EVENT_CANARY,
		.epoch = globals.epoch,
		.device = inode_device(inode),
	};

	if (bpf_ringbuf_output(&events, &event, sizeof(event), BPF_RB_NO_WAKEUP))
		count(losses.ring_full);
	else
		count(submitted);
}

static __always_inline void changed_file(__u64 file, enum hook hook, bool lsm)
{
	struct inode_facts inode = inode_at((__u64)READ(struct file, file, f_inode));
	__u64 what = about(OPERATION_IOCTL, 0, 0);

	if (!is_traced(inode.device))
		return;
	report_once(file_dentry(file, &inode, &what), &inode, what, globals.epoch, hook, lsm);
}

/*
 * Two files exchange blocks, the other one is named by a descriptor in the caller's memory, and its times may stay as
 * they were. So it is part of the operation, as the caller's own is: that it is open for writing would not do after a
 * cut. 0: there is none, or the loss is counted.
 */
static __always_inline __u64 file_of_descriptor(__u64 address)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct file **files = BPF_CORE_READ(task, files, fdt, fd);
	__u32 limit = BPF_CORE_READ(task, files, fdt, max_fds), number = 0;
	__u64 file = 0;

	if (bpf_probe_read_user(&number, sizeof(number), (void *)address)) {
		count(losses.walk_failed);
		return 0;
	}
	if (number < limit && bpf_probe_read_kernel(&file, sizeof(file), files + number))
		count(losses.walk_failed);
	return file;
}

/* Where the descriptor of the other file stands in the command's structure. */
static __always_inline int other_descriptor(__u32 command)
{
	switch (COMMAND_TYPE(command) << 8 | COMMAND_NUMBER(command)) {
	case TYPE_EXT4 << 8 | EXT4_MOVE_EXT: /* struct move_extent.donor_fd */
		return 4;
	case TYPE_XFS << 8 | XFS_SWAPEXT: /* struct xfs_swapext.sx_fdtmp; given to the target */
		return 16;
	case TYPE_XFS << 8 | XFS_EXCHANGE_RANGE: /* struct xfs_exchange_range.file1_fd */
	case TYPE_XFS << 8 | XFS_COMMIT_RANGE:
		return 0;
	}
	return -1;
}

/* A whole tree has come or gone under this name. The name is copied from the caller before anything is done. */
static __always_inline int report_child(__u64 dentry, __u64 address, __u64 now, enum hook hook, bool lsm)
{
	__u64 what = about(OPERATION_IOCTL, EVENT_UNFIT, 0) | REPORT_CHILD;
	int slot = slot_claim(hook, lsm), error = -1;
	struct scratch *record;
	__u32 key = slot;
	long bytes;

	if (slot < 0)
		return -1;
	record = bpf_map_lookup_elem(&scratch, &key);
	if (!record)
		goto out;
	bytes = bpf_probe_read_user_str(record->path, NAME_BYTES, (void *)address);
	if (bytes < 2 || bytes > NAME_BYTES) {
		count(losses.walk_failed);
		goto out;
	}
	record->path[(bytes - 1) & (NAME_BYTES - 1)] = '/';
	record->begun = bytes;
	record->dentry = dentry;
	record->inode = 0;
	record->event.epoch = now;
	error = lsm ? report_path_lsm(what, key) : report_path_fentry(what, key);
out:
	slot_release(key, lsm);
	return error;
}

/*
 * By its number the subvolume may be anywhere: struct btrfs_ioctl_vol_args_v2.flags. They cannot be read where their
 * page is not in memory.
 */
enum { BTRFS_SUBVOL_SPEC_BY_ID = 1 << 4, FLAGS_OFFSET = 16 };

static __always_inline bool is_by_number(__u32 command, __u64 address)
{
	__u64 flags = 0;

	if (COMMAND_TYPE(command) != TYPE_BTRFS || COMMAND_NUMBER(command) != BTRFS_SNAP_DESTROY_V2)
		return false;
	if (bpf_probe_read_user(&flags, sizeof(flags), (void *)(address + FLAGS_OFFSET)))
		return true;
	return flags & BTRFS_SUBVOL_SPEC_BY_ID;
}

/* Attributes of any file, named by its handle: struct xfs_fsop_attrmulti_handlereq and the like. */
static __always_inline bool is_by_handle(__u32 command)
{
	return COMMAND_TYPE(command) == TYPE_XFS &&
	       (COMMAND_NUMBER(command) == XFS_FSSETDM_BY_HANDLE || COMMAND_NUMBER(command) == XFS_ATTRMULTI_BY_HANDLE);
}

/* Any user may ask any filesystem: those that do not know the command refuse it, and nothing but the file is listed. */
static __always_inline bool knows_command(__u64 inode, __u32 command)
{
	__u64 magic = READ(struct inode, inode, i_sb, s_magic);

	return COMMAND_TYPE(command) == TYPE_BTRFS ? magic == BTRFS_MAGIC : magic == XFS_MAGIC;
}

static __always_inline void changed_everywhere(__u64 inode, __u32 flags, enum hook hook, bool lsm)
{
	__u64 root = (__u64)READ(struct inode, inode, i_sb, s_root);

	changed_inode(root, dentry_inode(root), about(OPERATION_IOCTL, flags, 0), hook, lsm);
}

/* Should it straddle a cut, all of the directory is carried: the name is not kept. */
static __always_inline void changed_subvolume(__u64 dentry, __u64 inode, __u64 name, enum hook hook, bool lsm)
{
	struct inode_facts facts = inode_at(inode);
	__u64 now = globals.epoch;

	remember_operation(dentry, about(OPERATION_IOCTL, EVENT_UNFIT, 0), 0, 0, now);
	report_child(dentry, name, now, hook, lsm);
	report_once(dentry, &facts, about(OPERATION_IOCTL, 0, 0), now, hook, lsm);
}

/* Of a block device: what asks for its size, its limits, its place, its partitions, or to forget what is cached. */
static __always_inline bool leaves_blocks(__u32 command)
{
	enum { TYPE_BLOCK = 0x12, TYPE_LOOP = 0x4c, BLKDISCARD = 119, BLKSECDISCARD = 125, BLKZEROOUT = 127 };

	/* What a loop device shows may be changed past it at any time: it is never believed to have been left alone. */
	if (COMMAND_TYPE(command) == TYPE_LOOP)
		return true;
	if (COMMAND_TYPE(command) == TYPE_BLOCK)
		return COMMAND_NUMBER(command) != BLKDISCARD && COMMAND_NUMBER(command) != BLKSECDISCARD &&
		       COMMAND_NUMBER(command) != BLKZEROOUT;
	switch (command) {
	case 0x0301: /* HDIO_GETGEO */
	case 0x5331: /* CDROM_GET_CAPABILITY */
	case 0x5382: /* SCSI_IOCTL_GET_IDLUN */
	case 0x5386: /* SCSI_IOCTL_GET_BUS_NUMBER */
	case 0x2282: /* SG_GET_VERSION_NUM */
	case 0x4e40: /* NVME_IOCTL_ID */
		return true;
	default:
		return changes_nothing(command);
	}
}

static __always_inline void ioctl_body(__u64 *arguments, enum hook hook, bool lsm)
{
	__u64 file = argument(arguments, 0);
	__u32 command = argument(arguments, 1);
	__u64 address = argument(arguments, 2);
	__u64 inode = (__u64)READ(struct file, file, f_inode);
	__u64 dentry = (__u64)READ(struct file, file, f_path.dentry);
	__u16 type = READ(struct inode, inode, i_mode) & FILE_TYPE;
	__u64 other = 0, second = 0;
	__u32 flags = 0;

	if (type == FILE_BLOCK && is_writable_device(file) && !leaves_blocks(command))
		note_raw_write(file, false);
	if ((type != FILE_REGULAR && type != FILE_DIRECTORY) || changes_nothing(command) ||
	    !is_traced(inode_device(inode)))
		return;
	if (is_collector()) {
		if (command == CANARY_COMMAND)
			report_canary(inode);
		return;
	}
	if (is_by_number(command, address) && knows_command(inode, command))
		return changed_everywhere(inode, EVENT_UNFIT, hook, lsm);
	if (is_by_handle(command) && knows_command(inode, command))
		return changed_everywhere(inode, EVENT_SUBTREE, hook, lsm);
	if (subvolume_name(command) >= 0 && knows_command(inode, command))
		return changed_subvolume(dentry, inode, address + subvolume_name(command), hook, lsm);
	/* What is written through the file that it opens moves no ctime (see writer.h). */
	if (COMMAND_TYPE(command) == TYPE_XFS && COMMAND_NUMBER(command) == XFS_OPEN_BY_HANDLE)
		flags = EVENT_NO_CMTIME;
	if (other_descriptor(command) >= 0)
		other = file_of_descriptor(address + other_descriptor(command));
	if (other)
		second = (__u64)READ(struct file, other, f_path.dentry);
	changed_inodes(dentry, inode, second, about(OPERATION_IOCTL, flags, 0), hook, lsm);
	if (other)
		changed_file(other, hook, lsm);
}

#define file_ioctl_body        ioctl_body
#define file_ioctl_compat_body ioctl_body
HOOK_PROGRAMS(file_ioctl, security_file_ioctl)
HOOK_PROGRAMS(file_ioctl_compat, security_file_ioctl_compat)
