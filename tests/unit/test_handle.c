// SPDX-License-Identifier: GPL-2.0
/* Files asked for by their handle, on the filesystem that temporary files are on. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/fs.h>
#include <linux/magic.h>

#include <cmocka.h>

#include "handle.h"

enum { XFS_MAGIC = 0x58465342 };

static char directory[] = "/var/tmp/test_handle.XXXXXX";
static int top = -1;
static const char *type;

struct file {
	int fd;
	uint64_t inode;
	uint32_t generation;
};

static struct file make_file(const char *name)
{
	struct file file = {.fd = openat(top, name, O_CREAT | O_RDWR, 0600)};
	struct stat status;
	int generation = 0, error;

	assert_true(file.fd >= 0);
	assert_int_equal(fstat(file.fd, &status), 0);
	error = ioctl(file.fd, FS_IOC_GETVERSION, &generation);
	assert_true(!type || !error);
	file.inode = status.st_ino;
	file.generation = (uint32_t)generation;
	return file;
}

static int is_gone(const struct file *file)
{
	return handle_is_gone(top, type, file->inode, file->generation);
}

static const char *type_of_this(void)
{
	struct statfs status;

	assert_int_equal(fstatfs(top, &status), 0);
	switch (status.f_type) {
	case EXT4_SUPER_MAGIC:
		return "ext4";
	case XFS_MAGIC:
		return "xfs";
	default:
		return NULL;
	}
}

static int set_up(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(directory));
	top = open(directory, O_RDONLY | O_DIRECTORY);
	assert_true(top >= 0);
	type = type_of_this();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	close(top);
	return rmdir(directory);
}

/* Where the tests in real kernels run this is tried on each of them. */
static void skip_elsewhere(void)
{
	if (!type || geteuid() != 0)
		skip();
}

static void living_file(void **state)
{
	struct file file;

	(void)state;
	skip_elsewhere();
	file = make_file("living");
	assert_int_equal(is_gone(&file), 0);
	close(file.fd);
	assert_int_equal(renameat(top, "living", top, "moved"), 0);
	assert_int_equal(is_gone(&file), 0);
	assert_int_equal(unlinkat(top, "moved", 0), 0);
	assert_int_equal(is_gone(&file), 1);
}

static void open_file_without_a_name(void **state)
{
	struct file file;

	(void)state;
	skip_elsewhere();
	file = make_file("open");
	assert_int_equal(unlinkat(top, "open", 0), 0);
	assert_int_equal(is_gone(&file), 1);
	close(file.fd);
}

static void number_used_again(void **state)
{
	struct file file, other;

	(void)state;
	skip_elsewhere();
	file = make_file("file");
	other = file;
	other.generation++;
	assert_int_equal(is_gone(&other), 1);
	assert_int_equal(is_gone(&file), 0);
	close(file.fd);
	assert_int_equal(unlinkat(top, "file", 0), 0);
}

/* Filesystems that would say of a living file that it is gone are not asked; nor is any by another's layout. */
static void others_are_not_asked(void **state)
{
	static const char *const others[] = {"tmpfs", "vfat", "overlay", "btrfs", "nfs", ""};
	struct file file;

	(void)state;
	file = make_file("file");
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_true(handle_is_gone(top, others[i], file.inode, file.generation) < 0);
	if (type && strcmp(type, "ext4") == 0)
		assert_int_equal(handle_is_gone(top, "ext4", UINT64_MAX, 1), -EOPNOTSUPP);
	close(file.fd);
	assert_int_equal(unlinkat(top, "file", 0), 0);
	assert_int_equal(handle_is_gone(-1, "ext4", 12, 1), -EBADF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(living_file),
		cmocka_unit_test(open_file_without_a_name),
		cmocka_unit_test(number_used_again),
		cmocka_unit_test(others_are_not_asked),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
