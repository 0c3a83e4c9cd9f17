// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include "inode_set.h"

struct inode_set {
	unsigned order;
	uint8_t bits[];
};

struct inode_set *inode_set_new(unsigned order)
{
	struct inode_set *set = calloc(1, sizeof(*set) + (UINT64_C(1) << order) / 8);

	if (set)
		set->order = order;
	return set;
}

void inode_set_free(struct inode_set *set)
{
	free(set);
}

static uint64_t hash(const struct inode_set *set, uint64_t inode)
{
	return inode * 0x9e3779b97f4a7c15ULL >> (64 - set->order);
}

void inode_set_add(struct inode_set *set, uint64_t inode)
{
	uint64_t bit = hash(set, inode);

	__atomic_fetch_or(&set->bits[bit / 8], (uint8_t)(1U << bit % 8), __ATOMIC_RELAXED);
}

bool inode_set_has(const struct inode_set *set, uint64_t inode)
{
	uint64_t bit = hash(set, inode);

	return __atomic_load_n(&set->bits[bit / 8], __ATOMIC_RELAXED) & 1U << bit % 8;
}
