/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The store's paths on the host of now: which mount shows a path, what is hidden, not mounted or vanished. What cannot
 * be looked at is reported and is in neither list.
 */
#ifndef FSCHANGED_PLACES_H
#define FSCHANGED_PLACES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "list_reasons.h"
#include "look.h"
#include "store.h"

struct places;
struct filesystem;
struct watch;

struct place {
	struct filesystem *filesystem;
	const struct watch *watch; /* the nearest above; NULL: any mount will do */
	const char *path;          /* inside the filesystem */
	size_t length;
};

/* What was found. The path lives until the next look. */
struct sight {
	const char *host;
	size_t length;
	const char *type; /* of the filesystem: "ext4" */
	struct looked looked;
};

/*
 * mountinfo: as for mounts_read(). relative_to: NULL, or a directory in which paths are looked for first. Both must
 * outlive the places.
 */
int places_new(struct places **places, const char *mountinfo, const char *relative_to, struct reasons *reasons,
	       char **error);
void places_free(struct places *places);

/* Reads filesystems and watches, and reports those that are not there. */
int places_read(struct places *places, struct store *store);
/* The host's directory lies in a watched place, or above one; each of a filesystem that is mounted. */
bool places_cover(const struct places *places, const char *directory);
/* After the last look: how many more could not be looked at than were named. */
void places_report_rest(struct places *places);

/*
 * Also after it: what was looked through is what it was, else that is reported. Numbers of mounts and devices are used
 * again at once.
 */
int places_confirm(struct places *places);

/* 0: *place is set; -ENODEV: its filesystem is not mounted, which was reported; -ENOENT: the store does not know it. */
int places_find(struct places *places, uint32_t filesystem, const char *path, size_t length, struct place *place);
uint32_t places_filesystem(const struct place *place);
/* Where the filesystem is or was seen; NULL: the store does not know it. */
const char *places_mount_point(struct places *places, uint32_t filesystem);
/* Is it the device of the filesystem itself? Where subvolumes have their own no file has it. */
bool places_is_device(struct places *places, uint32_t filesystem, uint64_t device);
/* The place is not watched, or the directory as which it is watched has vanished. */
bool places_is_unwatched(const struct place *place);

/* 0; -ENOENT: not there, the host's path is set; -EAGAIN: it cannot be told, which was reported; -errno. */
int places_look(struct places *places, const struct place *place, struct sight *sight);
/* The same without a report; other errors instead of -EAGAIN. Where no mount shows the place *sight stays as it is. */
int places_peek(struct places *places, const struct place *place, struct sight *sight);

/* Every entry below the directory at which places_look() has looked last. */
int places_expand(struct places *places, const struct place *place,
		  int (*each)(const char *path, size_t length, const struct sight *sight, void *context),
		  void *context);
/*
 * What lies below the place but is not met when it is expanded: watched directories, and what another mount shows than
 * the one that shows the place.
 */
int places_below(struct places *places, const struct place *place,
		 int (*each)(const struct place *place, void *context), void *context);

/*
 * What other filesystems show below a directory of the host that was deleted or moved, with all that is mounted there:
 * the roots of their mounts. host lives in the caller's memory.
 */
int places_mounted_below(struct places *places, const char *host, size_t length,
			 int (*each)(const struct place *place, void *context), void *context);

#endif
