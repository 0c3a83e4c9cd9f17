/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Maps, globals and functions that the programs share; fschanged.bpf.c and report.bpf.c define them. */
#ifndef FSCHANGED_SHARED_H
#define FSCHANGED_SHARED_H

#include "compat.h"
#include "event.h"
#include "hooks.h"

enum {
	FILE_TYPE = 0170000,
	FILE_REGULAR = 0100000,
	FILE_FIFO = 0010000,
	FILE_CHARACTER = 0020000,
	FILE_DIRECTORY = 0040000,
	FMODE_WRITE = 0x2,
	FMODE_NOCMTIME = 0x800,
	FMODE_WRITER = 0x10000,
	FMODE_CREATED = 0x100000,
	S_NOCMTIME = 1 << 7,
	S_SWAPFILE = 1 << 8,
	VM_SHARED = 0x8,
	VM_MAYWRITE = 0x20,
	MAY_WRITE = 0x2,
	RENAME_EXCHANGE = 1 << 1,
	S_CASEFOLD = 1 << 15,
	DCACHE_OP_COMPARE = 1 << 1,
	OVERLAY_MAGIC = 0x794c7630,
	PROC_MAGIC = 0x9fa0,
	BTRFS_MAGIC = 0x9123683e,
	XFS_MAGIC = 0x58465342,
	FILE_BLOCK = 0060000,
	MAP_SHARED = 0x1,
	TASK_INTERRUPTIBLE = 1,
	TASK_NOLOAD = 0x400,
	PF_KTHREAD = 0x200000,
};

enum { REPORTED_FLAGS = 32 };

/* Which inode was reported under which dentry for which operations. */
struct reported {
	__u64 epoch;
	__u64 dentry;
	__u64 operations; /* 1 << enum operation, and from REPORTED_FLAGS on enum event_flags */
};

/* On the way from a dentry to the root of its filesystem. */
struct walk {
	__u64 dentry;
	__u64 root;
	__u64 failed;
	__u64 folds_case;
};

struct scratch {
	__u64 busy;
	__u64 dentry; /* what the record is about; one of both may be 0 */
	__u64 inode;
	struct walk walk;
	volatile __u32 length; /* of the path so far */
	__u32 begun;           /* of what stands below the dentry at which the walk begins */
	struct event event;
	char path[RECORD_PATH_BYTES + COMMAND_BYTES];
};

struct events_map {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
};

struct superblocks_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SUPERBLOCKS);
	__type(key, __u32);
	__type(value, struct superblock);
};

struct reported_map {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct inode_identity);
	__type(value, struct reported);
};

struct writers_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64);
	__type(value, struct writer);
};

struct operations_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64);
	__type(value, struct operation_under_way);
};

struct raw_writes_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, struct raw_write);
};

struct scratch_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct scratch);
};

extern struct events_map events SEC(".maps");
extern struct superblocks_map superblocks SEC(".maps");
extern struct reported_map reported SEC(".maps");
extern struct writers_map writers SEC(".maps");
extern struct operations_map operations SEC(".maps");
extern struct raw_writes_map raw_writes SEC(".maps");
extern struct scratch_map scratch SEC(".maps");

extern const volatile struct settings settings;
extern volatile struct globals globals;

/*
 * A rename whose hook has run before a cut may take place after it. What is reported in between has the old name, which
 * the new window knows nothing of. So when the collector has looked for such renames, what was reported before counts
 * no more, and what is open or under way then is carried.
 */
static __always_inline __u64 settled(__u64 now)
{
	return globals.settled == now ? now : 0;
}

/* The same for what is not an operation: one that was reported before that may be a rename as well. */
static __always_inline __u64 lasting(__u64 now)
{
	return globals.lasting == now ? now : 0;
}

/* A counter among the globals. */
#define count(counter) __sync_fetch_and_add((__u64 *)&globals.counter, 1)

/* Operations on names, as bits. */
#define X(constant, bit, name, names) | (__u64)(names) << (bit)
enum { NAME_OPERATIONS = 0 OPERATIONS(X) };
#undef X

/* In `what`: the record's buffer begins with the name of a child of the dentry, which is what changes. */
#define REPORT_CHILD (1ULL << 32)

/* What a record is about, packed: a global function takes scalars only. */
static __always_inline __u64 about(enum operation operation, __u32 flags, __u32 replaced)
{
	return (__u64)operation | (__u64)flags << 8 | (__u64)replaced << 16;
}

/*
 * Puts the path of a dentry into the ring, or where it has none the inode itself. slot: a record buffer that is the
 * caller's, its dentry, inode and event.epoch set: pointers go by way of its memory, as global functions take none. 0,
 * or -1 with the loss counted.
 */
int report_path_lsm(__u64 what, __u32 slot);
int report_path_fentry(__u64 what, __u32 slot);

static __always_inline bool is_traced(__u32 device)
{
	return bpf_map_lookup_elem(&superblocks, &device) != 0;
}

/* A number of a process is used again when that has died: whoever has it now began after the claim. */
static __always_inline bool is_collector(void)
{
	if ((__u32)(bpf_get_current_pid_tgid() >> 32) != globals.collector)
		return false;
	return READ(struct task_struct, bpf_get_current_task(), group_leader, start_boottime) <=
	       globals.collector_claimed;
}

static __always_inline __u32 dentry_device(__u64 dentry)
{
	return READ(struct dentry, dentry, d_sb, s_dev);
}

static __always_inline __u64 dentry_inode(__u64 dentry)
{
	return (__u64)READ(struct dentry, dentry, d_inode);
}

enum { ALIASES = 16 }; /* looked at, of an inode */

static __always_inline __u32 inode_device(__u64 inode)
{
	return READ(struct inode, inode, i_sb, s_dev);
}

/* In the cache's tree: not removed, and not made from a file handle without looking for its name (d_obtain_alias()). */
static __always_inline bool is_name(__u64 dentry)
{
	return READ(struct dentry, dentry, d_hash.pprev) && (__u64)READ(struct dentry, dentry, d_parent) != dentry;
}

/* What hooks ask of a dentry. */
struct dentry_facts {
	__u64 address; /* 0: there is none */
	__u64 superblock;
	bool is_name;
};

static __always_inline struct dentry_facts known_dentry(struct dentry *dentry)
{
	return (struct dentry_facts){
		.address = (__u64)dentry,
		.superblock = (__u64)dentry->d_sb,
		.is_name = dentry->d_hash.pprev && dentry->d_parent != dentry,
	};
}

static __always_inline struct dentry_facts dentry_at(__u64 address)
{
	if (!address)
		return (struct dentry_facts){0};
	return (struct dentry_facts){
		.address = address,
		.superblock = (__u64)READ(struct dentry, address, d_sb),
		.is_name = is_name(address),
	};
}

static __always_inline __u64 find_name(__u64 inode)
{
	__u64 node = (__u64)READ(struct inode, inode, i_dentry.first);

	for (int i = 0; i < ALIASES && node; i++) {
		__u64 alias = compat_alias(node);

		if (is_name(alias) && dentry_inode(alias) == inode)
			return alias;
		node = (__u64)READ(struct hlist_node, node, next);
	}
	return 0;
}

/* What hooks ask of an inode. */
struct inode_facts {
	__u64 address;
	__u64 number;
	__u64 superblock;
	__u32 device;
	__u32 generation;
	__u32 flags;
	__u32 links;
	__u16 mode;
};

/*
 * Of a pointer that came from a hook's arguments by way of members: the verifier knows its type and lets it be read by
 * loads, where a call for each member takes some 70 instructions.
 */
static __always_inline struct inode_facts known_inode(struct inode *inode)
{
	return (struct inode_facts){
		.address = (__u64)inode,
		.number = inode->i_ino,
		.superblock = (__u64)inode->i_sb,
		.device = inode->i_sb->s_dev,
		.generation = inode->i_generation,
		.flags = inode->i_flags,
		.links = inode->i_nlink,
		.mode = inode->i_mode,
	};
}

static __always_inline struct inode_facts inode_at(__u64 address)
{
	return (struct inode_facts){
		.address = address,
		.number = compat_inode_number(address),
		.superblock = (__u64)READ(struct inode, address, i_sb),
		.device = READ(struct inode, address, i_sb, s_dev),
		.generation = READ(struct inode, address, i_generation),
		.flags = READ(struct inode, address, i_flags),
		.links = READ(struct inode, address, i_nlink),
		.mode = READ(struct inode, address, i_mode),
	};
}

static __always_inline struct inode_identity identity_of(const struct inode_facts *inode)
{
	return (struct inode_identity){
		.address = inode->address,
		.number = inode->number,
		.generation = inode->generation,
		.device = inode->device,
	};
}

static __always_inline bool has_type(const struct inode_facts *inode, __u32 type)
{
	return (inode->mode & FILE_TYPE) == type;
}

/* Where a write changes something on the filesystem: of a fifo or a terminal, the times. */
static __always_inline bool is_written(const struct inode_facts *inode)
{
	return has_type(inode, FILE_REGULAR) || has_type(inode, FILE_FIFO) || has_type(inode, FILE_CHARACTER);
}

/*
 * The dentry that names an inode now. The given one does not
 * - below an overlay on kernels until 6.5, which leave the overlay's dentry in a file on its lower filesystem
 *   (62d53c4a1dfe "fs: use backing_file container", 6.6);
 * - after its name was removed while the file stayed open and has another name (link, then unlink; O_TMPFILE, then
 *   link);
 * - when it was made from a file handle.
 * Aliases are read without their lock. Where none is a name, *what gets EVENT_UNNAMED: the inode itself is reported,
 * and the given dentry too if it is of the inode's filesystem (else 0 is returned), because it may still lead there: a
 * file made in a directory that folds case stays unhashed.
 */
static __always_inline __u64 current_dentry(const struct dentry_facts *dentry, const struct inode_facts *inode,
					    __u64 *what)
{
	bool own = dentry->address && dentry->superblock == inode->superblock;
	__u64 alias;

	if (own && (dentry->is_name || !inode->links || has_type(inode, FILE_DIRECTORY)))
		return dentry->address;
	alias = find_name(inode->address);
	if (alias)
		return alias;
	*what |= (__u64)EVENT_UNNAMED << 8;
	return own ? dentry->address : 0;
}

static __always_inline __u64 file_dentry(__u64 file, const struct inode_facts *inode, __u64 *what)
{
	struct dentry_facts dentry = dentry_at((__u64)READ(struct file, file, f_path.dentry));

	return current_dentry(&dentry, inode, what);
}

#endif
