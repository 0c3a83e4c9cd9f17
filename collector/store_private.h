/* SPDX-License-Identifier: GPL-2.0 */
/* What store.c, store_dirty.c and store_links.c share. */
#ifndef FSCHANGED_STORE_PRIVATE_H
#define FSCHANGED_STORE_PRIVATE_H

#include <errno.h>

#include "database.h"
#include "store.h"

enum { NANOSECONDS_PER_SECOND = 1000000000 };

/* A directory on the way from a filesystem's root to a path; end: where its path ends. */
struct level {
	int64_t id;
	uint64_t used;
	size_t end;
};

/* The directories of the path written last, so that its neighbours need few queries. The root's path is empty. */
struct chain {
	uint32_t filesystem;
	size_t depth; /* levels in use; 0: nothing is known */
	struct level levels[PATH_LEVELS + 1];
	char path[PATH_BYTES];
};

/* The path read last: a directory's, which ends at PATH_BYTES so that it can be put together leaf first, '/', a name.
 */
struct place {
	int64_t directory; /* 0: nothing is known */
	uint32_t filesystem;
	size_t start, end;
	char path[2 * PATH_BYTES];
};

/* The place found last in the index of names. Its path ends before the name that follows. */
struct found_place {
	int64_t id; /* 0: nothing is known */
	uint32_t filesystem;
	size_t length;
	char path[PATH_BYTES];
};

/* A name of the index, put together leaf first: it begins at start and ends at PATH_BYTES. */
struct candidate {
	uint32_t filesystem;
	size_t start;
	char path[PATH_BYTES];
};

struct store {
	struct database *database;
	uint64_t window; /* whose opening is known; 0: none */
	int64_t opened;  /* in seconds */
	struct chain chain;
	struct place place;
	struct found_place found;
	struct candidate candidate;
};

static inline uint64_t last_window(uint64_t last)
{
	return last ? last : INT64_MAX;
}

/* The result of a query that is to change one row. */
static inline int one_changed(struct store *store, int result)
{
	if (!result && !database_changes(store->database))
		return -ENOENT;
	return result;
}

/* To be called when rows of directories or windows may be gone: nothing that was learned of them is kept. */
static inline void store_forget(struct store *store)
{
	store->window = 0;
	store->chain.depth = 0;
	store->found.id = 0;
}

#endif
