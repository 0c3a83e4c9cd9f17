/* SPDX-License-Identifier: GPL-2.0 */
/* A dirty path of a window: what the batch writes, the store keeps and the list maker reads. */
#ifndef FSCHANGED_DIRTY_H
#define FSCHANGED_DIRTY_H

#include <stddef.h>
#include <stdint.h>

#include "event.h"

enum dirty_flag {
	DIRTY_EXPAND = 1 << 0,    /* a directory came in here: all below it is dirty */
	DIRTY_MAPPED = 1 << 1,    /* had shared writable mappings */
	DIRTY_NO_CMTIME = 1 << 2, /* stores may not have moved the ctime */
	DIRTY_UNDER_WAY = 1 << 4, /* a write may have been under way when it was carried */
	DIRTY_UNNAMED = 1 << 3,   /* changed through no name: only of files, not of paths */
	DIRTY_FOUND = 1 << 5,     /* by a scan: nobody saw how it changed */
};

/*
 * The facts that merge by OR when a path is named again. Kept as one integer, so that the usual ones take few bytes:
 * operations in bits 0 to 23, types in 24 to 39, flags from 40 on.
 */
struct dirty_facts {
	uint32_t operations; /* 1 << enum operation */
	uint16_t was;        /* 1 << (mode >> 12) of every file that was removed or replaced under this name */
	uint8_t flags;       /* enum dirty_flag */
};

struct dirty {
	uint64_t window;
	uint64_t first_window; /* of those that name it; filled in by store_union() */
	uint32_t filesystem;   /* id of the store's row */
	const char *path;      /* inside the filesystem: "/a/b"; "/" is its root; not terminated */
	size_t path_length;
	int64_t first, last; /* Unix time in seconds, when the path was named first and last */
	struct dirty_facts facts;
};

static inline uint64_t dirty_facts_pack(struct dirty_facts facts)
{
	return facts.operations | (uint64_t)facts.was << 24 | (uint64_t)facts.flags << 40;
}

static inline struct dirty_facts dirty_facts_unpack(uint64_t packed)
{
	return (struct dirty_facts){
		.operations = packed & 0xffffff,
		.was = packed >> 24 & 0xffff,
		.flags = packed >> 40 & 0xff,
	};
}

#endif
