/* SPDX-License-Identifier: GPL-2.0 */
/*
 * External merge sort of byte strings with a payload each: fixed memory, runs in unlinked temporary files.
 * Strings sort bytewise (memcmp, then length); equal strings come out once, their payloads merged.
 */
#ifndef FSCHANGED_SORT_H
#define FSCHANGED_SORT_H

#include <stddef.h>
#include <stdint.h>

#include "dirty.h"

struct sorter;

struct sorted {
	const char *path; /* lives until the next sorter_next() */
	size_t length;
	uint32_t mode;            /* of the file as it was found; 0: gone */
	struct dirty_facts facts; /* merge by OR */
	int64_t first, last;      /* merge by minimum and maximum */
};

/* An unlinked file for what memory does not hold, in the directory (NULL: TMPDIR or /var/tmp). Descriptor or -errno. */
int temporary_file(const char *directory);

/* memory: bytes for a run; directory: where runs are written (NULL: TMPDIR or /var/tmp). */
int sorter_new(struct sorter **sorter, size_t memory, const char *directory);
void sorter_free(struct sorter *sorter);
int sorter_add(struct sorter *sorter, const struct sorted *record);
/* After the last add. */
int sorter_finish(struct sorter *sorter);
/* 1: *record is set; 0: the end; -errno. */
int sorter_next(struct sorter *sorter, struct sorted *record);

#endif
