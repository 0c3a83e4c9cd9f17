/* SPDX-License-Identifier: GPL-2.0 */
/* The part of the store that keeps where filesystems were shown last. */
#ifndef FSCHANGED_STORE_SHOWN_H
#define FSCHANGED_STORE_SHOWN_H

#include "store.h"

struct store_shown {
	uint32_t filesystem;
	const char *mount_point;
	const char *root; /* the directory of the filesystem; empty: none, another filesystem was there since */
};

/* Replaces what is known of the filesystem at this mount point. */
int store_put_shown(struct store *store, const struct store_shown *shown);
int store_remove_shown(struct store *store, uint32_t filesystem, const char *mount_point);
/*
 * By its identity: what the mount point shows is what is kept of it, and so was what was seen of the filesystem last:
 * of some places nothing is kept.
 */
int store_was_kept(struct store *store, const struct store_filesystem *filesystem, bool *was);
/* In the order in which the mount points came. */
int store_shown(struct store *store, int (*each)(const struct store_shown *, void *), void *context);

#endif
