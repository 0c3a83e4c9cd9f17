// SPDX-License-Identifier: GPL-2.0
/* Ways of making, moving and removing names. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include "matrix.h"

static int create(void)
{
	autofd fd = opened("file", O_WRONLY | O_CREAT | O_EXCL);

	return fd < 0 ? fd : 0;
}

/* What is open for reading only can make a file, too. */
static int create_reading(void)
{
	autofd fd = opened("file", O_RDONLY | O_CREAT);

	return fd < 0 ? fd : 0;
}

static int temporary(int flags)
{
	int fd = opened(".", O_TMPFILE | O_RDWR | flags);
	int error = fd < 0 ? fd : put(fd);

	if (error && fd >= 0)
		close(fd);
	return error ? error : fd;
}

static int link_by_proc(void)
{
	autofd fd = temporary(0);
	char name[64];

	if (fd < 0)
		return fd;
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	return result(linkat(AT_FDCWD, name, AT_FDCWD, "file", AT_SYMLINK_FOLLOW));
}

static int link_by_descriptor(void)
{
	autofd fd = temporary(0);

	return fd < 0 ? fd : result(linkat(fd, "", AT_FDCWD, "file", AT_EMPTY_PATH));
}

static int make_fifo(void)
{
	return result(mkfifo("file", 0644));
}

static int make_device(void)
{
	return result(mknod("file", S_IFCHR | 0644, makedev(1, 3)));
}

static int make_regular(void)
{
	return result(mknod("file", S_IFREG | 0644, 0));
}

static int make_socket(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "file"};
	autofd fd = socket(AF_UNIX, SOCK_STREAM, 0);

	return fd < 0 ? -errno : result(bind(fd, (struct sockaddr *)&address, sizeof(address)));
}

static int new_directory(void)
{
	return result(mkdir("directory", 0755));
}

static int new_symlink(void)
{
	return result(symlink("target", "file"));
}

static int new_link(void)
{
	return result(link("file", "other"));
}

static int make_linked(void)
{
	return make("file") ?: result(link("file", "other"));
}

static int write_linked(void)
{
	return put_name("other");
}

static int remove_name(void)
{
	return result(unlink("file"));
}

static int make_empty_directory(void)
{
	return result(mkdir("directory", 0755));
}

static int remove_directory(void)
{
	return result(rmdir("directory"));
}

static int move(const char *from, const char *to, unsigned int flags)
{
	return result(renameat2(AT_FDCWD, from, AT_FDCWD, to, flags));
}

static int rename_file(void)
{
	return move("file", "new", 0);
}

static int rename_onto(void)
{
	return move("file", "other", 0);
}

static int rename_noreplace(void)
{
	return move("file", "new", RENAME_NOREPLACE);
}

static int rename_exchange(void)
{
	return move("file", "other", RENAME_EXCHANGE);
}

static int rename_whiteout(void)
{
	return move("file", "new", RENAME_WHITEOUT);
}

static int rename_directory(void)
{
	return move("directory", "new", 0);
}

static int make_file_and_directory(void)
{
	return make_directory() ?: make("file");
}

static int exchange_directory(void)
{
	return move("file", "directory", RENAME_EXCHANGE);
}

static int rename_into(void)
{
	return move("file", "directory/below/moved", 0);
}

static int make_symlink(void)
{
	return result(symlink("target", "link"));
}

static int replace_symlink(void)
{
	return result(unlink("link")) ?: result(mkdir("link", 0755));
}

/* A name that is removed, while another one of the file remains, and the file is written after. */
static int write_after_unlink(void)
{
	autofd fd = opened("file", O_WRONLY);

	return fd < 0 ? fd : result(unlink("file")) ?: put(fd);
}

/* Gone when the list is made: its name has to be gone from the copy as well. */
static int write_after_last_unlink(void)
{
	autofd fd = opened("file", O_WRONLY);

	return fd < 0 ? fd : result(unlink("file")) ?: put(fd);
}

static int write_after_rename(void)
{
	autofd fd = opened("file", O_WRONLY);

	return fd < 0 ? fd : move("file", "new", 0) ?: put(fd);
}

const struct operation name_operations[] = {
	{"create", NULL, create, .listed = "changed file, changed ."},
	{"create-reading", NULL, create_reading, .listed = "changed file, changed ."},
	{"tmpfile-link-by-proc", NULL, link_by_proc, .listed = "changed file"},
	{"tmpfile-link-by-descriptor", NULL, link_by_descriptor, .listed = "changed file"},
	{"mkfifo", NULL, make_fifo, .listed = "changed file"},
	{"mknod-device", NULL, make_device, .listed = "changed file"},
	{"mknod-regular", NULL, make_regular, .listed = "changed file"},
	{"bind-socket", NULL, make_socket, .listed = "changed file"},
	{"mkdir", NULL, new_directory, .listed = "changed directory, changed ."},
	{"symlink", NULL, new_symlink, .listed = "changed file"},
	{"link", make_file, new_link, .listed = "changed file, changed other"},
	/* An overlay copies up one name alone, which is then a file of its own. */
	{"write-linked", make_linked, write_linked, .listed = "changed file, changed other",
	 .only = "ext4 xfs btrfs tmpfs overlay"},
	{"unlink", make_file, remove_name, .listed = "deleted file, changed ."},
	{"unlink-linked", make_linked, remove_name, .listed = "deleted file"},
	{"rmdir", make_empty_directory, remove_directory, .listed = "deleted directory, changed ."},
	{"rename", make_file, rename_file, .listed = "deleted file, changed new"},
	{"rename-onto", make_two, rename_onto, .listed = "deleted file, changed other"},
	{"rename-noreplace", make_file, rename_noreplace, .listed = "deleted file, changed new"},
	{"rename-exchange", make_two, rename_exchange, .listed = "changed file, changed other"},
	{"rename-whiteout", make_file, rename_whiteout, .listed = "changed file, changed new"},
	{"rename-directory", make_directory, rename_directory,
	 .listed = "deleted directory, changed new, changed new/one, changed new/below, changed new/below/two"},
	{"rename-exchange-directory", make_file_and_directory, exchange_directory,
	 .listed = "deleted directory, changed directory, deleted file, changed file/below/two"},
	{"rename-into", make_file_and_directory, rename_into, .listed = "deleted file, changed directory/below/moved"},
	{"replace-symlink", make_symlink, replace_symlink, .listed = "deleted link, changed link"},
	{"write-after-unlink", make_linked, write_after_unlink, .listed = "deleted file, changed other",
	 .only = "ext4 xfs btrfs tmpfs overlay"},
	{"write-after-last-unlink", make_file, write_after_last_unlink, .listed = "deleted file"},
	{"write-after-rename", make_file, write_after_rename, .listed = "deleted file, changed new"},
	{NULL},
};
