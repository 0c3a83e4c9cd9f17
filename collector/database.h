/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An SQLite database with a lock for its one writer, and the queries of queries.h, each prepared at its first use and
 * under way once at a time. Functions return 0 or -errno; database_error() says more.
 */
#ifndef FSCHANGED_DATABASE_H
#define FSCHANGED_DATABASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum query {
#define QUERY(name, text) name,
#include "queries.h"
	QUERY_COUNT,
};

/* The value of a query's parameter. Bytes are not copied: they must live as long as the query is under way. */
struct value {
	enum { VALUE_NUMBER, VALUE_TEXT, VALUE_BYTES } type;
	int64_t number; /* of bytes: how many */
	const void *bytes;
};

#define NUMBER(x)          ((struct value){.type = VALUE_NUMBER, .number = (int64_t)(x)})
#define TEXT(string)       ((struct value){.type = VALUE_TEXT, .bytes = (string)})
#define BYTES(start, size) ((struct value){.type = VALUE_BYTES, .bytes = (start), .number = (int64_t)(size)})
#define VALUES(...)        (struct value[]){__VA_ARGS__}, sizeof((struct value[]){__VA_ARGS__}) / sizeof(struct value)

struct database;
struct rows;

/* *database is set on failure as well (NULL: out of memory): for database_error() and database_close() only. */
int database_open(struct database **database, const char *directory, bool write);
void database_close(struct database *database);
const char *database_error(const struct database *database);
/* Sets what database_error() says; returns error. */
int database_refuse(struct database *database, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
int database_size(struct database *database, uint64_t *bytes);
int database_used(struct database *database, uint64_t *bytes);

bool database_is_damaged(const struct database *database);
/* What was read cannot be: as where SQLite says so. Returns -EUCLEAN. */
int database_damaged(struct database *database, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool database_is_replaced(const struct database *database);
int database_check(struct database *database);

int database_begin(struct database *database);
int database_begin_durable(struct database *database); /* its commit is on the disk, or has not taken place */
int database_commit(struct database *database);
void database_rollback(struct database *database);
/* A transaction around work that must be whole, unless the caller has one. */
int database_enter(struct database *database, bool *own);
int database_leave(struct database *database, bool own, int result);

/* Runs a query for what it does. */
#define RUN(database, query, ...) database_run(database, query, VALUES(__VA_ARGS__))
int database_run(struct database *database, enum query query, const struct value *values, size_t count);
uint64_t database_changes(const struct database *database); /* rows that the last one changed */
int64_t database_last_id(const struct database *database);  /* of the row that was added last */

/* Runs a query for one number; -ENOENT: there is no row. */
#define GET_NUMBER(database, number, query, ...) database_get_number(database, number, query, VALUES(__VA_ARGS__))
int database_get_number(struct database *database, int64_t *number, enum query query, const struct value *values,
			size_t count);

/* Begins a query for its rows; what fails shows in the first rows_next(). */
#define SELECT(database, query, ...) database_select(database, query, VALUES(__VA_ARGS__))
struct rows *database_select(struct database *database, enum query query, const struct value *values, size_t count);

#define auto_rows __attribute__((cleanup(rows_end)))
void rows_end(struct rows **rows);

int rows_next(struct rows *rows);  /* 1: there is a row, 0: there is none any more */
int rows_first(struct rows *rows); /* 0, or -ENOENT: there is none */

/* Text and bytes live until the next row. */
int64_t rows_number(struct rows *rows, int column);
const char *rows_text(struct rows *rows, int column);
const char *rows_bytes(struct rows *rows, int column, size_t *length); /* never NULL */

#endif
