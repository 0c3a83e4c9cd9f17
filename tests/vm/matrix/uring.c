// SPDX-License-Identifier: GPL-2.0
/* Changes that io_uring makes, in the task that asks, in a worker, or in the thread that polls. */
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "matrix.h"

enum {
	FIXED = 1 << 16, /* besides the flags of a submission: the file is registered, its descriptor closed */
};

/* Does what was asked for last; its result. */
static int finish(struct io_uring *ring)
{
	struct io_uring_cqe *completion;
	int error = io_uring_submit_and_wait(ring, 1);

	if (error >= 0)
		error = io_uring_wait_cqe(ring, &completion);
	if (error)
		return error;
	error = completion->res;
	io_uring_cqe_seen(ring, completion);
	return error;
}

static int write_through(struct io_uring *ring, const char *name, unsigned int flags)
{
	int fd = opened(name, O_WRONLY);
	struct io_uring_sqe *request;
	int error = fd < 0 ? fd : 0;

	if (!error && flags & FIXED)
		error = io_uring_register_files(ring, &fd, 1);
	if (error)
		return error;
	if (flags & FIXED)
		close(fd);
	request = io_uring_get_sqe(ring);
	io_uring_prep_write(request, flags & FIXED ? 0 : fd, piece(), PIECE, 0);
	io_uring_sqe_set_flags(request, (flags & IOSQE_ASYNC) | (flags & FIXED ? IOSQE_FIXED_FILE : 0));
	error = finish(ring);
	if (!(flags & FIXED))
		close(fd);
	return error == PIECE ? 0 : error < 0 ? error : -EIO;
}

static int write_with(unsigned int setup, unsigned int flags)
{
	struct io_uring ring;
	int error = io_uring_queue_init(4, &ring, setup);

	if (error)
		return error;
	error = write_through(&ring, "file", flags);
	io_uring_queue_exit(&ring);
	return error;
}

static int inline_write(void)
{
	return write_with(0, 0);
}

static int worker_write(void)
{
	return write_with(0, IOSQE_ASYNC);
}

static int polled_write(void)
{
	return write_with(IORING_SETUP_SQPOLL, FIXED);
}

static int fixed_write(void)
{
	return write_with(0, FIXED);
}

/* Held over the cut: no task has the file any more, only the ring. */
static struct io_uring held;

static int hold_fixed(void)
{
	int error = io_uring_queue_init(4, &held, 0);

	return error ? error : write_through(&held, "file", FIXED);
}

static int write_held(void)
{
	struct io_uring_sqe *request = io_uring_get_sqe(&held);
	int error;

	io_uring_prep_write(request, 0, piece(), PIECE, PIECE);
	io_uring_sqe_set_flags(request, IOSQE_FIXED_FILE);
	error = finish(&held);
	io_uring_queue_exit(&held);
	return error == PIECE ? 0 : error < 0 ? error : -EIO;
}

/* One request of which the file is a name. */
static int ask(void (*prepare)(struct io_uring_sqe *request))
{
	struct io_uring ring;
	int error = io_uring_queue_init(4, &ring, 0);

	if (error)
		return error;
	prepare(io_uring_get_sqe(&ring));
	error = finish(&ring);
	io_uring_queue_exit(&ring);
	return error;
}

static void prepare_open(struct io_uring_sqe *request)
{
	io_uring_prep_openat(request, AT_FDCWD, "file", O_WRONLY | O_CREAT, 0644);
}

static void prepare_rename(struct io_uring_sqe *request)
{
	io_uring_prep_renameat(request, AT_FDCWD, "file", AT_FDCWD, "new", 0);
}

static void prepare_unlink(struct io_uring_sqe *request)
{
	io_uring_prep_unlinkat(request, AT_FDCWD, "file", 0);
}

static void prepare_mkdir(struct io_uring_sqe *request)
{
	io_uring_prep_mkdirat(request, AT_FDCWD, "directory", 0755);
}

static void prepare_link(struct io_uring_sqe *request)
{
	io_uring_prep_linkat(request, AT_FDCWD, "file", AT_FDCWD, "other", 0);
}

static void prepare_symlink(struct io_uring_sqe *request)
{
	io_uring_prep_symlinkat(request, "target", AT_FDCWD, "file");
}

static void prepare_setxattr(struct io_uring_sqe *request)
{
	io_uring_prep_setxattr(request, "user.name", "value", "file", 0, 5);
}

static int ask_open(void)
{
	int fd = ask(prepare_open);

	return fd < 0 ? fd : result(close(fd));
}

static int ask_rename(void)
{
	return ask(prepare_rename);
}

static int ask_unlink(void)
{
	return ask(prepare_unlink);
}

static int ask_mkdir(void)
{
	return ask(prepare_mkdir);
}

static int ask_link(void)
{
	return ask(prepare_link);
}

static int ask_symlink(void)
{
	return ask(prepare_symlink);
}

static int ask_setxattr(void)
{
	return ask(prepare_setxattr);
}

static int ask_fallocate(void)
{
	autofd fd = opened("file", O_WRONLY);
	struct io_uring ring;
	int error = fd < 0 ? fd : io_uring_queue_init(4, &ring, 0);

	if (error)
		return error;
	io_uring_prep_fallocate(io_uring_get_sqe(&ring), fd, 0, SIZE, SIZE);
	error = finish(&ring);
	io_uring_queue_exit(&ring);
	return error;
}

const struct operation uring_operations[] = {
	{"uring-inline", make_file, inline_write, .listed = "changed file"},
	{"uring-async", make_file, worker_write, .listed = "changed file"},
	{"uring-sqpoll", make_file, polled_write, .listed = "changed file"},
	{"uring-fixed", make_file, fixed_write, .listed = "changed file"},
	{"uring-fixed-after-cut", make_file, hold_fixed, write_held, .listed = "changed file",
	 .listed_again = "changed file"},
	{"uring-create", NULL, ask_open, .listed = "changed file, changed ."},
	{"uring-rename", make_file, ask_rename, .listed = "deleted file, changed new"},
	{"uring-unlink", make_file, ask_unlink, .listed = "deleted file"},
	{"uring-mkdir", NULL, ask_mkdir, .listed = "changed directory"},
	{"uring-link", make_file, ask_link, .listed = "changed file, changed other"},
	{"uring-symlink", NULL, ask_symlink, .listed = "changed file"},
	{"uring-setxattr", make_file, ask_setxattr, .listed = "changed file"},
	{"uring-fallocate", make_file, ask_fallocate, .listed = "changed file"},
	{NULL},
};
