// SPDX-License-Identifier: GPL-2.0
/* What ext4 brought, though others know some of it today; and the calls of 32-bit programs. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/fsverity.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "matrix.h"

struct move_extent {
	uint32_t reserved;
	uint32_t donor;
	uint64_t from, to, length, moved; /* in blocks */
};

static const unsigned long MOVE_EXTENT = _IOWR('f', 15, struct move_extent);
static const unsigned long SWAP_BOOT = _IO('f', 17);

static int move_extents(void)
{
	autofd file = opened("file", O_RDWR);
	autofd other = opened("other", O_RDWR);
	struct move_extent arguments = {.donor = (uint32_t)other, .length = SIZE / 4096};

	if (file < 0 || other < 0)
		return file < 0 ? file : other;
	if (fsync(file) < 0 || fsync(other) < 0)
		return -errno;
	return result(ioctl(file, MOVE_EXTENT, &arguments)) ?: (arguments.moved ? 0 : -EIO);
}

/* Becomes the boot loader, and the file what that was. */
static int swap_boot(void)
{
	autofd file = opened("file", O_RDWR);

	return file < 0 ? file : result(ioctl(file, SWAP_BOOT));
}

static int enable_verity(void)
{
	struct fsverity_enable_arg arguments = {
		.version = 1, .hash_algorithm = FS_VERITY_HASH_ALG_SHA256, .block_size = 4096};
	autofd file = opened("file", O_RDONLY);

	return file < 0 ? file : result(ioctl(file, FS_IOC_ENABLE_VERITY, &arguments));
}

/* The gate of 32-bit programs, of which any program can make use, with a pointer of 32 bits. */
static int ioctl_of_32_bits(int fd, unsigned int request, void *argument)
{
	int returned;

	__asm__ volatile("int $0x80"
			 : "=a"(returned)
			 : "a"(54), "b"(fd), "c"(request), "d"((unsigned int)(uintptr_t)argument)
			 : "memory", "r8", "r9", "r10", "r11");
	return returned;
}

static int set_flags_of_32_bits(void)
{
	int *flags = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	autofd file = opened("file", O_RDONLY);
	int error;

	if (file < 0 || flags == MAP_FAILED)
		return file < 0 ? file : -errno;
	error = ioctl_of_32_bits(file, FS_IOC32_GETFLAGS, flags);
	if (!error) {
		*flags |= FS_NODUMP_FL;
		error = ioctl_of_32_bits(file, FS_IOC32_SETFLAGS, flags);
	}
	munmap(flags, 4096);
	return error;
}

const struct operation ext4_operations[] = {
	{"move-extents", make_two, move_extents, .listed = "changed file, changed other", .only = "ext4"},
	{"swap-boot", make_file, swap_boot, .listed = "changed file", .only = "ext4"},
	{"verity", make_file, enable_verity, .listed = "changed file", .only = "ext4 btrfs"},
	{"chattr-32-bit", make_file, set_flags_of_32_bits, .listed = "changed file"},
	{NULL},
};
