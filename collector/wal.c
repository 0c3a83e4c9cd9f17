// SPDX-License-Identifier: GPL-2.0
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wal.h"
#include "wal_index.h"

enum {
	MAGIC = 0x377f0682, /* plus 1: sums are of big-endian words */
	PAGE_MINIMUM = 512,
	PAGE_MAXIMUM = 65536,
	DIRECT_BLOCK = 4096, /* no disk wants more of what goes past the cache */
	DIRECT_BYTES = 256 * DIRECT_BLOCK,
};

struct header {
	uint32_t magic, version, page_bytes, sequence;
	uint32_t salts[2], sums[2];
};

struct frame {
	uint32_t page, pages;
	uint32_t salts[2], sums[2];
	unsigned char bytes[PAGE_MAXIMUM];
};

struct wal {
	sqlite3_file *file;
	bool big_endian;
	uint32_t sums[2];
	struct header header;
	struct frame frame;
};

static size_t frame_bytes(const struct wal *wal)
{
	return offsetof(struct frame, bytes) + be32toh(wal->header.page_bytes);
}

static void add(struct wal *wal, const void *bytes, size_t size)
{
	uint32_t pair[2];

	for (size_t i = 0; i < size; i += sizeof(pair)) {
		memcpy(pair, (const char *)bytes + i, sizeof(pair));
		wal->sums[0] += (wal->big_endian ? be32toh(pair[0]) : le32toh(pair[0])) + wal->sums[1];
		wal->sums[1] += (wal->big_endian ? be32toh(pair[1]) : le32toh(pair[1])) + wal->sums[0];
	}
}

static bool are_sums(const struct wal *wal, const uint32_t *sums)
{
	return be32toh(sums[0]) == wal->sums[0] && be32toh(sums[1]) == wal->sums[1];
}

/* 1, 0: the log ends before, or -EIO. */
static int read_at(struct wal *wal, void *bytes, size_t size, int64_t offset)
{
	int result = wal->file->pMethods->xRead(wal->file, bytes, (int)size, offset);

	if (result == SQLITE_IOERR_SHORT_READ)
		return 0;
	return result ? -EIO : 1;
}

static int write_at(struct wal *wal, const void *bytes, size_t size, int64_t offset)
{
	return wal->file->pMethods->xWrite(wal->file, bytes, (int)size, offset) ? -EIO : 1;
}

static bool is_header(struct wal *wal)
{
	const struct header *header = &wal->header;
	uint32_t magic = be32toh(header->magic), size = be32toh(header->page_bytes);

	if ((magic & ~1U) != MAGIC || size < PAGE_MINIMUM || size > PAGE_MAXIMUM || size & (size - 1))
		return false;
	wal->big_endian = magic & 1;
	add(wal, header, offsetof(struct header, sums));
	return are_sums(wal, header->sums);
}

static bool is_frame(struct wal *wal)
{
	const struct frame *frame = &wal->frame;

	add(wal, frame, offsetof(struct frame, salts));
	add(wal, frame->bytes, be32toh(wal->header.page_bytes));
	return !memcmp(frame->salts, wal->header.salts, sizeof(frame->salts)) && are_sums(wal, frame->sums);
}

static int rewrite_header(struct wal *wal)
{
	int result = read_at(wal, &wal->header, sizeof(wal->header), 0);

	if (result > 0 && !is_header(wal))
		return 0;
	return result > 0 ? write_at(wal, &wal->header, sizeof(wal->header), 0) : result;
}

static int64_t frame_offset(const struct wal *wal, uint32_t number)
{
	return (int64_t)sizeof(wal->header) + number * (int64_t)frame_bytes(wal);
}

static int rewrite_frame(struct wal *wal, uint32_t number)
{
	size_t size = frame_bytes(wal);
	int64_t offset = frame_offset(wal, number);
	int result = read_at(wal, &wal->frame, size, offset);

	if (result > 0 && !is_frame(wal))
		return 0;
	return result > 0 ? write_at(wal, &wal->frame, size, offset) : result;
}

static int rewrite_frames(struct wal *wal, uint32_t frames)
{
	int result = frames ? rewrite_header(wal) : 1;

	for (uint32_t i = 0; result > 0 && i < frames; i++)
		result = rewrite_frame(wal, i);
	return result > 0 ? 0 : result ? result : -EUCLEAN;
}

/*
 * What is behind the frames is a transaction that was refused, or was read long ago. Its blocks may be bad ones, and
 * go. Readers know where the frames end.
 */
static int cut(struct wal *wal, uint32_t frames)
{
	int64_t bytes = frames ? frame_offset(wal, frames) : 0;

	return wal->file->pMethods->xTruncate(wal->file, bytes) ? -EIO : 0;
}

static int sync_log(struct wal *wal)
{
	return wal->file->pMethods->xSync(wal->file, SQLITE_SYNC_NORMAL) ? -EIO : 0;
}

struct direct {
	int file;
	char *written, *found;
};

#define auto_direct __attribute__((cleanup(direct_close)))

static void direct_close(struct direct *direct)
{
	if (direct->file >= 0)
		close(direct->file);
	free(direct->written);
	free(direct->found);
}

static int direct_open(struct direct *direct, const char *path)
{
	direct->written = aligned_alloc(DIRECT_BLOCK, DIRECT_BYTES);
	direct->found = aligned_alloc(DIRECT_BLOCK, DIRECT_BYTES);
	if (!direct->written || !direct->found)
		return -ENOMEM;
	direct->file = open(path, O_RDWR | O_CLOEXEC | O_DIRECT);
	if (direct->file >= 0)
		return 0;
	return errno == EINVAL ? -EINVAL : -EIO;
}

/* What is behind the end of the log is read as zeros (unixRead() in os_unix.c), which are no frame. */
static int write_part(struct wal *wal, struct direct *direct, int64_t offset, size_t size)
{
	ssize_t result;

	if (read_at(wal, direct->written, size, offset) < 0)
		return -EIO;
	result = pwrite(direct->file, direct->written, size, offset);
	if (result != (ssize_t)size)
		return result < 0 && errno == EINVAL ? -EINVAL : -EIO;
	/* The kernel writes into the cache where that cannot be cleared (ENOTBLK in ext4_dio_write_iter()). */
	if (pread(direct->file, direct->found, size, offset) != (ssize_t)size)
		return -EIO;
	return memcmp(direct->written, direct->found, size) ? -EIO : 0;
}

static int write_parts(struct wal *wal, struct direct *direct, int64_t bytes)
{
	int64_t end = (bytes + DIRECT_BLOCK - 1) / DIRECT_BLOCK * DIRECT_BLOCK;
	int result = 0;

	for (int64_t offset = 0; !result && offset < end; offset += DIRECT_BYTES)
		result = write_part(wal, direct, offset,
				    end - offset < DIRECT_BYTES ? (size_t)(end - offset) : DIRECT_BYTES);
	return result || !fsync(direct->file) ? result : -EIO;
}

/*
 * Blocks that ext4 gave to a file when writing failed stay "unwritten" on the disk, and are read from there as zeros,
 * though the same pages are written and synced again (since e856f93e0fb2 in 6.15, which stable kernels may have, too).
 * What goes past the cache is theirs: the same bytes in the same place, which a power cut cannot find half done. Who
 * reads a block without content meanwhile may find zeros, which are no page. On other filesystems it is only written
 * once more. SQLite has no locks on the log that closing it here would drop: they are on the database and its index
 * (os_unix.c). Where nothing goes past the cache (EINVAL), what was written above must do.
 */
static int write_directly(struct wal *wal, const char *path, int64_t bytes)
{
	auto_direct struct direct direct = {.file = -1};
	int result = direct_open(&direct, path);

	if (!result)
		result = write_parts(wal, &direct, bytes);
	return result == -EINVAL ? 0 : result;
}

static int rewrite(struct wal *wal, const char *path, uint32_t frames)
{
	int result = rewrite_frames(wal, frames);

	if (!result)
		result = cut(wal, frames);
	if (!result)
		result = sync_log(wal);
	return result || !frames ? result : write_directly(wal, path, frame_offset(wal, frames));
}

#define auto_log __attribute__((cleanup(close_log)))

static void close_log(struct wal **wal)
{
	free(*wal);
}

static int open_log(sqlite3 *connection, struct wal **result, struct wal_index *index)
{
	struct wal *wal = *result = calloc(1, sizeof(*wal));

	if (!wal || sqlite3_file_control(connection, "main", SQLITE_FCNTL_JOURNAL_POINTER, &wal->file) || !wal->file ||
	    !wal->file->pMethods)
		return -EIO;
	return wal_index_read(connection, index);
}

int wal_rewrite(sqlite3 *connection)
{
	struct wal_index index;
	auto_log struct wal *wal = NULL;
	int result = open_log(connection, &wal, &index);

	if (result)
		return result;
	result = rewrite(wal, sqlite3_filename_wal(sqlite3_db_filename(connection, "main")), index.frames);
	return result == -EUCLEAN && index.copied == index.frames ? 1 : result;
}

int wal_cut(sqlite3 *connection)
{
	struct wal_index index;
	auto_log struct wal *wal = NULL;
	int result = open_log(connection, &wal, &index);

	if (result)
		return result;
	if (index.frames && (read_at(wal, &wal->header, sizeof(wal->header), 0) <= 0 || !is_header(wal)))
		return -EIO;
	result = cut(wal, index.frames);
	return result ? result : sync_log(wal);
}
