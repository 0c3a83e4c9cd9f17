// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Filesystems: the end of one that is traced, and the beginning of one that may have to be. */
#include "hook.h"

/*
 * A superblock that was mounted is shut down: after the last mount of it has gone, in whatever namespace, and before
 * its device number is free for another one. The function is called for one whose mount failed as well, which may have
 * the number of one that is in use: that has no root. The LSM hook lies behind that question, where nothing has a root
 * any more (generic_shutdown_super(), fs/super.c).
 */
static __always_inline void sb_delete_body(__u64 *arguments, enum hook hook, bool lsm)
{
	struct super_block *superblock = (struct super_block *)argument(arguments, 0);
	__u32 device = BPF_CORE_READ(superblock, s_dev);
	struct superblock *entry = bpf_map_lookup_elem(&superblocks, &device);

	(void)hook;
	if (entry && (lsm || BPF_CORE_READ(superblock, s_root)))
		entry->ended = entry->came;
}
HOOK_PROGRAMS(sb_delete, generic_shutdown_super)

/*
 * Nobody can have opened a file of it: whoever mounts it is the only one to hold it (vfs_get_tree(), fs/super.c), or no
 * mount of it is left. One that was detached while in use still is in the list; btrfs has let go of one of its own, and
 * may hold the superblock for that yet (mntput_no_expire(), fs/namespace.c).
 */
static __always_inline bool is_new(struct super_block *superblock)
{
	return BPF_CORE_READ(superblock, s_active.counter) == 1 || !compat_first_mount((__u64)superblock);
}

/*
 * A new superblock, before any mount of it is visible: it is traced from here on if it lies on a disk, so that nothing
 * is missed until the collector has seen the mount and says whether it is wanted. The hook is called for each mount. An
 * entry that is there is kept when its superblock has ended: only the collector takes one out.
 */
static __always_inline void enter_superblock(struct super_block *superblock)
{
	__u32 device = BPF_CORE_READ(superblock, s_dev);
	struct superblock *entry = bpf_map_lookup_elem(&superblocks, &device);
	struct superblock new = {.came = 1};

	/* What had this number has ended, so this is another one, whoever holds it already. */
	if (entry && entry->came == entry->ended)
		entry->came++;
	if (entry || !is_new(superblock))
		return;
	if (!BPF_CORE_READ(superblock, s_bdev) && BPF_CORE_READ(superblock, s_magic) != BTRFS_MAGIC)
		return;
	/* Should there be no room, the collector finds that out, which is a gap. */
	bpf_map_update_elem(&superblocks, &device, &new, BPF_NOEXIST);
}

/* Counted before and after: the collector has to know whether this runs while it takes an entry out. */
static __always_inline void sb_set_mnt_opts_body(__u64 *arguments, enum hook hook, bool lsm)
{
	(void)hook;
	(void)lsm;
	count(mounts_begun);
	enter_superblock((struct super_block *)argument(arguments, 0));
	count(mounts_ended);
}
HOOK_PROGRAMS(sb_set_mnt_opts, security_sb_set_mnt_opts)
