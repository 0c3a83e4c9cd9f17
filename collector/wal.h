/* SPDX-License-Identifier: GPL-2.0 */
/* SQLite's write-ahead log, as a file (https://sqlite.org/fileformat2.html#the_write_ahead_log). */
#ifndef FSCHANGED_WAL_H
#define FSCHANGED_WAL_H

#include <sqlite3.h>

enum { WAL_ALL = -1 };

/*
 * Writes the first frames of the log once more, and syncs it: after an error the kernel takes for written what is not
 * on the disk, and only what is written anew comes there. WAL_ALL: as many as are valid. -EUCLEAN: one of them is not
 * valid any more, since the memory that had it was used for something else. The connection must have read something.
 */
int wal_rewrite(sqlite3 *connection, int frames);

#endif
