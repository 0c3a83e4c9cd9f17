/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The part of the store that keeps a walk which was stopped: one at most. It is forgotten in the transaction that adds
 * a gap of its filesystem, that begins another walk of it, or that ends it.
 */
#ifndef FSCHANGED_STORE_PAUSED_H
#define FSCHANGED_STORE_PAUSED_H

#include "store.h"

struct store_paused {
	/* It goes on only where all these are the same: */
	uint32_t filesystem;
	uint64_t mounts;     /* a hash of those of the filesystem */
	const char *version; /* of the program */
	const void *gaps;
	size_t size; /* of the gaps */
	/* Found so far: */
	uint64_t entries, changed, directories, names;
};

/* A directory that is still to be read, with all below: it counts from the next store_pause() on. */
int store_keep_rest(struct store *store, const char *path, size_t length);
/* Those that do not count yet. */
int store_drop_rest(struct store *store);
/* To be called in a transaction. In place of the one that there is, with the directories kept since. */
int store_pause(struct store *store, const struct store_paused *paused);
/*
 * Sets what was found so far. -ENOENT: there is none, something is not the same, or another walk of the filesystem
 * began since.
 */
int store_get_paused(struct store *store, struct store_paused *paused);
/* Its filesystem; 0: there is none. */
int store_find_paused(struct store *store, uint32_t *filesystem);
/* The directories after this one, in order, until a result other than 0. */
int store_rest(struct store *store, uint64_t after,
	       int (*each)(uint64_t id, const char *path, size_t length, void *context), void *context);
/* If it is of this filesystem; STORE_ALL_FILESYSTEMS: of whichever. */
int store_forget_paused(struct store *store, uint32_t filesystem);

/* The scan that was stopped has come to its end there. Forgotten with the walk. */
int store_set_scanned(struct store *store, uint32_t filesystem);
int store_is_scanned(struct store *store, uint32_t filesystem, bool *scanned);

#endif
