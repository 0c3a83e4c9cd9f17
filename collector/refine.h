/* SPDX-License-Identifier: GPL-2.0 */
/* Refinement: what was open for writing, and has not changed since the last list, need not be in this one. */
#ifndef FSCHANGED_REFINE_H
#define FSCHANGED_REFINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dirty.h"
#include "look.h"

/* A ctime is read from a clock that is a tick behind, and some inodes keep whole seconds. */
#define REFINE_MARGIN (2 * INT64_C(1000000000))

/* The windows of a list, and those after it up to the present. */
struct refine {
	uint64_t first;  /* the number of the first one */
	int64_t *opened; /* of each from first on: Unix time in nanoseconds */
	size_t count, size;
	bool unsure;     /* a ctime may be wrong, or a fact may have been lost */
	unsigned kernel; /* version of the running one: major << 8 | minor */
};

/* first: the first window of the list; without it nothing is dropped. */
void refine_init(struct refine *refine, uint64_t first);
void refine_free(struct refine *refine);
/* In their order. sure: the clock was not set meanwhile, and there is no gap. 0 or -ENOMEM. */
int refine_add_window(struct refine *refine, uint64_t number, int64_t opened, bool sure);

/* Every change moves a ctime there (see refine.c), but for stores into pages that a mapping has made writable before.
 */
bool refine_is_trusted(const struct refine *refine, const char *type);

/*
 * The file that was looked at is the same as when the last list was made. first_window: the first window of the list
 * that names it; type: of its filesystem.
 */
bool refine_drops(const struct refine *refine, const struct dirty_facts *facts, uint64_t first_window,
		  const struct looked *looked, const char *type);

#endif
