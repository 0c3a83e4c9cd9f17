// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Writes into block devices by their own node: what repairs, makes and copies filesystems does so. Counted for each
 * device; the collector knows which filesystem lies there. That a device is open for writing tells nothing: checks at
 * boot and monitors of disks open it so and leave it alone. A mount does not come here, nor does swapping.
 *
 * No LSM hook sees these writes alone, and the kernel leaves a program on a function out while a task is preempted
 * within it on the same processor. So each device that was ever opened for writing has an entry, and a run that was
 * left out counts as a write to all of them (tracer_raw_write()).
 */
#include "raw.h"

static __always_inline void blkdev_write_iter_body(__u64 *arguments, enum hook hook, bool lsm)
{
	struct kiocb *request = (struct kiocb *)argument(arguments, 0);
	struct iov_iter *data = (struct iov_iter *)argument(arguments, 1);
	__u64 end = BPF_CORE_READ(request, ki_pos) + BPF_CORE_READ(data, count);

	(void)hook;
	(void)lsm;
	if (end > RAW_HEAD_BYTES)
		note_raw_write((__u64)BPF_CORE_READ(request, ki_filp), false);
}
FUNCTION_PROGRAMS(blkdev_write_iter)

static __always_inline void blkdev_fallocate_body(__u64 *arguments, enum hook hook, bool lsm)
{
	(void)hook;
	(void)lsm;
	note_raw_write(argument(arguments, 0), false);
}
FUNCTION_PROGRAMS(blkdev_fallocate)

/* The hook is told of the protection twice, the function around it once. */
static __always_inline void mmap_file_body(__u64 *arguments, enum hook hook, bool lsm)
{
	__u64 file = argument(arguments, 0), flags = argument(arguments, lsm ? 3 : 2);

	(void)hook;
	if (file && flags & MAP_SHARED && is_writable_device(file))
		note_raw_write(file, true);
}
HOOK_PROGRAMS(mmap_file, security_mmap_file)
