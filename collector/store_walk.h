/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the store keeps of a walk for the names of files: begin, wanted, names (store_put_walked()), moved directories
 * until there are none, end. An end without a begin is a mistake.
 */
#ifndef FSCHANGED_STORE_WALK_H
#define FSCHANGED_STORE_WALK_H

#include "store.h"

struct store_moved {
	uint64_t id, inode; /* inode 0: whatever is there */
	const char *path;
	size_t length;
	bool settled;
};

int store_begin_walk(struct store *store, uint32_t filesystem);
/* Inodes after this one whose names are wanted although they may have one link only. */
int store_wanted(struct store *store, uint32_t filesystem, uint64_t after, size_t count, uint64_t *inodes,
		 size_t *found);
/* -ENOENT: there is none. The path lives until the store is called again. */
int store_next_moved(struct store *store, uint32_t filesystem, struct store_moved *moved);
int store_forget_moved(struct store *store, uint64_t id);
/* Those that there are moved long ago. */
int store_settle_moved(struct store *store, uint32_t filesystem);
int store_count_moved(struct store *store, uint32_t filesystem, uint64_t *count);
/* All names were seen: what was not is forgotten. */
int store_end_walk(struct store *store, uint32_t filesystem);
int store_is_walked(struct store *store, uint32_t filesystem, bool *walked);

#endif
