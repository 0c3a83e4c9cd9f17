/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Files with several names: a file that changed must be listed under all of them. Where one is not known, the list is
 * incomplete.
 */
#ifndef FSCHANGED_LIST_LINKS_H
#define FSCHANGED_LIST_LINKS_H

#include "places.h"

struct links;

/* memory: bytes for sorting. */
int links_new(struct links **links, size_t memory, struct places *places, struct reasons *reasons);
void links_free(struct links *links);
/* Each name of each file of the changed list. The path is inside the filesystem. */
int links_add(struct links *links, uint32_t filesystem, const char *path, size_t length, const struct looked *looked);
/* After the last name: reports the files of which a name is missing. The windows are those of the list. */
int links_check(struct links *links, struct store *store, uint64_t first, uint64_t last);

#endif
