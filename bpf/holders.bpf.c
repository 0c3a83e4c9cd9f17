// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Are there files that were opened for writing before tracing began, and that no task has? A mount counts the write
 * access to it, a CPU at a time; every file that was opened for writing has one. What is counted there and is not among
 * the writers is held by somebody of whom nothing else tells.
 *
 * One look is: mark_writers, count_mounts some times, count_writers. Files that are known at the beginning and still
 * held at the end are held in between, so what is known of them is never too much.
 */
#include "hook.h"

/*
 * The kernel's list of all superblocks, and where each CPU's memory lies. Locks are not taken: what a program reads
 * stays while it runs (RCU), and a list that does not come to its end is counted again.
 */
extern const void super_blocks __ksym __weak;
extern const void __per_cpu_offset __ksym __weak;

/* Older verifiers go through a loop pass by pass, and keep a few branches of each: so many passes, so many times. */
enum { STEPS = 256, ROUNDS = 256 };

struct mount {
	struct mnt_pcp *mnt_pcp;
} __attribute__((preserve_access_index));

struct mnt_pcp {
	int mnt_writers;
} __attribute__((preserve_access_index));

static __always_inline int mark_writers_body(struct bpf_iter__bpf_map_elem *context, bool lsm)
{
	struct writer *writer = context->value;

	(void)lsm;
	if (writer)
		writer->look = globals.look;
	return 0;
}
ITERATOR_PROGRAMS(mark_writers, "iter/bpf_map_elem", bpf_iter__bpf_map_elem)

/*
 * By the mount: below an overlay on kernels until 6.5 that is the overlay's. Files that are used for swapping are left
 * to the kernel's list of those, whether they were opened before tracing began or after.
 */
static __always_inline int count_writers_body(struct bpf_iter__bpf_map_elem *context, bool lsm)
{
	__u64 *key = context->key, file;
	struct writer *writer = context->value;
	struct superblock *entry;
	__u32 device;

	(void)lsm;
	if (!key || !writer || writer->look != globals.look)
		return 0;
	file = *key;
	if (!(BPF_CORE_READ((struct file *)file, f_mode) & FMODE_WRITER) || !compat_is_held(file) ||
	    BPF_CORE_READ((struct file *)file, f_inode, i_flags) & S_SWAPFILE)
		return 0;
	device = BPF_CORE_READ((struct file *)file, f_path.mnt, mnt_sb, s_dev);
	entry = bpf_map_lookup_elem(&superblocks, &device);
	if (entry && entry->look == globals.look)
		entry->known++;
	return 0;
}
ITERATOR_PROGRAMS(count_writers, "iter/bpf_map_elem", bpf_iter__bpf_map_elem)

/* Not static: verified once and not in each pass of the loop over mounts. */
__noinline __u64 mount_writers(__u64 mount)
{
	__u64 counts = (__u64)BPF_CORE_READ((struct mount *)mount, mnt_pcp);
	__s64 sum = 0;

	for (__u32 cpu = 0; cpu < settings.cpus; cpu++) {
		struct mnt_pcp *counted;
		__u64 offset = 0;

		bpf_probe_read_kernel(&offset, sizeof(offset), (void *)&__per_cpu_offset + cpu * sizeof(offset));
		counted = (struct mnt_pcp *)(counts + offset);
		sum += BPF_CORE_READ(counted, mnt_writers);
	}
	return sum;
}

/* Only the collector runs these, one at a time. */
static volatile __s64 held;

/* Some mounts from this one on; the next one, MOUNTS_BROKEN, or 0. Not static, as above: the loop over them is two
 * loops. */
__noinline __u64 add_mounts(__u64 superblock, __u64 mount)
{
	for (int i = 0; i < STEPS && mount > MOUNTS_BROKEN; i++) {
		held += mount_writers(mount);
		mount = compat_next_mount(superblock, mount);
	}
	return mount;
}

static __always_inline __s64 count_held(__u64 superblock)
{
	__u64 mount = compat_first_mount(superblock);

	held = 0;
	for (int i = 0; i < ROUNDS && mount > MOUNTS_BROKEN; i++)
		mount = add_mounts(superblock, mount);
	return mount ? HELD_UNKNOWN : held;
}

/* One without a root is no longer mounted, or not yet; another may have its device. */
static __always_inline bool is_superblock_of(__u64 node, __u32 device)
{
	__u64 superblock = node - bpf_core_field_offset(struct super_block, s_list);

	return BPF_CORE_READ((struct super_block *)superblock, s_dev) == device &&
	       BPF_CORE_READ((struct super_block *)superblock, s_root);
}

/* Goes over some superblocks from this node on: to that of the device, the list's head, or as far as it comes. */
__noinline __u64 skip_superblocks(__u64 node, __u32 device)
{
	for (int i = 0; i < STEPS && node && node != (__u64)&super_blocks && !is_superblock_of(node, device); i++)
		node = (__u64)BPF_CORE_READ((struct list_head *)node, next);
	return node;
}

static __always_inline __u64 find_superblock(__u32 device)
{
	__u64 node;

	if (!&super_blocks || !&__per_cpu_offset || !bpf_core_field_exists(((struct mount *)0)->mnt_pcp))
		return 0;
	node = (__u64)BPF_CORE_READ((struct list_head *)&super_blocks, next);
	for (int i = 0; i < ROUNDS; i++)
		node = skip_superblocks(node, device);
	if (node == (__u64)&super_blocks || !is_superblock_of(node, device))
		return 0;
	return node - bpf_core_field_offset(struct super_block, s_list);
}

/*
 * The most that was counted in a look: an operation that ends on a CPU that is still to be read, and began on one that
 * was read already, makes it too little.
 */
static __always_inline int count_mounts_body(struct bpf_iter__bpf_map_elem *context, bool lsm)
{
	__u32 *device = context->key;
	struct superblock *entry = context->value;
	__s64 found = HELD_UNKNOWN;
	__u64 superblock;

	(void)lsm;
	if (!device || !entry)
		return 0;
	superblock = find_superblock(*device);
	if (superblock)
		found = count_held(superblock);
	if (entry->look != globals.look)
		entry->held = entry->known = 0;
	entry->look = globals.look;
	if (found > entry->held)
		entry->held = found;
	return 0;
}
ITERATOR_PROGRAMS(count_mounts, "iter/bpf_map_elem", bpf_iter__bpf_map_elem)
