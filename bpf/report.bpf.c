// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Records: the walk to the root of the filesystem, and what is put into the ring. */
#include "shared.h"

/*
 * The kernel's seqlock over every d_move() (fs/dcache.c), its sequence first. A walk that it moved under is repeated
 * for precision; nothing is lost otherwise, because a moved directory is listed with all that is below it.
 */
extern const void rename_lock __ksym __weak;

static __always_inline __u32 rename_sequence(void)
{
	return &rename_lock ? READ(struct seqcount, &rename_lock, sequence) : 0;
}

/* As these lie in struct dentry: the walk touches them together, for each level. */
struct level {
	__u32 flags;
	__u32 sequence;
	__u64 hash[2];
	__u64 parent;
	struct qstr name;
};

#define LEVEL_OFFSET(member)                                                                                           \
	(bpf_core_field_offset(struct dentry, member) - bpf_core_field_offset(struct dentry, d_flags))

/* Not 0: it could not be read. Every dentry has a parent, be it itself. */
static __always_inline long read_level(struct level *level, __u64 address)
{
	struct dentry *dentry = (struct dentry *)address;

	if (BY_LOADS) {
		dentry = compat_cast(struct dentry, address);
		level->flags = dentry->d_flags;
		level->parent = (__u64)dentry->d_parent;
		level->name.hash_len = compat_name_length(dentry);
		level->name.name = dentry->d_name.name;
		return !level->parent;
	}
	if (LEVEL_OFFSET(d_parent) == offsetof(struct level, parent) &&
	    LEVEL_OFFSET(d_name) == offsetof(struct level, name))
		return bpf_core_read(level, sizeof(*level), &dentry->d_flags);
	return bpf_core_read(&level->flags, sizeof(level->flags), &dentry->d_flags) |
	       bpf_core_read(&level->parent, sizeof(level->parent), &dentry->d_parent) |
	       bpf_core_read(&level->name, sizeof(level->name), &dentry->d_name);
}

/*
 * Not 0: whoever looked up what is in this directory chose the spelling, and the disk may have another. The directory
 * compares names in a way of its own (vfat, or one that folds case); ext4 sets that on all directories of a filesystem
 * where any may fold case.
 */
static __always_inline __u32 spells_freely(const struct walk *walk, __u64 directory, __u32 flags)
{
	__u32 freely = flags & DCACHE_OP_COMPARE;

	if (compat_may_fold_case() && walk->folds_case)
		freely = READ(struct dentry, directory, d_inode, i_flags) & S_CASEFOLD;
	return freely;
}

/*
 * All bits where there is one, else none: no branch for the verifier to follow. The compiler must not see what this
 * comes to, else it makes one.
 */
static __always_inline __u32 all_bits(__u32 any)
{
	__u32 negative = -any, bit;

	barrier_var(negative);
	bit = (any | negative) >> 31;
	barrier_var(bit);
	return -bit;
}

/* What is written so far is dropped: the path begins anew, and what it begins at stands for all below it. */
static __always_inline __u32 begin_anew(struct scratch *record, __u32 length, __u32 why)
{
	__u32 drop = all_bits(why);

	record->event.flags |= EVENT_UNFIT & drop & all_bits(length);
	return length & ~drop;
}

/*
 * One level: writes a component into the slot's path, leaf first. The path begins anew where it does not fit, below a
 * directory that spells freely, and above a name that stands for an encrypted one.
 * 1: the root is reached.
 *
 * Written for the verifier: few branches, because it keeps every open one and gives up at 8,192; the length in memory
 * and not in a register, so that it knows no bounds and takes all passes of the loop for the same.
 */
static __always_inline long walk_level(struct walk *walk, struct scratch *record)
{
	__u32 bytes, length;
	struct level level;
	bool plain;

	if (walk->dentry == walk->root)
		return 1;
	walk->failed |= read_level(&level, walk->dentry);
	plain = !(level.flags & (DCACHE_OP_COMPARE | compat_nokey_name()) || walk->folds_case);
	length = record->length;
	if (!plain)
		length = begin_anew(record, length, spells_freely(walk, walk->dentry, level.flags));
	bytes = level.name.hash_len >> 32 & (NAME_BYTES - 1);
	if (length > PATH_BYTES) {
		record->event.flags |= EVENT_UNFIT;
		length = 0;
	}
	walk->failed |= bpf_probe_read_kernel(record->path + length, bytes, level.name.name);
	length += bytes;
	record->path[length] = '/';
	record->length = plain ? length + 1 : begin_anew(record, length + 1, level.flags & compat_nokey_name());
	walk->dentry = level.parent;
	return 0;
}

static long walk_callback(__u32 level, void *context)
{
	struct scratch **record = context;

	(void)level;
	return walk_level(&(*record)->walk, *record);
}

/* A plain loop in two, the inner one not static: verified once, and not in each pass of the outer one. */
enum { LEVELS = 64, LEVEL_ROUNDS = PATH_LEVELS / LEVELS };

/* Some levels; not 0: the walk is at its end. */
__noinline int walk_levels(__u32 slot)
{
	struct scratch *record = bpf_map_lookup_elem(&scratch, &slot);

	if (!record)
		return 1;
	for (int level = 0; level < LEVELS; level++)
		if (walk_level(&record->walk, record))
			return 1;
	return 0;
}

/*
 * Returns the length, WALK_BROKEN when a part could not be read or the chain does not end at the filesystem's root (a
 * dentry made from a file handle), WALK_DEEP when the root is farther away.
 *
 * bpf_loop() is verified once, a plain loop pass by pass; the helper came in 5.17 (e6f2dd0f8067 "bpf: Add bpf_loop
 * helper"), so the fentry programs, which serve older kernels, do without.
 */
enum { WALK_BROKEN = -1, WALK_DEEP = -2 };

static __always_inline int walk_path(__u64 dentry, __u32 slot, bool lsm)
{
	struct scratch *record = bpf_map_lookup_elem(&scratch, &slot);
	struct walk *walk;
	__u32 flags;
	__u64 last;

	if (!record)
		return WALK_BROKEN;
	walk = &record->walk;
	walk->dentry = dentry;
	walk->root = (__u64)READ(struct dentry, dentry, d_sb, s_root);
	walk->folds_case = compat_folds_case((__u64)READ(struct dentry, dentry, d_sb));
	walk->failed = 0;
	record->event.flags &= ~EVENT_UNFIT;
	record->length = record->begun;
	if (lsm) {
		bpf_loop(PATH_LEVELS + 1, walk_callback, &record, 0);
	} else {
		for (int round = 0; round < LEVEL_ROUNDS; round++)
			if (walk_levels(slot))
				break;
	}
	if (walk->failed)
		return WALK_BROKEN;
	last = walk->dentry;
	flags = READ(struct dentry, last, d_flags);
	if (last == walk->root)
		return begin_anew(record, record->length, spells_freely(walk, last, flags));
	return (__u64)READ(struct dentry, last, d_parent) == last ? WALK_BROKEN : WALK_DEEP;
}

/* Not static: inlined into the loop of attempts, it would be verified as often as that runs. */
__noinline int walk_path_lsm(__u64 dentry, __u32 slot)
{
	return walk_path(dentry, slot, true);
}

__noinline int walk_path_fentry(__u64 dentry, __u32 slot)
{
	return walk_path(dentry, slot, false);
}

static __always_inline int walk_once(__u64 dentry, __u32 slot, bool lsm, bool *disturbed)
{
	__u32 before = rename_sequence();
	int length = lsm ? walk_path_lsm(dentry, slot) : walk_path_fentry(dentry, slot);

	*disturbed = before & 1 || before != rename_sequence();
	return length;
}

/* No loop: in the shape that the compiler gives it, older verifiers refuse it for a "back-edge". */
static __always_inline int walk_undisturbed(__u64 dentry, __u32 slot, bool lsm)
{
	bool disturbed;
	int length = walk_once(dentry, slot, lsm, &disturbed);

	if (disturbed)
		length = walk_once(dentry, slot, lsm, &disturbed);
	if (disturbed)
		length = walk_once(dentry, slot, lsm, &disturbed);
	return length;
}

static __always_inline void fill_caller(struct event *event)
{
	__u64 id = bpf_get_current_pid_tgid();

	event->time = bpf_ktime_get_boot_ns();
	event->pid = id >> 32;
	event->tid = (__u32)id;
	event->uid = (__u32)bpf_get_current_uid_gid();
}

static __always_inline void fill_inode(struct event *event, __u64 address)
{
	event->inode = 0;
	event->generation = 0;
	event->mode = 0;
	event->links = 0;
	if (!address)
		return;
	event->inode = compat_inode_number(address);
	event->generation = READ(struct inode, address, i_generation);
	event->mode = READ(struct inode, address, i_mode);
	event->links = READ(struct inode, address, i_nlink);
	if (READ(struct inode, address, i_mapping, i_mmap_writable.counter) > 0)
		event->flags |= EVENT_MAPPED;
}

/*
 * A rename to the only name of a file ends that: its count is 1. An exchange does not, nor does a rename that fails,
 * but then both names are in the records. Another name that it gets meanwhile has a record of its own.
 */
static __always_inline __u64 ended_inode(__u64 dentry, __u64 what)
{
	__u64 inode = 0;

	if ((what & 0xff) == OPERATION_RENAME_TO && dentry)
		inode = dentry_inode(dentry);
	if (!inode || READ(struct inode, inode, i_nlink) != 1)
		return 0;
	return compat_inode_number(inode);
}

static __always_inline int submit(void *data, __u32 bytes)
{
	__u64 wake = BPF_RB_NO_WAKEUP;

	/* The collector looks by the clock; an application pays for waking it only when the ring fills fast. */
	if (bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA) > settings.wake_bytes)
		wake = BPF_RB_FORCE_WAKEUP;
	if (bpf_ringbuf_output(&events, data, bytes, wake)) {
		count(losses.ring_full);
		return -1;
	}
	count(submitted);
	return 0;
}

/* Puts a record with its path into the ring. */
static __always_inline int submit_path(struct scratch *record, __u32 length)
{
	__u32 bytes = sizeof(record->event) + length;

	record->event.path_bytes = length;
	if (!globals.watched)
		return submit(&record->event, bytes);
	bpf_get_current_comm(record->path + length, COMMAND_BYTES);
	return submit(&record->event, bytes + COMMAND_BYTES);
}

/* The name itself is what some operations change: an inode is no substitute for it. */
static __always_inline int report_inode(struct event *event, __u64 inode)
{
	if (!inode || NAME_OPERATIONS >> event->operation & 1) {
		count(losses.walk_failed);
		return -1;
	}
	event->kind = EVENT_INODE;
	event->path_bytes = 0;
	return submit(event, sizeof(*event));
}

static __always_inline int report_path(__u64 what, __u32 slot, bool lsm)
{
	struct scratch *record = bpf_map_lookup_elem(&scratch, &slot);
	__u64 dentry, inode;
	int length;

	if (!record) {
		count(losses.no_scratch);
		return -1;
	}
	dentry = record->dentry;
	inode = record->inode;
	record->begun = what & REPORT_CHILD ? record->begun : 0;
	record->event.kind = EVENT_PATH;
	record->event.operation = what & 0xff;
	record->event.flags = what >> 8 & 0xff;
	record->event.replaced = what >> 16 & 0xff;
	record->event.device = inode ? inode_device(inode) : dentry_device(dentry);
	fill_caller(&record->event);
	fill_inode(&record->event, inode);
	record->event.ended = ended_inode(dentry, what);
	if (!dentry)
		return report_inode(&record->event, inode);

	length = walk_undisturbed(dentry, slot, lsm);
	if (length == WALK_DEEP) {
		count(losses.too_deep);
		return -1;
	}
	if (length < 0 || length > RECORD_PATH_BYTES)
		return report_inode(&record->event, inode);
	record->event.flags |= what >> 8 & EVENT_UNFIT;
	if (submit_path(record, length))
		return -1;
	return what >> 8 & EVENT_UNNAMED ? report_inode(&record->event, inode) : 0;
}

__noinline int report_path_lsm(__u64 what, __u32 slot)
{
	return report_path(what, slot, true);
}

__noinline int report_path_fentry(__u64 what, __u32 slot)
{
	return report_path(what, slot, false);
}
