// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "damage.h"
#include "database.h"
#include "moment.h"
#include "wal.h"

enum {
	APPLICATION_ID = 0x66734368, /* as in schema.sql */
	SCHEMA_VERSION = 5,
	BUSY_MILLISECONDS = 10000,
};

extern const char schema_sql[];

static const char *const sql[] = {
#define QUERY(name, text) [name] = text,
#include "queries.h"
};

struct rows {
	struct database *database;
	sqlite3_stmt *statement;
	int error; /* of the beginning */
};

enum {
	PAGE_BYTES = 4096,
	PAGES = 1024, /* a few more than cache_size below */
	LOG_PAGES = 4096,
};

struct database {
	sqlite3 *connection;
	bool write;
	bool damaged;  /* that has shown */
	bool replaced; /* a damaged one was set aside */
	bool suspect;  /* the log: it may not be on the disk, though a sync would succeed */
	bool erred;    /* the disk: where the log lies may not hold what is written there */
	bool durable;  /* the transaction */
	bool refused;  /* it is over, and may be whole in the log */
	int log_pages; /* frames of the log, unless the database has all of them; or WAL_ALL: not known */
	int lock;
	struct rows rows[QUERY_COUNT];
	char path[PATH_MAX];
	char error[PATH_MAX + 256];
};

int database_refuse(struct database *database, int error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(database->error, sizeof(database->error), format, arguments);
	va_end(arguments);
	return error;
}

const char *database_error(const struct database *database)
{
	return database ? database->error : strerror(ENOMEM);
}

/* -ENOENT is left to those who ask for a row that is not there. */
static int error_number(sqlite3 *connection)
{
	int error = sqlite3_system_errno(connection);

	switch (sqlite3_errcode(connection)) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_CONSTRAINT:
		return -EEXIST;
	case SQLITE_NOTADB:
	case SQLITE_CORRUPT:
		return -EUCLEAN;
	case SQLITE_CANTOPEN:
		return error && error != ENOENT ? -error : -EIO;
	default:
		return -EIO;
	}
}

/* Of the calls that the file needed; 0: none has failed. */
static int last_error(struct database *database, int which)
{
	sqlite3_file *file = NULL;
	int error = 0;

	sqlite3_file_control(database->connection, "main", which, &file);
	if (file && file->pMethods)
		file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &error);
	return error;
}

/*
 * SQLite takes a read that fails with EIO, ENXIO or ERANGE for damage (SQLITE_IOERR_CORRUPTFS, unixRead() in
 * os_unix.c). But what cannot be read now may be whole, and is not to be set aside.
 */
static bool cannot_read(struct database *database)
{
	return last_error(database, SQLITE_FCNTL_FILE_POINTER) || last_error(database, SQLITE_FCNTL_JOURNAL_POINTER);
}

static int failed(struct database *database)
{
	int error = error_number(database->connection);

	if (error == -EUCLEAN && cannot_read(database))
		return database_refuse(database, -EIO, "%s cannot be read: %s", database->path, strerror(EIO));
	database->damaged |= error == -EUCLEAN;
	database->erred |= (sqlite3_errcode(database->connection) & 0xff) == SQLITE_IOERR;
	database->suspect |= database->erred;
	return database_refuse(database, error, "%s: %s", database->path, sqlite3_errmsg(database->connection));
}

bool database_is_damaged(const struct database *database)
{
	return database && database->damaged;
}

int database_damaged(struct database *database, const char *format, ...)
{
	size_t length = (size_t)snprintf(database->error, sizeof(database->error), "%s: ", database->path);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(database->error + length, sizeof(database->error) - length, format, arguments);
	va_end(arguments);
	database->damaged = true;
	return -EUCLEAN;
}

/* Queries */

static int prepare(struct database *database, enum query query, sqlite3_stmt **statement)
{
	if (*statement)
		return 0;
	if (sqlite3_prepare_v3(database->connection, sql[query], -1, SQLITE_PREPARE_PERSISTENT, statement, NULL))
		return failed(database);
	return 0;
}

static int bind(sqlite3_stmt *statement, int position, const struct value *value)
{
	switch (value->type) {
	case VALUE_TEXT:
		return sqlite3_bind_text(statement, position, value->bytes, -1, SQLITE_STATIC);
	case VALUE_BYTES:
		return sqlite3_bind_blob(statement, position, value->bytes, (int)value->number, SQLITE_STATIC);
	default:
		return sqlite3_bind_int64(statement, position, value->number);
	}
}

struct rows *database_select(struct database *database, enum query query, const struct value *values, size_t count)
{
	struct rows *rows = &database->rows[query];

	rows->database = database;
	rows->error = prepare(database, query, &rows->statement);
	for (size_t i = 0; !rows->error && i < count; i++)
		if (bind(rows->statement, (int)i + 1, &values[i]))
			rows->error = failed(database);
	return rows;
}

void rows_end(struct rows **rows)
{
	sqlite3_reset((*rows)->statement);
}

int rows_next(struct rows *rows)
{
	if (rows->error)
		return rows->error;
	switch (sqlite3_step(rows->statement)) {
	case SQLITE_ROW:
		return 1;
	case SQLITE_DONE:
		return 0;
	default:
		return failed(rows->database);
	}
}

int rows_first(struct rows *rows)
{
	int result = rows_next(rows);

	if (result < 0)
		return result;
	return result ? 0 : -ENOENT;
}

int64_t rows_number(struct rows *rows, int column)
{
	return sqlite3_column_int64(rows->statement, column);
}

const char *rows_text(struct rows *rows, int column)
{
	return (const char *)sqlite3_column_text(rows->statement, column);
}

/* SQLite reads an empty blob as NULL. */
const char *rows_bytes(struct rows *rows, int column, size_t *length)
{
	const char *bytes = sqlite3_column_blob(rows->statement, column);

	*length = (size_t)sqlite3_column_bytes(rows->statement, column);
	return bytes ? bytes : "";
}

int database_run(struct database *database, enum query query, const struct value *values, size_t count)
{
	auto_rows struct rows *rows = database_select(database, query, values, count);
	int result = rows_next(rows);

	return result < 0 ? result : 0;
}

int database_get_number(struct database *database, int64_t *number, enum query query, const struct value *values,
			size_t count)
{
	auto_rows struct rows *rows = database_select(database, query, values, count);
	int result = rows_first(rows);

	if (!result)
		*number = rows_number(rows, 0);
	return result;
}

uint64_t database_changes(const struct database *database)
{
	return (uint64_t)sqlite3_changes(database->connection);
}

int64_t database_last_id(const struct database *database)
{
	return sqlite3_last_insert_rowid(database->connection);
}

/* Transactions */

bool database_is_replaced(const struct database *database)
{
	return database->replaced;
}

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
		return failed(database);
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

static int execute(struct database *database, const char *statements)
{
	return sqlite3_exec(database->connection, statements, NULL, NULL, NULL) ? failed(database) : 0;
}

static int set_durable(struct database *database, bool durable)
{
	int result;

	if (database->durable == durable)
		return 0;
	result = execute(database, durable ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
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
		failed(database);
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

/* Opening and closing */

static int make_directories(struct database *database, const char *directory)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s", directory);
	for (char *end = path; end; *end = '/') {
		end = strchr(end + 1, '/');
		if (end)
			*end = '\0';
		if (mkdir(path, 0700) && errno != EEXIST)
			return database_refuse(database, -errno, "cannot make directory %s: %s", path, strerror(errno));
		if (!end)
			break;
	}
	return 0;
}

static int make_file(struct database *database, const char *path)
{
	int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	/* cppcheck-suppress resourceLeak ; the file is what is returned */
	return file < 0 ? database_refuse(database, -errno, "cannot open %s: %s", path, strerror(errno)) : file;
}

static int take_lock(struct database *database, const char *directory)
{
	char path[PATH_MAX + sizeof("/lock")];

	snprintf(path, sizeof(path), "%s/lock", directory);
	database->lock = make_file(database, path);
	if (database->lock < 0)
		return database->lock;
	if (!flock(database->lock, LOCK_EX | LOCK_NB))
		return 0;
	if (errno == EWOULDBLOCK)
		return database_refuse(database, -EBUSY, "another collector uses %s", directory);
	return database_refuse(database, -errno, "cannot lock %s: %s", path, strerror(errno));
}

/* SQLite gives the log the mode of the database. Names of files are nobody else's business. */
static int make_database_file(struct database *database)
{
	int file = make_file(database, database->path);

	return file < 0 ? file : close(file);
}

static int make_database(struct database *database, const char *directory)
{
	int result = make_directories(database, directory);

	if (!result)
		result = take_lock(database, directory);
	return result < 0 ? result : make_database_file(database);
}

static int connect_to(struct database *database)
{
	bool write = database->write;

	if (!write && access(database->path, R_OK))
		return database_refuse(database, -errno, "cannot read %s: %s", database->path, strerror(errno));
	if (sqlite3_open_v2(database->path, &database->connection,
			    SQLITE_OPEN_NOMUTEX | (write ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY), NULL))
		return database->connection ? failed(database)
					    : database_refuse(database, -ENOMEM, "%s", strerror(ENOMEM));
	sqlite3_busy_timeout(database->connection, BUSY_MILLISECONDS);
	sqlite3_wal_hook(database->connection, count_pages, database);
	sqlite3_db_config(database->connection, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, !write, NULL);
	return execute(database, "PRAGMA cache_size = 1000; PRAGMA temp_store = FILE; PRAGMA mmap_size = 0;"
				 "PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = 67108864");
}

/* Nothing is written before the database is known to be ours or empty. */
static int check(struct database *database, bool *is_new)
{
	int64_t application, version, tables;
	int result = GET_NUMBER(database, &application, GET_APPLICATION_ID);

	if (!result)
		result = GET_NUMBER(database, &version, GET_SCHEMA_VERSION);
	if (!result)
		result = GET_NUMBER(database, &tables, COUNT_TABLES);
	if (result)
		return result;
	*is_new = !application && !tables;
	if (*is_new && !database->write)
		return database_refuse(database, -ENOENT, "%s is empty: no collector has run yet", database->path);
	if (*is_new)
		return 0;
	if (application != APPLICATION_ID)
		return database_refuse(database, -EPROTO, "%s is not a database of fschanged", database->path);
	if (version != SCHEMA_VERSION)
		return database_refuse(database, -EPROTO, "%s has version %lld, this fschanged knows version %d",
				       database->path, (long long)version, SCHEMA_VERSION);
	return 0;
}

static int use_log(struct database *database)
{
	auto_rows struct rows *rows = SELECT(database, USE_LOG);
	int result = rows_first(rows);

	if (result || !strcmp(rows_text(rows, 0), "wal"))
		return result;
	return database_refuse(database, -EOPNOTSUPP, "%s: this filesystem cannot hold a write-ahead log",
			       database->path);
}

int database_check(struct database *database)
{
	auto_rows struct rows *rows = SELECT(database, QUICK_CHECK);
	int result = rows_first(rows);

	if (result || strcmp(rows_text(rows, 0), "ok") == 0)
		return result;
	if (cannot_read(database))
		return database_refuse(database, -EIO, "%s cannot be read: %s", database->path, rows_text(rows, 0));
	database->damaged = true;
	return database_refuse(database, -EUCLEAN, "%s is damaged: %s", database->path, rows_text(rows, 0));
}

static int make_schema(struct database *database)
{
	int result = database_begin_durable(database);

	if (!result)
		result = execute(database, schema_sql);
	if (!result && damage_was_found(database->path))
		result = execute(database, "INSERT INTO meta VALUES ('replaced', 1)");
	return result ? result : database_commit(database);
}

/*
 * The writer's pages lie in memory that is taken whole at the start: a database that grows does not take more. Where
 * SQLite is in use already it keeps what it has.
 */
static void reserve_pages(void)
{
	int header = 0, size;
	void *pages;

	if (sqlite3_config(SQLITE_CONFIG_PCACHE_HDRSZ, &header) != SQLITE_OK)
		return;
	size = (PAGE_BYTES + header + 7) & ~7;
	/* cppcheck-suppress invalidFunctionArg ; anonymous memory has no file */
	pages = mmap(NULL, (size_t)size * PAGES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1,
		     0);
	if (pages != MAP_FAILED && sqlite3_config(SQLITE_CONFIG_PAGECACHE, pages, size, PAGES) != SQLITE_OK)
		munmap(pages, (size_t)size * PAGES);
}

static void disconnect(struct database *database)
{
	for (size_t i = 0; i < QUERY_COUNT; i++) {
		sqlite3_finalize(database->rows[i].statement);
		database->rows[i].statement = NULL;
	}
	/* A checkpoint would copy from a log that is suspect. */
	if (database->suspect && database->connection)
		sqlite3_db_config(database->connection, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	sqlite3_close(database->connection);
	database->connection = NULL;
}

static int use(struct database *database)
{
	bool is_new = false;
	int result;

	database->suspect = database->write;
	database->log_pages = WAL_ALL;
	result = connect_to(database);

	if (!result)
		result = check(database, &is_new);
	if (!result && database->write)
		result = use_log(database);
	return result || !is_new ? result : make_schema(database);
}

/* Never over a damaged one: it may still be read by other means. */
static int replace(struct database *database)
{
	int result;

	disconnect(database);
	result = damage_set_aside(database->path);
	if (!result)
		result = make_database_file(database);
	if (result)
		return database_refuse(database, result, "%s is damaged and cannot be replaced: %s", database->path,
				       strerror(-result));
	database->damaged = false;
	database->replaced = true;
	return use(database);
}

int database_open(struct database **result_database, const char *directory, bool write)
{
	struct database *database = calloc(1, sizeof(*database));
	size_t size = sizeof(database->path);
	int result = 0;

	*result_database = database;
	if (!database)
		return -ENOMEM;
	database->write = write;
	database->lock = -1;
	if ((size_t)snprintf(database->path, size, "%s/" DATABASE_NAME, directory) >= size)
		return database_refuse(database, -ENAMETOOLONG, "the name of the state directory is too long");
	if (write) {
		reserve_pages();
		result = make_database(database, directory);
	}
	if (!result)
		result = use(database);
	return result == -EUCLEAN && write ? replace(database) : result;
}

void database_close(struct database *database)
{
	if (!database)
		return;
	disconnect(database);
	if (database->lock >= 0)
		close(database->lock);
	free(database);
}

int database_size(struct database *database, uint64_t *bytes)
{
	char log[PATH_MAX + sizeof("-wal")];
	struct stat status;

	if (stat(database->path, &status))
		return database_refuse(database, -errno, "%s: %s", database->path, strerror(errno));
	*bytes = (uint64_t)status.st_size;
	snprintf(log, sizeof(log), "%s-wal", database->path);
	if (!stat(log, &status))
		*bytes += (uint64_t)status.st_size;
	return 0;
}

int database_used(struct database *database, uint64_t *bytes)
{
	int64_t all = 0, free_pages = 0, size = 0;
	int result = GET_NUMBER(database, &all, PAGE_COUNT);

	if (!result)
		result = GET_NUMBER(database, &free_pages, FREE_COUNT);
	if (!result)
		result = GET_NUMBER(database, &size, PAGE_SIZE);
	*bytes = (uint64_t)((all - free_pages) * size);
	return result;
}
