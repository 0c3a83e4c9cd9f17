/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A block of a run: dirty paths in order, each written as what it differs from the one before, with a sum. A block can
 * be read by itself. Its entries have no window: that is the run's.
 */
#ifndef FSCHANGED_BLOCK_H
#define FSCHANGED_BLOCK_H

#include <stddef.h>
#include <stdint.h>

#include "dirty.h"

enum {
	/* A row of this size, with its head of 5 bytes, leaves no hole in SQLite's pages of 4096. */
	BLOCK_BYTES = 8673 - 5,
	BLOCK_TAIL_MOST = 15, /* bytes at a path's end that it has in common with the one before */
	BLOCK_USUAL = 15,     /* bytes that are written in four bits */
};

/* Where a block belongs: it is none in another place. */
struct block_place {
	uint64_t window, id;
};

struct block_writer {
	uint16_t count;
	size_t used;
	struct dirty last; /* put; its path is the one below */
	char path[PATH_BYTES];
	uint32_t seen[256];  /* how often each byte was written in this block: the next one takes the usual ones */
	uint16_t codes[256]; /* of a byte, four bits each, the lower ones first */
	unsigned char halves[256]; /* how many of these there are */
	unsigned char bytes[BLOCK_BYTES];
};

struct block_reader {
	uint16_t left;
	const unsigned char *next, *end;
	const unsigned char *usual;
	struct dirty entry; /* read; its path is the one below */
	char path[PATH_BYTES];
};

/* The order of entries: filesystem, then path, bytewise. */
int block_compare(const struct dirty *left, const struct dirty *right);
/* What is known of a path twice, into the first. */
void block_merge(struct dirty *into, const struct dirty *from);

/* Before the first block of several. */
void block_reset(struct block_writer *writer);
/* What was put last stays known. */
void block_begin(struct block_writer *writer);
/* An entry that comes after all that are in it, at most PATH_BYTES long. -ENOSPC: it does not fit any more. */
int block_put(struct block_writer *writer, const struct dirty *entry);
/* Its size; it is whole then. */
size_t block_end(struct block_writer *writer, struct block_place place);

/* The bytes must live as long as it is read. -EUCLEAN: it is damaged, or belongs elsewhere. */
int block_open(struct block_reader *reader, const void *bytes, size_t size, struct block_place place);
/* How many entries there are from the next one on. */
static inline uint16_t block_left(const struct block_reader *reader)
{
	return reader->left;
}
/* 1: reader->entry is the next one; 0: there is none; -EUCLEAN. */
int block_next(struct block_reader *reader);

#endif
