// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "handle.h"

enum { HANDLE_BYTES = 128 /* MAX_HANDLE_SZ */ };

/* An inode number of 8 bytes or of 4, and where it and the generation of 4 bytes stand. */
struct layout {
	const char *type;
	unsigned bytes;
	int kind;
	size_t inode, inode_bytes, generation;
};

/*
 * Filesystems that find every inode by its handle. Not tmpfs, where only an inode of which somebody has asked for the
 * handle is found (shmem_encode_fh()), nor vfat, which looks into its cache alone (fat_nfs_get_inode()). Nor btrfs: a
 * handle there is of a subvolume, and where the file was another one may be by now.
 */
static const struct layout layouts[] = {
	/* generic_encode_ino32_fh(): FILEID_INO32_GEN */
	{"ext2", 8, 0x01, 0, 4, 4},
	{"ext3", 8, 0x01, 0, 4, 4},
	{"ext4", 8, 0x01, 0, 4, 4},
	{"f2fs", 8, 0x01, 0, 4, 4},
	/* fs/xfs/xfs_export.h: the second one unless all inode numbers are small */
	{"xfs", 8, 0x01, 0, 4, 4},
	{"xfs", 12, 0x81, 0, 8, 8},
};

union handle {
	struct file_handle head;
	char bytes[sizeof(struct file_handle) + HANDLE_BYTES];
};

static const struct layout *find_layout(const char *type, const struct file_handle *handle)
{
	for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++)
		if (strcmp(layouts[i].type, type) == 0 && layouts[i].bytes == handle->handle_bytes &&
		    layouts[i].kind == handle->handle_type)
			return &layouts[i];
	return NULL;
}

/* False: the number does not fit. */
static bool put_inode(const struct layout *layout, unsigned char *handle, uint64_t inode)
{
	uint32_t small = (uint32_t)inode;

	if (layout->inode_bytes == sizeof(inode))
		memcpy(handle + layout->inode, &inode, sizeof(inode));
	else
		memcpy(handle + layout->inode, &small, sizeof(small));
	return layout->inode_bytes == sizeof(inode) || small == inode;
}

/* The layout is that of the directory's own handle, which is the pattern for all others. */
static bool is_as_expected(const struct layout *layout, int directory, const struct file_handle *handle)
{
	unsigned char expected[HANDLE_BYTES];
	struct stat status;

	if (fstat(directory, &status) < 0)
		return false;
	memcpy(expected, handle->f_handle, handle->handle_bytes);
	return put_inode(layout, expected, status.st_ino) &&
	       memcmp(expected, handle->f_handle, handle->handle_bytes) == 0;
}

static int is_nameless(int fd, uint64_t inode)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return -errno;
	return status.st_ino == inode ? status.st_nlink == 0 : -EUCLEAN;
}

int handle_is_gone(int directory, const char *type, uint64_t inode, uint32_t generation)
{
	union handle handle = {.head.handle_bytes = HANDLE_BYTES};
	const struct layout *layout;
	int mount, fd, result;

	if (name_to_handle_at(directory, "", &handle.head, &mount, AT_EMPTY_PATH) < 0)
		return -errno;
	layout = find_layout(type, &handle.head);
	if (!layout || !is_as_expected(layout, directory, &handle.head) ||
	    !put_inode(layout, handle.head.f_handle, inode))
		return -EOPNOTSUPP;
	memcpy(handle.head.f_handle + layout->generation, &generation, sizeof(generation));
	/* Not O_DIRECTORY: with that kernels from 6.11 on may take what is no directory for stale. */
	fd = open_by_handle_at(directory, &handle.head, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return errno == ESTALE ? 1 : -errno;
	result = is_nameless(fd, inode);
	close(fd);
	return result;
}
