// SPDX-License-Identifier: GPL-2.0
/* What only btrfs can do. */
#include <errno.h>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/fs.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "matrix.h"

/* To the present directory. */
static int tell(unsigned long request, void *argument)
{
	autofd directory = opened(".", O_RDONLY | O_DIRECTORY);

	return directory < 0 ? directory : result(ioctl(directory, request, argument));
}

static int create_subvolume(void)
{
	struct btrfs_ioctl_vol_args_v2 arguments = {.name = "subvolume"};

	return tell(BTRFS_IOC_SUBVOL_CREATE_V2, &arguments);
}

static int create_subvolume_with_file(void)
{
	return create_subvolume() ?: make("subvolume/file");
}

static int snapshot(uint64_t flags)
{
	autofd subvolume = opened("subvolume", O_RDONLY | O_DIRECTORY);
	struct btrfs_ioctl_vol_args_v2 arguments = {.fd = subvolume, .flags = flags, .name = "snapshot"};

	return subvolume < 0 ? subvolume : tell(BTRFS_IOC_SNAP_CREATE_V2, &arguments);
}

static int create_snapshot(void)
{
	return snapshot(0);
}

static int create_read_only_snapshot(void)
{
	return snapshot(BTRFS_SUBVOL_RDONLY);
}

static int write_in_snapshot(void)
{
	return snapshot(0) ?: put_name("snapshot/file");
}

static int prepare_snapshot(void)
{
	return create_subvolume_with_file() ?: snapshot(0);
}

static int write_in_prepared_snapshot(void)
{
	return put_name("snapshot/file");
}

static int delete_subvolume(void)
{
	struct btrfs_ioctl_vol_args arguments = {.name = "subvolume"};

	return tell(BTRFS_IOC_SNAP_DESTROY, &arguments);
}

static int remove_subvolume(void)
{
	return result(unlink("subvolume/file")) ?: result(rmdir("subvolume"));
}

/* Its name appears nowhere in the call. */
static int delete_by_number(void)
{
	struct btrfs_ioctl_vol_args_v2 arguments = {.flags = BTRFS_SUBVOL_SPEC_BY_ID};
	struct btrfs_ioctl_get_subvol_info_args about;
	autofd subvolume = opened("subvolume", O_RDONLY | O_DIRECTORY);

	if (subvolume < 0)
		return subvolume;
	if (ioctl(subvolume, BTRFS_IOC_GET_SUBVOL_INFO, &about) < 0)
		return -errno;
	arguments.subvolid = about.treeid;
	return tell(BTRFS_IOC_SNAP_DESTROY_V2, &arguments);
}

static int rename_subvolume(void)
{
	return result(rename("subvolume", "new"));
}

static int make_read_only(void)
{
	autofd subvolume = opened("subvolume", O_RDONLY | O_DIRECTORY);
	uint64_t flags = BTRFS_SUBVOL_RDONLY;

	return subvolume < 0 ? subvolume : result(ioctl(subvolume, BTRFS_IOC_SUBVOL_SETFLAGS, &flags));
}

/* A stream to be received, with a change of each kind. */
static int prepare_stream(void)
{
	return create_subvolume_with_file()
		       ?: command("mkdir into subvolume/below && ln subvolume/file subvolume/below/link &&"
				  "btrfs property set subvolume ro true && btrfs send -f stream subvolume");
}

static int receive(void)
{
	return command("btrfs receive -f stream into");
}

/* Compressed by the caller: PIECE bytes of the same letter. */
static int write_encoded(void)
{
	static unsigned char data[] = {0x78, 0x9c, 0xed, 0xc1, 0x01, 0x0d, 0x00, 0x00, 0x00, 0xc2,
				       0xa0, 0xae, 0xef, 0x1f, 0xc2, 0x1e, 0x0e, 0x28, 0x00, 0x00,
				       0x00, 0xe0, 0xdd, 0x00, 0xff, 0x4b, 0x20, 0x5b};
	struct iovec part = {data, sizeof(data)};
	struct btrfs_ioctl_encoded_io_args arguments = {.iov = &part,
							.iovcnt = 1,
							.len = PIECE,
							.unencoded_len = PIECE,
							.compression = BTRFS_ENCODED_IO_COMPRESSION_ZLIB};
	autofd fd = opened("file", O_RDWR);

	return fd < 0 ? fd : result(ioctl(fd, BTRFS_IOC_ENCODED_WRITE, &arguments));
}

static int set_compression(void)
{
	return command("btrfs property set file compression zstd");
}

/* Any user may ask for these, of any filesystem, and none is made. */
static int ask_for_odd_names(void)
{
	static const char *const names[] = {"/", "..", ".", "a//b", "/a", "a/", "../../a", "a/../.."};
	autofd directory = opened("directory", O_RDONLY | O_DIRECTORY);

	for (size_t i = 0; directory >= 0 && i < sizeof(names) / sizeof(names[0]); i++) {
		struct btrfs_ioctl_vol_args_v2 arguments = {.name = ""};

		strcpy(arguments.name, names[i]);
		if (ioctl(directory, BTRFS_IOC_SUBVOL_CREATE_V2, &arguments) == 0)
			return -EEXIST;
	}
	return directory < 0 ? directory : 0;
}

const struct operation btrfs_operations[] = {
	{"subvolume-create", NULL, create_subvolume, .listed = "changed subvolume, changed .", .only = "btrfs"},
	{"subvolume-fill", NULL, create_subvolume_with_file, .listed = "changed subvolume, changed subvolume/file",
	 .only = "btrfs"},
	{"subvolume-snapshot", create_subvolume_with_file, create_snapshot,
	 .listed = "changed snapshot, changed snapshot/file", .only = "btrfs"},
	{"subvolume-snapshot-ro", create_subvolume_with_file, create_read_only_snapshot,
	 .listed = "changed snapshot, changed snapshot/file", .only = "btrfs"},
	{"subvolume-snapshot-write", create_subvolume_with_file, write_in_snapshot,
	 .listed = "changed snapshot, changed snapshot/file", .only = "btrfs"},
	{"subvolume-write-in-snapshot", prepare_snapshot, write_in_prepared_snapshot, .listed = "changed snapshot/file",
	 .only = "btrfs"},
	{"subvolume-delete", create_subvolume_with_file, delete_subvolume, .listed = "deleted subvolume",
	 .only = "btrfs"},
	{"subvolume-rmdir", create_subvolume_with_file, remove_subvolume, .listed = "deleted subvolume",
	 .only = "btrfs"},
	{"subvolume-delete-by-id", create_subvolume_with_file, .last = delete_by_number,
	 .listed_last = "deleted subvolume", .only = "btrfs"},
	{"subvolume-rename", create_subvolume_with_file, rename_subvolume,
	 .listed = "deleted subvolume, changed new, changed new/file", .only = "btrfs"},
	{"subvolume-read-only", create_subvolume_with_file, make_read_only, .listed = "changed subvolume",
	 .only = "btrfs"},
	{"subvolume-odd-names", make_directory, .last = ask_for_odd_names,
	 .listed_last = "changed directory, changed directory/below", .only = "btrfs"},
	{"subvolume-elsewhere", make_directory, ask_for_odd_names, .listed = "changed directory",
	 .only = "ext4 xfs tmpfs"},
	{"btrfs-receive", prepare_stream, receive,
	 .listed = "changed into/subvolume, changed into/subvolume/file, changed into/subvolume/below/link",
	 .only = "btrfs"},
	{"btrfs-encoded-write", make_file, write_encoded, .listed = "changed file", .only = "btrfs"},
	{"btrfs-compression", make_file, set_compression, .listed = "changed file", .only = "btrfs"},
	{NULL},
};
