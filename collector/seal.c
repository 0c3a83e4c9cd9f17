// SPDX-License-Identifier: GPL-2.0
/*
 * Superblocks as they lie on the disk: ext2 to ext4 (fs/ext4/ext4.h), xfs (fs/xfs/libxfs/xfs_format.h,
 * xfs_log_format.h), btrfs (include/uapi/linux/btrfs_tree.h). Members are named by their offset.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "moment.h"
#include "seal.h"

enum {
	BLOCK = 4096, /* what direct reads are aligned to */
	SECTOR = 512,
};

struct reader {
	int descriptor;
	unsigned char *block;
	off_t at; /* of what the block holds; -1: nothing */
};

static uint16_t little16(const unsigned char *at)
{
	return (uint16_t)(at[0] | at[1] << 8);
}

static uint32_t little32(const unsigned char *at)
{
	return little16(at) | (uint32_t)little16(at + 2) << 16;
}

static uint64_t little64(const unsigned char *at)
{
	return little32(at) | (uint64_t)little32(at + 4) << 32;
}

static uint32_t big32(const unsigned char *at)
{
	return be32toh(little32(at));
}

static uint64_t big64(const unsigned char *at)
{
	return be64toh(little64(at));
}

/* FNV-1a */
static uint64_t digest(uint64_t sum, const unsigned char *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		sum = (sum ^ bytes[i]) * 0x100000001b3;
	return sum;
}

static uint64_t digest_of(const unsigned char *bytes, size_t count)
{
	return digest(0xcbf29ce484222325, bytes, count);
}

static int open_reader(struct reader *reader, const char *path)
{
	*reader = (struct reader){.descriptor = open(path, O_RDONLY | O_CLOEXEC | O_DIRECT), .at = -1};
	/* Not every filesystem lets an image be read so. */
	if (reader->descriptor < 0 && errno == EINVAL)
		reader->descriptor = open(path, O_RDONLY | O_CLOEXEC);
	if (reader->descriptor < 0)
		return -errno;
	if (posix_memalign((void **)&reader->block, BLOCK, BLOCK))
		return -ENOMEM;
	return 0;
}

static void close_reader(struct reader *reader)
{
	if (reader->descriptor >= 0)
		close(reader->descriptor);
	free(reader->block);
}

/* The bytes at a position, until the next call: as many as there are to the end of its block. NULL: there are none. */
static const unsigned char *read_at(struct reader *reader, off_t position)
{
	off_t start = position - position % BLOCK;

	if (reader->at != start && pread(reader->descriptor, reader->block, BLOCK, start) != BLOCK) {
		reader->at = -1;
		return NULL;
	}
	reader->at = start;
	return reader->block + position % BLOCK;
}

static void set_uuid(struct seal *seal, const unsigned char *uuid)
{
	snprintf(seal->uuid, sizeof(seal->uuid), "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
		 uuid[0], uuid[1], uuid[2], uuid[3], uuid[4], uuid[5], uuid[6], uuid[7], uuid[8], uuid[9], uuid[10],
		 uuid[11], uuid[12], uuid[13], uuid[14], uuid[15]);
}

/* ---- ext2, ext3, ext4 */

enum {
	EXT_AT = 1024,
	EXT_BYTES = 1024,
	EXT_MOUNTED = 44,
	EXT_WRITTEN = 48,
	EXT_MOUNTS = 52,
	EXT_MAGIC = 56,
	EXT_STATE = 58,
	EXT_CHECKED = 64,
	EXT_INCOMPATIBLE = 96,
	EXT_READ_ONLY_COMPATIBLE = 100,
	EXT_UUID = 104,
	EXT_LAST_ORPHAN = 232,
	EXT_KBYTES_WRITTEN = 376,
	EXT_WRITTEN_HIGH = 628,
	EXT_CHECKSUM = 1020,
	EXT_STATE_VALID = 1, /* and no error, no orphans */
	EXT_RECOVER = 0x4,
	EXT_JOURNAL_DEVICE = 0x8,
	EXT_ORPHANS = 0x10000,
};

/*
 * A check of a clean filesystem, as at each boot, moves the time of the last write and what goes with it, though
 * nothing has been changed.
 */
static int read_ext(struct reader *reader, struct seal *seal)
{
	static const struct {
		size_t at, bytes;
	} moving[] = {{EXT_WRITTEN, 4}, {EXT_KBYTES_WRITTEN, 8}, {EXT_WRITTEN_HIGH, 1}, {EXT_CHECKSUM, 4}};
	const unsigned char *found = read_at(reader, EXT_AT);
	unsigned char copy[EXT_BYTES];

	if (!found || little16(found + EXT_MAGIC) != 0xEF53 || little32(found + EXT_INCOMPATIBLE) & EXT_JOURNAL_DEVICE)
		return -ENODATA;
	memcpy(copy, found, sizeof(copy));
	for (size_t i = 0; i < sizeof(moving) / sizeof(*moving); i++)
		memset(copy + moving[i].at, 0, moving[i].bytes);
	set_uuid(seal, copy + EXT_UUID);
	seal->count = little16(copy + EXT_MOUNTS);
	seal->mounted = little32(copy + EXT_MOUNTED);
	seal->checked = little32(copy + EXT_CHECKED);
	seal->digest = digest_of(copy, sizeof(copy));
	seal->clean = little16(copy + EXT_STATE) == EXT_STATE_VALID &&
		      !(little32(copy + EXT_INCOMPATIBLE) & EXT_RECOVER) &&
		      !(little32(copy + EXT_READ_ONLY_COMPATIBLE) & EXT_ORPHANS) && !little32(copy + EXT_LAST_ORPHAN);
	return 0;
}

/* ---- xfs */

enum {
	XFS_BLOCK_SIZE = 4,
	XFS_UUID = 32,
	XFS_LOG_START = 48,
	XFS_GROUP_BLOCKS = 84,
	XFS_LOG_BLOCKS = 96,
	XFS_VERSION = 101, /* the lower byte of two */
	XFS_GROUP_BITS = 124,
	LOG_CYCLE = 4,
	LOG_VERSION = 8,
	LOG_POSITION = 16,
	LOG_OPERATIONS = 40,
	LOG_SIZE = 320,
	LOG_HEADER_COVERS = 32768, /* bytes of a record: a longer one has more blocks of header */
	OPERATION_FLAGS = 9,
	OPERATION_UNMOUNT = 0x20,
	LOG_LOOK_BACK = 2048, /* sectors: the longest record, and the padding behind it */
};

static const uint32_t log_magic = 0xFEEDBABE;

struct log {
	struct reader *reader;
	off_t start;
	uint64_t sectors;
};

static const unsigned char *log_sector(const struct log *log, uint64_t sector)
{
	return read_at(log->reader, log->start + (off_t)(sector % log->sectors * SECTOR));
}

/* Each sector begins with the number of the turn in which it was written; that of a header stands behind its magic. */
static int64_t log_cycle(const struct log *log, uint64_t sector)
{
	const unsigned char *found = log_sector(log, sector);

	if (!found)
		return -1;
	return big32(found) == log_magic ? big32(found + LOG_CYCLE) : big32(found);
}

/* The first sector that is of an older turn than the first one: behind what was written last. */
static uint64_t log_head(const struct log *log)
{
	int64_t turn = log_cycle(log, 0);
	uint64_t low = 0, high = log->sectors;

	while (low + 1 < high) {
		uint64_t middle = low + (high - low) / 2;

		if (log_cycle(log, middle) == turn)
			low = middle;
		else
			high = middle;
	}
	return high;
}

/* The last record says that it was unmounted: one operation, with that flag, in the first sector behind the header. */
static bool is_unmount(const struct log *log, uint64_t sector)
{
	const unsigned char *found = log_sector(log, sector);
	uint32_t size = big32(found + LOG_SIZE);
	uint32_t header = 1;

	if (big32(found + LOG_OPERATIONS) != 1)
		return false;
	if (big32(found + LOG_VERSION) & 2 && size > LOG_HEADER_COVERS)
		header = (size + LOG_HEADER_COVERS - 1) / LOG_HEADER_COVERS;
	found = log_sector(log, sector + header);
	return found && found[OPERATION_FLAGS] & OPERATION_UNMOUNT;
}

static int read_log(const struct log *log, struct seal *seal)
{
	uint64_t head = log_head(log);

	for (uint64_t back = 1; back <= LOG_LOOK_BACK && back <= log->sectors; back++) {
		uint64_t sector = head + log->sectors - back;
		const unsigned char *found = log_sector(log, sector);

		if (!found)
			return -EIO;
		if (big32(found) != log_magic)
			continue;
		seal->count = big64(found + LOG_POSITION);
		seal->digest = digest(seal->digest, found, SECTOR);
		seal->clean = is_unmount(log, sector);
		return 0;
	}
	return -ENODATA;
}

/*
 * The superblock of version 5 has the position in the log at which it was written last. Changes that are in the log
 * alone show there.
 */
static int read_xfs(struct reader *reader, struct seal *seal)
{
	const unsigned char *found = read_at(reader, 0);
	struct log log = {.reader = reader};
	uint64_t start, block;
	uint32_t bits;

	if (!found || memcmp(found, "XFSB", 4) != 0 || (found[XFS_VERSION] & 0xf) != 5)
		return -ENODATA;
	start = big64(found + XFS_LOG_START);
	block = big32(found + XFS_BLOCK_SIZE);
	bits = found[XFS_GROUP_BITS];
	log.sectors = big32(found + XFS_LOG_BLOCKS) * block / SECTOR;
	/* 0: the log is on another device. */
	if (!start || !log.sectors || bits > 32)
		return -ENODATA;
	log.start =
		(off_t)(((start >> bits) * big32(found + XFS_GROUP_BLOCKS) + (start & ((1ULL << bits) - 1))) * block);
	set_uuid(seal, found + XFS_UUID);
	seal->digest = digest_of(found, SECTOR);
	return read_log(&log, seal);
}

/* ---- btrfs */

enum {
	BTRFS_AT = 65536,
	BTRFS_UUID = 32,
	BTRFS_MAGIC = 64,
	BTRFS_GENERATION = 72,
	BTRFS_LOG_ROOT = 96,
	BTRFS_DEVICES = 136,
};

static int read_btrfs(struct reader *reader, struct seal *seal)
{
	const unsigned char *found = read_at(reader, BTRFS_AT);

	if (!found || memcmp(found + BTRFS_MAGIC, "_BHRfS_M", 8) != 0 || little64(found + BTRFS_DEVICES) != 1)
		return -ENODATA;
	set_uuid(seal, found + BTRFS_UUID);
	seal->count = little64(found + BTRFS_GENERATION);
	seal->digest = digest_of(found, BLOCK);
	seal->clean = !little64(found + BTRFS_LOG_ROOT);
	return 0;
}

/* ---- all */

static const struct {
	const char *kind;
	int (*read)(struct reader *reader, struct seal *seal);
	bool counts_mounts;
	const char *counter; /* what `count` is */
	bool is_anonymous;
} kinds[] = {
	{"ext", read_ext, true, "mount count", false},
	{"xfs", read_xfs, false, "position in the log", false},
	{"btrfs", read_btrfs, false, "generation", true},
};

static size_t find_kind(const struct seal *seal)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (strcmp(kinds[i].kind, seal->kind) == 0)
			return i;
	return 0;
}

int seal_read(const char *path, struct seal *seal)
{
	struct reader reader;
	int code = open_reader(&reader, path);

	for (size_t i = 0; !code && i < sizeof(kinds) / sizeof(*kinds); i++) {
		*seal = (struct seal){0};
		code = kinds[i].read(&reader, seal);
		snprintf(seal->kind, sizeof(seal->kind), "%s", kinds[i].kind);
		if (code != -ENODATA)
			break;
		if (i + 1 < sizeof(kinds) / sizeof(*kinds))
			code = 0;
	}
	close_reader(&reader);
	return code;
}

bool seal_holds(const struct seal *before, const struct seal *now)
{
	return before->clean && now->clean && before->digest == now->digest && strcmp(before->kind, now->kind) == 0 &&
	       strcmp(before->uuid, now->uuid) == 0;
}

void seal_difference(const struct seal *before, const struct seal *now, char text[SEAL_DIFFERENCE_BYTES])
{
	size_t kind = find_kind(before);
	char then[MOMENT_BYTES];

	if (!before->clean)
		snprintf(text, SEAL_DIFFERENCE_BYTES, "it was not unmounted in order");
	else if (kinds[kind].counts_mounts && before->checked != now->checked)
		snprintf(text, SEAL_DIFFERENCE_BYTES, "it was checked or repaired: last check %s",
			 moment_local(now->checked * NANOSECONDS, then));
	else if (before->count != now->count)
		snprintf(text, SEAL_DIFFERENCE_BYTES, "it was mounted elsewhere: %s %" PRIu64 " to %" PRIu64,
			 kinds[kind].counter, before->count, now->count);
	else if (before->mounted != now->mounted)
		snprintf(text, SEAL_DIFFERENCE_BYTES, "it was mounted elsewhere: last mount %s",
			 moment_local(now->mounted * NANOSECONDS, then));
	else if (!now->clean)
		snprintf(text, SEAL_DIFFERENCE_BYTES, "it was mounted elsewhere and not unmounted in order");
	else
		snprintf(text, SEAL_DIFFERENCE_BYTES, "its superblock was written by a block tool");
}

bool seal_is_anonymous(const struct seal *seal)
{
	return kinds[find_kind(seal)].is_anonymous;
}

bool seal_counts_mounts(const struct seal *seal)
{
	return kinds[find_kind(seal)].counts_mounts;
}

bool seal_fits_mounted(const struct seal *before, const struct seal *now, unsigned int more)
{
	if (!seal_counts_mounts(before))
		return true;
	return before->checked == now->checked && (uint16_t)(before->count + more) == now->count;
}
