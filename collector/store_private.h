/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of the store share. */
#ifndef FSCHANGED_STORE_PRIVATE_H
#define FSCHANGED_STORE_PRIVATE_H

#include <errno.h>

#include "database.h"
#include "store.h"
#include "store_runs.h"

enum { NANOSECONDS_PER_SECOND = 1000000000 };

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

/* Files of which the index of names may have rows: see store_known.c. */
enum { KNOWN_SHIFT = 20, KNOWN_MOST = 100000 };

struct known {
	enum { KNOWN_UNREAD, KNOWN_READ, KNOWN_TOO_MANY } state;
	uint64_t bits[(1 << KNOWN_SHIFT) / 64];
};

struct store {
	struct database *database;
	uint64_t window;          /* whose opening is known; 0: none */
	int64_t opened;           /* in seconds */
	uint64_t last_run;        /* number of the last one that was given; 0: not known */
	uint64_t unmerged;        /* in this window and later ones there may be runs to be merged */
	struct run_writer writer; /* of the transaction */
	struct found_place found;
	struct candidate candidate;
	struct known known;
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

/* A number for a run that is to be made. */
int store_new_run(struct store *store, uint64_t window, struct run *run);
/* To be called before the dirty sets are read, and before a commit: what was put is in rows then. */
int store_settle_dirty(struct store *store);

/* To be called before a row of the file is put. */
void store_note_known(struct store *store, uint32_t filesystem, uint64_t inode);
/* Whether there may be rows of the file: 1, 0 or -errno. */
int store_may_know(struct store *store, uint32_t filesystem, uint64_t inode);

/* To be called when rows may be gone: nothing that was learned of them is kept, nor what was put and is in no row. */
static inline void store_forget(struct store *store)
{
	store->window = 0;
	store->writer.run.id = 0;
	store->found.id = 0;
}

#endif
