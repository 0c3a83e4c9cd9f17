/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What crosses the ring buffer, the maps and the globals between the programs in bpf/ and the collector.
 * Fixed-width fields, no implicit padding: both sides are built from this one header.
 */
#ifndef FSCHANGED_EVENT_H
#define FSCHANGED_EVENT_H

#ifndef __bpf__
#include <linux/types.h>
#endif

enum {
	PATH_BYTES = 4096,  /* PATH_MAX: the longest path that a system call takes */
	PATH_LEVELS = 2048, /* more components do not fit into PATH_BYTES */
	RECORD_PATH_BYTES =
		PATH_BYTES + 256, /* a component is begun while the path so far is not longer than PATH_BYTES */
	NAME_BYTES = 256,         /* NAME_MAX and the terminating NUL */
	COMMAND_BYTES = 16,       /* TASK_COMM_LEN */
};

/*
 * Operations: X(constant, bit, name, the change is in the names of files)
 * The bit is kept in the store, so it never changes its meaning.
 */
#define OPERATIONS(X)                                                                                                  \
	X(OPERATION_OPEN, 0, "open", 0)                                                                                \
	X(OPERATION_CREATE, 1, "create", 1)                                                                            \
	X(OPERATION_MKDIR, 2, "mkdir", 1)                                                                              \
	X(OPERATION_MKNOD, 3, "mknod", 1)                                                                              \
	X(OPERATION_SYMLINK, 4, "symlink", 1)                                                                          \
	X(OPERATION_LINK, 5, "link", 1)                                                                                \
	X(OPERATION_UNLINK, 6, "unlink", 1)                                                                            \
	X(OPERATION_RMDIR, 7, "rmdir", 1)                                                                              \
	X(OPERATION_RENAME_FROM, 8, "rename-from", 1)                                                                  \
	X(OPERATION_RENAME_TO, 9, "rename-to", 1)                                                                      \
	X(OPERATION_SETATTR, 10, "setattr", 0)                                                                         \
	X(OPERATION_XATTR, 11, "xattr", 0)                                                                             \
	X(OPERATION_ACL, 12, "acl", 0)                                                                                 \
	X(OPERATION_IOCTL, 13, "ioctl", 0)                                                                             \
	X(OPERATION_FILEATTR, 14, "fileattr", 0)                                                                       \
	X(OPERATION_WRITE, 15, "write", 0)                                                                             \
	X(OPERATION_CARRIED, 16, "carried", 0)                                                                         \
	X(OPERATION_ENTRY, 17, "entries", 0)

#define X(constant, bit, name, names) constant = bit,
enum operation { OPERATIONS(X) OPERATION_COUNT };
#undef X

enum event_kind {
	EVENT_PATH = 1,   /* a path that changes */
	EVENT_CANARY = 2, /* the collector's own sign of life on a filesystem */
	EVENT_INODE = 3,  /* an inode that changes and has no name in the kernel's cache: no path follows */
};

enum event_flags {
	EVENT_SUBTREE = 1 << 0,   /* a command may have changed all that is below the path */
	EVENT_MAPPED = 1 << 1,    /* the inode has shared writable mappings */
	EVENT_NO_CMTIME = 1 << 2, /* stores may move no ctime */
	EVENT_REPEATED = 1 << 3,  /* deduplication would have hidden it: for people, not for lists */
	EVENT_CARRIED = 1 << 4,   /* not new: still open or under way when its window closed */
	EVENT_UNFIT = 1 << 5,     /* what changed has no path that fits or that the disk has: this is an ancestor's, and
				     all below it may have come, gone and changed */
	EVENT_UNDER_WAY = 1 << 6, /* a store may have moved the ctime before the cut and the data after it */
	EVENT_UNNAMED = 1 << 7,   /* the path is no name of the inode any more: one by inode follows */
};

/*
 * The collector sends this command to a directory to see whether the hooks are alive. No filesystem knows it: the
 * security hook runs, then the call fails, also on frozen and read-only filesystems. _IO('~', 0xfc)
 */
enum { CANARY_COMMAND = 0x7efc };

/*
 * One record of the ring; a path of path_bytes follows, and the command's name (COMMAND_BYTES, with its NUL) if anybody
 * watches. Components stand leaf first, each followed by '/', so that "a/b" is "b/a/" and the filesystem's root is
 * empty.
 */
struct event {
	__u64 epoch;  /* the window in which the path is dirty */
	__u64 time;   /* CLOCK_BOOTTIME or, before 5.8, CLOCK_MONOTONIC, in nanoseconds */
	__u64 inode;  /* 0: the name had no inode yet */
	__u64 ended;  /* the inode whose only name a rename takes, 0: none */
	__u32 device; /* the superblock's dev_t as the kernel encodes it: major << 20 | minor */
	__u32 generation;
	__u32 pid; /* the thread group */
	__u32 tid;
	__u32 uid;
	__u32 links; /* link count before the change */
	__u16 mode;  /* with file type; 0 where there is no inode yet */
	__u16 path_bytes;
	__u8 kind;
	__u8 operation;
	__u8 flags;
	__u8 replaced; /* file type (mode >> 12) of what a rename replaces, 0: nothing */
};

/* How long a loss may go on being one. */
enum loss_duration {
	LOSS_PASSES,         /* one record */
	LOSS_UNTIL_NEXT_CUT, /* an operation that will not be carried */
	LOSS_WHILE_OPEN,     /* a file that is in no table, for as long as it is open */
	LOSS_DURATIONS,
	LOSS_OF_ALL = LOSS_DURATIONS, /* programs may not have run: both of these */
};

/* Everything that can lose a change is counted; X(member, the reason of the gap, enum loss_duration) */
#define LOSSES(X)                                                                                                      \
	X(ring_full, "the ring buffer was full", LOSS_PASSES)                                                          \
	X(no_scratch, "no record buffer was free", LOSS_PASSES)                                                        \
	X(walk_failed, "a path could not be read", LOSS_PASSES)                                                        \
	X(too_deep, "a path has more than 2,048 components above PATH_MAX", LOSS_PASSES)                               \
	X(writers_full, "the table of open writers was full", LOSS_WHILE_OPEN)                                         \
	X(operations_full, "the table of operations under way was full", LOSS_UNTIL_NEXT_CUT)                          \
	X(raw_writes_full, "the table of block devices was full", LOSS_PASSES)                                         \
	X(mappings_unread, "a process has more mappings than can be looked at", LOSS_WHILE_OPEN)                       \
	X(ftrace_opened, "kernel.ftrace_enabled was opened for writing: programs may not have run", LOSS_OF_ALL)

struct losses {
#define X(member, reason, duration) __u64 member;
	LOSSES(X)
#undef X
};

/* What the programs and the collector share. The collector sets it, but for what counts. */
struct globals {
	__u64 epoch;             /* number of the open window; 0: not yet tracing */
	__u64 settled;           /* the same, when renames that began before it have ended or are carried */
	__u64 lasting;           /* the same, when all operations have that began before it was settled */
	__u64 submitted;         /* records put into the ring */
	__u64 look;              /* at what is open or under way: number of the one that goes on */
	__u64 mounts_begun;      /* mounts whose program has begun to look for an entry */
	__u64 mounts_ended;      /* and those whose program has ended */
	__u64 collector_claimed; /* when it said who it is, in CLOCK_BOOTTIME */
	__u32 collector;         /* its thread group; 0: none */
	__u32 watched;           /* somebody wants to see who it is */
	__u32 every;             /* and what deduplication hides */
	__u32 padding;
	struct losses losses;
	struct losses accounted; /* those of which there are gaps in the store; no program uses this */
};

enum { SUPERBLOCKS = 1024 }; /* that are traced at a time */

/* A filesystem that is traced. Key: its device, as in struct event. */
struct superblock {
	__u64 look;  /* at which the following were counted */
	__s64 held;  /* how often there is write access to one of its mounts: by files, and shortly by operations */
	__s64 known; /* of these, files among the writers */
	__u32 came;  /* how many superblocks have had its numbers: 1 for the one that was entered by the collector */
	__u32 ended; /* which of them was unmounted for good last: what has its numbers since is another one */
};

/* In `held`: it could not be counted. */
#define HELD_UNKNOWN (1LL << 62)

/* A block device that was opened for writing, past the filesystem on it. Key: the device. */
struct raw_write {
	__u64 writes;
	__u32 pid;     /* of the last one; before there is any, of who has opened it */
	__u32 mapped;  /* somebody has mapped it: from then on stores go unseen */
	__u32 checker; /* the last check that has written once */
	__u32 padding;
	char command[COMMAND_BYTES];
};

/* What lies before is superblocks, partition tables and boot loaders, no files: the seal of a filesystem tells of it.
 */
enum { RAW_HEAD_BYTES = 2048 };

/* A file that is open for writing. Key: the address of its struct file. */
struct writer {
	__u64 epoch; /* in which it was last reported; 0: not under a name that lasts */
	__u64 inode;
	__u64 look; /* that met it last */
};

/* One at the same address that is another differs. */
struct inode_identity {
	__u64 address;
	__u64 number;
	__u32 generation;
	__u32 device;
};

/*
 * What a task's last operation changes. Key: the address of its task_struct. Dentries and inodes are addresses: while
 * the operation is under way it holds the dentry; afterwards they may be anything, but then nothing needs them.
 */
struct operation_under_way {
	__u64 epoch;   /* in which it was last reported; 0: not under a name that lasts */
	__u64 serial;  /* counts the task's operations */
	__u64 settled; /* the serial of one that is known to have ended */
	__u64 dentries[2];
	__u64 inodes[2]; /* behind the dentries; an operation on names is about the first */
	__u64 what[2];   /* as in about() */
	__u64 began;     /* the epoch in which its hook has run */
	__u64 look;      /* that met it last, a rename */
	__u64 reported;  /* the epoch if its record is in the ring and its name lasts, else 0 */
	struct {
		__u64 epoch; /* in which it was made, under a name that lasts; 0: none */
		__u64 dentry;
		struct inode_identity inode;
	} made; /* the file that the task has made last */
};

#endif
