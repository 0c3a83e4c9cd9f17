/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Shared by scan.c, which goes from filesystem to filesystem, scan_filesystem.c, which has one of them scanned,
 * scan_requests.c, which asks the collector, scan_roots.c, which finds the mounts, scan_walk.c, which reads
 * directories, scan_inodes.c, which reads inodes, scan_take.c, which takes what they meet, scan_gap.c, which tells what
 * may have changed in a gap, and scan_pause.c, which tells what is still to be read.
 */
#ifndef FSCHANGED_SCAN_PRIVATE_H
#define FSCHANGED_SCAN_PRIVATE_H

#include "client.h"
#include "inode_set.h"
#include "look.h"
#include "scan.h"
#include "scan_inodes.h"
#include "stack.h"
#include "walk.h"

/* A mount of the filesystem, without what is mounted on top of it. */
struct view {
	struct mount mount;
	char path[32]; /* /proc/self/fd/N/. */
	int descriptor;
};

/* What waits to be sent. */
struct parcel {
	size_t used;
	char bytes[WALK_NAMES_BYTES];
};

struct scan {
	const struct scan_options *options;
	struct client *client;
	struct look *look;
	struct scan_progress progress;
	struct mounts mounts;
	const struct mount *mount; /* that is walked: what is shown of the view has its paths */
	struct view view;
	int table;                  /* the mount table, to see whether it changes */
	struct scan_inodes *inodes; /* NULL: each entry is looked at */
	struct inode_set *wanted;
	bool any_wanted;
	int64_t since; /* entries whose ctime is not older may have changed in a gap; INT64_MAX: none */
	bool failed;
	struct parcel names, changed, kept;
	struct stack *rest; /* directories still to be walked, but for those that scan_walk() has in hand */
	uint64_t hash;      /* of the mounts of the filesystem */
	json_t *scanned;    /* filesystems that were walked, by this scan or the one that was stopped */
	int64_t saved;      /* when; 0: it is not to be */
	bool can_go_on;     /* of what was saved last */
	char **error;
};

/* Where it is stopped *scan->error is a sentence. */
int scan_filesystem(struct scan *scan, const json_t *filesystem);

/* Sends what is in the parcel, base64, as a member of that name. */
int scan_send(struct scan *scan, const char *step, struct parcel *parcel);
/* What was found so far. */
int scan_send_found(struct scan *scan);
/* Adds the header and the path; sends what was in it before where there is no room. */
int scan_add(struct scan *scan, const char *step, struct parcel *parcel, const void *header, size_t header_size,
	     const char *path, size_t length);

/* Counts what was met and what was read; shows it now and then. */
int scan_count(struct scan *scan, uint64_t entries, uint64_t inodes);
/* Whether scan_take() does something with a file. */
bool scan_wants_file(const struct scan *scan, uint64_t inode, uint32_t links, int64_t changed);
/* scan_roots.c. A new look at the view: one keeps the directory of the last path, which may be another one by now. */
int scan_look_anew(struct scan *scan);
void scan_close_view(struct scan *scan);
/* Whether the mount with that index shows a part of its filesystem that no other one does, or is the first to do so. */
bool scan_is_root(const struct scan *scan, size_t index);
/* Calls for each such part, with a view of it; usually that is one. One that is covered everywhere is told as failed.
 */
int scan_each_root(struct scan *scan, uint32_t device, int (*each)(struct scan *, const void *), const void *context);

/* Asks for the inodes whose names are wanted, whatever they are. */
int scan_learn_wanted(struct scan *scan);
/* More must be known of directories than that they are there. */
bool scan_wants_directories(const struct scan *scan);
/* Every entry; of a directory the type alone is set where more is not wanted. */
int scan_take(struct scan *scan, const char *path, size_t length, const struct looked *looked);
/* What could not be looked at. */
void scan_fail(struct scan *scan, const char *path, size_t length, int error);
/* All that is below the directories, in any order, by several threads. Where it is stopped they are left in .rest. */
int scan_walk(struct scan *scan, struct stack *directories);
int scan_walk_below(struct scan *scan, const char *path, size_t length);

/* A request of a walk, whose reference it takes; *answer (caller decrefs) is set on 0. */
int scan_ask(struct scan *scan, json_t *request, json_t **answer);
/* The same, of which no answer is wanted. */
int scan_tell(struct scan *scan, json_t *request);
/* A hash of all mounts of the filesystem, never 0. */
uint64_t scan_hash_mounts(const struct mounts *mounts, uint32_t device);
bool scan_is_stopped(const struct scan *scan);
/* It is time to save what is still to be read: the directories, and .rest. */
bool scan_must_save(const struct scan *scan, const struct stack *directories);
/* Not all below it was read: to be saved with what is in .rest. */
int scan_keep(struct scan *scan, const char *path, size_t length);
int scan_save(struct scan *scan);
/* Fills .rest with what another scan has left. */
int scan_go_on(struct scan *scan);

/* Of a path that the store does not take its nearest ancestor that it does. */
size_t scan_fit(const char *path, size_t length);
/* Tells of an entry that may have changed. */
int scan_gap_take(struct scan *scan, const char *path, size_t length, const struct looked *looked);

#endif
