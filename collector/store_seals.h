/* SPDX-License-Identifier: GPL-2.0 */
/* The part of the store that keeps seals (see seal.h, which the store does not know). */
#ifndef FSCHANGED_STORE_SEALS_H
#define FSCHANGED_STORE_SEALS_H

#include "store.h"

struct store_seal {
	uint32_t filesystem;
	uint64_t writes; /* into its devices past the filesystem, when the seal was read */
	const void *bytes;
	size_t size;
};

/* Replaces the one that there is. */
int store_put_seal(struct store *store, const struct store_seal *seal);
/* 0: of all. */
int store_remove_seal(struct store *store, uint32_t filesystem);
int store_seals(struct store *store, int (*each)(const struct store_seal *, void *), void *context);

/* The filesystem was last seen at this mount point, with this directory of it. */
int store_was_shown(struct store *store, const struct store_filesystem *filesystem, bool *was);

#endif
