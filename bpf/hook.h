/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * From one body two programs: an LSM program, and an fentry program on the function that calls the LSM hook. The
 * collector loads one set of them.
 *
 * An LSM program that returns 0 says "no objection" and cannot undo another's: the trampoline stops at the first
 * program that returned something else (invoke_bpf_mod_ret(), arch/x86/net/bpf_jit_comp.c).
 */
#ifndef FSCHANGED_HOOK_H
#define FSCHANGED_HOOK_H

#include "shared.h"

#define HOOK_PROGRAMS(hook, function)                                                                                  \
	SEC("lsm/" #hook) int lsm_##hook(__u64 *arguments)                                                             \
	{                                                                                                              \
		hook##_body(arguments, HOOK_##hook, true);                                                             \
		return 0;                                                                                              \
	}                                                                                                              \
	SEC("fentry/" #function) int fentry_##hook(__u64 *arguments)                                                   \
	{                                                                                                              \
		hook##_body(arguments, HOOK_##hook, false);                                                            \
		return 0;                                                                                              \
	}

/* On a function that no LSM hook covers: fentry in either set, the bodies differ. */
#define FUNCTION_PROGRAMS(hook)                                                                                        \
	SEC("fentry/" #hook) int lsm_##hook(__u64 *arguments)                                                          \
	{                                                                                                              \
		hook##_body(arguments, HOOK_##hook, true);                                                             \
		return 0;                                                                                              \
	}                                                                                                              \
	SEC("fentry/" #hook) int fentry_##hook(__u64 *arguments)                                                       \
	{                                                                                                              \
		hook##_body(arguments, HOOK_##hook, false);                                                            \
		return 0;                                                                                              \
	}

/* Programs that the collector runs, two from one body as well: what an LSM kernel has, older ones may not. */
#define ITERATOR_PROGRAMS(name, section, type)                                                                         \
	SEC(section) int lsm_##name(struct type *context)                                                              \
	{                                                                                                              \
		return name##_body(context, true);                                                                     \
	}                                                                                                              \
	SEC(section) int fentry_##name(struct type *context)                                                           \
	{                                                                                                              \
		return name##_body(context, false);                                                                    \
	}

/*
 * An argument; the index may be known only when the program is loaded. The verifier takes no computed place among them:
 * each has a load of its own, which the compiler cannot make one.
 */
#define LOAD_ARGUMENT(value, arguments, index)                                                                         \
	case index:                                                                                                    \
		asm volatile("%0 = *(u64 *)(%1 + %2)" : "=r"(value) : "r"(arguments), "i"(8 * (index)));               \
		break;

static __always_inline __u64 argument(__u64 *arguments, __u32 index)
{
	__u64 value = 0;

	switch (index) {
		LOAD_ARGUMENT(value, arguments, 0)
		LOAD_ARGUMENT(value, arguments, 1)
		LOAD_ARGUMENT(value, arguments, 2)
		LOAD_ARGUMENT(value, arguments, 3)
		LOAD_ARGUMENT(value, arguments, 4)
	}
	return value;
}

static __always_inline __u64 dentry_argument(__u64 *arguments, enum hook hook, __u32 further)
{
	return argument(arguments, settings.dentry_argument[hook] + further);
}

/*
 * A record buffer of our own. An LSM program may be preempted by a task whose program runs on this CPU as well, so it
 * claims one; that needs compare-and-swap (5.12). An fentry program never runs twice on a CPU: the trampoline keeps it
 * from that since 5.12, and disables preemption before. So it has a fixed one.
 */
static __always_inline int slot_claim(enum hook hook, bool lsm)
{
	__u32 first = bpf_get_smp_processor_id() * settings.slots;

	if (!lsm)
		return first + hook;
	for (__u32 i = 0; i < SLOTS_CLAIMED; i++) {
		__u32 slot = first + i;
		struct scratch *record = bpf_map_lookup_elem(&scratch, &slot);

		if (record && __sync_val_compare_and_swap(&record->busy, 0, 1) == 0)
			return slot;
	}
	count(losses.no_scratch);
	return -1;
}

static __always_inline void slot_release(__u32 slot, bool lsm)
{
	struct scratch *record = bpf_map_lookup_elem(&scratch, &slot);

	if (lsm && record)
		*(volatile __u64 *)&record->busy = 0;
}

/* Reports in the given epoch, with a buffer of this program's. 0 or -1 with the loss counted. */
static __always_inline int report(__u64 dentry, __u64 inode, __u64 what, __u64 now, enum hook hook, bool lsm)
{
	int slot = slot_claim(hook, lsm);
	struct scratch *record;
	__u32 key = slot;
	int error = -1;

	if (slot < 0)
		return -1;
	record = bpf_map_lookup_elem(&scratch, &key);
	if (record) {
		record->dentry = dentry;
		record->inode = inode;
		record->event.epoch = now;
		error = lsm ? report_path_lsm(what, key) : report_path_fentry(what, key);
	}
	slot_release(key, lsm);
	return error;
}

/* What is for people only never takes the room of what lists need, whether or not a collector runs. */
static __always_inline bool has_room_to_spare(void)
{
	return bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA) < settings.wake_bytes;
}

/* What need not be reported. */
static __always_inline void report_again(__u64 dentry, const struct inode_facts *inode, __u64 what, __u64 now,
					 enum hook hook, bool lsm)
{
	if (globals.every && has_room_to_spare())
		report(dentry, inode->address, what | (__u64)EVENT_REPEATED << 8, now, hook, lsm);
}

/*
 * Reports an inode's change once for an epoch, operation and name, and again when a flag is new. It counts as reported
 * only when the record is in the ring: after a failure the next operation tries again.
 */
static __always_inline void report_once(__u64 dentry, const struct inode_facts *inode, __u64 what, __u64 now,
					enum hook hook, bool lsm)
{
	__u64 bits = 1ULL << (what & 0xff) | (what >> 8 & 0xff) << REPORTED_FLAGS;
	struct inode_identity key = identity_of(inode);
	struct reported *known = bpf_map_lookup_elem(&reported, &key);
	/* What is reported under a name that may not last counts until names do. Asked for before the path is read. */
	struct reported mark = {.epoch = lasting(now) ? now : ~now, .dentry = dentry, .operations = bits};

	if (known && known->epoch == mark.epoch && known->dentry == dentry) {
		if ((known->operations & bits) == bits)
			return report_again(dentry, inode, what, now, hook, lsm);
		mark.operations |= known->operations;
	}
	if (report(dentry, inode->address, what, now, hook, lsm))
		return;
	bpf_map_update_elem(&reported, &key, &mark, BPF_ANY);
}

/*
 * The hooks run before the change: what a task does last in an epoch may happen in the next one. Called before anything
 * is suppressed. second: 0, or another dentry of the same operation. Returns its entry, or 0 with the loss counted.
 *
 * A function of its own: what it needs of the stack is free again when the path is walked.
 */
static __noinline struct operation_under_way *remember_operation(__u64 first, __u64 what, __u64 second,
								 __u64 what_second, __u64 now)
{
	__u64 task = bpf_get_current_task();
	struct operation_under_way *operation = bpf_map_lookup_elem(&operations, &task);

	if (!operation) {
		/* A serial that no task had before: the entry's memory may have been another's. */
		struct operation_under_way none = {.serial = bpf_ktime_get_boot_ns()};

		if (bpf_map_update_elem(&operations, &task, &none, BPF_ANY)) {
			count(losses.operations_full);
			return 0;
		}
		operation = bpf_map_lookup_elem(&operations, &task);
		if (!operation)
			return 0;
	}
	operation->serial++;
	operation->epoch = settled(now);
	operation->began = now;
	operation->dentries[0] = first;
	operation->inodes[0] = dentry_inode(first);
	operation->what[0] = what;
	operation->dentries[1] = second;
	operation->inodes[1] = second ? dentry_inode(second) : 0;
	operation->what[1] = what_second;
	operation->reported = 0;
	return operation;
}

/* The file that this task makes, as is_made_here() knows it then. */
static __always_inline void note_made(struct operation_under_way *operation, __u64 dentry,
				      const struct inode_facts *inode, __u64 now)
{
	operation->made.epoch = now;
	operation->made.dentry = dentry;
	operation->made.inode = identity_of(inode);
}

/*
 * The file behind the dentry was made by this task in this window. So each name that it got is in the window, and below
 * a directory that was moved everything is: other attributes make no list longer, and its ctime is of the window in any
 * case. Not so a name that it leaves: a backup of the window before may have copied it under one that it had for a
 * while, because a directory above was moved, and only a record of the departure removes that. With several names the
 * index of names wants each record. People are told all the same.
 */
static __always_inline bool is_made_here(const struct operation_under_way *operation, __u64 dentry,
					 const struct inode_facts *inode, __u64 now)
{
	return operation && operation->made.epoch == now && now && operation->made.dentry == dentry &&
	       operation->made.inode.address == inode->address && operation->made.inode.number == inode->number &&
	       operation->made.inode.generation == inode->generation && operation->made.inode.device == inode->device &&
	       inode->links == 1 && !globals.watched;
}

/*
 * An operation on an inode itself, through the given dentry. second: 0, or the dentry of another one that it changes in
 * the same way, which is carried with it; to report that one is left to the caller.
 */
static __always_inline void changed_inodes(__u64 dentry, __u64 inode, __u64 second, __u64 what, enum hook hook,
					   bool lsm)
{
	struct operation_under_way *operation = 0;
	struct inode_facts facts;
	struct dentry_facts given;
	__u64 now = globals.epoch;

	if (!inode || !is_traced(inode_device(inode)) || is_collector())
		return;
	/* The operation holds the dentry that it was given, not another of the inode's names. */
	if (dentry)
		operation = remember_operation(dentry, what, second, second ? what : 0, now);
	facts = inode_at(inode);
	if ((what & 0xff) != OPERATION_IOCTL && is_made_here(operation, dentry, &facts, now))
		return;
	given = dentry_at(dentry);
	dentry = current_dentry(&given, &facts, &what);
	report_once(dentry, &facts, what, now, hook, lsm);
}

static __always_inline void changed_inode(__u64 dentry, __u64 inode, __u64 what, enum hook hook, bool lsm)
{
	changed_inodes(dentry, inode, 0, what, hook, lsm);
}

#endif
