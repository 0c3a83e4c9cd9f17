/* SPDX-License-Identifier: GPL-2.0 */
/* A walk that was stopped, the collector's side: when it may go on. Functions return 0 or -errno. */
#ifndef FSCHANGED_PAUSE_H
#define FSCHANGED_PAUSE_H

#include <jansson.h>

#include "collector.h"
#include "store_paused.h"

/* At the start, before the first record is taken. */
int pause_load(struct collector *collector);
/* Now and then: one that waits for long is forgotten. */
int pause_check(struct collector *collector);

/* After cover_begin(): whether the walk of the filesystem goes on, and what it has found so far; else that is 0. */
int pause_find(struct collector *collector, uint32_t filesystem, struct store_paused *paused, bool *goes_on);
/* Adds as many directories as fit into WALK_NAMES_BYTES and sets the last; from the one after *last on. */
int pause_rest(struct collector *collector, uint64_t *last, char *bytes, size_t *size);

/* In a transaction: directories that are still to be walked. */
int pause_keep(struct collector *collector, const char *bytes, size_t size);
/* All that was found is in the store: the walk can go on from here, unless *kept is false. */
int pause_save(struct collector *collector, const json_t *request, bool *kept);

#endif
