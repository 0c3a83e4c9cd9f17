// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>

#include "database_private.h"
#include "moment.h"
#include "wal.h"

enum { LOG_PAGES = 4096 };

/*
 * Blocks that ext4 gave to a file when writing failed may stay without content for who reads them from the disk, though
 * the same pages are written and synced again (seen on 6.18). So the log is copied into the database, and gets others.
 * 1: somebody reads it, so that this is still to be done.
 */
static int empty_log(struct database *database)
{
	int result;

	sqlite3_busy_timeout(database->connection, 0);
	result = sqlite3_wal_checkpoint_v2(database->connection, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	sqlite3_busy_timeout(database->connection, BUSY_MILLISECONDS);
	if ((result & 0xff) == SQLITE_BUSY || (result & 0xff) == SQLITE_LOCKED)
		return 1;
	if (result)
		return database_failed(database);
	database->log_pages = 0;
	database->erred = false;
	return 0;
}

/* An error of an earlier process is not known here: a log is suspect when it is opened. */
static int settle_log(struct database *database)
{
	int64_t version;
	int result;

	if (!database->suspect)
		return 0;
	/* The log is opened when something is read. */
	result = GET_NUMBER(database, &version, GET_SCHEMA_VERSION);
	if (result)
		return result;
	result = wal_rewrite(database->connection, database->log_pages);
	database->damaged |= result == -EUCLEAN;
	if (!result && database->erred)
		result = empty_log(database);
	database->suspect = result;
	return result < 0 ? database_refuse(database, result, "%s-wal: %s", database->path, strerror(-result)) : 0;
}

static int set_durable(struct database *database, bool durable)
{
	int result;

	if (database->durable == durable)
		return 0;
	result = database_execute(database, durable ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
	if (!result)
		database->durable = durable;
	return result;
}

int database_begin(struct database *database)
{
	return RUN(database, database->write ? BEGIN_WRITE : BEGIN_READ);
}

/*
 * What recovery reads after a crash is the log, up to its last valid commit record. So one sync of the log makes all
 * commits durable; what has left the log was synced by the checkpoint. SQLite makes it within the COMMIT, and takes the
 * transaction back when it fails.
 */
int database_begin_durable(struct database *database)
{
	int result = settle_log(database);

	if (!result)
		result = set_durable(database, true);
	return result ? result : database_begin(database);
}

/* Errors here are no errors of a transaction: it is in the log. */
static void checkpoint(struct database *database)
{
	int pages = 0, done = 0;

	if (settle_log(database))
		return;
	if (sqlite3_wal_checkpoint_v2(database->connection, NULL, SQLITE_CHECKPOINT_PASSIVE, &pages, &done))
		database_failed(database);
	else if (pages == done)
		database->log_pages = 0;
}

int database_commit(struct database *database)
{
	int result = RUN(database, COMMIT);

	database->refused = result && database->durable;
	if (result)
		return result;
	set_durable(database, false);
	if (database->write && database->log_pages >= LOG_PAGES)
		checkpoint(database);
	return 0;
}

/* In place of SQLite's own checkpoints, whose errors nobody would see. */
static int count_pages(void *context, sqlite3 *connection, const char *name, int pages)
{
	struct database *database = context;

	(void)connection;
	(void)name;
	database->log_pages = pages;
	return SQLITE_OK;
}

void database_watch_log(struct database *database)
{
	sqlite3_wal_hook(database->connection, count_pages, database);
}

/*
 * SQLite ends the transaction by itself after some errors. One whose sync has failed is whole in the log: who opens the
 * database next would take it for committed. What is written now comes in its place; of a row that stays as it was
 * nothing would be.
 */
void database_rollback(struct database *database)
{
	if (!sqlite3_get_autocommit(database->connection))
		RUN(database, ROLLBACK);
	set_durable(database, false);
	if (database->refused)
		RUN(database, SET_META, TEXT("refused"), NUMBER(moment_now()));
	database->refused = false;
}

int database_enter(struct database *database, bool *own)
{
	*own = sqlite3_get_autocommit(database->connection);
	return *own ? database_begin(database) : 0;
}

int database_leave(struct database *database, bool own, int result)
{
	if (own && !result)
		result = database_commit(database);
	if (own && result)
		database_rollback(database);
	return result;
}
