// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "damage.h"
#include "database_private.h"

enum {
	APPLICATION_ID = 0x66734368, /* as in schema.sql */
	SCHEMA_VERSION = 5,
	PAGE_BYTES = 4096,
	PAGES = 1024, /* a few more than cache_size below */
};

extern const char schema_sql[];

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
		return database->connection ? database_failed(database)
					    : database_refuse(database, -ENOMEM, "%s", strerror(ENOMEM));
	sqlite3_busy_timeout(database->connection, BUSY_MILLISECONDS);
	database_watch_log(database);
	sqlite3_db_config(database->connection, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, !write, NULL);
	return database_execute(database, "PRAGMA cache_size = 1000; PRAGMA temp_store = FILE; PRAGMA mmap_size = 0;"
					  "PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = 67108864");
}

/* Its schema comes into the database together with other pages, from the log. */
static bool has_pages(const struct database *database)
{
	struct stat status;

	return !stat(database->path, &status) && status.st_size > PAGE_BYTES;
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
	if (*is_new && has_pages(database))
		return database_damaged(database, "the first page is that of an empty database, and there are others");
	if (*is_new && !database->write)
		return database_refuse(database, -ENOENT, "%s is empty: no collector has run yet", database->path);
	if (*is_new)
		return 0;
	if (application != APPLICATION_ID)
		return database_refuse(database, -EPROTO, "%s is not a database of fschanged", database->path);
	if (version != SCHEMA_VERSION)
		return database_refuse(
			database, -EPROTO,
			"%s has version %lld, this fschanged knows version %d: run the one that made it, "
			"or move it away and begin with full backups",
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

/* What a database of this version may be without. Where it is there nothing is written. */
static int make_later(struct database *database)
{
	int result = RUN(database, MAKE_SHOWN);

	return result ? result : RUN(database, MAKE_LEFT);
}

static int make_schema(struct database *database)
{
	int result = database_begin_durable(database);

	if (!result)
		result = database_execute(database, schema_sql);
	if (!result)
		result = make_later(database);
	if (!result && damage_was_found(database->path))
		result = database_execute(database, "INSERT INTO meta VALUES ('replaced', 1)");
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

static void end_statements(struct database *database)
{
	for (size_t i = 0; i < QUERY_COUNT; i++) {
		sqlite3_finalize(database->rows[i].statement);
		database->rows[i].statement = NULL;
	}
}

static void disconnect(struct database *database)
{
	if (!database->connection)
		return;
	end_statements(database);
	database_leave_log(database);
	/* What is left in the log then is not to be copied. */
	if (database->suspect || database->erred)
		sqlite3_db_config(database->connection, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	end_statements(database);
	sqlite3_close(database->connection);
	database->connection = NULL;
}

static int use(struct database *database)
{
	bool is_new = false;
	int result;

	database->suspect = database->write;
	database->erred = database->write;
	database->refused = false;
	database->log_pages = 0;
	result = connect_to(database);
	if (!result)
		result = check(database, &is_new);
	if (!result && database->write)
		result = use_log(database);
	if (result)
		return result;
	database_begin_log(database);
	if (is_new)
		return make_schema(database);
	return database->write ? make_later(database) : 0;
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
