/* SPDX-License-Identifier: GPL-2.0 */
/* The mount table: which filesystems are there, which of them we trace, and the host's path of a path inside one. */
#ifndef FSCHANGED_MOUNTS_H
#define FSCHANGED_MOUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum mount_class {
	MOUNT_LOCAL,   /* keeps data, changes only through this kernel: traced */
	MOUNT_MEMORY,  /* tmpfs and the like: traced only if asked for */
	MOUNT_LAYERED, /* overlay: changes are seen on the filesystem of its upper directory */
	MOUNT_REMOTE,  /* network and FUSE: may change elsewhere, cannot be traced */
	MOUNT_PSEUDO,  /* proc, sysfs …: no files to back up */
};

struct mount {
	char *mount_point;
	char *root; /* directory of the filesystem that is mounted here */
	char *type;
	char *source;
	uint32_t device; /* of the superblock, major << 20 | minor */
	int id;          /* as in mountinfo and in statx's stx_mnt_id */
	bool read_only;  /* nothing can be written through this mount */
	enum mount_class class;
};

struct mounts {
	struct mount *rows; /* in the order of the table: a later one may cover an earlier one */
	size_t count;
};

/* path: a mountinfo file; NULL: /proc/self/mountinfo. */
int mounts_read(struct mounts *mounts, const char *path);
void mounts_free(struct mounts *mounts);

const char *mount_class_reason(enum mount_class class); /* why it is or is not traced: a sentence */

/*
 * A name for the filesystem that outlives its mount. Its UUID; where it has no block device "type:number" by its
 * f_fsid; else "type:major:minor". Caller frees.
 */
int mount_identity(const struct mount *mount, char **identity);

/*
 * The name for one of two filesystems that have the same: a copy, or a snapshot of a block device, mounted beside its
 * origin. Takes and replaces *identity, also on failure.
 */
int mount_clone_identity(const struct mount *mount, char **identity);
/* Whether the name is the filesystem's, or the one that it has as a copy. */
bool mount_is(const struct mount *mount, const char *identity);
bool mount_is_clone(const struct mount *mount, const char *identity);

/* A number that a superblock on no single device has got at its mount: after that another one may have it. */
bool mounts_is_anonymous(uint32_t device);

/* Its number as in the mount table: "0:45". */
enum { DEVICE_TEXT_BYTES = 24 };
void mounts_device_text(uint32_t device, char text[DEVICE_TEXT_BYTES]);

/* Its root is the path, inside the filesystem, or above. One of a directory that was removed shows nothing that has a
 * path. */
bool mount_shows(const struct mount *mount, const char *path, size_t length);
/*
 * No backup of a host has what lies there (hier(7)); tools mount a whole btrfs there for as long as they run. It names
 * only what is shown nowhere else.
 */
bool mount_is_transient(const struct mount *mount);
/* The first mount of the device, whose root holds `path` (inside the filesystem; NULL: any). NULL: none. */
const struct mount *mounts_find_device(const struct mounts *mounts, uint32_t device, const char *path);
/* The mount that a host path lies on: the last one with the longest mount point above it. NULL: none. */
const struct mount *mounts_find_path(const struct mounts *mounts, const char *host_path);

/*
 * Inside the filesystem ↔ on the host, both absolute. Length of the result without NUL, -ENOENT where the mount does
 * not show that path, -ENAMETOOLONG where `size` does not hold it.
 */
int mount_to_host(const struct mount *mount, const char *path, size_t length, char *host_path, size_t size);
int mount_from_host(const struct mount *mount, const char *host_path, char *path, size_t size);

#endif
