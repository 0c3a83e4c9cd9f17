/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The table of hooks: X(hook, function, presence, missed, purpose).
 *
 * hook is the LSM hook (bpf_lsm_<hook> in BTF), function the kernel function that calls it, to which the fentry program
 * is attached where `bpf` is no active LSM (it need not be the security_* function: 5.10 has not all of them). Loading,
 * probing, check and status loop over this table.
 */
#ifndef FSCHANGED_HOOKS_H
#define FSCHANGED_HOOKS_H

enum hook_presence {
	HOOK_REQUIRED,   /* on every kernel; without it nothing is traced */
	HOOK_IF_PRESENT, /* newer kernels only; where the kernel has it, it is required */
	HOOK_FUNCTION,   /* the same, but no LSM hook covers it: an fentry program on the function itself in either case
			  */
	HOOK_ON_DEMAND,  /* attached while somebody wants it or the configuration does; never needed for a list */
};

/*
 * What the kernel's leaving out a run of the hook's program means. Tasks that set ACLs at the same time miss the
 * program for servers all the time. That a block device was mapped is more than a write to it: stores follow.
 */
enum hook_missed {
	MISSES_ALL,     /* any change may be missing */
	MISSES_SERVERS, /* the same where a file server is in the kernel; else the program would have done nothing */
	MISSES_RAW,     /* writes to block devices, and those alone: tracer_raw_write() */
	MISSES_NOTHING, /* that a list needs */
};

#define HOOKS(X)                                                                                                       \
	X(file_open, security_file_open, HOOK_REQUIRED, MISSES_ALL, "files opened for writing")                        \
	X(file_free_security, security_file_free, HOOK_REQUIRED, MISSES_ALL, "files that are no longer open")          \
	X(inode_create, security_inode_create, HOOK_REQUIRED, MISSES_ALL, "new files")                                 \
	X(inode_mkdir, security_inode_mkdir, HOOK_REQUIRED, MISSES_ALL, "new directories")                             \
	X(inode_mknod, security_inode_mknod, HOOK_REQUIRED, MISSES_ALL, "new devices, pipes and sockets")              \
	X(inode_symlink, security_inode_symlink, HOOK_REQUIRED, MISSES_ALL, "new symbolic links")                      \
	X(inode_link, security_inode_link, HOOK_REQUIRED, MISSES_ALL, "new hard links")                                \
	X(inode_unlink, security_inode_unlink, HOOK_REQUIRED, MISSES_ALL, "removed files")                             \
	X(inode_rmdir, security_inode_rmdir, HOOK_REQUIRED, MISSES_ALL, "removed directories")                         \
	X(inode_rename, security_inode_rename, HOOK_REQUIRED, MISSES_ALL, "renames and moves")                         \
	X(inode_setattr, security_inode_setattr, HOOK_REQUIRED, MISSES_ALL, "mode, owner, times, size")                \
	X(inode_setxattr, security_inode_setxattr, HOOK_REQUIRED, MISSES_ALL, "extended attributes")                   \
	X(inode_removexattr, security_inode_removexattr, HOOK_REQUIRED, MISSES_ALL, "removed extended attributes")     \
	X(inode_set_acl, security_inode_set_acl, HOOK_IF_PRESENT, MISSES_ALL, "access control lists")                  \
	X(inode_remove_acl, security_inode_remove_acl, HOOK_IF_PRESENT, MISSES_ALL, "removed access control lists")    \
	X(set_posix_acl, set_posix_acl, HOOK_FUNCTION, MISSES_SERVERS,                                                 \
	  "access control lists, set by file servers in the kernel")                                                   \
	X(inode_setsecctx, security_inode_setsecctx, HOOK_REQUIRED, MISSES_ALL,                                        \
	  "security labels, set by file servers")                                                                      \
	X(inode_file_setattr, security_inode_file_setattr, HOOK_IF_PRESENT, MISSES_ALL, "inode flags and projects")    \
	X(file_ioctl, security_file_ioctl, HOOK_REQUIRED, MISSES_ALL, "ioctls that change a file")                     \
	X(file_ioctl_compat, security_file_ioctl_compat, HOOK_IF_PRESENT, MISSES_ALL, "the same from 32-bit programs") \
	X(sb_delete, generic_shutdown_super, HOOK_REQUIRED, MISSES_ALL, "filesystems that are unmounted for good")     \
	X(sb_set_mnt_opts, security_sb_set_mnt_opts, HOOK_REQUIRED, MISSES_ALL, "filesystems that are mounted")        \
	X(blkdev_write_iter, blkdev_write_iter, HOOK_FUNCTION, MISSES_RAW,                                             \
	  "writes into block devices, past filesystems")                                                               \
	X(blkdev_fallocate, blkdev_fallocate, HOOK_FUNCTION, MISSES_RAW,                                               \
	  "blocks of devices that are zeroed or discarded")                                                            \
	X(mmap_file, security_mmap_file, HOOK_REQUIRED, MISSES_ALL, "block devices that are mapped")                   \
	X(task_free, security_task_free, HOOK_REQUIRED, MISSES_ALL, "operations of tasks that ended")                  \
	X(file_permission, security_file_permission, HOOK_ON_DEMAND, MISSES_NOTHING,                                   \
	  "each write, for tail --every and precision = write")

#define X(hook, function, presence, missed, purpose) HOOK_##hook,
enum hook { HOOKS(X) HOOK_COUNT };
#undef X

/* Record buffers a CPU: claimed by whoever runs (LSM), or one a program (fentry); and one for the iterators. */
enum { SLOTS_CLAIMED = 8, SLOTS_FIXED = HOOK_COUNT };

/* Set before the programs are loaded; the verifier drops what a kernel does not need. */
struct settings {
	unsigned char dentry_argument[HOOK_COUNT]; /* index of the first struct dentry * among the hook's arguments */
	unsigned char by_inode[HOOK_COUNT];        /* there is none: that index is the first struct inode *'s */
	unsigned char precise;                     /* the first write to a file in a window is reported */
	unsigned int cpus;
	unsigned int slots;      /* record buffers a CPU, the iterators' included */
	unsigned int wake_bytes; /* that wait in the ring before the collector is woken at once */
};

#endif
