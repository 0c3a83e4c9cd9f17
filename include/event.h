/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What crosses the ring buffer, the maps and the globals between the programs in bpf/ and the collector.
 * Fixed-width fields, no implicit padding: both sides are built from this one header.
 */
#ifndef FSCHANGED_EVENT_H
#define FSCHANGED_EVENT_H

#ifndef __bpf__
#include <stdint.h>
typedef uint8_t __u8;
typedef uint16_t __u16;
typedef uint32_t __u32;
typedef uint64_t __u64;
typedef int64_t __s64;
#endif

enum {
	PATH_BYTES = 4096,     /* PATH_MAX: the longest path that a record holds */
	PATH_LEVELS = 2048,    /* more components do not fit into PATH_BYTES */
	NAME_BYTES = 256,      /* NAME_MAX and the terminating NUL */
	COMMAND_BYTES = 16,    /* TASK_COMM_LEN */
};

/*
 * Operations: X(constant, bit, name, the change is in the names of files)
 * The bit is kept in the store, so it never changes its meaning.
 */
#define OPERATIONS(X)                          \
	X(OPERATION_OPEN, 0, "open", 0)        \
	X(OPERATION_CREATE, 1, "create", 1)    \
	X(OPERATION_MKDIR, 2, "mkdir", 1)      \
	X(OPERATION_MKNOD, 3, "mknod", 1)      \
	X(OPERATION_SYMLINK, 4, "symlink", 1)  \
	X(OPERATION_LINK, 5, "link", 1)        \
	X(OPERATION_UNLINK, 6, "unlink", 1)    \
	X(OPERATION_RMDIR, 7, "rmdir", 1)      \
	X(OPERATION_RENAME_FROM, 8, "rename-from", 1) \
	X(OPERATION_RENAME_TO, 9, "rename-to", 1)     \
	X(OPERATION_SETATTR, 10, "setattr", 0) \
	X(OPERATION_XATTR, 11, "xattr", 0)     \
	X(OPERATION_ACL, 12, "acl", 0)         \
	X(OPERATION_IOCTL, 13, "ioctl", 0)     \
	X(OPERATION_FILEATTR, 14, "fileattr", 0) \
	X(OPERATION_WRITE, 15, "write", 0)     \
	X(OPERATION_CARRIED, 16, "carried", 0) \
	X(OPERATION_ENTRY, 17, "entries", 0)

enum operation {
#define X(constant, bit, name, names) constant = bit,
	OPERATIONS(X)
#undef X
	OPERATION_COUNT,
};

enum event_kind {
	EVENT_PATH = 1,   /* a path that changes */
	EVENT_NAME = 2,   /* a carried name: directory inode and name, no path */
	EVENT_INODE = 3,  /* a carried inode whose path is not known any more */
	EVENT_CANARY = 4, /* the collector's own sign of life on a filesystem */
};

enum event_flags {
	EVENT_SUBTREE = 1 << 0,  /* the path did not fit: it names an ancestor, all below it is dirty */
	EVENT_MAPPED = 1 << 1,   /* the inode has shared writable mappings */
	EVENT_NO_CMTIME = 1 << 2, /* opened so that stores move no ctime */
	EVENT_REPEATED = 1 << 3, /* deduplication would have hidden it: for tail only */
	EVENT_BELOW = 1 << 4,    /* a directory: look at all below it again */
	EVENT_WHOLE = 1 << 5,    /* a change that may reach any inode of the filesystem */
};

/*
 * One record of the ring; a path of path_bytes follows. Components stand leaf first, each followed by '/', so that
 * "a/b" is "b/a/" and the filesystem's root is empty. EVENT_NAME carries the bare name without '/'.
 */
struct event {
	__u64 epoch;           /* the window in which the path is dirty */
	__u64 time;            /* CLOCK_BOOTTIME or, before 5.8, CLOCK_MONOTONIC, in nanoseconds */
	__u64 inode;           /* 0: the name had no inode yet */
	__u64 directory_inode; /* of the name's directory */
	__u32 device;          /* the superblock's dev_t as the kernel encodes it: major << 20 | minor */
	__u32 generation;
	__u32 pid;             /* the thread group */
	__u32 tid;
	__u32 uid;
	__u32 links;           /* link count before the change */
	__u16 mode;            /* with file type; 0 where there is no inode yet */
	__u16 path_bytes;
	__u8 kind;
	__u8 operation;
	__u8 flags;
	__u8 replaced;         /* file type (mode >> 12) of what a rename replaces, 0: nothing */
	char command[COMMAND_BYTES];
};

/* Everything that can lose a change is counted; X(member, the reason of the gap) */
#define LOSSES(X)                                                                   \
	X(ring_full, "the ring buffer was full")                                    \
	X(no_scratch, "no record buffer was free")                                  \
	X(walk_failed, "a path could not be read")                                  \
	X(too_deep, "a path has more than 2,048 components above PATH_MAX")          \
	X(no_alias, "a file has no name in the cache")                              \
	X(writers_full, "the table of open writers was full")                       \
	X(operations_full, "the table of running operations was full")             \
	X(mappings_unread, "a process has more mappings than can be looked at")

struct losses {
#define X(member, reason) __u64 member;
	LOSSES(X)
#undef X
};

/* A file that is open for writing. Key: the address of its struct file. */
struct writer {
	__u64 inode;
	__u64 directory_inode;
	__u64 epoch;      /* in which it was last reported */
	__u32 device;
	__u32 generation;
};

/* The names that a task's last operation changes. Key: the address of its task_struct. */
struct named {
	__u64 directory_inode;
	char name[NAME_BYTES];
};

struct operation_in_flight {
	__u64 epoch;
	__u32 device;
	__u32 count;      /* of names in use */
	__u8 operation;
	__u8 flags;
	__u8 replaced;
	__u8 reserved;
	__u32 mode;
	struct named names[2];
};

#endif
