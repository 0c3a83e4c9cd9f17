// SPDX-License-Identifier: GPL-2.0
/* What only XFS can do. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <xfs/xfs.h>

#include "matrix.h"

/* Newer than the headers. */
struct exchange_range {
	int32_t file;
	uint32_t pad;
	uint64_t from, to, length, flags;
};

static const unsigned long EXCHANGE_RANGE = _IOW('X', 129, struct exchange_range);

static int exchange(int other_flags)
{
	autofd file = opened("file", O_RDWR);
	autofd other = opened("other", other_flags);
	struct exchange_range range = {.file = other, .length = PIECE};

	if (file < 0 || other < 0)
		return file < 0 ? file : other;
	return result(ioctl(file, EXCHANGE_RANGE, &range));
}

static int exchange_range(void)
{
	return exchange(O_RDWR);
}

static int change_other_and_exchange(void)
{
	return put_name("other") ?: exchange(O_RDWR);
}

/* The same, if "file" is what it was when that began. */
struct commit_range {
	struct exchange_range range;
	uint64_t freshness[6];
};

static const unsigned long START_COMMIT = _IOR('X', 130, struct commit_range);
static const unsigned long COMMIT_RANGE = _IOW('X', 131, struct commit_range);

static int commit_range(void)
{
	autofd file = opened("file", O_RDWR);
	autofd other = opened("other", O_RDWR);
	struct commit_range commit = {0};

	if (file < 0 || other < 0)
		return file < 0 ? file : other;
	if (ioctl(file, START_COMMIT, &commit) < 0)
		return -errno;
	commit.range = (struct exchange_range){.file = other, .length = PIECE};
	return result(ioctl(file, COMMIT_RANGE, &commit));
}

/* The defragmenter's call. It wants to know the file's state as it was when the copy was made. */
static int swap_extents(void)
{
	autofd file = opened("file", O_RDWR);
	autofd other = opened("other", O_RDWR);
	struct xfs_swapext arguments = {
		.sx_version = XFS_SX_VERSION, .sx_fdtarget = file, .sx_fdtmp = other, .sx_length = SIZE};
	struct stat status;
	__u64 number;
	struct xfs_fsop_bulkreq request = {.lastip = &number, .icount = 1, .ubuffer = &arguments.sx_stat};

	if (file < 0 || other < 0)
		return file < 0 ? file : other;
	if (fsync(file) < 0 || fsync(other) < 0 || fstat(file, &status) < 0)
		return -errno;
	number = status.st_ino;
	return result(ioctl(file, XFS_IOC_FSBULKSTAT_SINGLE, &request))
		       ?: result(ioctl(file, XFS_IOC_SWAPEXT, &arguments));
}

static int punch(void)
{
	autofd file = opened("file", O_RDWR);
	struct xfs_flock64 range = {.l_len = PIECE};

	return file < 0 ? file : result(ioctl(file, XFS_IOC_UNRESVSP64, &range));
}

/* Which file is changed does not show in the call. */
static int set_attribute_by_handle(void)
{
	char handle[64], name[] = "by-handle", value[] = "value";
	__u32 length = sizeof(handle);
	autofd directory = opened(".", O_RDONLY | O_DIRECTORY);
	struct xfs_fsop_handlereq request = {
		.path = (char *)"file", .oflags = O_RDONLY, .ohandle = handle, .ohandlen = &length};
	struct xfs_attr_multiop operation = {
		.am_opcode = ATTR_OP_SET, .am_attrname = name, .am_attrvalue = value, .am_length = sizeof(value) - 1};
	struct xfs_fsop_attrmulti_handlereq many = {.opcount = 1, .ops = &operation};

	if (directory < 0)
		return directory;
	if (ioctl(directory, XFS_IOC_PATH_TO_HANDLE, &request) < 0)
		return -errno;
	many.hreq = (struct xfs_fsop_handlereq){.oflags = O_RDONLY, .ihandle = handle, .ihandlen = length};
	return result(ioctl(directory, XFS_IOC_ATTRMULTI_BY_HANDLE, &many)) ?: -operation.am_error;
}

const struct operation xfs_operations[] = {
	{"exchange-range", make_two, exchange_range, .listed = "changed file, changed other", .only = "xfs"},
	{"exchange-range-changed", make_two, change_other_and_exchange, .listed = "changed file, changed other",
	 .only = "xfs"},
	{"commit-range", make_two, commit_range, .listed = "changed file, changed other", .only = "xfs"},
	{"swapext", make_two, swap_extents, .listed = "changed file, changed other", .only = "xfs"},
	{"unresvsp", make_file, punch, .listed = "changed file", .only = "xfs ext4"},
	{"attrmulti-by-handle", make_file, .last = set_attribute_by_handle, .listed_last = "changed file",
	 .only = "xfs"},
	{NULL},
};
