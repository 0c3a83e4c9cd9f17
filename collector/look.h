/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Looks at the files of one mount by their path inside the filesystem. Never follows a symbolic link and never enters
 * what is mounted on top: a path that leads through a symbolic link is not there, one below another mount is hidden.
 */
#ifndef FSCHANGED_LOOK_H
#define FSCHANGED_LOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mounts.h"

struct look;

struct looked {
	uint32_t mode, links;
	uint64_t inode;
	int64_t changed; /* ctime, Unix time in nanoseconds */
	uint64_t device; /* of the file: each subvolume has one of its own */
};

int look_new(struct look **look);
void look_free(struct look *look);

/* 0; -EXDEV: something else is mounted over all of it; -errno. The mount lives as long as it is in use here. */
int look_set_mount(struct look *look, const struct mount *mount);

/*
 * 0: *looked is set; -ENOENT: not there; -EXDEV: hidden below another mount; -ENOKEY: a directory whose names are
 * encrypted, or what would be in one, and the key is absent; -errno: it cannot be told.
 */
int look_at(struct look *look, const char *path, size_t length, struct looked *looked);

struct look_visitor {
	/*
	 * Of a directory the type alone is set. 0: go on, also below; 1: go on, but not below; -errno ends the walk and
	 * is returned.
	 */
	int (*entry)(const char *path, size_t length, const struct looked *looked, void *context);
	/* What could not be looked at, and why: -EXDEV or -errno. 0: go on; -errno ends the walk and is returned. */
	int (*failed)(const char *path, size_t length, int error, void *context);
	void *context;
	/* May be NULL, like the next. A directory, open for reading, before its entries. -errno ends the walk. */
	int (*enters)(int directory, void *context);
	/* Whether the entry, which is no directory and has that inode, is passed over without a look. */
	bool (*passes)(uint64_t inode, void *context);
};

/* Every entry below the directory. What vanishes meanwhile is passed over. Memory and descriptors are fixed. */
int look_below(struct look *look, const char *path, size_t length, const struct look_visitor *visitor);

/* The entries of the directory alone. */
int look_into(struct look *look, const char *path, size_t length, const struct look_visitor *visitor);

#endif
