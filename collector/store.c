// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "store.h"

enum {
	APPLICATION_ID = 0x66734368, /* as in schema.sql */
	SCHEMA_VERSION = 1,
	BUSY_MILLISECONDS = 10000,
};

static const int64_t nanoseconds = 1000000000;

extern const char schema_sql[];

enum query {
#define QUERY(name, text) name,
#include "queries.h"
	QUERY_COUNT,
};

static const char *const sql[] = {
#define QUERY(name, text) [name] = text,
#include "queries.h"
};

/* A directory on the way from a filesystem's root to a path; end: where its path ends. */
struct level {
	int64_t id;
	uint64_t inode, used;
	size_t end;
};

/* The directories of the last path, so that its neighbours need few queries. The root's path is empty. */
struct chain {
	uint32_t filesystem;
	size_t depth; /* levels in use; 0: nothing is known */
	struct level levels[PATH_LEVELS + 1];
	char path[PATH_BYTES + 1];
};

struct store {
	sqlite3 *database;
	enum store_mode mode;
	int lock;
	uint64_t window; /* whose opening is known; 0: none */
	int64_t opened;	 /* in seconds */
	struct chain written, read;
	sqlite3_stmt *statements[QUERY_COUNT];
	char path[PATH_MAX];
	char error[PATH_MAX + 256];
};

struct value {
	enum { VALUE_NUMBER, VALUE_TEXT, VALUE_BYTES } type;
	int64_t number;
	const void *bytes;
	size_t length;
};

#define NUMBER(x)	   ((struct value){.type = VALUE_NUMBER, .number = (int64_t)(x)})
#define TEXT(string)	   ((struct value){.type = VALUE_TEXT, .bytes = (string)})
#define BYTES(start, size) ((struct value){.type = VALUE_BYTES, .bytes = (start), .length = (size)})
#define VALUES(...)	   (struct value[]){__VA_ARGS__}, sizeof((struct value[]){__VA_ARGS__}) / sizeof(struct value)

/* start(), fetch(), run() and get_number() with the values of the query's parameters. */
#define START(store, rows, query, ...)	      start(store, rows, query, VALUES(__VA_ARGS__))
#define FETCH(store, rows, query, ...)	      fetch(store, rows, query, VALUES(__VA_ARGS__))
#define RUN(store, query, ...)		      run(store, query, VALUES(__VA_ARGS__))
#define GET_NUMBER(store, number, query, ...) get_number(store, number, query, VALUES(__VA_ARGS__))

static void reset(sqlite3_stmt **rows)
{
	sqlite3_reset(*rows);
}

#define auto_reset __attribute__((cleanup(reset)))

static __attribute__((format(printf, 3, 4))) int refuse(struct store *store, int error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(store->error, sizeof(store->error), format, arguments);
	va_end(arguments);
	return error;
}

static int error_number(sqlite3 *database)
{
	switch (sqlite3_errcode(database)) {
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
		return -EPROTO;
	case SQLITE_CORRUPT:
		return -EUCLEAN;
	case SQLITE_CANTOPEN:
		return sqlite3_system_errno(database) ? -sqlite3_system_errno(database) : -EIO;
	default:
		return -EIO;
	}
}

static void forget(struct store *store)
{
	store->window = 0;
	store->written.depth = 0;
}

/* SQLite ends the transaction by itself after some errors, so nothing that was learned in it may be kept. */
static int failed(struct store *store)
{
	forget(store);
	return refuse(store, error_number(store->database), "%s: %s", store->path, sqlite3_errmsg(store->database));
}

static int bind(sqlite3_stmt *rows, int position, const struct value *value)
{
	switch (value->type) {
	case VALUE_TEXT:
		return sqlite3_bind_text(rows, position, value->bytes, -1, SQLITE_STATIC);
	case VALUE_BYTES:
		return sqlite3_bind_blob64(rows, position, value->bytes, value->length, SQLITE_STATIC);
	default:
		return sqlite3_bind_int64(rows, position, value->number);
	}
}

static int start(struct store *store, sqlite3_stmt **rows, enum query query, const struct value *values, size_t count)
{
	sqlite3_stmt **statement = &store->statements[query];

	if (!*statement &&
	    sqlite3_prepare_v3(store->database, sql[query], -1, SQLITE_PREPARE_PERSISTENT, statement, NULL))
		return failed(store);
	for (size_t i = 0; i < count; i++)
		if (bind(*statement, (int)i + 1, &values[i]))
			return failed(store);
	*rows = *statement;
	return 0;
}

/* 1: there is a row, 0: there is none any more. */
static int step(struct store *store, sqlite3_stmt *rows)
{
	switch (sqlite3_step(rows)) {
	case SQLITE_ROW:
		return 1;
	case SQLITE_DONE:
		return 0;
	default:
		return failed(store);
	}
}

/* start() and the first step(). */
static int fetch(struct store *store, sqlite3_stmt **rows, enum query query, const struct value *values, size_t count)
{
	int result = start(store, rows, query, values, count);

	return result ? result : step(store, *rows);
}

static int run(struct store *store, enum query query, const struct value *values, size_t count)
{
	auto_reset sqlite3_stmt *rows = NULL;
	int result = fetch(store, &rows, query, values, count);

	return result < 0 ? result : 0;
}

static int get_number(struct store *store, int64_t *number, enum query query, const struct value *values, size_t count)
{
	auto_reset sqlite3_stmt *rows = NULL;
	int result = fetch(store, &rows, query, values, count);

	if (result < 0)
		return result;
	if (!result)
		return -ENOENT;
	*number = sqlite3_column_int64(rows, 0);
	return 0;
}

static uint64_t column_u64(sqlite3_stmt *rows, int column)
{
	return (uint64_t)sqlite3_column_int64(rows, column);
}

static const char *column_text(sqlite3_stmt *rows, int column)
{
	return (const char *)sqlite3_column_text(rows, column);
}

/* An empty blob reads as NULL. */
static const char *column_bytes(sqlite3_stmt *rows, int column, size_t *length)
{
	const char *bytes = sqlite3_column_blob(rows, column);

	*length = (size_t)sqlite3_column_bytes(rows, column);
	return bytes ? bytes : "";
}

static uint64_t last_window(uint64_t last)
{
	return last ? last : INT64_MAX;
}

/* Opening and closing */

static int make_directories(struct store *store, const char *directory)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s", directory);
	for (char *end = path; end; *end = '/') {
		end = strchr(end + 1, '/');
		if (end)
			*end = '\0';
		if (mkdir(path, 0700) && errno != EEXIST)
			return refuse(store, -errno, "cannot make directory %s: %s", path, strerror(errno));
		if (!end)
			break;
	}
	return 0;
}

static int make_file(struct store *store, const char *path)
{
	int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	return file < 0 ? refuse(store, -errno, "cannot open %s: %s", path, strerror(errno)) : file;
}

static int take_lock(struct store *store, const char *directory)
{
	char path[PATH_MAX + sizeof("/lock")];

	snprintf(path, sizeof(path), "%s/lock", directory);
	store->lock = make_file(store, path);
	if (store->lock < 0)
		return store->lock;
	if (!flock(store->lock, LOCK_EX | LOCK_NB))
		return 0;
	if (errno == EWOULDBLOCK)
		return refuse(store, -EBUSY, "another collector uses %s", directory);
	return refuse(store, -errno, "cannot lock %s: %s", path, strerror(errno));
}

/* SQLite gives the log the mode of the database. Names of files are nobody else's business. */
static int make_database_file(struct store *store)
{
	int file = make_file(store, store->path);

	return file < 0 ? file : close(file);
}

static int execute(struct store *store, const char *statements)
{
	return sqlite3_exec(store->database, statements, NULL, NULL, NULL) ? failed(store) : 0;
}

static int open_database(struct store *store)
{
	bool write = store->mode == STORE_WRITE;
	int flags = SQLITE_OPEN_NOMUTEX | (write ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY);

	if (!write && access(store->path, R_OK))
		return refuse(store, -errno, "cannot read %s: %s", store->path, strerror(errno));
	if (sqlite3_open_v2(store->path, &store->database, flags, NULL))
		return store->database ? failed(store) : refuse(store, -ENOMEM, "%s", strerror(ENOMEM));
	sqlite3_busy_timeout(store->database, BUSY_MILLISECONDS);
	sqlite3_db_config(store->database, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, !write, NULL);
	return execute(store, "PRAGMA cache_size = -8000; PRAGMA temp_store = FILE; PRAGMA mmap_size = 0;"
			      "PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = 67108864");
}

/* Nothing is written before the database is known to be ours or empty. */
static int check_database(struct store *store, bool *is_new)
{
	int64_t application, version, tables;
	int result = GET_NUMBER(store, &application, GET_APPLICATION_ID);

	if (!result)
		result = GET_NUMBER(store, &version, GET_SCHEMA_VERSION);
	if (!result)
		result = GET_NUMBER(store, &tables, COUNT_TABLES);
	if (result)
		return result;
	*is_new = !application && !tables;
	if (*is_new && store->mode == STORE_READ)
		return refuse(store, -ENOENT, "%s is empty: no collector has run yet", store->path);
	if (*is_new)
		return 0;
	if (application != APPLICATION_ID)
		return refuse(store, -EPROTO, "%s is not a database of fschanged", store->path);
	if (version != SCHEMA_VERSION)
		return refuse(store, -EPROTO, "%s has version %lld, this fschanged knows version %d", store->path,
			      (long long)version, SCHEMA_VERSION);
	return 0;
}

static int use_log(struct store *store)
{
	auto_reset sqlite3_stmt *rows = NULL;
	int result = FETCH(store, &rows, USE_LOG);

	if (result < 0)
		return result;
	if (!result || strcmp(column_text(rows, 0), "wal") != 0)
		return refuse(store, -EOPNOTSUPP, "%s: this filesystem cannot hold a write-ahead log", store->path);
	return 0;
}

static int make_schema(struct store *store)
{
	int result = store_begin(store);

	if (!result)
		result = execute(store, schema_sql);
	return result ? result : store_commit(store, true);
}

static int prepare_database(struct store *store)
{
	bool is_new;
	int result = check_database(store, &is_new);

	if (result || store->mode == STORE_READ)
		return result;
	result = use_log(store);
	if (result || !is_new)
		return result;
	return make_schema(store);
}

int store_open(struct store **result_store, const char *directory, enum store_mode mode)
{
	struct store *store = calloc(1, sizeof(*store));
	int result = 0;

	*result_store = store;
	if (!store)
		return -ENOMEM;
	store->mode = mode;
	store->lock = -1;
	if ((size_t)snprintf(store->path, sizeof(store->path), "%s/fschanged.db", directory) >= sizeof(store->path))
		return refuse(store, -ENAMETOOLONG, "the name of the state directory is too long");
	if (mode == STORE_WRITE)
		result = make_directories(store, directory);
	if (!result && mode == STORE_WRITE)
		result = take_lock(store, directory);
	if (!result && mode == STORE_WRITE)
		result = make_database_file(store);
	if (!result)
		result = open_database(store);
	return result ? result : prepare_database(store);
}

void store_close(struct store *store)
{
	if (!store)
		return;
	for (size_t i = 0; i < QUERY_COUNT; i++)
		sqlite3_finalize(store->statements[i]);
	sqlite3_close(store->database);
	if (store->lock >= 0)
		close(store->lock);
	free(store);
}

const char *store_error(const struct store *store)
{
	return store ? store->error : strerror(ENOMEM);
}

/* Transactions */

int store_begin(struct store *store)
{
	return RUN(store, store->mode == STORE_WRITE ? BEGIN_WRITE : BEGIN_READ);
}

/*
 * What recovery reads after a crash is the log, up to its last valid commit record. So one sync of the log makes this
 * and all earlier commits durable; what has left the log was synced by the checkpoint. SQLite's own sync is used: it
 * also syncs the directory of a log that is new.
 */
static int sync_log(struct store *store)
{
	sqlite3_file *log = NULL;

	if (sqlite3_file_control(store->database, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log))
		return failed(store);
	if (!log || !log->pMethods || log->pMethods->xSync(log, SQLITE_SYNC_NORMAL))
		return refuse(store, -EIO, "%s-wal: cannot be synced", store->path);
	return 0;
}

int store_commit(struct store *store, bool durable)
{
	int result = RUN(store, COMMIT);

	return result || !durable ? result : sync_log(store);
}

void store_rollback(struct store *store)
{
	if (!sqlite3_get_autocommit(store->database))
		RUN(store, ROLLBACK);
	forget(store);
}

/* A transaction around work that must be whole, unless the caller has one. */
static int enter(struct store *store, bool *own)
{
	*own = sqlite3_get_autocommit(store->database);
	return *own ? store_begin(store) : 0;
}

static int leave(struct store *store, bool own, int result)
{
	if (own && !result)
		result = store_commit(store, false);
	if (own && result)
		store_rollback(store);
	return result;
}

/* Settings, filesystems, watches */

int store_get_meta(struct store *store, const char *key, int64_t *value)
{
	return GET_NUMBER(store, value, GET_META, TEXT(key));
}

int store_set_meta(struct store *store, const char *key, int64_t value)
{
	return RUN(store, SET_META, TEXT(key), NUMBER(value));
}

int store_put_filesystem(struct store *store, struct store_filesystem *filesystem, bool *is_new)
{
	int64_t id = 0;
	int result = GET_NUMBER(store, &id, FIND_FILESYSTEM, TEXT(filesystem->identity));

	if (result && result != -ENOENT)
		return result;
	*is_new = result == -ENOENT;
	result = RUN(store, *is_new ? ADD_FILESYSTEM : SET_FILESYSTEM, TEXT(filesystem->identity),
		     TEXT(filesystem->type), TEXT(filesystem->mount_point), TEXT(filesystem->root),
		     NUMBER(filesystem->device));
	if (result)
		return result;
	filesystem->id = (uint32_t)(*is_new ? sqlite3_last_insert_rowid(store->database) : id);
	return 0;
}

int store_filesystems(struct store *store, int (*each)(const struct store_filesystem *, void *), void *context)
{
	auto_reset sqlite3_stmt *rows = NULL;
	int result = START(store, &rows, LIST_FILESYSTEMS);

	while (!result && (result = step(store, rows)) > 0)
		result = each(
			&(struct store_filesystem){
				.id = (uint32_t)column_u64(rows, 0),
				.identity = column_text(rows, 1),
				.type = column_text(rows, 2),
				.mount_point = column_text(rows, 3),
				.root = column_text(rows, 4),
				.device = (uint32_t)column_u64(rows, 5),
			},
			context);
	return result;
}

static int keep_watches(struct store *store, const struct store_watch *watches, size_t count, bool *changed)
{
	int64_t others = 0;
	int result = RUN(store, FORGET_WATCHES);

	for (size_t i = 0; !result && i < count; i++)
		result = RUN(store, KEEP_WATCH, NUMBER(watches[i].filesystem), TEXT(watches[i].path),
			     TEXT(watches[i].host_path));
	if (!result)
		result = GET_NUMBER(store, &others, COUNT_OTHER_WATCHES);
	*changed = others != 0;
	return result ? result : RUN(store, REMOVE_WATCHES);
}

int store_set_watches(struct store *store, const struct store_watch *watches, size_t count, bool *changed)
{
	bool own;
	int result = enter(store, &own);

	return result ? result : leave(store, own, keep_watches(store, watches, count, changed));
}

int store_watches(struct store *store, int (*each)(const struct store_watch *, void *), void *context)
{
	auto_reset sqlite3_stmt *rows = NULL;
	int result = START(store, &rows, LIST_WATCHES);

	while (!result && (result = step(store, rows)) > 0)
		result = each(
			&(struct store_watch){
				.filesystem = (uint32_t)column_u64(rows, 0),
				.path = column_text(rows, 1),
				.host_path = column_text(rows, 2),
			},
			context);
	return result;
}

/* Directories */

static struct level *top(struct chain *chain)
{
	return &chain->levels[chain->depth - 1];
}

static int push(struct chain *chain, struct level level, const char *name, size_t length)
{
	size_t end = chain->depth ? top(chain)->end : 0;

	level.end = chain->depth ? end + 1 + length : 0;
	if (level.end > PATH_BYTES || chain->depth > PATH_LEVELS)
		return -ENAMETOOLONG;
	if (chain->depth) {
		chain->path[end] = '/';
		memcpy(chain->path + end + 1, name, length);
	}
	chain->levels[chain->depth++] = level;
	return 0;
}

/* Takes off what is not above the directory path[0..length), which path continues with a '/'. */
static void pop_to(struct chain *chain, uint32_t filesystem, const char *path, size_t length)
{
	size_t common = 0;

	if (!chain->depth || chain->filesystem != filesystem) {
		chain->depth = 0;
		chain->filesystem = filesystem;
		return;
	}
	while (common < length && common < top(chain)->end && path[common] == chain->path[common])
		common++;
	while (top(chain)->end > common || path[top(chain)->end] != '/')
		chain->depth--;
}

static int find_directory(struct store *store, int64_t parent, const char *name, size_t length, struct level *level)
{
	auto_reset sqlite3_stmt *rows = NULL;
	int result = FETCH(store, &rows, FIND_DIRECTORY, NUMBER(parent), BYTES(name, length));

	if (result <= 0)
		return result ? result : -ENOENT;
	level->id = sqlite3_column_int64(rows, 0);
	level->inode = column_u64(rows, 1);
	level->used = column_u64(rows, 2);
	return 0;
}

static int descend(struct store *store, int64_t parent, const char *name, size_t length)
{
	struct chain *chain = &store->written;
	struct level level = {};
	int result = find_directory(store, parent, name, length, &level);

	if (result == -ENOENT) {
		result = RUN(store, ADD_DIRECTORY, NUMBER(parent), BYTES(name, length), NUMBER(chain->filesystem));
		level.id = sqlite3_last_insert_rowid(store->database);
	}
	return result ? result : push(chain, level, name, length);
}

/* Leaves the directory path[0..length) on top of the chain; path continues with a '/'. */
static int resolve(struct store *store, uint32_t filesystem, const char *path, size_t length)
{
	struct chain *chain = &store->written;
	int result = 0;

	pop_to(chain, filesystem, path, length);
	if (!chain->depth)
		result = descend(store, -(int64_t)filesystem, "", 0);
	while (!result && top(chain)->end < length) {
		const char *name = path + top(chain)->end + 1;
		const char *end = memchr(name, '/', (size_t)(path + length + 1 - name));

		if (end == name)
			return refuse(store, -EINVAL, "a path has an empty component");
		result = descend(store, top(chain)->id, name, (size_t)(end - name));
	}
	return result;
}

static int use_directory(struct store *store, int64_t id, uint64_t window, uint64_t inode)
{
	return RUN(store, USE_DIRECTORY, NUMBER(id), NUMBER(window), NUMBER(inode));
}

static int use_level(struct store *store, struct level *level, uint64_t window, uint64_t inode)
{
	if (!inode)
		inode = level->inode;
	if (level->inode == inode && level->used >= window)
		return 0;
	level->inode = inode;
	if (level->used < window)
		level->used = window;
	return use_directory(store, level->id, window, inode);
}

static int append_directory(struct store *store, struct chain *chain, int64_t id)
{
	auto_reset sqlite3_stmt *rows = NULL;
	struct level level = {.id = id};
	const char *name;
	size_t length;
	int result = FETCH(store, &rows, GET_DIRECTORY, NUMBER(id));

	if (result <= 0)
		return result ? result : -EUCLEAN;
	name = column_bytes(rows, 1, &length);
	level.inode = column_u64(rows, 2);
	chain->filesystem = (uint32_t)column_u64(rows, 3);
	return push(chain, level, name, length);
}

/*
 * Leaves the directory with this id on top of the chain. A parent's id is less than the child's, so that the levels
 * above a candidate's id cannot be its ancestors.
 */
static int climb(struct store *store, struct chain *chain, int64_t id)
{
	int64_t ids[PATH_LEVELS + 1];
	size_t count = 0;
	int result = 0;

	while (id > 0 && !result) {
		while (chain->depth && top(chain)->id > id)
			chain->depth--;
		if (chain->depth && top(chain)->id == id)
			break;
		if (count > PATH_LEVELS)
			return -EUCLEAN;
		ids[count++] = id;
		result = GET_NUMBER(store, &id, GET_DIRECTORY, NUMBER(id));
	}
	if (id < 0)
		chain->depth = 0;
	while (!result && count)
		result = append_directory(store, chain, ids[--count]);
	return result;
}

/* The path lives in the chain until its next use. */
static int find_path(struct store *store, int64_t directory, const char *name, size_t name_length, const char **path,
		     size_t *length)
{
	struct chain *chain = &store->read;
	int result = climb(store, chain, directory);
	size_t end;

	if (result) {
		chain->depth = 0;
		return refuse(store, result == -ENOENT ? -EUCLEAN : result, "%s: directory %lld has no path",
			      store->path, (long long)directory);
	}
	end = top(chain)->end;
	if (end + 1 + name_length > sizeof(chain->path))
		return refuse(store, -EUCLEAN, "%s: a path is too long", store->path);
	chain->path[end] = '/';
	memcpy(chain->path + end + 1, name, name_length);
	*path = chain->path;
	*length = end + 1 + name_length;
	return 0;
}

/* Dirty sets */

/* A row of dirty; times are absolute. */
struct row {
	uint64_t window, inode;
	int64_t directory, first, last;
	const char *name;
	size_t length;
	uint64_t facts;
};

static int find_opened(struct store *store, uint64_t window)
{
	int64_t opened = 0;
	int result;

	if (store->window == window && window)
		return 0;
	result = GET_NUMBER(store, &opened, GET_OPENED, NUMBER(window));
	if (result == -ENOENT)
		return refuse(store, -ENOENT, "window %llu was never opened", (unsigned long long)window);
	if (result)
		return result;
	store->window = window;
	store->opened = opened / nanoseconds;
	return 0;
}

static int64_t since(int64_t start, int64_t time)
{
	return time > start ? time - start : 0;
}

static int put_row(struct store *store, const struct row *row)
{
	int result = find_opened(store, row->window);
	int64_t first;

	if (result)
		return result;
	first = since(store->opened, row->first);
	return RUN(store, PUT_DIRTY, NUMBER(row->window), NUMBER(row->directory), BYTES(row->name, row->length),
		   NUMBER(row->facts), NUMBER(row->inode), NUMBER(first),
		   NUMBER(since(store->opened + first, row->last)));
}

static bool is_changed(struct dirty_facts facts)
{
	return facts.operations & ~(1U << OPERATION_UNLINK);
}

static int put_entry(struct store *store, const struct dirty *entry, const struct row *row)
{
	struct level *level = top(&store->written);
	int result = use_level(store, level, entry->window, row->length ? entry->directory_inode : entry->inode);

	if (!result)
		result = put_row(store, row);
	if (result || entry->links < 2)
		return result;
	return RUN(store, PUT_LINK, NUMBER(entry->window), NUMBER(entry->filesystem), NUMBER(entry->inode),
		   NUMBER(row->directory), BYTES(row->name, row->length), NUMBER(entry->links),
		   NUMBER(is_changed(entry->facts)));
}

int store_put_dirty(struct store *store, const struct dirty *entry)
{
	const char *slash;
	struct row row;
	int result;

	if (!entry->filesystem || !entry->path_length || entry->path[0] != '/')
		return refuse(store, -EINVAL, "a dirty path needs a filesystem and begins with '/'");
	if (entry->path_length > PATH_BYTES)
		return refuse(store, -ENAMETOOLONG, "a path has more than %d bytes", PATH_BYTES);
	slash = memrchr(entry->path, '/', entry->path_length);
	row = (struct row){
		.window = entry->window,
		.inode = entry->inode,
		.first = entry->first,
		.last = entry->last,
		.name = slash + 1,
		.length = (size_t)(entry->path + entry->path_length - (slash + 1)),
		.facts = dirty_facts_pack(entry->facts),
	};
	if (!row.length && entry->path_length > 1)
		return refuse(store, -EINVAL, "a path has an empty component");
	result = resolve(store, entry->filesystem, entry->path, (size_t)(slash - entry->path));
	if (result)
		return result;
	row.directory = top(&store->written)->id;
	return put_entry(store, entry, &row);
}

static int carry_known(struct store *store, uint64_t from, struct row *row)
{
	auto_reset sqlite3_stmt *rows = NULL;
	int result =
		START(store, &rows, GET_DIRTY, NUMBER(from), NUMBER(row->directory), BYTES(row->name, row->length));

	if (!result)
		result = step(store, rows);
	if (result <= 0)
		return result;
	row->facts |= column_u64(rows, 0);
	row->inode = column_u64(rows, 1);
	return 0;
}

static int carry_row(struct store *store, uint64_t from, uint32_t filesystem, struct row row, struct dirty_facts facts)
{
	int result = carry_known(store, from, &row);

	if (!result)
		result = put_row(store, &row);
	if (!result)
		result = use_directory(store, row.directory, row.window, 0);
	if (result || !row.inode)
		return result;
	return RUN(store, CARRY_LINK, NUMBER(from), NUMBER(row.window), NUMBER(is_changed(facts)), NUMBER(filesystem),
		   NUMBER(row.inode), NUMBER(row.directory), BYTES(row.name, row.length));
}

/* What happens to a name changes the directory that holds it. */
static int put_directory_itself(struct store *store, sqlite3_stmt *directory, struct row row)
{
	int64_t parent = sqlite3_column_int64(directory, 1);
	int result;

	row.facts = dirty_facts_pack((struct dirty_facts){.operations = 1U << OPERATION_ENTRY});
	row.inode = 0;
	row.directory = parent < 0 ? row.directory : parent;
	row.name = column_bytes(directory, 2, &row.length);
	result = put_row(store, &row);
	return result ? result : use_directory(store, row.directory, row.window, 0);
}

static int carry_name(struct store *store, uint64_t from, uint32_t filesystem, uint64_t directory_inode, struct row row,
		      struct dirty_facts facts, size_t *found)
{
	auto_reset sqlite3_stmt *rows = NULL;
	int result = START(store, &rows, LIST_DIRECTORIES, NUMBER(directory_inode), NUMBER(filesystem));

	while (!result && (result = step(store, rows)) > 0) {
		row.directory = sqlite3_column_int64(rows, 0);
		result = carry_row(store, from, filesystem, row, facts);
		if (!result)
			result = put_directory_itself(store, rows, row);
		++*found;
	}
	return result;
}

int store_carry_name(struct store *store, uint64_t from, uint64_t to, uint32_t filesystem, uint64_t directory_inode,
		     const char *name, size_t length, struct dirty_facts facts, int64_t time, size_t *found)
{
	struct row row = {.window = to, .name = name, .length = length, .first = time, .last = time};
	bool own;
	int result = enter(store, &own);

	row.facts = dirty_facts_pack(facts);
	*found = 0;
	if (result)
		return result;
	return leave(store, own, carry_name(store, from, filesystem, directory_inode, row, facts, found));
}

static int carry_inode(struct store *store, uint64_t from, uint32_t filesystem, struct row row,
		       struct dirty_facts facts, size_t *found)
{
	auto_reset sqlite3_stmt *rows = NULL;
	int result = START(store, &rows, LIST_INODE, NUMBER(from), NUMBER(row.inode), NUMBER(filesystem));

	while (!result && (result = step(store, rows)) > 0) {
		row.directory = sqlite3_column_int64(rows, 0);
		row.name = column_bytes(rows, 1, &row.length);
		result = carry_row(store, from, filesystem, row, facts);
		++*found;
	}
	return result;
}

int store_carry_inode(struct store *store, uint64_t from, uint64_t to, uint32_t filesystem, uint64_t inode,
		      struct dirty_facts facts, int64_t time, size_t *found)
{
	struct row row = {.window = to, .inode = inode, .first = time, .last = time};
	bool own;
	int result = enter(store, &own);

	row.facts = dirty_facts_pack(facts);
	*found = 0;
	if (result)
		return result;
	return leave(store, own, inode ? carry_inode(store, from, filesystem, row, facts, found) : 0);
}

/* Rows of one path in several windows follow each other; merged is what they have come to, name its memory. */
struct merged {
	struct row row;
	char name[PATH_BYTES];
};

static struct row read_row(sqlite3_stmt *rows)
{
	struct row row = {
		.directory = sqlite3_column_int64(rows, 0),
		.window = column_u64(rows, 2),
		.facts = column_u64(rows, 3),
		.inode = column_u64(rows, 4),
		.first = sqlite3_column_int64(rows, 5),
		.last = sqlite3_column_int64(rows, 6),
	};

	row.name = column_bytes(rows, 1, &row.length);
	return row;
}

static bool merge(struct merged *merged, const struct row *row)
{
	struct row *known = &merged->row;

	if (!known->window || known->directory != row->directory || known->length != row->length ||
	    memcmp(known->name, row->name, row->length) != 0)
		return false;
	known->window = row->window;
	known->facts |= row->facts;
	known->inode = row->inode ? row->inode : known->inode;
	known->first = row->first < known->first ? row->first : known->first;
	known->last = row->last > known->last ? row->last : known->last;
	return true;
}

static int begin_merge(struct store *store, struct merged *merged, const struct row *row)
{
	if (row->length > sizeof(merged->name))
		return refuse(store, -EUCLEAN, "%s: a name is too long", store->path);
	merged->row = *row;
	merged->row.name = memcpy(merged->name, row->name, row->length);
	return 0;
}

static int emit(struct store *store, const struct row *row, int (*each)(const struct dirty *, void *), void *context)
{
	struct dirty entry = {
		.window = row->window,
		.inode = row->inode,
		.first = row->first,
		.last = row->last,
		.facts = dirty_facts_unpack(row->facts),
	};
	int result;

	if (!row->window)
		return 0;
	result = find_path(store, row->directory, row->name, row->length, &entry.path, &entry.path_length);
	if (result)
		return result;
	entry.filesystem = store->read.filesystem;
	entry.directory_inode = row->length ? top(&store->read)->inode : 0;
	return each(&entry, context);
}

/* An active statement holds a read transaction, so that the directories looked up meanwhile are of the same state. */
int store_union(struct store *store, uint64_t first, uint64_t last, int (*each)(const struct dirty *, void *),
		void *context)
{
	auto_reset sqlite3_stmt *rows = NULL;
	struct merged merged = {};
	int result = START(store, &rows, first == last ? UNION_ONE : UNION_MANY, NUMBER(first), NUMBER(last));

	store->read.depth = 0;
	while (!result && (result = step(store, rows)) > 0) {
		struct row row = read_row(rows);

		if (merge(&merged, &row)) {
			result = 0;
			continue;
		}
		result = emit(store, &merged.row, each, context);
		if (!result)
			result = begin_merge(store, &merged, &row);
	}
	return result ? result : emit(store, &merged.row, each, context);
}

static int emit_link(struct store *store, sqlite3_stmt *rows, int (*each)(const struct store_link *, void *),
		     void *context)
{
	struct store_link link = {
		.filesystem = (uint32_t)column_u64(rows, 0),
		.inode = column_u64(rows, 1),
		.links = (uint32_t)column_u64(rows, 2),
		.names = (uint32_t)column_u64(rows, 3),
	};
	size_t length;
	const char *name = column_bytes(rows, 5, &length);
	int result = find_path(store, sqlite3_column_int64(rows, 4), name, length, &link.path, &link.path_length);

	return result ? result : each(&link, context);
}

int store_unknown_links(struct store *store, uint64_t first, uint64_t last,
			int (*each)(const struct store_link *, void *), void *context)
{
	auto_reset sqlite3_stmt *rows = NULL;
	int result = START(store, &rows, LIST_UNKNOWN_LINKS, NUMBER(first), NUMBER(last));

	store->read.depth = 0;
	while (!result && (result = step(store, rows)) > 0)
		result = emit_link(store, rows, each, context);
	return result;
}

/* Windows */

int store_open_window(struct store *store, uint64_t number, int64_t opened)
{
	return RUN(store, OPEN_WINDOW, NUMBER(number), NUMBER(opened));
}

/* The result of a query that is to change one row. */
static int one_changed(struct store *store, int result)
{
	if (!result && !sqlite3_changes(store->database))
		return -ENOENT;
	return result;
}

int store_close_window(struct store *store, uint64_t number, int64_t closed, uint64_t events)
{
	return one_changed(store, RUN(store, CLOSE_WINDOW, NUMBER(number), NUMBER(closed), NUMBER(events)));
}

static struct store_window read_window(sqlite3_stmt *rows)
{
	return (struct store_window){
		.number = column_u64(rows, 0),
		.opened = sqlite3_column_int64(rows, 1),
		.closed = sqlite3_column_int64(rows, 2),
		.events = column_u64(rows, 3),
		.paths = column_u64(rows, 4),
		.gaps = column_u64(rows, 5),
	};
}

int store_windows(struct store *store, uint64_t first, uint64_t last, int (*each)(const struct store_window *, void *),
		  void *context)
{
	auto_reset sqlite3_stmt *rows = NULL;
	int result = START(store, &rows, LIST_WINDOWS, NUMBER(first), NUMBER(last_window(last)));

	while (!result && (result = step(store, rows)) > 0) {
		struct store_window window = read_window(rows);

		result = each(&window, context);
	}
	return result;
}

int store_last_window(struct store *store, struct store_window *window)
{
	auto_reset sqlite3_stmt *rows = NULL;
	int result = FETCH(store, &rows, LAST_WINDOW);

	if (result <= 0)
		return result ? result : -ENOENT;
	*window = read_window(rows);
	return 0;
}

/* Jobs */

static struct store_job read_job(sqlite3_stmt *rows)
{
	return (struct store_job){
		.name = column_text(rows, 0),
		.cursor = column_u64(rows, 1),
		.pending = column_u64(rows, 2),
		.created = sqlite3_column_int64(rows, 3),
		.marked = sqlite3_column_int64(rows, 4),
		.committed = sqlite3_column_int64(rows, 5),
	};
}

int store_get_job(struct store *store, const char *name, struct store_job *job)
{
	auto_reset sqlite3_stmt *rows = NULL;
	int result = FETCH(store, &rows, GET_JOB, TEXT(name));

	if (result <= 0)
		return result ? result : -ENOENT;
	*job = read_job(rows);
	job->name = NULL;
	return 0;
}

int store_mark_job(struct store *store, const char *name, uint64_t pending, int64_t time)
{
	return RUN(store, MARK_JOB, TEXT(name), NUMBER(pending), NUMBER(time));
}

int store_commit_job(struct store *store, const char *name, int64_t time)
{
	int result = one_changed(store, RUN(store, COMMIT_JOB, TEXT(name), NUMBER(time)));
	struct store_job job;

	if (result != -ENOENT)
		return result;
	result = store_get_job(store, name, &job);
	return result ? result : -ENODATA;
}

int store_drop_job(struct store *store, const char *name)
{
	return one_changed(store, RUN(store, DROP_JOB, TEXT(name)));
}

int store_jobs(struct store *store, int (*each)(const struct store_job *, void *), void *context)
{
	auto_reset sqlite3_stmt *rows = NULL;
	int result = START(store, &rows, LIST_JOBS);

	while (!result && (result = step(store, rows)) > 0) {
		struct store_job job = read_job(rows);

		result = each(&job, context);
	}
	return result;
}

/* Gaps */

int store_add_gap(struct store *store, const struct store_gap *gap)
{
	return RUN(store, ADD_GAP, NUMBER(gap->filesystem), NUMBER(gap->first), NUMBER(gap->last), NUMBER(gap->started),
		   NUMBER(gap->ended), TEXT(gap->reason), TEXT(gap->detail), NUMBER(gap->repaired));
}

int store_repair_gap(struct store *store, uint64_t id)
{
	return one_changed(store, RUN(store, REPAIR_GAP, NUMBER(id)));
}

int store_gaps(struct store *store, uint64_t first, uint64_t last, int (*each)(const struct store_gap *, void *),
	       void *context)
{
	auto_reset sqlite3_stmt *rows = NULL;
	int result = START(store, &rows, LIST_GAPS, NUMBER(first), NUMBER(last_window(last)));

	while (!result && (result = step(store, rows)) > 0)
		result = each(
			&(struct store_gap){
				.id = column_u64(rows, 0),
				.filesystem = (uint32_t)column_u64(rows, 1),
				.first = column_u64(rows, 2),
				.last = column_u64(rows, 3),
				.started = sqlite3_column_int64(rows, 4),
				.ended = sqlite3_column_int64(rows, 5),
				.reason = column_text(rows, 6),
				.detail = column_text(rows, 7),
				.repaired = sqlite3_column_int64(rows, 8),
			},
			context);
	return result;
}

/* Upkeep */

/* From the highest id down, so that children go before their parents. */
static int prune_directories(struct store *store, int64_t kept)
{
	int64_t id = INT64_MAX;
	int result;

	while (!(result = GET_NUMBER(store, &id, NEXT_UNUSED, NUMBER(id), NUMBER(kept)))) {
		result = RUN(store, REMOVE_DIRECTORY, NUMBER(id));
		if (result)
			return result;
	}
	return result == -ENOENT ? 0 : result;
}

static int prune(struct store *store, int64_t older, size_t *removed)
{
	int64_t kept = 0;
	int result = GET_NUMBER(store, &kept, FIRST_KEPT, NUMBER(older));

	if (!result)
		result = RUN(store, PRUNE_WINDOWS, NUMBER(kept));
	if (result)
		return result;
	*removed = (size_t)sqlite3_changes(store->database);
	if (!*removed)
		return 0;
	result = RUN(store, PRUNE_DIRTY, NUMBER(kept));
	if (!result)
		result = RUN(store, PRUNE_LINKS, NUMBER(kept));
	if (!result)
		result = RUN(store, PRUNE_GAPS, NUMBER(kept));
	return result ? result : prune_directories(store, kept);
}

int store_prune(struct store *store, int64_t older, size_t *removed)
{
	bool own;
	int result = enter(store, &own);

	*removed = 0;
	if (result)
		return result;
	forget(store);
	return leave(store, own, prune(store, older, removed));
}

int store_size(struct store *store, uint64_t *bytes)
{
	char log[PATH_MAX + sizeof("-wal")];
	struct stat status;

	if (stat(store->path, &status))
		return refuse(store, -errno, "%s: %s", store->path, strerror(errno));
	*bytes = (uint64_t)status.st_size;
	snprintf(log, sizeof(log), "%s-wal", store->path);
	if (!stat(log, &status))
		*bytes += (uint64_t)status.st_size;
	return 0;
}
