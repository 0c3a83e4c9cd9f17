/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * All that the programs know about differences between kernels. Each entry says since when it is needed, by which
 * change in the kernel, and when it may go. Choices are made by BTF, never by a version number.
 */
#ifndef FSCHANGED_COMPAT_H
#define FSCHANGED_COMPAT_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

/*
 * bpf_rdonly_cast() makes of an address a pointer that the verifier lets be read by loads, which give 0 where nothing
 * can be read (a35b9af4ec2c "bpf: Add a kfunc for generic type cast", 6.2). Before, each read is a call of 60 to 110
 * instructions.
 *
 * So all programs are built twice, and those that read by calls (BY_LOADS is 0) are loaded where the kernel does not
 * take the others (kernel_load()): not before 6.2; nor where the type information has a structure twice, as that of
 * many kernels does: then libbpf finds no one number for it. One object could not serve both: until 5.15 the verifier
 * refuses a function that is not there also in code that is never reached (a5d8272752416e "bpf: Be conservative while
 * processing invalid kfunc calls", 5.16). The calls may go with support for 6.1, if libbpf then tells such structures
 * apart.
 */
extern void *bpf_rdonly_cast(const void *object, __u32 type) __ksym;

#define compat_cast(type, address) ((type *)bpf_rdonly_cast((const void *)(address), bpf_core_type_id_kernel(type)))

/* A member of the structure at an address, also by way of others: READ(struct inode, address, i_sb, s_dev). */
#define READ(type, address, ...)                                                                                       \
	(BY_LOADS ? ___arrow(compat_cast(type, address), __VA_ARGS__) : BPF_CORE_READ((type *)(address), __VA_ARGS__))

/*
 * The length of a dentry's name, where hash_len has it. That is a member of a union, of which verifiers until 6.5 let
 * only the halves be loaded (33937607efa0 "bpf: Fix an error in verifying a field in a union", 6.6). hash_len may be
 * loaded without support for 6.5.
 */
static __always_inline __u64 compat_name_length(const struct dentry *dentry)
{
	return (__u64)dentry->d_name.len << 32;
}

/*
 * A dentry on its inode's list of aliases. Until 7.2 the list node lay in the union d_u ("d_u.d_alias"); from 7.3 on it
 * is the member d_alias. The first may go when 7.2 and older are no longer supported.
 */
struct dentry___in_union {
	union {
		struct hlist_node d_alias;
	} d_u;
} __attribute__((preserve_access_index));

struct dentry___member {
	struct hlist_node d_alias;
} __attribute__((preserve_access_index));

static __always_inline __u64 compat_alias(__u64 node)
{
	if (bpf_core_field_exists(((struct dentry___member *)0)->d_alias))
		return node - bpf_core_field_offset(struct dentry___member, d_alias);
	return node - bpf_core_field_offset(struct dentry___in_union, d_u.d_alias);
}

/*
 * A task's state: `state` until 5.13, `__state` since 5.14 (2f064a59a11f "sched: Change task_struct::state"). The first
 * may go with support for 5.10.
 */
struct task_struct___old {
	volatile long state;
} __attribute__((preserve_access_index));

struct task_struct___new {
	unsigned int __state;
} __attribute__((preserve_access_index));

static __always_inline __u32 compat_task_state(__u64 task)
{
	if (bpf_core_field_exists(((struct task_struct___new *)0)->__state))
		return READ(struct task_struct___new, task, __state);
	return READ(struct task_struct___old, task, state);
}

/*
 * Mappings of a process as a linked list: until 6.0 (763ecb035029 "mm: remove the vma linked list", 6.1). Needed on
 * 5.10 only, which has no iterator over mappings (3d7669841ae0 "bpf: Introduce task_vma bpf_iter", 5.12). May go with
 * support for 5.10.
 */
struct vm_area_struct___linked {
	unsigned long vm_flags;
	struct file *vm_file;
	struct vm_area_struct___linked *vm_next;
} __attribute__((preserve_access_index));

struct mm_struct___linked {
	struct vm_area_struct___linked *mmap;
} __attribute__((preserve_access_index));

/*
 * A name that stands for an encrypted one whose key is absent. The flags of dentries are an enum on newer kernels
 * (6.18, not 6.12), with other values; before they were macros, which BTF does not tell of, and this one was bit 25.
 * The constant may go with support for 6.12.
 */
enum dentry_flags___enum { DCACHE_NOKEY_NAME___enum = 1 };
enum { NOKEY_NAME_BEFORE_ENUM = 1 << 25 };

static __always_inline __u32 compat_nokey_name(void)
{
	if (bpf_core_enum_value_exists(enum dentry_flags___enum, DCACHE_NOKEY_NAME___enum))
		return bpf_core_enum_value(enum dentry_flags___enum, DCACHE_NOKEY_NAME___enum);
	return NOKEY_NAME_BEFORE_ENUM;
}

/*
 * Where names may differ in case from what the disk has: only with CONFIG_UNICODE has a superblock an encoding. 5.10 as
 * distributions ship it goes without. May stay.
 */
struct super_block___encoding {
	void *s_encoding;
} __attribute__((preserve_access_index));

static __always_inline bool compat_may_fold_case(void)
{
	return bpf_core_field_exists(((struct super_block___encoding *)0)->s_encoding);
}

static __always_inline bool compat_folds_case(__u64 superblock)
{
	return compat_may_fold_case() && READ(struct super_block___encoding, superblock, s_encoding);
}

/*
 * Whether somebody holds the lock of an inode's content, or waits for it. The count of a semaphore is 0 when it is free
 * (RWSEM_UNLOCKED_VALUE, kernel/locking/rwsem.c): bit 0 is a writer, 1 and 2 are waiters, from 8 on readers count.
 * Kernels with CONFIG_PREEMPT_RT have no count: it may be locked there, but is not said to be. May stay.
 */
static __always_inline bool compat_can_be_locked(void)
{
	return bpf_core_field_exists(((struct rw_semaphore *)0)->count);
}

static __always_inline bool compat_is_locked(__u64 inode)
{
	return compat_can_be_locked() && READ(struct inode, inode, i_rwsem.count.counter);
}

static __always_inline bool compat_may_be_locked(__u64 inode)
{
	return !compat_can_be_locked() || compat_is_locked(inode);
}

/* An unsigned long or a u64: 8 bytes either way on the machines that we run on. */
static __always_inline __u64 compat_inode_number(__u64 inode)
{
	return READ(struct inode, inode, i_ino);
}

/*
 * The mounts of a superblock. Until 6.17 a list through mnt_instance, since 6.18 a chain ("struct mount: relocate
 * MNT_WRITE_HOLD bit"). Both are private to fs/mount.h and in BTF. The first may go with support for 6.12.
 */
struct super_block___list {
	struct list_head s_mounts;
} __attribute__((preserve_access_index));

struct super_block___chain {
	struct mount___chain *s_mounts;
} __attribute__((preserve_access_index));

struct mount___list {
	struct list_head mnt_instance;
} __attribute__((preserve_access_index));

struct mount___chain {
	struct mount___chain *mnt_next_for_sb;
} __attribute__((preserve_access_index));

static __always_inline bool compat_chains_mounts(void)
{
	return bpf_core_field_exists(((struct mount___chain *)0)->mnt_next_for_sb);
}

/*
 * A mount on the list, or 0 where the node is the list's head. One that goes is taken off at once, and what it says of
 * the next one is no address then; on the chain it still leads on.
 */
enum { MOUNTS_BROKEN = 1 };

static __always_inline __u64 compat_listed_mount(__u64 superblock, __u64 node)
{
	__u64 head = superblock + bpf_core_field_offset(struct super_block___list, s_mounts);

	if (node == head)
		return 0;
	return node ? node - bpf_core_field_offset(struct mount___list, mnt_instance) : MOUNTS_BROKEN;
}

/* Not inlined: the compiler would move the offsets, which not every kernel has, to where they are always read. */
static __noinline __u64 compat_first_listed(__u64 superblock)
{
	return compat_listed_mount(superblock,
				   (__u64)BPF_CORE_READ((struct super_block___list *)superblock, s_mounts.next));
}

static __noinline __u64 compat_next_listed(__u64 superblock, __u64 mount)
{
	return compat_listed_mount(superblock, (__u64)BPF_CORE_READ((struct mount___list *)mount, mnt_instance.next));
}

static __always_inline __u64 compat_first_mount(__u64 superblock)
{
	if (compat_chains_mounts())
		return (__u64)BPF_CORE_READ((struct super_block___chain *)superblock, s_mounts);
	return compat_first_listed(superblock);
}

static __always_inline __u64 compat_next_mount(__u64 superblock, __u64 mount)
{
	if (compat_chains_mounts())
		return (__u64)BPF_CORE_READ((struct mount___chain *)mount, mnt_next_for_sb);
	return compat_next_listed(superblock, mount);
}

/*
 * Whether somebody holds a file. Its count ends at 0 until 6.12; a file_ref_t begins there and is negative when the
 * last one has let go (90ee6ed776c0 "fs: port files to file_ref", 6.13). The first may go with support for 6.12.
 */
struct file___count {
	atomic_long_t f_count;
} __attribute__((preserve_access_index));

struct file___ref {
	struct {
		atomic_long_t refcnt;
	} f_ref;
} __attribute__((preserve_access_index));

static __always_inline bool compat_is_held(__u64 file)
{
	if (bpf_core_field_exists(((struct file___count *)0)->f_count))
		return BPF_CORE_READ((struct file___count *)file, f_count.counter) > 0;
	return BPF_CORE_READ((struct file___ref *)file, f_ref.refcnt.counter) >= 0;
}

#endif
