// SPDX-License-Identifier: GPL-2.0
/* Ways of changing what a file contains. */
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "matrix.h"

static int plain_write(void)
{
	autofd fd = opened("file", O_WRONLY);

	return fd < 0 ? fd : result(write(fd, piece(), PIECE));
}

static int write_vector(int flags)
{
	autofd fd = opened("file", O_WRONLY);
	struct iovec parts[] = {{piece(), 100}, {piece(), 200}};

	return fd < 0 ? fd : result(pwritev2(fd, parts, 2, 10, flags));
}

static int pwritev2_plain(void)
{
	return write_vector(0);
}

static int pwritev2_append(void)
{
	return write_vector(RWF_APPEND | RWF_DSYNC);
}

static int append(void)
{
	autofd fd = opened("file", O_WRONLY | O_APPEND);

	return fd < 0 ? fd : result(write(fd, piece(), PIECE));
}

static int direct(void)
{
	autofd fd = opened("file", O_WRONLY | O_DIRECT);

	return fd < 0 ? fd : put(fd);
}

static int reopened(void)
{
	char name[64];
	autofd fd = opened("file", O_PATH);

	if (fd < 0)
		return fd;
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	return put_name(name);
}

static int submit(int flags)
{
	autofd fd = opened("file", O_WRONLY | flags);
	struct iocb block = {.aio_lio_opcode = IOCB_CMD_PWRITE,
			     .aio_fildes = (unsigned int)fd,
			     .aio_buf = (unsigned long)piece(),
			     .aio_nbytes = PIECE};
	struct iocb *blocks[] = {&block};
	struct io_event event = {0};
	aio_context_t context = 0;
	int error = fd < 0 ? fd : result(syscall(SYS_io_setup, 1, &context));

	if (!error)
		error = result(syscall(SYS_io_submit, context, 1, blocks));
	if (!error)
		error = result(syscall(SYS_io_getevents, context, 1, 1, &event, NULL));
	if (!error && event.res != PIECE)
		error = event.res < 0 ? (int)event.res : -EIO;
	syscall(SYS_io_destroy, context);
	return error;
}

static int aio(void)
{
	return submit(0);
}

static int aio_direct(void)
{
	return submit(O_DIRECT);
}

static int through_splice(void)
{
	autofd fd = opened("file", O_WRONLY);
	int ends[2], error;

	if (fd < 0)
		return fd;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	error = result(write(ends[1], piece(), PIECE)) ?: result(splice(ends[0], NULL, fd, NULL, PIECE, 0));
	close(ends[0]);
	close(ends[1]);
	return error;
}

static int through_sendfile(void)
{
	autofd in = opened("other", O_RDONLY);
	autofd out = opened("file", O_WRONLY);

	if (in < 0 || out < 0)
		return in < 0 ? in : out;
	return result(sendfile(out, in, NULL, PIECE));
}

static int through_copy_file_range(void)
{
	autofd in = opened("other", O_RDONLY);
	autofd out = opened("file", O_WRONLY);

	if (in < 0 || out < 0)
		return in < 0 ? in : out;
	return result(copy_file_range(in, NULL, out, NULL, PIECE, 0));
}

static int clone_whole(void)
{
	autofd in = opened("other", O_RDONLY);
	autofd out = opened("file", O_WRONLY);

	if (in < 0 || out < 0)
		return in < 0 ? in : out;
	return result(ioctl(out, FICLONE, in));
}

static int clone_range(void)
{
	autofd in = opened("other", O_RDONLY);
	autofd out = opened("file", O_WRONLY);
	struct file_clone_range range = {.src_fd = in, .src_length = 4096, .dest_offset = 8192};

	if (in < 0 || out < 0)
		return in < 0 ? in : out;
	return result(ioctl(out, FICLONERANGE, &range));
}

static int allocate(int mode, off_t offset, off_t length)
{
	autofd fd = opened("file", O_RDWR);

	return fd < 0 ? fd : result(fallocate(fd, mode, offset, length));
}

static int allocate_more(void)
{
	return allocate(0, SIZE, SIZE);
}

static int allocate_beyond(void)
{
	return allocate(FALLOC_FL_KEEP_SIZE, SIZE, SIZE);
}

static int punch_hole(void)
{
	return allocate(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 8192, 8192);
}

static int zero_range(void)
{
	return allocate(FALLOC_FL_ZERO_RANGE, 8192, SIZE);
}

static int zero_range_keep_size(void)
{
	return allocate(FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, 8192, 8192);
}

static int collapse_range(void)
{
	return allocate(FALLOC_FL_COLLAPSE_RANGE, 8192, 8192);
}

static int insert_range(void)
{
	return allocate(FALLOC_FL_INSERT_RANGE, 8192, 8192);
}

static int unshare_range(void)
{
	return allocate(FALLOC_FL_UNSHARE_RANGE, 0, 8192);
}

static int truncate_path(void)
{
	return result(truncate("file", 100));
}

static int truncate_longer(void)
{
	return result(truncate("file", SIZE + 100));
}

static int truncate_descriptor(void)
{
	autofd fd = opened("file", O_WRONLY);

	return fd < 0 ? fd : result(ftruncate(fd, 100));
}

static int open_truncating(void)
{
	autofd fd = opened("file", O_WRONLY | O_TRUNC);

	return fd < 0 ? fd : 0;
}

/* Truncates through a descriptor that can only read. */
static int open_reading_truncating(void)
{
	autofd fd = opened("file", O_RDONLY | O_TRUNC);

	return fd < 0 ? fd : 0;
}

static int failing_write(void)
{
	autofd fd = opened("file", O_WRONLY);

	if (fd < 0)
		return fd;
	return syscall(SYS_write, fd, 8, PIECE) < 0 && errno == EFAULT ? put(fd) : -EIO;
}

const struct operation content_operations[] = {
	{"write", make_file, plain_write, .listed = "changed file"},
	{"write-after-efault", make_file, failing_write, .listed = "changed file"},
	{"pwritev2", make_file, pwritev2_plain, .listed = "changed file"},
	{"pwritev2-append", make_file, pwritev2_append, .listed = "changed file"},
	{"append", make_file, append, .listed = "changed file"},
	{"direct", make_file, direct, .listed = "changed file"},
	{"reopened-by-proc", make_file, reopened, .listed = "changed file"},
	{"aio", make_file, aio, .listed = "changed file"},
	{"aio-direct", make_file, aio_direct, .listed = "changed file"},
	{"splice", make_file, through_splice, .listed = "changed file"},
	{"sendfile", make_two, through_sendfile, .listed = "changed file, absent other"},
	{"copy_file_range", make_two, through_copy_file_range, .listed = "changed file, absent other"},
	{"ficlone", make_two, clone_whole, .listed = "changed file, absent other"},
	{"ficlonerange", make_two, clone_range, .listed = "changed file, absent other"},
	{"fallocate", make_file, allocate_more, .listed = "changed file"},
	{"fallocate-keep-size", make_file, allocate_beyond, .listed = "changed file"},
	{"fallocate-punch-hole", make_file, punch_hole, .listed = "changed file"},
	{"fallocate-zero", make_file, zero_range, .listed = "changed file"},
	{"fallocate-zero-keep-size", make_file, zero_range_keep_size, .listed = "changed file"},
	{"fallocate-collapse", make_file, collapse_range, .listed = "changed file"},
	{"fallocate-insert", make_file, insert_range, .listed = "changed file"},
	{"fallocate-unshare", make_file, unshare_range, .listed = "changed file"},
	{"truncate", make_file, truncate_path, .listed = "changed file"},
	{"truncate-longer", make_file, truncate_longer, .listed = "changed file"},
	{"ftruncate", make_file, truncate_descriptor, .listed = "changed file"},
	{"open-truncating", make_file, open_truncating, .listed = "changed file"},
	{"open-reading-truncating", make_file, open_reading_truncating, .listed = "changed file"},
	{NULL},
};
