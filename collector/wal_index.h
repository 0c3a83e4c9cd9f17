/* SPDX-License-Identifier: GPL-2.0 */
/*
 * SQLite's index of its write-ahead log: memory of a file that all who have the database open share
 * (https://sqlite.org/walformat.html#the_wal_index_file_format). Functions return 0 or -errno; the connection must have
 * read something.
 */
#ifndef FSCHANGED_WAL_INDEX_H
#define FSCHANGED_WAL_INDEX_H

#include <sqlite3.h>
#include <stdint.h>

struct wal_index {
	uint32_t frames; /* of the log, up to the last commit */
	uint32_t copied; /* of these, into the database; all: that is synced */
	uint64_t log;    /* another number when the log begins anew */
};

/* The database when a log began: nothing of that was in it. */
struct wal_start {
	uint64_t log;
	int64_t bytes; /* 0: not known */
};

int wal_index_read(sqlite3 *connection, struct wal_index *index);

/*
 * All frames are copied into the database by the next checkpoint: SQLite does not sync what it has copied while
 * somebody read, and does not copy it again when the kernel could not write it. What the database has grown by since
 * the log began is cut off, so that it gets other blocks. -EBUSY: somebody reads it.
 */
int wal_copy_again(sqlite3 *connection, const struct wal_start *start);

/*
 * That the kernel cannot write memory of the index to its disk shows nowhere, and what is read again is not what was
 * there: then rows are as they were before. So it stays in memory. *parts: as many do already.
 */
void wal_hold_index(sqlite3 *connection, int *parts);

#endif
