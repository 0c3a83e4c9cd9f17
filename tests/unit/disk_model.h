/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A disk under the database and its log: what of the two files a power cut would leave. These calls come before the C
 * library's, for SQLite as well; open() by --wrap (Makefile).
 *
 * As with ext4: when a sync fails the kernel takes for written what is not on the disk, and blocks that the file got
 * then are bad ones. What is written and synced again is on the disk where the block is a good one; in a bad one only
 * what goes past the cache. A file that is cut gives its blocks back. File systems that refuse O_DIRECT are stood in
 * for.
 */
#ifndef DISK_MODEL_H
#define DISK_MODEL_H

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { DISK_DATABASE, DISK_LOG, DISK_FILES, DISK_BLOCK = 4096, DISK_BLOCKS = 8192 };

enum block { BLOCK_NONE, BLOCK_GOOD, BLOCK_BAD };

struct disk_file {
	_Alignas(DISK_BLOCK) char bytes[DISK_BLOCKS * DISK_BLOCK]; /* that can be read past the cache */
	bool fails;                                                /* its next syncs */
	bool refuses;                                              /* what is written */
	bool refuses_cuts;
	off_t lowest; /* that was written since it was set */
	off_t size;   /* on the disk */
	enum block blocks[DISK_BLOCKS];
	bool dirty[DISK_BLOCKS];
};

static struct {
	struct disk_file files[DISK_FILES];
	bool refuses_index; /* what makes it larger */
	bool refuses_direct;
	bool caches_direct;   /* what should go past the cache does not */
	int direct;           /* a descriptor, or -1 */
	void (*at_sync)(int); /* of this file; once */
	void (*at_cut)(void); /* before a log is emptied; once */
	int held;             /* parts of an index that are locked in memory */
} disk = {.direct = -1};

static const char *const disk_names[] = {"fschanged.db", "fschanged.db-wal"};

static int disk_find(int file)
{
	char link[64], path[PATH_MAX];
	const char *name;
	ssize_t length;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", file);
	length = readlink(link, path, sizeof(path) - 1);
	path[length < 0 ? 0 : length] = '\0';
	name = strrchr(path, '/');
	for (int i = 0; name && i < DISK_FILES; i++)
		if (!strcmp(name + 1, disk_names[i]))
			return i;
	return DISK_FILES;
}

static void disk_take(struct disk_file *found, int file, size_t block)
{
	char *bytes = found->bytes + block * DISK_BLOCK;

	memset(bytes, 0, DISK_BLOCK);
	if (syscall(SYS_pread64, file, bytes, (size_t)DISK_BLOCK, (off_t)(block * DISK_BLOCK)) < 0)
		abort();
	found->blocks[block] = BLOCK_GOOD;
}

static void disk_settle(struct disk_file *found, int file)
{
	struct stat status;

	for (size_t i = 0; i < DISK_BLOCKS; i++) {
		if (found->dirty[i] && found->fails && found->blocks[i] == BLOCK_NONE)
			found->blocks[i] = BLOCK_BAD;
		if (found->dirty[i] && !found->fails && found->blocks[i] != BLOCK_BAD)
			disk_take(found, file, i);
		found->dirty[i] = false;
	}
	if (!found->fails && !fstat(file, &status))
		found->size = status.st_size;
}

static int disk_sync(int file)
{
	int which = disk_find(file);
	void (*at_sync)(int) = disk.at_sync;

	if (which == DISK_FILES)
		return 0;
	disk.at_sync = NULL;
	if (at_sync)
		at_sync(which);
	disk_settle(&disk.files[which], file);
	if (!disk.files[which].fails)
		return 0;
	errno = EIO;
	return -1;
}

int fdatasync(int file)
{
	return disk_sync(file);
}

int fsync(int file)
{
	return disk_sync(file);
}

static bool disk_is_index(int file)
{
	char link[64], path[PATH_MAX];
	ssize_t length;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", file);
	length = readlink(link, path, sizeof(path));
	return length > 4 && !memcmp(path + length - 4, "-shm", 4);
}

static ssize_t disk_write(int file, const void *bytes, size_t size, off_t offset)
{
	int which = disk_find(file);
	struct disk_file *found = &disk.files[which % DISK_FILES];
	ssize_t result;

	if ((which != DISK_FILES && found->refuses) || (disk.refuses_index && disk_is_index(file))) {
		errno = EIO;
		return -1;
	}
	result = syscall(SYS_pwrite64, file, bytes, size, offset);
	if (which == DISK_FILES || result < 0)
		return result;
	if (offset < found->lowest)
		found->lowest = offset;
	for (size_t i = (size_t)offset / DISK_BLOCK; i * DISK_BLOCK < (size_t)offset + size; i++)
		if (file == disk.direct && !disk.caches_direct)
			disk_take(found, file, i);
		else
			found->dirty[i] = true;
	return result;
}

ssize_t pwrite64(int file, const void *bytes, size_t size, off_t offset)
{
	return disk_write(file, bytes, size, offset);
}

ssize_t pwrite(int file, const void *bytes, size_t size, off_t offset)
{
	return disk_write(file, bytes, size, offset);
}

/* Past the cache it reads what is on the disk. */
ssize_t pread(int file, void *bytes, size_t size, off_t offset)
{
	if (file != disk.direct)
		return syscall(SYS_pread64, file, bytes, size, offset);
	memcpy(bytes, disk.files[disk_find(file)].bytes + offset, size);
	return (ssize_t)size;
}

static void disk_cut(struct disk_file *found, off_t size)
{
	size_t blocks = ((size_t)size + DISK_BLOCK - 1) / DISK_BLOCK;

	memset(found->bytes + size, 0, sizeof(found->bytes) - (size_t)size);
	for (size_t i = blocks; i < DISK_BLOCKS; i++) {
		found->blocks[i] = BLOCK_NONE;
		found->dirty[i] = false;
	}
	if (found->size > size)
		found->size = size;
}

int ftruncate64(int file, off_t size)
{
	int which = disk_find(file);
	void (*at_cut)(void) = disk.at_cut;

	if (which != DISK_FILES && disk.files[which].refuses_cuts) {
		errno = EIO;
		return -1;
	}
	if (which == DISK_LOG && !size && at_cut) {
		disk.at_cut = NULL;
		at_cut();
	}
	if (which != DISK_FILES)
		disk_cut(&disk.files[which], size);
	return (int)syscall(SYS_ftruncate, file, size);
}

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);

int __wrap_open(const char *path, int flags, ...)
{
	va_list arguments;
	mode_t mode;
	int file;

	va_start(arguments, flags);
	mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
	va_end(arguments);
	if (!(flags & O_DIRECT))
		return __real_open(path, flags, mode);
	if (disk.refuses_direct) {
		errno = EINVAL;
		return -1;
	}
	file = __real_open(path, flags, mode);
	disk.direct = file < 0 ? __real_open(path, flags & ~O_DIRECT, mode) : file;
	return disk.direct;
}

int close(int file)
{
	if (file == disk.direct)
		disk.direct = -1;
	return (int)syscall(SYS_close, file);
}

int mlock(const void *address, size_t size)
{
	(void)address;
	disk.held += size == 32768;
	return 0;
}

static void disk_clear(void)
{
	memset(&disk, 0, sizeof(disk));
	disk.direct = -1;
}

/* What a power cut now would leave. */
static void disk_copy(const char *directory)
{
	char path[PATH_MAX];

	if (mkdir(directory, 0700) && errno != EEXIST)
		abort();
	for (int i = 0; i < DISK_FILES; i++) {
		const struct disk_file *found = &disk.files[i];
		int file;

		snprintf(path, sizeof(path), "%s/%s", directory, disk_names[i]);
		file = __real_open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		if (file < 0 || write(file, found->bytes, (size_t)found->size) != found->size)
			abort();
		close(file);
	}
}

#endif
