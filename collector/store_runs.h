/* SPDX-License-Identifier: GPL-2.0 */
/* Of the store: sorted runs of blocks, one writer at a time, and any number read in one order. */
#ifndef FSCHANGED_STORE_RUNS_H
#define FSCHANGED_STORE_RUNS_H

#include "block.h"
#include "database.h"

/* A row of the table. Blocks first to next - 1 have its entries. */
struct run {
	uint64_t window, id;
	uint64_t first, next;
	uint64_t entries;
	uint64_t target; /* 0, or the run into which it is being merged, or itself: others are, into it */
};

struct run_writer {
	struct database *database;
	struct run run; /* .id 0: none is open */
	struct block_writer block;
};

/* A run that is read. */
struct cursor {
	struct database *database;
	struct run run;   /* .first is the block after the one in memory */
	uint64_t removed; /* entries in blocks that were read to their end */
	uint16_t count;   /* entries of the block in memory */
	struct block_reader block;
	unsigned char bytes[BLOCK_BYTES];
};

/* Reads several runs as one: each path once, what is known of it merged. */
struct merger {
	struct cursor **cursors; /* all of them */
	size_t count, room;
	struct cursor **heap; /* those that have not come to their end, the first entry on top */
	size_t heap_count;
	struct dirty entry; /* .first_window and .window: of the runs that have it */
	char path[PATH_BYTES];
};

/* A row of LIST_RUNS. */
struct run run_read(struct rows *rows);
int run_put(struct database *database, const struct run *run);
/* Blocks first to next - 1. */
int run_remove_blocks(struct database *database, const struct run *run, uint64_t first, uint64_t next);

/* A new run, or one that goes on after its last entry. */
int run_begin(struct run_writer *writer, struct database *database, const struct run *run);
static inline bool run_is_open(const struct run_writer *writer)
{
	return writer->run.id;
}
/* Does the entry come after the last one that was put? */
bool run_takes(const struct run_writer *writer, const struct dirty *entry);
int run_add(struct run_writer *writer, const struct dirty *entry);
/* The row is there then. */
int run_end(struct run_writer *writer);

#define auto_merger __attribute__((cleanup(merger_free)))
void merger_free(struct merger *merger);
int merger_add(struct merger *merger, struct database *database, const struct run *run);
int merger_begin(struct merger *merger);
/* 1: merger->entry is the next one; 0: there is none; -errno. */
int merger_next(struct merger *merger);

#endif
