/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The store: windows, jobs, gaps and dirty sets in one SQLite database. database.c alone knows SQLite.
 *
 * One process writes (the collector); any number read, each through a connection of its own. A struct store is for one
 * thread at a time. All functions return 0 or -errno; store_error() says more, except after the -ENOENT or -ENODATA of
 * a look-up. Iterators call back for each row; a callback's result other than 0 ends the iteration and is returned. A
 * callback may call other functions, not the iterator that called it. Strings in rows belong to the store and live
 * until the callback returns or calls the store.
 *
 * Each iteration sees one state of the database; what several calls read is of one state between store_begin() and
 * store_commit(), which a reader may use as well. What writes and is not in a transaction is one by itself.
 * After an error inside a transaction: store_rollback().
 */
#ifndef FSCHANGED_STORE_H
#define FSCHANGED_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dirty.h"

struct store;

enum store_mode {
	STORE_READ,  /* never writes, never checkpoints; -ENOENT where there is no database */
	STORE_WRITE, /* makes directory and database as needed; the only writer: -EBUSY when another holds the lock */
};

enum {
	STORE_ALL_FILESYSTEMS = 0,
	STORE_UNKNOWN_FILESYSTEM = INT32_MAX, /* of a gap that nothing covers */
};

struct store_filesystem {
	uint32_t id;          /* set by the store */
	const char *identity; /* UUID, or another name that outlives a mount */
	const char *type;
	const char *mount_point; /* where it is seen now */
	const char *root;        /* the directory of the filesystem that is mounted there */
	uint32_t device;         /* major << 20 | minor */
	bool walked;             /* set by the store: the names of its files with several links were searched */
};

struct store_watch {
	uint32_t filesystem;
	const char *path;      /* inside the filesystem */
	const char *host_path; /* as the administrator named it */
};

struct store_window {
	uint64_t number;
	int64_t opened, closed; /* Unix time in nanoseconds; closed 0: open */
	uint64_t events;        /* records taken from the ring */
	uint64_t paths;         /* filled in by store_windows(): dirty paths; at least as many as there are */
	uint64_t gaps;          /* filled in: gaps that touch it */
	bool steady;            /* the clock was not set while it was open */
	uint64_t submitted;     /* records that the kernel has put into the ring meanwhile */
	const char *coverage;   /* NULL, or JSON: what was traced when it was closed */
};

enum { FRESH_WORD_BYTES = 24 };

/* What a backup has that is pending. */
enum store_copied {
	COPIED_LIST,
	COPIED_PART, /* a list in which something may have been missing: its windows are listed again */
	COPIED_ALL,  /* a full backup */
};

struct store_job {
	const char *name;
	uint64_t cursor;                    /* last window committed; 0: fresh */
	uint64_t pending;                   /* 0: none */
	int64_t created, marked, committed; /* Unix time in seconds; 0: never */
	char fresh[FRESH_WORD_BYTES];       /* why it is fresh, a word of fresh.h; empty: it is not */
	int64_t since;                      /* fresh since then */
	uint64_t former;                    /* the cursor that it had before */
	uint64_t owed;                      /* 0, or the window with which its lists begin although it is committed */
	uint64_t base;                      /* a random number of the last commit */
	enum store_copied copied;           /* of the pending window */
};

struct store_gap {
	uint64_t id;            /* set by the store */
	uint32_t filesystem;    /* STORE_ALL_FILESYSTEMS: all */
	uint64_t first, last;   /* windows that it touches */
	int64_t started, ended; /* Unix time in nanoseconds */
	const char *reason;     /* a word: "ring-full" */
	const char *detail;     /* a sentence for the administrator */
	bool repaired;
};

/*
 * *store is set on failure as well (NULL: out of memory): for store_error() and store_close() only.
 * -EPROTO: the database is foreign or of another version.
 */
int store_open(struct store **store, const char *directory, enum store_mode mode);
void store_close(struct store *store);
const char *store_error(const struct store *store);
/* Something that was read has shown that the database is damaged: whoever writes it should end and set it aside. */
bool store_is_damaged(const struct store *store);
/* It is a new one: at the opening, a damaged one was set aside. */
bool store_is_replaced(const struct store *store);
/* Reads all of the database to see whether it is damaged: -EUCLEAN. */
int store_check(struct store *store);
/* A damaged database is renamed, with its log, and kept. A writer that finds one at its start does so by itself. */
int store_set_aside(const char *directory);

int store_begin(struct store *store);
/* What is committed then, and all before it, survives a power cut; else it survives the death of the process. */
int store_begin_durable(struct store *store);
int store_commit(struct store *store); /* after an error nothing was done */
/* Commits if code is 0 and takes back if it is not, or if that fails. Returns what it was, or the error. */
int store_end(struct store *store, int code);
void store_rollback(struct store *store);

int store_get_meta(struct store *store, const char *key, int64_t *value); /* -ENOENT */
int store_set_meta(struct store *store, const char *key, int64_t value);
/* Of the keys PREFIX:NUMBER, those whose value has this upper half, or all (0), are 0 from now on. */
int store_clear_meta(struct store *store, const char *prefix, uint32_t upper);

/* Finds the row by identity and brings it up to date, or makes it (*is_new then). */
int store_put_filesystem(struct store *store, struct store_filesystem *filesystem, bool *is_new);
/* What it was when the last collector ended counts until the first call; id 0: none is any more. */
int store_set_traced(struct store *store, uint32_t id, bool traced);
int store_filesystems(struct store *store, int (*each)(const struct store_filesystem *, void *), void *context);

/* Replaces the set of watches. *changed: the set is another one than before. */
int store_set_watches(struct store *store, const struct store_watch *watches, size_t count, bool *changed);
int store_watches(struct store *store, int (*each)(const struct store_watch *, void *), void *context);

/*
 * Adds or merges: facts by OR. The window must have been opened: -ENOENT. At most PATH_BYTES. To be called in a
 * transaction, in the order of (window, filesystem, path): each time that another comes a run begins, which is to be
 * merged (store_merge()). What sorts is the batch.
 */
int store_put_dirty(struct store *store, const struct dirty *entry);
int store_has_window(struct store *store, uint64_t window, bool *has);
/*
 * Makes few runs of many, so that reading is fast: a part of the work, of about so many blocks, in a transaction of its
 * own. The dirty sets are the same before and after, also when it fails. *made: blocks; *more: there may be more to do.
 */
int store_merge(struct store *store, uint64_t blocks, uint64_t *made, bool *more);

/*
 * The union of the dirty sets of windows first to last: each path once, facts merged, in the order of (filesystem,
 * path). .window is the last one that names it.
 */
int store_union(struct store *store, uint64_t first, uint64_t last, int (*each)(const struct dirty *, void *),
		void *context);
/* -EEXIST. The first number is 1. */
int store_open_window(struct store *store, uint64_t number, int64_t opened);
/* -ENOENT: there is no such open window. */
int store_close_window(struct store *store, uint64_t number, int64_t closed, uint64_t events);
/* For certificates; see struct store_window. */
int store_describe_window(struct store *store, uint64_t number, uint64_t submitted, const char *coverage);
/* The clock was set while these were open. */
int store_set_unsteady(struct store *store, uint64_t first, uint64_t last);
/* Windows first to last, in order; last 0: all. */
int store_windows(struct store *store, uint64_t first, uint64_t last, int (*each)(const struct store_window *, void *),
		  void *context);
int store_oldest_open(struct store *store, uint64_t *number); /* -ENOENT */
int store_last_window(struct store *store,
		      struct store_window *window); /* -ENOENT; .paths, .gaps, .coverage not filled in */

int store_get_job(struct store *store, const char *name, struct store_job *job); /* -ENOENT; .name = NULL */
/* Makes it if it is new. */
int store_mark_job(struct store *store, const char *name, uint64_t pending, int64_t time, enum store_copied copied);
/* The first window of its next list. */
uint64_t store_job_first(const struct store_job *job);
/*
 * Jobs (name NULL: all) that need window `last` or an earlier one lose their base, committed or pending: they are
 * fresh, for this reason (a word of fresh.h). *count: how many.
 */
int store_make_fresh(struct store *store, const char *name, uint64_t last, const char *reason, int64_t time,
		     uint64_t *count);
int store_commit_job(struct store *store, const char *name, int64_t time); /* -ENOENT, -ENODATA: nothing pending */
/* Jobs that have what is in no closed window: 0, unless the database is a mixture of states. */
int store_count_ahead(struct store *store, uint64_t *count);
int store_drop_job(struct store *store, const char *name); /* -ENOENT */
int store_jobs(struct store *store, int (*each)(const struct store_job *, void *), void *context);

/*
 * Extends the one with the same filesystem, windows and reason that is not repaired, or adds it. One of all filesystems
 * is to be covered on each that is traced.
 */
int store_add_gap(struct store *store, const struct store_gap *gap);
/* Those of all filesystems that touch the window are to be covered on filesystems that came since as well. */
int store_widen_gaps(struct store *store, uint64_t window);
/*
 * A scan has covered it on the filesystem: when there is no other one it is repaired. By its id and windows; -ENOENT:
 * it is there no more.
 */
int store_cover_gap(struct store *store, const struct store_gap *gap, uint32_t filesystem);
/* Those that are still to be covered on the filesystem. */
int store_gaps_of(struct store *store, uint32_t filesystem, int (*each)(const struct store_gap *, void *),
		  void *context);
int store_has_gaps(struct store *store, uint32_t filesystem, bool *has);
/* The clock was not set from this window on. */
int store_is_steady(struct store *store, uint64_t first, bool *steady);
/* Gaps that touch windows first to last; last 0: all. */
int store_gaps(struct store *store, uint64_t first, uint64_t last, int (*each)(const struct store_gap *, void *),
	       void *context);

/*
 * Removes closed windows, with their dirty sets and gaps, that no job needs any more and that were closed before
 * `older` (Unix time in nanoseconds). A fresh job needs those after its pending one. INT64_MAX: to make room,
 * whatever is not needed goes. Without any job nothing is
 * removed, unless `older` is INT64_MAX: to make room. The last window stays, so that no number is used twice. *removed
 * counts windows.
 */
int store_prune(struct store *store, int64_t older, size_t *removed);
/* The last window that was closed before that time; -ENOENT. */
int store_closed_before(struct store *store, int64_t time, uint64_t *number);
/* The window after which the job that lags most needs all; -ENOENT: none needs any. */
int store_oldest_base(struct store *store, uint64_t *base);
int store_size(struct store *store, uint64_t *bytes);
/* Of that what is in use; the rest is room for more. */
int store_used(struct store *store, uint64_t *bytes);

#endif
