// SPDX-License-Identifier: GPL-2.0
/* Files that the kernel has open for itself, over cuts: loop devices and swap. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <unistd.h>

#include "matrix.h"

/* ---- loop devices, with a filesystem on them */

struct loop {
	uint32_t flags;
	int device;
	char place[32]; /* where it is mounted */
};

static struct loop buffered = {.device = -1};
static struct loop direct = {.flags = LO_FLAGS_DIRECT_IO, .device = -1};

static int make_image(void)
{
	return command("truncate -s 1M file && mkfs.ext4 -q -O ^has_journal file");
}

static int attach(struct loop *loop)
{
	autofd control = opened("/dev/loop-control", O_RDWR);
	autofd file = opened("file", O_RDWR);
	struct loop_config configuration = {.fd = (unsigned int)file, .info.lo_flags = loop->flags};
	int number = ioctl(control, LOOP_CTL_GET_FREE);
	char name[32];

	if (control < 0 || file < 0 || number < 0)
		return -errno;
	snprintf(name, sizeof(name), "/dev/loop%d", number);
	loop->device = opened(name, O_RDWR);
	if (loop->device < 0)
		return loop->device;
	if (ioctl(loop->device, LOOP_CONFIGURE, &configuration) < 0)
		return -errno;
	strcpy(loop->place, "/run/loop-XXXXXX");
	if (!mkdtemp(loop->place))
		return -errno;
	return result(mount(name, loop->place, "ext4", 0, NULL));
}

static int write_inside(struct loop *loop, const char *name)
{
	char path[64];
	autofd fd = -1;

	snprintf(path, sizeof(path), "%s/%s", loop->place, name);
	fd = opened(path, O_WRONLY | O_CREAT);
	return fd < 0 ? fd : put(fd) ?: result(fsync(fd));
}

static int detach(struct loop *loop)
{
	int error = result(umount(loop->place)) ?: result(ioctl(loop->device, LOOP_CLR_FD)) ?: result(rmdir(loop->place));

	close(loop->device);
	return error;
}

static int attach_loop(void)
{
	return attach(&buffered) ?: write_inside(&buffered, "one");
}

static int write_loop(void)
{
	return write_inside(&buffered, "two") ?: detach(&buffered);
}

static int attach_direct_loop(void)
{
	return attach(&direct) ?: write_inside(&direct, "one");
}

static int write_direct_loop(void)
{
	return write_inside(&direct, "two") ?: detach(&direct);
}

/* ---- swap */

enum {
	SWAP_SIZE = 40 * 4096, /* the least that the kernel takes is 10 pages */
};

/* What mkswap writes. */
static int make_swap(void)
{
	static char text[SWAP_SIZE];
	uint32_t header[] = {1, SWAP_SIZE / 4096 - 1, 0};
	autofd fd = opened("file", O_RDWR | O_CREAT);
	int flags = FS_NOCOW_FL;

	if (fd < 0)
		return fd;
	if (strcmp(filesystem, "btrfs") == 0 && ioctl(fd, FS_IOC_SETFLAGS, &flags) < 0)
		return -errno;
	memcpy(text + 1024, header, sizeof(header));
	memcpy(text + 4086, "SWAPSPACE2", 10);
	if (write(fd, text, sizeof(text)) != sizeof(text))
		return -EIO;
	return result(fchmod(fd, 0600)) ?: result(fsync(fd));
}

/* Before the first cut, so that only what the kernel swaps falls into the windows. */
static int prepare_swap(void)
{
	return make_swap() ?: result(swapon("file", 0x8000 | 100));
}

static int swap_out(void)
{
	size_t size = SWAP_SIZE / 2;
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return -errno;
	memset(memory, 's', size);
	if (madvise(memory, size, MADV_PAGEOUT) < 0)
		return -errno;
	return memory[0] == 's' ? result(munmap(memory, size)) : -EIO;
}

/* It may be listed for being opened, so nothing is said of it. */
static int end_swap(void)
{
	return result(swapoff("file")) ?: put_name("file");
}

const struct operation holder_operations[] = {
	{"loop", make_image, attach_loop, write_loop, .listed = "changed file", .listed_again = "changed file"},
	{"loop-direct", make_image, attach_direct_loop, write_direct_loop, .listed = "changed file",
	 .listed_again = "changed file"},
	{"swap-in-use", prepare_swap, swap_out, end_swap, .listed = "quiet", .listed_again = "changed file"},
	{NULL},
};
