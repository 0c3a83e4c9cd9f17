// SPDX-License-Identifier: GPL-2.0
#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wal.h"

enum {
	MAGIC = 0x377f0682, /* plus 1: sums are of big-endian words */
	PAGE_MINIMUM = 512,
	PAGE_MAXIMUM = 65536,
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

static int rewrite_frame(struct wal *wal, int number)
{
	size_t size = frame_bytes(wal);
	int64_t offset = (int64_t)sizeof(wal->header) + number * (int64_t)size;
	int result = read_at(wal, &wal->frame, size, offset);

	if (result > 0 && !is_frame(wal))
		return 0;
	return result > 0 ? write_at(wal, &wal->frame, size, offset) : result;
}

static int rewrite(struct wal *wal, int frames)
{
	int result = rewrite_header(wal), count = 0;

	while (result > 0 && count != frames) {
		result = rewrite_frame(wal, count);
		count += result > 0;
	}
	if (result < 0)
		return result;
	if (count < frames)
		return -EUCLEAN;
	return wal->file->pMethods->xSync(wal->file, SQLITE_SYNC_NORMAL) ? -EIO : 0;
}

int wal_rewrite(sqlite3 *connection, int frames)
{
	struct wal *wal = calloc(1, sizeof(*wal));
	int result = -EIO;

	if (!wal)
		return -ENOMEM;
	if (!sqlite3_file_control(connection, "main", SQLITE_FCNTL_JOURNAL_POINTER, &wal->file) && wal->file &&
	    wal->file->pMethods)
		result = rewrite(wal, frames);
	free(wal);
	return result;
}
