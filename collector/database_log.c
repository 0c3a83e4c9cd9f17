// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "database_private.h"
#include "moment.h"
#include "wal.h"

enum { LOG_PAGES = 4096 };

static bool is_busy(int result)
{
	return (result & 0xff) == SQLITE_BUSY || (result & 0xff) == SQLITE_LOCKED;
}

/* Nobody who reads is waited for. */
static int truncate_log(struct database *database)
{
	int result;

	sqlite3_busy_timeout(database->connection, 0);
	result = sqlite3_wal_checkpoint_v2(database->connection, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	sqlite3_busy_timeout(database->connection, BUSY_MILLISECONDS);
	if (is_busy(result))
		return 1;
	if (result)
		return database_failed(database);
	database->log_pages = 0;
	database->erred = false;
	database->suspect = false;
	return 0;
}

/*
 * After an error nothing counts as copied, and the log gets other blocks. It is all on the disk before: a part of it
 * would be copied once more over what is newer, if the power failed before it is known to be empty. 1: somebody reads
 * it, so that this is still to be done.
 */
static int empty_log(struct database *database)
{
	int result = wal_copy_again(database->connection, &database->start);

	if (!result)
		result = truncate_log(database);
	/* At once, for who opens it next. */
	if (result < 0 && result != -EBUSY)
		wal_copy_again(database->connection, &database->start);
	return result == -EBUSY ? 1 : result;
}

/* While somebody reads, what is written once more is so for good: erred alone tells that it is to be emptied. */
static int write_log_again(struct database *database)
{
	int result;

	if (!database->suspect)
		return 0;
	result = wal_rewrite(database->connection);
	database->damaged |= result == -EUCLEAN;
	/* The database has it. */
	if (result > 0)
		result = truncate_log(database) ? -EIO : 0;
	database->suspect = result;
	return result;
}

/* An error of an earlier process is not known here: it counts as one when the log is opened. */
static int settle_log(struct database *database)
{
	int64_t version;
	int result;

	if (!database->suspect && !database->erred)
		return 0;
	/* The log is opened when something is read. */
	result = GET_NUMBER(database, &version, GET_SCHEMA_VERSION);
	if (result)
		return result;
	result = write_log_again(database);
	if (!result && database->erred)
		result = empty_log(database);
	if (result >= 0)
		return 0;
	/* What shows later is not to be taken for this error. */
	database_cannot_read(database);
	return database_refuse(database, result, "%s-wal: %s", database->path, strerror(-result));
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

	if (settle_log(database) || database->erred)
		return;
	if (sqlite3_wal_checkpoint_v2(database->connection, NULL, SQLITE_CHECKPOINT_PASSIVE, &pages, &done)) {
		database_failed(database);
		wal_copy_again(database->connection, &database->start);
	} else if (pages == done) {
		database->log_pages = 0;
	}
}

int database_commit(struct database *database)
{
	int result = RUN(database, COMMIT);

	if (result) {
		database->refused = database->write;
		return result;
	}
	set_durable(database, false);
	if (database->write && database->log_pages >= LOG_PAGES)
		checkpoint(database);
	return 0;
}

/* A log begins anew when the database has all of the one before. */
static void note_start(struct database *database)
{
	struct wal_index index;
	struct stat status;

	if (wal_index_read(database->connection, &index) || index.log == database->start.log)
		return;
	database->start.log = index.log;
	database->start.bytes = stat(database->path, &status) ? 0 : status.st_size;
}

static int on_commit(void *context, sqlite3 *connection, const char *name, int pages)
{
	struct database *database = context;

	(void)name;
	database->log_pages = pages;
	database->refused = false; /* written over */
	wal_hold_index(connection, &database->held);
	note_start(database);
	return SQLITE_OK;
}

/* In place of SQLite's own checkpoints, whose errors nobody would see. */
void database_watch_log(struct database *database)
{
	sqlite3_wal_hook(database->connection, on_commit, database);
}

/* How large the database was when a log began that has something already, nobody knows. */
void database_begin_log(struct database *database)
{
	struct wal_index index;

	database->ours = true;
	database->held = 0;
	database->start = (struct wal_start){0};
	if (!database->write || wal_index_read(database->connection, &index))
		return;
	wal_hold_index(database->connection, &database->held);
	note_start(database);
	if (index.frames)
		database->start.bytes = 0;
}

/*
 * SQLite ends the transaction by itself after some errors. One whose sync has failed is whole in the log: who opens the
 * database next would take it for committed. What is written now comes in its place (of a row that stays as it was
 * nothing would be), or else the log is cut. While both fail, the next commit comes there.
 */
static void take_back(struct database *database)
{
	if (database->refused)
		RUN(database, SET_META, TEXT("refused"), NUMBER(moment_now()));
	if (!database->refused)
		return;
	database->refused = wal_cut(database->connection);
	database_cannot_read(database);
}

/* SQLite would make a checkpoint when the connection is closed, and tell nobody what has failed. */
void database_leave_log(struct database *database)
{
	if (!database->write || !database->ours)
		return;
	take_back(database);
	if (!database->damaged)
		checkpoint(database);
	database->ours = false;
}

void database_rollback(struct database *database)
{
	if (!sqlite3_get_autocommit(database->connection))
		RUN(database, ROLLBACK);
	set_durable(database, false);
	take_back(database);
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
