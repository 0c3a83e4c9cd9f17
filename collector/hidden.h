/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Files that were opened for writing before tracing began and that no task has: an NFS server's, io_uring's, those in a
 * message on its way. What is written through them passes no hook. That there are some is told by the kernel's own
 * count of write access to a filesystem, which is larger then than what is known. Which ones, nothing tells: the
 * filesystem is a gap of each window. A filesystem on which once there was none is settled: whatever is opened later
 * passes a hook.
 */
#ifndef FSCHANGED_HIDDEN_H
#define FSCHANGED_HIDDEN_H

struct collector;

/* A filesystem that cannot be settled in a few looks is a gap of the windows that are open. 0 or -errno. */
int hidden_check(struct collector *collector);
/* Looks again, now and then, so that a filesystem with much traffic is settled when it rests. 0 or -errno. */
int hidden_settle(struct collector *collector);

#endif
