// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "database_private.h"

static const char *const sql[] = {
#define QUERY(name, text) [name] = text,
#include "queries.h"
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

/*
 * Of the calls that the file needed since the last look; 0: none has failed. SQLite forgets it only when it reads
 * behind the end (unixRead() in os_unix.c): else what shows to be damaged later would be taken for what cannot be read.
 */
static int take_error(struct database *database, int which)
{
	sqlite3_file *file = NULL;
	sqlite3_int64 end;
	int error = 0;
	char byte;

	sqlite3_file_control(database->connection, "main", which, &file);
	if (!file || !file->pMethods)
		return 0;
	file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &error);
	if (error && !file->pMethods->xFileSize(file, &end))
		file->pMethods->xRead(file, &byte, sizeof(byte), end);
	return error;
}

/*
 * SQLite takes a read that fails with EIO, ENXIO or ERANGE for damage (SQLITE_IOERR_CORRUPTFS, unixRead() in
 * os_unix.c). But what cannot be read now may be whole, and is not to be set aside.
 */
bool database_cannot_read(struct database *database)
{
	int of_database = take_error(database, SQLITE_FCNTL_FILE_POINTER);
	int of_log = take_error(database, SQLITE_FCNTL_JOURNAL_POINTER);

	return of_database || of_log;
}

int database_failed(struct database *database)
{
	int error = error_number(database->connection);
	bool cannot_read = database_cannot_read(database);

	if (error == -EUCLEAN && cannot_read)
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

bool database_is_replaced(const struct database *database)
{
	return database->replaced;
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
		return database_failed(database);
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
			rows->error = database_failed(database);
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
		return database_failed(rows->database);
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

int database_execute(struct database *database, const char *statements)
{
	return sqlite3_exec(database->connection, statements, NULL, NULL, NULL) ? database_failed(database) : 0;
}

int database_check(struct database *database)
{
	auto_rows struct rows *rows = SELECT(database, QUICK_CHECK);
	int result = rows_first(rows);

	if (result || strcmp(rows_text(rows, 0), "ok") == 0)
		return result;
	if (database_cannot_read(database))
		return database_refuse(database, -EIO, "%s cannot be read: %s", database->path, rows_text(rows, 0));
	database->damaged = true;
	return database_refuse(database, -EUCLEAN, "%s is damaged: %s", database->path, rows_text(rows, 0));
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
