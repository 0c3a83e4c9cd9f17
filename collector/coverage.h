/* SPDX-License-Identifier: GPL-2.0 */
/* What is watched: filesystems that are traced, the watched directories in them, and what is left out. */
#ifndef FSCHANGED_COVERAGE_H
#define FSCHANGED_COVERAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dirty.h"
#include "mounts.h"
#include "store.h"

struct watch {
	char *host_path;     /* resolved: absolute, without symbolic links */
	char *path;          /* inside its filesystem */
	uint32_t device;     /* 0: its filesystem is not mounted */
	uint32_t filesystem; /* of the store's row that it was last found on; 0: not known */
	size_t depth;        /* length of the mount point there: a mount above shows another directory of that name */
};

struct covered {
	uint32_t device;
	uint32_t id;  /* of the store's row; 0: not yet in the store */
	int mount_id; /* of the mount that it is known by */
	char *mount_point;
	char *identity; /* of the store's row; NULL: not yet in the store */
	bool moved; /* other directories of it are seen than before, or at another place; to be cleared by the caller */
	bool told;  /* a gap tells that it came, and so of all that is shown of it; to be cleared likewise */
	bool canary;       /* one is awaited */
	bool silent;       /* one did not come back, of which no gap tells yet */
	bool held;         /* files of it were open, of which no gap tells yet */
	bool ended;        /* it was unmounted for good, whatever has its numbers now */
	bool settled;      /* no file of it is open for writing that the kernel side does not know */
	int64_t hidden;    /* how many there seemed to be */
	int64_t since;     /* it has been there, by the clock of records */
	uint32_t came;     /* which of the superblocks with this device it is, as the kernel side counts them */
	uint32_t *devices; /* on which it lies, its own first */
	size_t device_count;
	uint64_t instance; /* of that one */
	uint64_t writes;   /* into them past the filesystem that are accounted for */
	bool written;      /* since the look before the last */
};

struct coverage {
	struct mounts mounts;
	struct watch *watches;
	size_t watch_count; /* 0: all of every local filesystem */
	struct covered *rows;
	size_t count;
	struct watch excluded; /* our own state */
};

/*
 * A directory that is watched and is on no mount as deep as the store knows it from is awaited there: it may be mounted
 * later. Resolves the watched directories and finds the filesystems. Nothing is traced yet. On error *error (caller
 * frees) is a sentence.
 */
int coverage_open(struct coverage *coverage, struct store *store, char *const *watch, size_t count, const char *state,
		  char **error);
void coverage_close(struct coverage *coverage);

/*
 * Reads the mount table again. Calls back for each filesystem that came (came) or went; `row` is valid meanwhile. A
 * filesystem that was mounted anew at the same device went and came: has_ended tells where the table cannot. One for
 * which the callback does not return 0 has not come: it is called for it the next time. Below 0 that is an error.
 */
int coverage_update(struct coverage *coverage, bool (*has_ended)(const struct covered *row, void *context),
		    int (*changed)(struct covered *row, bool came, void *context), void *context);

/* It is to be traced. */
bool coverage_wants(const struct coverage *coverage, const struct mount *mount);
bool coverage_has_identity(const struct coverage *coverage, const char *identity);
struct covered *coverage_find(struct coverage *coverage, uint32_t device);
/* The mount by which a path of the filesystem is seen: the one that a watch names, else the first. */
const struct mount *coverage_mount(const struct coverage *coverage, uint32_t device, const char *path);

/*
 * Calls back with the entry if it lies in what is watched. An ancestor of a watched directory that was moved or
 * replaced becomes an entry for that directory: all of it may be another one now.
 */
int coverage_apply(const struct coverage *coverage, const struct dirty *entry, uint32_t device,
		   int (*each)(const struct dirty *entry, void *context), void *context);

#endif
