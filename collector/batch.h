/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Dirty paths on their way into the store: collected in fixed memory, sorted, merged, and written in the store's order.
 */
#ifndef FSCHANGED_BATCH_H
#define FSCHANGED_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dirty.h"

struct batch;
struct store;

/* entries: how many it holds; bytes: for their paths. NULL: no memory. */
struct batch *batch_new(size_t entries, size_t bytes);
void batch_free(struct batch *batch);
/* Copies the entry. -ENOSPC: full, write it first. */
int batch_add(struct batch *batch, const struct dirty *entry);
bool batch_is_empty(const struct batch *batch);
/* Puts all entries into the store, inside its transaction. The batch keeps them until batch_clear(). */
int batch_write(struct batch *batch, struct store *store);
void batch_clear(struct batch *batch);

#endif
