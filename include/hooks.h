/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The table of hooks: X(hook, function, presence, purpose).
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

#define HOOKS(X)                                                                                                       \
	X(file_open, security_file_open, HOOK_REQUIRED, "files opened for writing")                                    \
	X(file_free_security, security_file_free, HOOK_REQUIRED, "files that are no longer open")                      \
	X(inode_create, security_inode_create, HOOK_REQUIRED, "new files")                                             \
	X(inode_mkdir, security_inode_mkdir, HOOK_REQUIRED, "new directories")                                         \
	X(inode_mknod, security_inode_mknod, HOOK_REQUIRED, "new devices, pipes and sockets")                          \
	X(inode_symlink, security_inode_symlink, HOOK_REQUIRED, "new symbolic links")                                  \
	X(inode_link, security_inode_link, HOOK_REQUIRED, "new hard links")                                            \
	X(inode_unlink, security_inode_unlink, HOOK_REQUIRED, "removed files")                                         \
	X(inode_rmdir, security_inode_rmdir, HOOK_REQUIRED, "removed directories")                                     \
	X(inode_rename, security_inode_rename, HOOK_REQUIRED, "renames and moves")                                     \
	X(inode_setattr, security_inode_setattr, HOOK_REQUIRED, "mode, owner, times, size")                            \
	X(inode_setxattr, security_inode_setxattr, HOOK_REQUIRED, "extended attributes")                               \
	X(inode_removexattr, security_inode_removexattr, HOOK_REQUIRED, "removed extended attributes")                 \
	X(inode_set_acl, security_inode_set_acl, HOOK_IF_PRESENT, "access control lists")                              \
	X(inode_remove_acl, security_inode_remove_acl, HOOK_IF_PRESENT, "removed access control lists")                \
	X(set_posix_acl, set_posix_acl, HOOK_FUNCTION, "access control lists, set by file servers in the kernel")      \
	X(inode_setsecctx, security_inode_setsecctx, HOOK_REQUIRED, "security labels, set by file servers")            \
	X(inode_file_setattr, security_inode_file_setattr, HOOK_IF_PRESENT, "inode flags and projects")                \
	X(file_ioctl, security_file_ioctl, HOOK_REQUIRED, "ioctls that change a file")                                 \
	X(file_ioctl_compat, security_file_ioctl_compat, HOOK_IF_PRESENT, "the same from 32-bit programs")             \
	X(sb_delete, generic_shutdown_super, HOOK_REQUIRED, "filesystems that are unmounted for good")                 \
	X(sb_set_mnt_opts, security_sb_set_mnt_opts, HOOK_REQUIRED, "filesystems that are mounted")                    \
	X(blkdev_write_iter, blkdev_write_iter, HOOK_FUNCTION, "writes into block devices, past filesystems")          \
	X(blkdev_fallocate, blkdev_fallocate, HOOK_FUNCTION, "blocks of devices that are zeroed or discarded")         \
	X(mmap_file, security_mmap_file, HOOK_REQUIRED, "block devices that are mapped")                               \
	X(task_free, security_task_free, HOOK_REQUIRED, "operations of tasks that ended")                              \
	X(file_permission, security_file_permission, HOOK_ON_DEMAND,                                                   \
	  "each write, for tail --every and precision = write")

#define X(hook, function, presence, purpose) HOOK_##hook,
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
