/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Dirty paths on their way into the store: collected in fixed memory, sorted, merged, and written in the store's order;
 * and changes of the names of files with several links, which keep their own.
 */
#ifndef FSCHANGED_BATCH_H
#define FSCHANGED_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dirty.h"
#include "store_links.h"

struct batch;

/* How many entries and changes of names it holds; bytes: for their paths. NULL: no memory. */
struct batch *batch_new(size_t entries, size_t changes, size_t bytes);
void batch_free(struct batch *batch);
/* Copies the entry, or merges it into one that it has. -ENOSPC: full, write it first. */
int batch_add(struct batch *batch, const struct dirty *entry);
int batch_add_link(struct batch *batch, const struct link_change *change);
bool batch_is_empty(const struct batch *batch);
/* Puts all into the store, inside its transaction. The batch keeps it until batch_clear(). */
int batch_write(struct batch *batch, struct store *store);
void batch_clear(struct batch *batch);

#endif
