/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Asks a filesystem for a file by its inode number and generation, as an NFS server does: no name is needed.
 */
#ifndef FSCHANGED_HANDLE_H
#define FSCHANGED_HANDLE_H

#include <stdint.h>

/*
 * Whether the file has no name any more. directory: open for reading, of the same filesystem;
 * type: the filesystem's, as mountinfo has it. 1: it has none, or there is no such file; 0: it has one; -EOPNOTSUPP:
 * this filesystem would not tell; -errno.
 *
 * An inode that cannot be read counts as gone: exportfs_decode_fh() makes one error of all.
 */
int handle_is_gone(int directory, const char *type, uint64_t inode, uint32_t generation);

#endif
