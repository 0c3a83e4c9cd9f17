// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

#include "wal_index.h"

/* As in the format: its numbers are those of the machine. */
struct header {
	uint32_t version, unused, changes;
	unsigned char is_set, sums_are_big_endian;
	uint16_t page_bytes;
	uint32_t frames, pages, frame_sums[2], salts[2], sums[2];
};

struct part {
	struct header headers[2];
	uint32_t copied, marks[5];
};

enum {
	PART_BYTES = 32768,
	PART_FRAMES = 4096, /* the first part has 34 less, for what is above and more */
	FIRST_LACKS = 34,
	FIRST_LOCK = 1, /* to make checkpoints, to recover, to read (5) */
	LOCK_COUNT = 7,
};

_Static_assert(offsetof(struct part, copied) == 96, "nBackfill");

static sqlite3_file *database_file(sqlite3 *connection)
{
	sqlite3_file *file = NULL;

	if (sqlite3_file_control(connection, "main", SQLITE_FCNTL_FILE_POINTER, &file) || !file || !file->pMethods ||
	    file->pMethods->iVersion < 2)
		return NULL;
	return file;
}

/* NULL: there is none yet. */
static void *map_part(sqlite3_file *file, int number)
{
	volatile void *bytes = NULL;

	return file->pMethods->xShmMap(file, number, PART_BYTES, false, &bytes) ? NULL : (void *)bytes;
}

static struct part *first_part(sqlite3_file *file)
{
	struct part *part = file ? map_part(file, 0) : NULL;

	return part && part->headers[0].is_set ? part : NULL;
}

int wal_index_read(sqlite3 *connection, struct wal_index *index)
{
	const struct part *part = first_part(database_file(connection));

	if (!part)
		return -EIO;
	index->frames = part->headers[0].frames;
	index->copied = __atomic_load_n(&part->copied, __ATOMIC_SEQ_CST);
	memcpy(&index->log, part->headers[0].salts, sizeof(index->log));
	return 0;
}

static int cut_back(sqlite3_file *file, int64_t bytes)
{
	sqlite3_int64 now = 0;

	if (file->pMethods->xFileSize(file, &now))
		return -EIO;
	return now > bytes && file->pMethods->xTruncate(file, bytes) ? -EIO : 0;
}

/* Of a log that has begun anew and is empty nothing is left to be copied. */
static int forget_copied(sqlite3_file *file, struct part *part, const struct wal_start *start)
{
	const struct header *header = &part->headers[0];

	if (!header->frames)
		return 0;
	__atomic_store_n(&part->copied, 0, __ATOMIC_SEQ_CST);
	if (!start->bytes || memcmp(&start->log, header->salts, sizeof(start->log)) != 0)
		return 0;
	return cut_back(file, start->bytes);
}

/* Who has these locks is the only one that reads or copies. */
int wal_copy_again(sqlite3 *connection, const struct wal_start *start)
{
	sqlite3_file *file = database_file(connection);
	struct part *part = first_part(file);
	int result;

	if (!part)
		return -EIO;
	if (file->pMethods->xShmLock(file, FIRST_LOCK, LOCK_COUNT, SQLITE_SHM_LOCK | SQLITE_SHM_EXCLUSIVE))
		return -EBUSY;
	result = forget_copied(file, part, start);
	file->pMethods->xShmLock(file, FIRST_LOCK, LOCK_COUNT, SQLITE_SHM_UNLOCK | SQLITE_SHM_EXCLUSIVE);
	return result;
}

void wal_hold_index(sqlite3 *connection, int *parts)
{
	sqlite3_file *file = database_file(connection);
	struct part *part = first_part(file);

	if (!part)
		return;
	while (*parts <= (int)((part->headers[0].frames + FIRST_LACKS) / PART_FRAMES)) {
		void *bytes = map_part(file, *parts);

		if (!bytes || mlock(bytes, PART_BYTES))
			return;
		++*parts;
	}
}
