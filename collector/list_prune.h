/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Below an entry of the deleted list nothing else is listed there.
 *
 * Bytewise, "/a-b" stands between "/a" and "/a/x". But all strings that begin with "/a" stand together behind it. So
 * the entries that may still have something below them are those that the present string begins with: each of them
 * begins the next, and the last one and their lengths are all that must be kept.
 */
#ifndef FSCHANGED_LIST_PRUNE_H
#define FSCHANGED_LIST_PRUNE_H

#include <stddef.h>

struct pruner {
	char *last;
	size_t last_length, last_size;
	size_t *lengths;
	size_t count, room;
};

void pruner_free(struct pruner *pruner);
/* Paths in bytewise order, absolute or relative. 1: it is listed; 0: something above it is; -errno. */
int pruner_keeps(struct pruner *pruner, const char *path, size_t length);

#endif
