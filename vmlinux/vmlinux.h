/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The kernel structures and fields that the programs read, and nothing else. Offsets do not matter: every access is
 * relocated against the running kernel's BTF when the programs are loaded (CO-RE).
 *
 * To add a field: write it into its structure with its name and type as the kernel's headers have them; the order is
 * free. To add a structure: the same, inside the pragma. Where kernels disagree on a field, write a second structure
 * with a suffix ("struct dentry___6_1": CO-RE ignores what follows three underscores) into bpf/compat.h, and choose
 * there by bpf_core_field_exists().
 */
#ifndef VMLINUX_H
#define VMLINUX_H

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef signed char __s8;
typedef short __s16;
typedef int __s32;
typedef long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;
typedef _Bool bool;
enum { false, true };

enum bpf_map_type {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_ARRAY_OF_MAPS = 12,
	BPF_MAP_TYPE_RINGBUF = 27,
};

enum { BPF_ANY, BPF_NOEXIST, BPF_EXIST };
enum { BPF_RB_NO_WAKEUP = 1, BPF_RB_FORCE_WAKEUP = 2 };
enum { BPF_RB_AVAIL_DATA = 0 };

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct hlist_node {
	struct hlist_node *next;
};

struct hlist_head {
	struct hlist_node *first;
};

struct hlist_bl_node {
	struct hlist_bl_node **pprev; /* null: not hashed */
};

struct qstr {
	union {
		struct {
			__u32 hash;
			__u32 len;
		};
		__u64 hash_len; /* hash in the lower, length in the upper half */
	};
	const unsigned char *name;
};

struct list_head {
	struct list_head *next;
};

typedef struct {
	int counter;
} atomic_t;

typedef struct {
	long counter;
} atomic_long_t;

struct block_device;

struct seqcount {
	unsigned int sequence;
};

struct super_block {
	struct list_head s_list;
	atomic_t s_active;
	struct block_device *s_bdev;
	__u32 s_dev;
	unsigned long s_magic;
	struct dentry *s_root;
};

struct rw_semaphore {
	atomic_long_t count;
};

struct address_space {
	struct inode *host;
	atomic_t i_mmap_writable;
};

struct inode {
	__u16 i_mode;
	unsigned int i_flags;
	__u32 i_rdev;
	struct rw_semaphore i_rwsem;
	atomic_t i_writecount;
	atomic_t i_dio_count;
	unsigned int i_nlink;
	unsigned long i_ino;
	__u32 i_generation;
	struct super_block *i_sb;
	struct address_space *i_mapping;
	struct hlist_head i_dentry;
};

struct dentry {
	unsigned int d_flags;
	struct hlist_bl_node d_hash;
	struct dentry *d_parent;
	struct qstr d_name;
	struct inode *d_inode;
	struct super_block *d_sb;
};

struct vfsmount {
	struct super_block *mnt_sb;
};

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

struct file {
	unsigned int f_mode;
	struct inode *f_inode;
	struct address_space *f_mapping;
	void *private_data;
	struct path f_path;
};

struct kiocb {
	struct file *ki_filp;
	__s64 ki_pos;
};

struct iov_iter {
	unsigned long count;
};

struct vm_area_struct {
	unsigned long vm_flags;
	struct file *vm_file;
};

struct mm_struct;

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

struct task_struct {
	unsigned int flags;
	struct mm_struct *mm;
	int tgid;
	struct task_struct *group_leader;
	char comm[16];
	__u64 start_boottime;
	struct files_struct *files;
};

struct bpf_iter_meta;
struct bpf_map;

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};

struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	__u32 fd;
	struct file *file;
};

struct bpf_iter__task_vma {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	struct vm_area_struct *vma;
};

struct bpf_iter__bpf_map_elem {
	struct bpf_iter_meta *meta;
	struct bpf_map *map;
	void *key;
	void *value;
};

#pragma clang attribute pop

#endif
