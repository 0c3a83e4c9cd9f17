/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The tree of directories in which the index of names has its candidates: a rename moves one row of it, or copies what
 * is below. Within the store only.
 */
#ifndef FSCHANGED_STORE_PLACES_H
#define FSCHANGED_STORE_PLACES_H

#include <string.h>

#include "store_links.h"

/* A path's directory and its last component. The root has an empty name and lies above itself. */
struct split {
	size_t directory;
	const char *name;
	size_t length;
};

static inline struct split split_path(const char *path, size_t length)
{
	const char *slash = memrchr(path, '/', length);
	size_t directory = (size_t)(slash - path);

	return (struct split){directory, slash + 1, length - directory - 1};
}

/* The directory path[0..length), the root's is empty. -ENOENT: it has no row and none is to be made. */
int store_find_place(struct store *store, uint32_t filesystem, const char *path, size_t length, bool make, int64_t *id);
int store_move_place(struct store *store, const struct link_change *change);
int store_remove_place(struct store *store, const struct link_change *change);
/* A walk has ended: what was copied and is no name has gone. So do places without candidates. */
int store_tidy_places(struct store *store);

#endif
