/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A walk for the names of files with several links: `fschanged scan` walks, the collector keeps what it finds. One
 * filesystem at a time. Its requests are {"request": "walk", "step": STEP, …}:
 *
 *   list                    filesystems: [{id, device, mount_point, walked, gaps: there are some to be covered}]
 *   begin {filesystem, gaps: cover them}
 *                           busy: somebody else is walking; or gaps: how many are covered, and since: entries whose
 * ctime is not older are wanted wanted {after}          inodes: some, in order, whose names are wanted though they may
 * have one link; none: the end names {names}           base64 of struct walked_name, each with its path changed
 * {changed}       base64 of struct covered_entry, each with its path moved                   path (base64), inode: a
 * directory that came there meanwhile, to be walked again; or nothing end                     more: there are moved
 * directories; else all names are known and the gaps repaired abandon                 so does a client that leaves
 */
#ifndef FSCHANGED_WALK_H
#define FSCHANGED_WALK_H

#include <jansson.h>

#include "collector.h"

enum {
	WALK_NAMES_BYTES = 45000, /* of names in a request */
	WALK_WANTED = 1000,       /* inodes in an answer */
};

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
