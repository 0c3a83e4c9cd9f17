/* SPDX-License-Identifier: GPL-2.0 */
/* Shared by places.c, which knows where everything is, and places_look.c, which looks at it. */
#ifndef FSCHANGED_PLACES_PRIVATE_H
#define FSCHANGED_PLACES_PRIVATE_H

#include "mounts.h"
#include "places.h"

struct watch {
	char *path; /* inside the filesystem */
	size_t length;
	char *host_path;
	const struct mount *mount; /* through which it was named; NULL: not known */
	bool usable;
};

struct filesystem {
	uint32_t id;
	char *identity;
	char *mount_point;
	uint32_t device; /* where it is mounted now */
	bool mounted, reported;
	struct watch *watches;
	size_t watch_count;
};

enum mount_state { MOUNT_NOT_TRIED, MOUNT_USABLE, MOUNT_COVERED };

struct places {
	struct reasons *reasons;
	const char *mountinfo;
	const char *relative_to;
	struct mounts mounts;
	enum mount_state *states; /* of each mount */
	bool *named;              /* each mount: reported as hiding something */
	struct filesystem *filesystems;
	size_t filesystem_count;
	bool has_watches; /* without, all of every filesystem is */
	struct look *look;
	const struct mount *mount; /* through which is looked now */
	char *host;                /* the present path on the host */
	size_t host_size, host_length;
	uint64_t unlooked;
};

/* Puts the path on the host into places->host. 0 or -errno. */
int places_set_host(struct places *places, const struct mount *mount, const char *path, size_t length);
/*
 * Enters the mount that shows the place. False: none does; *hidden is one that does but is covered, or NULL.
 * The host's path is not set.
 */
bool places_enter(struct places *places, const struct place *place, const struct mount **hidden);
/* Of a filesystem that the store knows. */
bool places_is_known(const struct places *places, const struct mount *mount);
/* A mount of the filesystem, whose root is strictly below the place. */
bool places_is_root_below(const struct mount *mount, const struct place *place);

#endif
