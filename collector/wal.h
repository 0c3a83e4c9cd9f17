/* SPDX-License-Identifier: GPL-2.0 */
/* SQLite's write-ahead log, as a file (https://sqlite.org/fileformat2.html#the_write_ahead_log). */
#ifndef FSCHANGED_WAL_H
#define FSCHANGED_WAL_H

#include <sqlite3.h>

/*
 * Within no transaction, when the connection has read something. Both return 0 or -errno.
 *
 * Writes the frames of the log once more, and syncs it: after an error the kernel takes for written what is not on the
 * disk, and only what is written anew comes there. -EUCLEAN: one of them is not valid any more, since the memory that
 * had it was used for something else. 1: so it is, but the database has them all; what is put behind them would not be
 * found after a crash.
 */
int wal_rewrite(sqlite3 *connection);
/* Cuts off what is behind the frames of the last commit: a transaction that was refused. */
int wal_cut(sqlite3 *connection);

#endif
