/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Shared by database.c (errors, queries), database_log.c (transactions, and the log's faults) and database_open.c:
 * these, wal.c and wal_index.c are the only ones that know SQLite.
 */
#ifndef FSCHANGED_DATABASE_PRIVATE_H
#define FSCHANGED_DATABASE_PRIVATE_H

#include <limits.h>
#include <sqlite3.h>

#include "database.h"
#include "wal_index.h"

enum { BUSY_MILLISECONDS = 10000 };

struct rows {
	struct database *database;
	sqlite3_stmt *statement;
	int error; /* of the beginning */
};

struct database {
	sqlite3 *connection;
	bool write;
	bool damaged;  /* that has shown */
	bool replaced; /* a damaged one was set aside */
	bool ours;     /* it is, and is open */
	bool suspect;  /* the log: it may not be on the disk, though a sync would succeed */
	bool erred;    /* the disk: what was copied may not be on it, and the log is to get other blocks */
	bool durable;  /* the transaction */
	bool refused;  /* it is over, and may be whole in the log */
	int log_pages; /* at the last commit, unless all were copied since */
	int held;      /* parts of the log's index that stay in memory */
	struct wal_start start;
	int lock;
	struct rows rows[QUERY_COUNT];
	char path[PATH_MAX];
	char error[PATH_MAX + 256];
};

/* What SQLite has said last: -errno. */
int database_failed(struct database *database);
/* A call for the files has failed since this was asked last: what looks like damage may be none. */
bool database_cannot_read(struct database *database);
int database_execute(struct database *database, const char *statements);
/* When the connection is made; when the database is known to be ours; when that is over. */
void database_watch_log(struct database *database);
void database_begin_log(struct database *database);
void database_leave_log(struct database *database);

#endif
