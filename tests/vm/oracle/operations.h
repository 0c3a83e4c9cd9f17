/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ORACLE_OPERATIONS_H
#define ORACLE_OPERATIONS_H

#include "paths.h"

/* An operation chooses its files by the task's random numbers, says what it does, and returns 0 or -errno. */
typedef int operation(struct task *task);

__attribute__((format(printf, 2, 3))) void say(struct task *task, const char *format, ...);

/* Some bytes that tell where they come from; the same address every time. */
const char *some_bytes(struct task *task, size_t size);

/* Stores 8 bytes; -EFAULT where the file does not reach so far. */
int store(char *mapping, size_t place, uint64_t value);

/* Files that stay open or mapped (held.c). */
operation hold_open, hold_map, hold_nameless, hold_write, hold_append, hold_truncate, hold_store, hold_name, hold_close,
	hold_chmod;

/* Content (content.c). */
operation op_write, op_append, op_overwrite, op_truncate, op_truncating_open, op_map, op_direct, op_copy_range,
	op_clone, op_allocate;

#endif
