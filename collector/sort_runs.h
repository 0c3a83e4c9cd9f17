/* SPDX-License-Identifier: GPL-2.0 */
/* Of sort.c: sorted runs of records in unlinked temporary files. */
#ifndef FSCHANGED_SORT_RUNS_H
#define FSCHANGED_SORT_RUNS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { RECORD_ALIGNMENT = 8 };

/* A record in memory; the path follows, then zeros up to the next multiple of RECORD_ALIGNMENT. */
struct record {
	uint64_t facts;
	int64_t first, last;
	uint32_t length;
	uint32_t mode;
	char path[];
};

struct run {
	off_t start, end;
};

/* All runs of one level lie one after another in one unlinked file. */
struct level {
	int fd;
	off_t size;
	struct run *runs;
	size_t count, room;
};

struct reader {
	int fd;
	off_t next, end; /* of what has not been read into the buffer yet */
	unsigned char *buffer;
	size_t size;
	size_t start, used;  /* what is left in the buffer: [start, used) */
	struct record *head; /* NULL: the run has come to its end */
	struct record *own;  /* memory for the head */
	size_t own_size;
};

struct writer_buffer {
	struct level *level;
	unsigned char *buffer;
	size_t size, used;
};

static inline size_t record_size(size_t length)
{
	return (sizeof(struct record) + length + RECORD_ALIGNMENT - 1) & ~(size_t)(RECORD_ALIGNMENT - 1);
}

int level_open(struct level *level, const char *directory);
void level_close(struct level *level);
int level_new_run(struct level *level);

/* Into the last run of the level. before: the record that was put before it into the same run, or NULL. */
int writer_put(struct writer_buffer *writer, const struct record *record, const struct record *before);
int writer_flush(struct writer_buffer *writer);

void reader_free(struct reader *reader);
/* The next record becomes the head. 0 or -errno. */
int reader_next(struct reader *reader);

#endif
