// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Programs that the collector runs: over all tasks, to enter the files that were open for writing before the hooks were
 * there; and over the maps, to carry what is open or under way from a window that closes into the one that opens.
 */
#include "raw.h"
#include "writer.h"

/* Only the collector runs iterators, one at a time: their record buffer is the last one of the CPU. */
static __always_inline __u32 iterator_slot(void)
{
	return (bpf_get_smp_processor_id() + 1) * settings.slots - 1;
}

static __always_inline int report_now(__u64 dentry, __u64 inode, __u64 what, __u64 now, bool lsm)
{
	__u32 slot = iterator_slot();
	struct scratch *record = bpf_map_lookup_elem(&scratch, &slot);

	if (!record)
		return -1;
	record->dentry = dentry;
	record->inode = inode;
	record->event.epoch = now;
	return lsm ? report_path_lsm(what, slot) : report_path_fentry(what, slot);
}

static __always_inline void enter_file(__u64 file, bool lsm)
{
	struct inode_facts inode = inode_at((__u64)READ(struct file, file, f_inode));
	__u64 what, now = globals.epoch;
	struct writer *known;

	if (!(READ(struct file, file, f_mode) & FMODE_WRITE) || !is_written(&inode) || !is_traced(inode.device))
		return;
	known = bpf_map_lookup_elem(&writers, &file);
	if (known && known->inode == inode.number)
		return;
	remember_writer(file, &inode, now);
	what = about(OPERATION_OPEN, held_flags(file, &inode), 0);
	report_now(file_dentry(file, &inode, &what), inode.address, what, now, lsm);
}

/*
 * A file of an overlay is open for the sake of one on its upper filesystem, which no task has: struct file until 6.12,
 * the first member of struct ovl_file since (18e48d0e2c7b "ovl: store upper real file in ovl_file struct", 6.13), whose
 * module BTF we do without. What is no open file of a traced filesystem enter_file() leaves alone.
 */
static __always_inline void enter_files_below(__u64 file, bool lsm)
{
	__u64 real, below[2] = {};

	if (READ(struct file, file, f_inode, i_sb, s_magic) != OVERLAY_MAGIC ||
	    !(READ(struct file, file, f_mode) & FMODE_WRITE))
		return;
	real = (__u64)READ(struct file, file, private_data);
	bpf_probe_read_kernel(below, sizeof(below), (void *)real);
	if (READ(struct file, real, f_inode))
		enter_file(real, lsm);
	enter_file(below[0], lsm);
	enter_file(below[1], lsm);
}

static __always_inline int open_files_body(struct bpf_iter__task_file *context, bool lsm)
{
	__u64 file;

	if (!context->file)
		return 0;
	file = (__u64)BPF_CORE_READ(context, file);
	if (is_writable_device(file))
		raw_entry(raw_device(file), (__u64)BPF_CORE_READ(context, task));
	enter_file(file, lsm);
	enter_files_below(file, lsm);
	return 0;
}
ITERATOR_PROGRAMS(open_files, "iter/task_file", bpf_iter__task_file)

/* What can be stored into by it, now or after mprotect(2). */
enum { STORES = VM_SHARED | VM_MAYWRITE };

static __always_inline void enter_mapping(__u64 file, __u64 flags, __u64 task, bool lsm)
{
	if (!file || (flags & STORES) != STORES)
		return;
	if (is_device((__u64)READ(struct file, file, f_inode)))
		enter_mapped_device(file, task);
	enter_file(file, lsm);
}

static __always_inline int mapped_files_body(struct bpf_iter__task_vma *context, bool lsm)
{
	struct vm_area_struct *vma;

	if (!context->vma)
		return 0;
	vma = BPF_CORE_READ(context, vma);
	enter_mapping((__u64)BPF_CORE_READ(vma, vm_file), BPF_CORE_READ(vma, vm_flags),
		      (__u64)BPF_CORE_READ(context, task), lsm);
	return 0;
}
ITERATOR_PROGRAMS(mapped_files, "iter/task_vma", bpf_iter__task_vma)

/* Not static: verified once and not in each pass of the loop below. Returns the next mapping as a number. */
__noinline __u64 enter_linked_mapping(__u64 mapping, __u64 task)
{
	struct vm_area_struct___linked *vma = (struct vm_area_struct___linked *)mapping;

	enter_mapping((__u64)BPF_CORE_READ(vma, vm_file), BPF_CORE_READ(vma, vm_flags), task, false);
	return (__u64)BPF_CORE_READ(vma, vm_next);
}

/* The same where there is no iterator over mappings: follows the list of compat.h, without its lock. */
enum { MAPPINGS_READ = 4096 };

static __always_inline int mapped_files_linked_body(struct bpf_iter__task *context, bool lsm)
{
	__u64 mapping, task;
	void *mm;

	(void)lsm;
	if (!context->task)
		return 0;
	task = (__u64)BPF_CORE_READ(context, task);
	mm = BPF_CORE_READ(context, task, mm);
	if (!mm)
		return 0;
	mapping = (__u64)READ(struct mm_struct___linked, mm, mmap);
	for (int i = 0; i < MAPPINGS_READ && mapping; i++)
		mapping = enter_linked_mapping(mapping, task);
	if (mapping)
		count(losses.mappings_unread);
	return 0;
}
ITERATOR_PROGRAMS(mapped_files_linked, "iter/task", bpf_iter__task)

/*
 * The path under which a writer is known now. A file that is ending meanwhile is not believed: its hook takes it out of
 * the map, and what was stored through it was stored before the cut is answered.
 */
static __always_inline int carry_writers_body(struct bpf_iter__bpf_map_elem *context, bool lsm)
{
	__u64 *file = context->key;
	struct writer *writer = context->value;
	struct inode_facts inode;
	__u64 dentry, what, now = globals.epoch;
	__s32 holders;

	if (!file || !writer || writer->epoch == now)
		return 0;
	/* Of one whose end was missed, which counts, the memory may be another's by now. */
	if (!(READ(struct file, *file, f_mode) & FMODE_WRITE)) {
		writer->epoch = now;
		return 0;
	}
	/* Before its flags: a swap file is then held by swapon itself. */
	holders = READ(struct file, *file, f_inode, i_writecount.counter);
	inode = inode_at((__u64)READ(struct file, *file, f_inode));
	if (!inode.address || inode.number != writer->inode)
		return 0;
	/*
	 * What is in use for swapping is no content: swapon opens the file for writing, once, until its use has ended.
	 * Whoever holds it besides may write when that is over: swapoff itself opens it first, and may take minutes.
	 */
	if (inode.flags & S_SWAPFILE && holders == 1) {
		writer->epoch = now;
		return 0;
	}
	what = about(OPERATION_OPEN, EVENT_CARRIED | held_flags(*file, &inode), 0);
	dentry = file_dentry(*file, &inode, &what);
	if (dentry && dentry_inode(dentry) != inode.address)
		return 0;
	report_now(dentry, inode.address, what, now, lsm);
	writer->epoch = now;
	return 0;
}
ITERATOR_PROGRAMS(carry_writers, "iter/bpf_map_elem", bpf_iter__bpf_map_elem)

/* found: the inode behind the dentry when the operation began; subject: the one that the operation is about. */
static __always_inline void carry_name(__u64 dentry, __u64 found, __u64 subject, __u64 what, __u64 now, bool lsm)
{
	what |= (__u64)EVENT_CARRIED << 8;
	if (!dentry)
		return;
	/* The operation has ended when the dentry has changed: what it did is there to see before the cut is answered.
	 */
	if (dentry_inode(dentry) != found || !is_traced(dentry_device(dentry)))
		return;
	if (!(NAME_OPERATIONS >> (what & 0xff) & 1)) {
		struct dentry_facts given = dentry_at(dentry);
		struct inode_facts inode = inode_at(found);

		dentry = current_dentry(&given, &inode, &what);
	}
	report_now(dentry, subject, what, now, lsm);
}

/*
 * An operation on a filesystem waits for disk and locks uninterruptibly or killably. A task that sleeps interruptibly,
 * or idles as kernel threads do, waits for new work: it has ended its operation. Not so one that began an ioctl: it may
 * wait for a page of its argument, which whoever handles its faults brings when it likes. Unless its hook has found
 * that page. Nor one whose inode or directory is locked, as both are from before the hook to the end of most
 * operations: who needs memory and may not wait for a filesystem waits for it interruptibly (throttle_direct_reclaim(),
 * mm/vmscan.c).
 */
static __always_inline bool is_at_rest(__u64 task, const struct operation_under_way *operation)
{
	__u64 what = operation->what[0], dentry = operation->dentries[0];

	if ((what & 0xff) == OPERATION_IOCTL && !(what >> 8 & EVENT_UNFIT))
		return false;
	if (!(compat_task_state(task) & (TASK_INTERRUPTIBLE | TASK_NOLOAD)))
		return false;
	return !compat_is_locked(operation->inodes[0]) &&
	       !compat_is_locked((__u64)READ(struct dentry, dentry, d_parent, d_inode));
}

/*
 * What the operation is about has another dentry by then, or none: neither it nor the other dentry are held any more,
 * and their memory may be anything. No operation changes the first dentry before it is done with both. For good that is
 * not said: of an operation that is just being entered, a half may be seen.
 */
static __always_inline bool is_over(const struct operation_under_way *operation)
{
	return dentry_inode(operation->dentries[0]) != operation->inodes[0];
}

/* Two names are those of one inode. An exchange of blocks is about either file. */
static __always_inline __u64 second_subject(const struct operation_under_way *operation)
{
	return (operation->what[1] & 0xff) == OPERATION_IOCTL ? operation->inodes[1] : operation->inodes[0];
}

static __always_inline void carry_operation(__u64 task, struct operation_under_way *operation, __u64 now, bool lsm)
{
	__u64 serial = operation->serial;

	if (is_over(operation))
		return;
	if (is_at_rest(task, operation))
		operation->settled = serial;
	if (operation->settled == serial)
		return;
	carry_name(operation->dentries[0], operation->inodes[0], operation->inodes[0], operation->what[0], now, lsm);
	carry_name(operation->dentries[1], operation->inodes[1], second_subject(operation), operation->what[1], now,
		   lsm);
}

/* Reports both names of renames that began before the cut, for those who are reported under the old ones after it. */
static __always_inline int carry_renames_body(struct bpf_iter__bpf_map_elem *context, bool lsm)
{
	__u64 *task = context->key;
	struct operation_under_way *operation = context->value;
	__u64 now = globals.epoch;

	if (!task || !operation || operation->began == now || (operation->what[0] & 0xff) != OPERATION_RENAME_FROM)
		return 0;
	carry_operation(*task, operation, now, lsm);
	operation->look = globals.look;
	return 0;
}
ITERATOR_PROGRAMS(carry_renames, "iter/bpf_map_elem", bpf_iter__bpf_map_elem)

static __always_inline int carry_operations_body(struct bpf_iter__bpf_map_elem *context, bool lsm)
{
	__u64 *task = context->key;
	struct operation_under_way *operation = context->value;
	__u64 now = globals.epoch;

	if (!task || !operation || operation->epoch == now)
		return 0;
	carry_operation(*task, operation, now, lsm);
	operation->epoch = now;
	return 0;
}
ITERATOR_PROGRAMS(carry_operations, "iter/bpf_map_elem", bpf_iter__bpf_map_elem)
