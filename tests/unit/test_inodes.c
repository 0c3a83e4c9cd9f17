// SPDX-License-Identifier: GPL-2.0
/* What filesystems tell of their inodes. */
#include <endian.h>
#include <errno.h>
#include <linux/btrfs.h>
#include <linux/btrfs_tree.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <xfs/xfs.h>

#include <cmocka.h>

#include "inode_set.h"
#include "inodes_private.h"

static void test_set_lacks_none(void **state)
{
	struct inode_set *set = inode_set_new(16);
	unsigned others = 0;

	(void)state;
	for (uint64_t i = 0; i < 1000; i++)
		inode_set_add(set, i << 33 | i);
	for (uint64_t i = 0; i < 1000; i++)
		assert_true(inode_set_has(set, i << 33 | i));
	for (uint64_t i = 0; i < 1000; i++)
		others += inode_set_has(set, 1000 + i);
	assert_in_range(others, 0, 60);
	inode_set_free(set);
}

static void test_ways(void **state)
{
	(void)state;
	assert_ptr_equal(inodes_find("xfs"), &inodes_xfs);
	assert_ptr_equal(inodes_find("btrfs"), &inodes_btrfs);
	assert_null(inodes_find("ext4"));
}

/* Ours is that of the kernel. */
static void test_bulkstat(void **state)
{
	(void)state;
	assert_int_equal(BULKSTAT_IOCTL, XFS_IOC_BULKSTAT);
	assert_int_equal(sizeof(struct bulkstat_inode), sizeof(struct xfs_bulkstat));
	assert_int_equal(sizeof(struct bulkstat_request), sizeof(struct xfs_bulkstat_req));
	assert_int_equal(offsetof(struct bulkstat_request, count), offsetof(struct xfs_bulk_ireq, ocount));
	assert_int_equal(BULKSTAT_OF_GROUP, XFS_BULK_IREQ_AGNO);
	assert_int_equal(offsetof(struct bulkstat_request, group), offsetof(struct xfs_bulk_ireq, agno));
	assert_int_equal(offsetof(struct bulkstat_request, room), offsetof(struct xfs_bulk_ireq, icount));
	assert_int_equal(offsetof(struct bulkstat_inode, changed), offsetof(struct xfs_bulkstat, bs_ctime));
	assert_int_equal(offsetof(struct bulkstat_inode, changed_nsec), offsetof(struct xfs_bulkstat, bs_ctime_nsec));
	assert_int_equal(offsetof(struct bulkstat_inode, links), offsetof(struct xfs_bulkstat, bs_nlink));
	assert_int_equal(offsetof(struct bulkstat_inode, mode), offsetof(struct xfs_bulkstat, bs_mode));
}

/* What a search of btrfs has found */

struct found {
	char bytes[4096];
	size_t used;
	struct btrfs_ioctl_search_key key;
};

static void find(struct found *found, uint64_t inode, uint32_t type, const void *item, uint32_t size)
{
	const struct btrfs_ioctl_search_header header = {.objectid = inode, .type = type, .offset = 7, .len = size};

	memcpy(found->bytes + found->used, &header, sizeof(header));
	memcpy(found->bytes + found->used + sizeof(header), item, size);
	found->used += sizeof(header) + size;
	found->key.nr_items++;
}

static void find_inode(struct found *found, uint64_t inode, int64_t seconds)
{
	const struct btrfs_inode_item item = {
		.mode = htole32(0100644),
		.nlink = htole32(3),
		.ctime = {.sec = htole64((uint64_t)seconds), .nsec = htole32(5)},
	};

	find(found, inode, BTRFS_INODE_ITEM_KEY, &item, sizeof(item));
}

struct taken {
	struct inode_facts facts[8];
	size_t count;
	int answer;
};

static int take(const struct inode_facts *facts, void *context)
{
	struct taken *taken = context;

	taken->facts[taken->count++] = *facts;
	return taken->answer;
}

static void test_items(void **state)
{
	struct found found = {0};
	struct taken taken = {0};

	(void)state;
	find_inode(&found, 257, 1700000000);
	find(&found, 257, BTRFS_INODE_REF_KEY, "a name", 6);
	find_inode(&found, UINT64_C(1) << 40, -3);
	find(&found, UINT64_C(1) << 40, BTRFS_EXTENT_DATA_KEY, "", 0);
	assert_int_equal(inodes_btrfs_take(&found.key, found.bytes, found.used, take, &taken), 0);
	assert_int_equal(taken.count, 2);
	assert_int_equal(taken.facts[0].inode, 257);
	assert_int_equal(taken.facts[0].changed, INT64_C(1700000000000000005));
	assert_int_equal(taken.facts[0].mode, 0100644);
	assert_int_equal(taken.facts[0].links, 3);
	assert_int_equal(taken.facts[1].inode, UINT64_C(1) << 40);
	assert_int_equal(taken.facts[1].changed, INT64_C(-2999999995));
	assert_int_equal(found.key.min_objectid, UINT64_C(1) << 40);
	assert_int_equal(found.key.min_type, BTRFS_EXTENT_DATA_KEY);
	assert_int_equal(found.key.min_offset, 7);
}

/* Nothing is taken for less than it is. */
static void test_items_that_are_cut_off(void **state)
{
	struct found found = {0};
	struct taken taken = {0};

	(void)state;
	find_inode(&found, 257, 1);
	assert_int_equal(inodes_btrfs_take(&found.key, found.bytes, found.used - 1, take, &taken), -EUCLEAN);
	assert_int_equal(inodes_btrfs_take(&found.key, found.bytes, 1, take, &taken), -EUCLEAN);
	find(&found, 258, BTRFS_INODE_ITEM_KEY, "short", 5);
	assert_int_equal(inodes_btrfs_take(&found.key, found.bytes, found.used, take, &taken), -EUCLEAN);
	assert_int_equal(taken.count, 1);
	taken.answer = -ENOMEM;
	assert_int_equal(inodes_btrfs_take(&found.key, found.bytes, found.used, take, &taken), -ENOMEM);
}

static void expect_next(uint64_t inode, uint32_t type, uint64_t offset, uint64_t next_inode, uint32_t next_type,
			uint64_t next_offset)
{
	struct btrfs_ioctl_search_key key = {
		.min_objectid = inode,
		.min_type = type,
		.min_offset = offset,
		.max_objectid = 1000,
	};

	assert_int_equal(inodes_btrfs_next(&key), 0);
	assert_int_equal(key.min_objectid, next_inode);
	assert_int_equal(key.min_type, next_type);
	assert_int_equal(key.min_offset, next_offset);
}

static void test_next_key(void **state)
{
	struct btrfs_ioctl_search_key last = {
		.min_objectid = 1000,
		.min_type = UINT8_MAX,
		.min_offset = UINT64_MAX,
		.max_objectid = 1000,
	};

	(void)state;
	expect_next(257, 1, 0, 257, 1, 1);
	expect_next(257, 1, UINT64_MAX, 257, 2, 0);
	expect_next(257, UINT8_MAX, UINT64_MAX, 258, 0, 0);
	assert_int_equal(inodes_btrfs_next(&last), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set_lacks_none),
		cmocka_unit_test(test_ways),
		cmocka_unit_test(test_bulkstat),
		cmocka_unit_test(test_items),
		cmocka_unit_test(test_items_that_are_cut_off),
		cmocka_unit_test(test_next_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
