// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Filesystems: the end of one that is traced. */
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
		entry->ended = 1;
}
HOOK_PROGRAMS(sb_delete, generic_shutdown_super)
