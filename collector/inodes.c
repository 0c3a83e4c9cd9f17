// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "inodes_private.h"

static const struct inodes_way *const ways[] = {&inodes_xfs, &inodes_btrfs};

const struct inodes_way *inodes_find(const char *type)
{
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++)
		if (strcmp(ways[i]->type, type) == 0)
			return ways[i];
	return NULL;
}
