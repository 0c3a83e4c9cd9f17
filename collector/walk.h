/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A walk for the names of files with several links: `fschanged scan` walks, the collector keeps what it finds. One
 * filesystem at a time. Its requests are {"request": "walk", "step": STEP, …}:
 *
 *   list                filesystems: [{id, device, mount_point, walked, gaps: there are some to be covered, paused: a
 *                       walk of it can go on, scanned: the scan of which that is a part is done there}]
 *   begin {filesystem, gaps: cover them, mounts: a hash of those through which is walked}
 *                       busy: somebody else is walking; or gaps: how many are covered, and since: entries whose ctime
 *                       is not older are wanted; goes_on: only the rest is to be walked, entries, changed, directories
 *                       and names were found before
 *   rest {after}        base64 of struct walked_rest, each with its path, in order, and the last; none: the end
 *   wanted {after}      inodes: some, in order, whose names are wanted though they may have one link; none: the end
 *   names {names}       base64 of struct walked_name, each with its path
 *   changed {changed}   base64 of struct covered_entry, each with its path
 *   keep {keep}         base64 of struct walked_rest, each with its path: what is still to be walked
 *   save {entries, changed, directories, names, scanned: [id]}
 *                       kept: a later walk can go on from what was told to keep since the last save
 *   moved               path (base64), inode, settled: a directory that came there meanwhile, to be walked again, and
 *                       that was before this part of the walk began; or nothing
 *   end                 more: there are moved directories; else all names are known and the gaps repaired
 *   abandon             so does a client that leaves
 */
#ifndef FSCHANGED_WALK_H
#define FSCHANGED_WALK_H

#include <jansson.h>

#include "collector.h"

enum {
	WALK_NAMES_BYTES = 45000, /* of names in a request */
	WALK_WANTED = 1000,       /* inodes in an answer */
};

/* A directory of which not all below was read. */
struct walked_rest {
	uint16_t length; /* of the path that follows */
} __attribute__((packed));

struct walked_name {
	uint64_t inode;
	uint32_t links;
	uint16_t length; /* of the path that follows */
} __attribute__((packed));

/* An answer's members; or NULL with *error (caller frees) a sentence. owner: who walks. */
json_t *walk_answer(struct collector *collector, const void *owner, const json_t *request, char **error);
/* The client has gone. */
void walk_abandon(struct collector *collector, const void *owner);

#endif
