// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Content. A store into a file, by whatever means, goes through a struct file with FMODE_WRITE: from its opening to its
 * end the file counts as dirty in every window. No hook on writes is needed.
 */
#include "raw.h"
#include "writer.h"

/*
 * kernel.ftrace_enabled, by which programs are switched off and on without a trace: also while no collector watches it.
 * This hook runs before.
 */
static __always_inline bool is_ftrace_setting(struct file *file, struct inode *inode)
{
	static const char setting[] = "ftrace_enabled";
	char name[sizeof(setting)] = {}, differs = 0;

	if (inode->i_sb->s_magic != PROC_MAGIC)
		return false;
	bpf_probe_read_kernel(name, sizeof(name), file->f_path.dentry->d_name.name);
#pragma unroll
	for (__u32 i = 0; i < sizeof(setting); i++)
		differs |= name[i] ^ setting[i];
	return !differs;
}

/*
 * The call that opens this file has made it (lookup_open(), fs/namei.c): the task's last operation, under this name. A
 * record of the opening would say no more: both are refined alike (collector/refine.c), and of a file with one link
 * nothing is kept. Only one that has something to say of mappings, times or other names would.
 */
static __always_inline bool is_reported_as_new(struct file *file, const struct dentry_facts *dentry,
					       const struct inode_facts *inode,
					       const struct operation_under_way *operation, __u64 now)
{
	return file->f_mode & FMODE_CREATED && operation && operation->reported == now && now &&
	       (operation->what[0] & 0xff) == OPERATION_CREATE && operation->dentries[0] == dentry->address &&
	       dentry->is_name && inode->links == 1 && file->f_mapping->i_mmap_writable.counter <= 0;
}

/* Most files are opened for reading: that must cost next to nothing. */
static __always_inline void file_open_body(__u64 *arguments, enum hook hook, bool lsm)
{
	struct file *file = (struct file *)arguments[0];
	__u32 mode = file->f_mode;
	struct operation_under_way *operation;
	struct dentry_facts dentry;
	struct inode_facts inode;
	struct inode *opened;
	__u64 now, what, task;

	if (!(mode & FMODE_WRITE))
		return;
	opened = file->f_inode;
	if (!opened) {
		count(losses.walk_failed);
		return;
	}
	inode = known_inode(opened);
	if (is_ftrace_setting(file, opened))
		count(losses.ftrace_opened);
	if (has_type(&inode, FILE_BLOCK))
		raw_entry(raw_device(argument(arguments, 0)), bpf_get_current_task());
	if (!is_written(&inode) || !is_traced(inode.device))
		return;
	now = globals.epoch;
	remember_writer((__u64)file, &inode, now);
	if (is_collector())
		return;
	task = bpf_get_current_task();
	operation = bpf_map_lookup_elem(&operations, &task);
	what = about(OPERATION_OPEN, opening_flags(mode, &inode, operation), 0);
	dentry = known_dentry(file->f_path.dentry);
	if (!(what >> 8) && is_reported_as_new(file, &dentry, &inode, operation, now)) {
		note_made(operation, dentry.address, &inode, now);
		return report_again(dentry.address, &inode, what, now, hook, lsm);
	}
	report_once(current_dentry(&dentry, &inode, &what), &inode, what, now, hook, lsm);
}
HOOK_PROGRAMS(file_open, security_file_open)

/* FMODE_WRITE is set before the file is opened and stays: others are not among the writers. */
static __always_inline void file_free_security_body(__u64 *arguments, enum hook hook, bool lsm)
{
	struct file *file = (struct file *)arguments[0];
	__u64 key = (__u64)file;

	(void)hook;
	(void)lsm;
	if (file->f_mode & FMODE_WRITE)
		bpf_map_delete_elem(&writers, &key);
}
HOOK_PROGRAMS(file_free_security, security_file_free)

/*
 * For people: that a file was written, and not only opened for it; and each write, for those who watch. Not every write
 * comes here (a loop device's do not), and a list needs none.
 */
static __always_inline void file_permission_body(__u64 *arguments, enum hook hook, bool lsm)
{
	struct file *file = (struct file *)arguments[0];
	__u64 now = globals.epoch, name, what = about(OPERATION_WRITE, 0, 0);
	struct inode *written;
	struct dentry_facts dentry;
	struct inode_facts inode;

	if (!((__u32)arguments[1] & MAY_WRITE) || !(settings.precise || globals.every) || !has_room_to_spare())
		return;
	written = file->f_inode;
	if (!written)
		return;
	inode = known_inode(written);
	if (!is_written(&inode) || !is_traced(inode.device) || is_collector())
		return;
	dentry = known_dentry(file->f_path.dentry);
	name = current_dentry(&dentry, &inode, &what);
	if (settings.precise)
		report_once(name, &inode, what, now, hook, lsm);
	else
		report_again(name, &inode, what, now, hook, lsm);
}
HOOK_PROGRAMS(file_permission, security_file_permission)
