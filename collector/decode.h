/* SPDX-License-Identifier: GPL-2.0 */
/* From a record of the ring to what it says. */
#ifndef FSCHANGED_DECODE_H
#define FSCHANGED_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dirty.h"
#include "event.h"

enum { DECODED_PATH_BYTES = PATH_BYTES + 1 };

/*
 * The path inside its filesystem, "/a/b", terminated. A record's path may be one name longer than the store takes, or
 * have one that no directory holds: a dentry that is being made is called "/" (vfs_tmpfile(), fs/namei.c) and one that
 * moves has half a name, where the walk met memory that had just become another's; the name in an ioctl is whatever the
 * caller put there. Then it is that of the nearest ancestor that fits, and EVENT_UNFIT is added to the flags. Returns
 * its length.
 */
size_t decode_path(const struct event *event, char path[DECODED_PATH_BYTES], uint8_t *flags);
struct dirty_facts decode_facts(const struct event *event);
/* The link count after the operation; 1 for a directory, whose links are no names. */
uint32_t decode_links(const struct event *event);
/* Does the operation add, remove or move a name, so that its directory has changed as well? */
bool decode_changes_directory(const struct event *event);
const char *operation_name(enum operation operation);

#endif
