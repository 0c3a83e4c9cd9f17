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
static __always_inline bool is_ftrace_setting(__u64 file, __u64 inode)
{
	static const char setting[] = "ftrace_enabled";
	char name[sizeof(setting)] = {}, differs = 0;

	if (BPF_CORE_READ((struct inode *)inode, i_sb, s_magic) != PROC_MAGIC)
		return false;
	bpf_probe_read_kernel(name, sizeof(name), BPF_CORE_READ((struct file *)file, f_path.dentry, d_name.name));
#pragma unroll
	for (__u32 i = 0; i < sizeof(setting); i++)
		differs |= name[i] ^ setting[i];
	return !differs;
}

static __always_inline void file_open_body(__u64 *arguments, enum hook hook, bool lsm)
{
	__u64 file = argument(arguments, 0);
	__u32 mode = BPF_CORE_READ((struct file *)file, f_mode);
	__u64 inode, dentry, now, what;

	if (!(mode & FMODE_WRITE))
		return;
	inode = (__u64)BPF_CORE_READ((struct file *)file, f_inode);
	if (is_ftrace_setting(file, inode))
		count(losses.ftrace_opened);
	if (is_device(inode))
		raw_entry(raw_device(file));
	if (!is_written(inode) || !is_traced(BPF_CORE_READ((struct inode *)inode, i_sb, s_dev)))
		return;
	now = globals.epoch;
	remember_writer(file, inode, now);
	if (is_collector())
		return;
	what = about(OPERATION_OPEN, opening_flags(file, inode), 0);
	dentry = file_dentry(file, inode, &what);
	report_once(dentry, inode, what, now, hook, lsm);
}
HOOK_PROGRAMS(file_open, security_file_open)

static __always_inline void file_free_security_body(__u64 *arguments, enum hook hook, bool lsm)
{
	__u64 file = argument(arguments, 0);

	(void)hook;
	(void)lsm;
	bpf_map_delete_elem(&writers, &file);
}
HOOK_PROGRAMS(file_free_security, security_file_free)

/* For people who watch: each write, never for a list. */
static __always_inline void file_permission_body(__u64 *arguments, enum hook hook, bool lsm)
{
	__u64 file = argument(arguments, 0);
	__u64 what = about(OPERATION_WRITE, EVENT_REPEATED, 0);
	__u64 inode, dentry;

	if (!globals.every || !((__u32)argument(arguments, 1) & MAY_WRITE))
		return;
	inode = (__u64)BPF_CORE_READ((struct file *)file, f_inode);
	if (!is_written(inode) || !is_traced(BPF_CORE_READ((struct inode *)inode, i_sb, s_dev)) || is_collector())
		return;
	dentry = file_dentry(file, inode, &what);
	report(dentry, inode, what, globals.epoch, hook, lsm);
}
HOOK_PROGRAMS(file_permission, security_file_permission)
