// SPDX-License-Identifier: GPL-2.0
/*
 * The tree of a subvolume has an item for each inode. What changes an inode puts off its item (delayed-inode.c), and a
 * write does not touch it before its data is on the disk (btrfs_finish_one_ordered()), while statx tells the new ctime
 * at once. So the filesystem is synced first: then all data is written, and a transaction committed, which brings the
 * items into the trees (btrfs_commit_transaction(): btrfs_run_delayed_items()). A search reads the trees of the
 * transaction under way, so it finds nothing older.
 *
 * Nothing is written on a filesystem that is read-only, one that a failure has made so may keep in memory what will
 * never come into a tree. Of a write that failed the item is as it was, and so is the file, once memory forgets it.
 */
#include <endian.h>
#include <errno.h>
#include <linux/btrfs.h>
#include <linux/btrfs_tree.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "inodes_private.h"
#include "moment.h"

enum { SEARCH_BYTES = 1 << 20 };

/* The number of its tree, which no other subvolume ever gets. Unlike that of a device. */
static int get_part(int directory, uint64_t *part)
{
	struct btrfs_ioctl_ino_lookup_args lookup = {.objectid = BTRFS_FIRST_FREE_OBJECTID};

	if (ioctl(directory, BTRFS_IOC_INO_LOOKUP, &lookup))
		return -errno;
	*part = lookup.treeid;
	return 0;
}

static int settle(int directory)
{
	struct statvfs state;

	if (syncfs(directory) || fstatvfs(directory, &state))
		return -errno;
	return state.f_flag & ST_RDONLY ? -EROFS : 0;
}

static int take_item(const struct btrfs_ioctl_search_header *header, const char *bytes, inodes_each *each,
		     void *context)
{
	struct btrfs_inode_item item;
	struct inode_facts facts = {.inode = header->objectid};

	if (header->type != BTRFS_INODE_ITEM_KEY)
		return 0;
	if (header->len < sizeof(item))
		return -EUCLEAN;
	memcpy(&item, bytes, sizeof(item));
	facts.changed = (int64_t)le64toh(item.ctime.sec) * NANOSECONDS + le32toh(item.ctime.nsec);
	facts.mode = le32toh(item.mode);
	facts.links = le32toh(item.nlink);
	return each(&facts, context);
}

int inodes_btrfs_take(struct btrfs_ioctl_search_key *key, const char *items, size_t size, inodes_each *each,
		      void *context)
{
	struct btrfs_ioctl_search_header header;
	int code = 0;

	for (uint32_t i = 0; !code && i < key->nr_items; i++) {
		if (size < sizeof(header))
			return -EUCLEAN;
		memcpy(&header, items, sizeof(header));
		items += sizeof(header);
		size -= sizeof(header);
		if (size < header.len)
			return -EUCLEAN;
		code = take_item(&header, items, each, context);
		items += header.len;
		size -= header.len;
		key->min_objectid = header.objectid;
		key->min_type = header.type;
		key->min_offset = header.offset;
	}
	return code;
}

/* Keys are in the order of number, type and offset; those of inodes have the lowest type that a number has. */
int inodes_btrfs_next(struct btrfs_ioctl_search_key *key)
{
	if (++key->min_offset)
		return 0;
	key->min_type = (key->min_type + 1) % (UINT8_MAX + 1);
	if (key->min_type)
		return 0;
	return ++key->min_objectid > key->max_objectid ? -ENOENT : 0;
}

static int search(int directory, struct btrfs_ioctl_search_args_v2 *search, inodes_each *each, void *context)
{
	int code = 0;

	while (!code) {
		search->key.nr_items = UINT32_MAX;
		search->buf_size = SEARCH_BYTES;
		if (ioctl(directory, BTRFS_IOC_TREE_SEARCH_V2, search))
			return -errno;
		if (!search->key.nr_items)
			return 0;
		code = inodes_btrfs_take(&search->key, (const char *)search->buf, SEARCH_BYTES, each, context);
		if (!code && inodes_btrfs_next(&search->key))
			return 0;
	}
	return code;
}

static int read_inodes(int directory, uint64_t part, inodes_each *each, void *context)
{
	struct btrfs_ioctl_search_args_v2 *request = calloc(1, sizeof(*request) + SEARCH_BYTES);
	int code;

	if (!request)
		return -ENOMEM;
	request->key = (struct btrfs_ioctl_search_key){
		.tree_id = part,
		.min_objectid = BTRFS_FIRST_FREE_OBJECTID,
		.max_objectid = BTRFS_LAST_FREE_OBJECTID,
		.max_type = UINT8_MAX,
		.max_offset = UINT64_MAX,
		.max_transid = UINT64_MAX,
	};
	code = search(directory, request, each, context);
	free(request);
	return code;
}

const struct inodes_way inodes_btrfs = {"btrfs", get_part, settle, read_inodes};
