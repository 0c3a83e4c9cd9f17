/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Writes into block devices: see raw.bpf.c. */
#ifndef FSCHANGED_RAW_H
#define FSCHANGED_RAW_H

#include "hook.h"

static __always_inline bool is_device(__u64 inode)
{
	return (READ(struct inode, inode, i_mode) & FILE_TYPE) == FILE_BLOCK;
}

static __always_inline bool is_writable_device(__u64 file)
{
	return is_device((__u64)READ(struct file, file, f_inode)) && READ(struct file, file, f_mode) & FMODE_WRITE;
}

/*
 * e2fsck, which looks at a filesystem before it is mounted, writes the superblock of the journal as it was, once. What
 * it repairs takes more than that, and moves the time of the last check, which the seal has.
 */
static __always_inline bool begins_with(const char *command, const char *name, __u32 length)
{
	for (__u32 i = 0; i < length; i++)
		if (command[i] != name[i])
			return false;
	return true;
}

/* Then nothing may be forgiven: no seal tells what was written. */
static __always_inline bool is_mounted(__u32 device)
{
	struct superblock *entry = bpf_map_lookup_elem(&superblocks, &device);

	return entry && entry->came != entry->ended;
}

static __always_inline bool is_checker(const char *command)
{
	return begins_with(command, "fsck.ext", sizeof("fsck.ext") - 1) ||
	       begins_with(command, "e2fsck", sizeof("e2fsck"));
}

/* The inode of the device, which is not that of its node. */
static __always_inline __u32 raw_device(__u64 file)
{
	return READ(struct file, file, f_mapping, host, i_rdev);
}

static __always_inline void name_task(struct raw_write *entry, __u64 task)
{
	entry->pid = READ(struct task_struct, task, tgid);
	bpf_core_read(entry->command, sizeof(entry->command), &((struct task_struct *)task)->comm);
}

/* task: who opens or has mapped it, named until somebody writes. */
static __always_inline struct raw_write *raw_entry(__u32 device, __u64 task)
{
	struct raw_write *entry = bpf_map_lookup_elem(&raw_writes, &device);
	struct raw_write new = {};

	if (entry)
		return entry;
	name_task(&new, task);
	bpf_map_update_elem(&raw_writes, &device, &new, BPF_NOEXIST);
	entry = bpf_map_lookup_elem(&raw_writes, &device);
	if (!entry)
		count(losses.raw_writes_full);
	return entry;
}

static __always_inline void note_raw_write(__u64 file, bool mapped)
{
	__u32 device = raw_device(file);
	__u32 pid = bpf_get_current_pid_tgid() >> 32;
	struct raw_write *entry = raw_entry(device, bpf_get_current_task());
	char command[COMMAND_BYTES] = {};

	if (!entry)
		return;
	bpf_get_current_comm(command, sizeof(command));
	if (is_checker(command) && entry->checker != pid && !is_mounted(device)) {
		entry->checker = pid;
		return;
	}
	__sync_fetch_and_add(&entry->writes, 1);
	entry->pid = pid;
	if (mapped)
		entry->mapped = 1;
	__builtin_memcpy(entry->command, command, sizeof(entry->command));
}

/* A mapping that the hook of mappings has not seen: from before it was there, or the kernel left it out. */
static __always_inline void enter_mapped_device(__u64 file, __u64 task)
{
	struct raw_write *entry = raw_entry(raw_device(file), task);

	if (!entry || entry->mapped)
		return;
	__sync_fetch_and_add(&entry->writes, 1);
	entry->mapped = 1;
	name_task(entry, task);
}

#endif
