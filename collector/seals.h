/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Filesystems that were traced and are not mounted: whether they have been left alone until they are mounted again.
 * Then what changed on them is known without a gap. Part of the collector.
 */
#ifndef FSCHANGED_SEALS_H
#define FSCHANGED_SEALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "coverage.h"
#include "seal.h"

struct collector;

struct sealed {
	uint32_t filesystem; /* of the store's row */
	/* The device of its superblock, while nothing else can have reported under this number; 0: none. */
	uint32_t superblock;
	bool is_anonymous; /* that number is another one after each mount */
	uint32_t came;     /* how many with this number there had been when it went, or when the seal was read */
	uint32_t *devices; /* on which it lies, its own first */
	size_t device_count;
	uint64_t instance; /* of that one */
	uint64_t writes;   /* into them past the filesystem that are accounted for */
	bool watched;      /* nothing can have touched it since that would not have been seen */
	bool has_seal;
	unsigned int reads; /* of the seal that are still to be made: that of a filesystem that ends comes late */
	uint64_t position;  /* in the ring, behind all that it reported; 0: it may report more */
	struct seal seal;
	char difference[SEAL_DIFFERENCE_BYTES]; /* what shows that it was touched */
};

struct seals {
	struct sealed *rows;
	size_t count;
};

/* Those of the store, none of which is watched yet. */
int seals_load(struct collector *collector);
void seals_free(struct seals *seals);

/*
 * Looks for the filesystems of seals that are not watched: one that is not mounted and whose seal holds is watched from
 * now on, one whose seal does not hold any more is not. To be called when the hooks are attached and nothing is
 * mounted, and when block devices come or change.
 */
int seals_look(struct collector *collector);

/*
 * The last mount of a filesystem that we see has gone. The filesystem itself may end later, or live on in another
 * namespace or for somebody who is in it: the kernel side goes on. Takes row->devices.
 */
int seals_went(struct collector *collector, struct covered *row);
/*
 * One was mounted. is_whole: it was traced since then, and is seen as before. Returns 1: nothing is missing since it
 * ended; the window is noted. 0: it may have been touched; *difference says what shows that, or is empty.
 */
int seals_came(struct collector *collector, const struct covered *row, const struct mount *mount, bool is_whole,
	       char difference[SEAL_DIFFERENCE_BYTES]);
/* The filesystem whose changes those of a superblock are that was gone before its mount was seen. 0: not known. */
uint32_t seals_owner(const struct collector *collector, uint32_t superblock);
/* Changes may have been missed on whatever lies there, or may have had this number. device 0: anywhere. */
int seals_spoil(struct collector *collector, uint32_t device);
/*
 * A full backup has been made that began when this window was closed: it has nothing of what is not mounted, and may
 * have nothing of what was mounted meanwhile, whenever that had gone. The former is a gap when it is mounted, the
 * latter at once. To be called in the transaction that commits it.
 */
int seals_leave_out(struct collector *collector, uint64_t window);
/* A superblock that nobody has seen mounted has ended: the filesystem's seal is another one. */
void seals_refresh(struct seals *seals, uint32_t superblock);

/* How often devices were written past filesystems so far. */
uint64_t seals_count_writes(const struct collector *collector, const uint32_t *devices, size_t count);
/* What was written past mounted filesystems becomes gaps, others lose their seals; seals are read and kept. Called
 * regularly. */
int seals_check(struct collector *collector, uint64_t first);

#endif
