/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The seal of a filesystem that is not mounted: what its superblock and its journal say, so that a mount elsewhere, a
 * check or a repair in between shows. It does not show every write of a block tool: one that leaves the superblock as
 * it is goes unseen.
 */
#ifndef FSCHANGED_SEAL_H
#define FSCHANGED_SEAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SEAL_UUID_BYTES = 40, SEAL_DIFFERENCE_BYTES = 160 };

/* Kept in the store as it is: fixed widths, no padding. */
struct seal {
	char kind[8]; /* of the filesystem: a family whose members share their superblock */
	char uuid[SEAL_UUID_BYTES];
	uint64_t digest; /* of all that does not change while nobody changes anything */
	uint64_t count;  /* ext: how often it was mounted; xfs: position in the log; btrfs: generation */
	int64_t mounted; /* ext: when last */
	int64_t checked; /* ext: when last */
	uint64_t clean;  /* it was unmounted in order: nothing is left to replay */
};

/*
 * Reads it from a device or an image, past caches where these allow that. -ENODATA: no filesystem that has a seal: one
 * of another kind, or on several devices.
 */
int seal_read(const char *path, struct seal *seal);
/* Nothing has touched the filesystem in between, as far as seals tell. */
bool seal_holds(const struct seal *before, const struct seal *now);
/* In words: what shows that it was touched. */
void seal_difference(const struct seal *before, const struct seal *now, char text[SEAL_DIFFERENCE_BYTES]);

/* Each superblock of this kind has a number that was free at its mount, and not that of its device. */
bool seal_is_anonymous(const struct seal *seal);

/* Of a kind that counts its mounts for writing. */
bool seal_counts_mounts(const struct seal *seal);
/* Of a filesystem of a kind that counts its mounts: after `more` mounts for writing, and nothing else. */
bool seal_fits_mounted(const struct seal *before, const struct seal *now, unsigned int more);

#endif
