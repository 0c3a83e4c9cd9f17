// SPDX-License-Identifier: GPL-2.0
/* What changes nothing, so that it must not be listed. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "matrix.h"

static int read_it(void)
{
	autofd fd = opened("file", O_RDONLY);

	return fd < 0 ? fd : result(read(fd, piece(), PIECE));
}

static int look_at_it(void)
{
	struct statx status;
	struct stat buffer;

	return result(stat("file", &buffer)) ?: result(statx(AT_FDCWD, "file", 0, STATX_ALL, &status)) ?:
	       result(access("file", R_OK));
}

static int open_for_writing(void)
{
	autofd fd = opened("file", O_RDWR);

	return fd < 0 ? fd : result(read(fd, piece(), PIECE));
}

/* Of a name that is not in its cache the kernel asks first whether it may be made, and looks whether it is there after.
 */
static int open_creating(void)
{
	autofd fd = -1;

	if (access("file", R_OK) < 0)
		return -errno;
	fd = opened("file", O_RDWR | O_CREAT | O_APPEND);
	return fd < 0 ? fd : 0;
}

/* mount -o relatime moves atime once, as it is older than mtime. */
static int read_after_write(void)
{
	return make("file") ?: put_name("file");
}

static int synchronize(void)
{
	autofd fd = opened("file", O_RDONLY);

	return fd < 0 ? fd : result(fsync(fd)) ?: result(fdatasync(fd)) ?: result(sync_file_range(fd, 0, 0, 7));
}

static int read_directory(void)
{
	DIR *directory = opendir("directory");

	if (!directory)
		return -errno;
	while (readdir(directory))
		;
	closedir(directory);
	return 0;
}

static int map(int flags)
{
	autofd fd = opened("file", O_RDONLY);
	int protection = flags == MAP_PRIVATE ? PROT_READ | PROT_WRITE : PROT_READ;
	volatile char *memory;

	if (fd < 0)
		return fd;
	memory = mmap(NULL, SIZE, protection, flags, fd, 0);
	if (memory == MAP_FAILED)
		return -errno;
	if (flags == MAP_PRIVATE)
		memory[0] = 'z';
	else if (memory[0] != 'a')
		return -EIO;
	return result(munmap((void *)memory, SIZE));
}

static int map_private(void)
{
	return map(MAP_PRIVATE);
}

static int map_reading(void)
{
	return map(MAP_SHARED);
}

static int read_attributes(void)
{
	char value[256];

	if (getxattr("file", "user.none", value, sizeof(value)) >= 0)
		return -EIO;
	return errno == ENODATA || errno == EOPNOTSUPP ? 0 : -errno;
}

static int lock_it(void)
{
	struct flock lock = {.l_type = F_RDLCK};
	autofd fd = opened("file", O_RDONLY);

	return fd < 0 ? fd : result(flock(fd, LOCK_EX)) ?: result(fcntl(fd, F_SETLK, &lock));
}

static int read_flags(void)
{
	autofd fd = opened("file", O_RDONLY);
	long flags;

	return fd < 0 ? fd : result(ioctl(fd, FS_IOC_GETFLAGS, &flags));
}

const struct operation quiet_operations[] = {
	{"quiet-read", make_file, read_it, .listed = "quiet"},
	{"quiet-atime", read_after_write, read_it, .listed = "quiet"},
	{"quiet-stat", make_file, look_at_it, .listed = "quiet"},
	/* Nothing tells whether a file in memory has changed, and a lower file is copied up. */
	{"quiet-open-for-writing", make_file, open_for_writing, .listed = "quiet", .only = "ext4 xfs btrfs overlay"},
	{"quiet-open-creating", make_file, open_creating, .listed = "quiet", .only = "ext4 xfs btrfs overlay"},
	{"quiet-fsync", make_file, synchronize, .listed = "quiet"},
	{"quiet-readdir", make_directory, read_directory, .listed = "quiet"},
	{"quiet-map-private", make_file, map_private, .listed = "quiet"},
	{"quiet-map-reading", make_file, map_reading, .listed = "quiet"},
	{"quiet-getxattr", make_file, read_attributes, .listed = "quiet"},
	{"quiet-lock", make_file, lock_it, .listed = "quiet"},
	{"quiet-flags", make_file, read_flags, .listed = "quiet"},
	{NULL},
};
