/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where programs, maps and ring stay in the kernel while no collector runs: directories in bpffs.
 *
 *	/sys/fs/bpf/fschanged/<state>/<generation>/<pin>
 *
 * <state> is a sum over the path of the state directory. Each collector pins a generation of its own; `ready` is its
 * last pin and the first that goes, so that a generation without it was never whole or is being removed.
 * Functions return 0 or -errno.
 */
#ifndef FSCHANGED_PINS_H
#define FSCHANGED_PINS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#define PINS_READY "ready"

struct pins {
	char directory[PATH_MAX]; /* of one state */
	int lock;                 /* on it: held by whoever may change what is in it */
};

#define PINS_CLOSED ((struct pins){.lock = -1})

/*
 * Mounts bpffs where it is not, makes the directory, locks it. -EBUSY: a collector has it. Of a state that is given by
 * its path, resolved.
 */
int pins_open(struct pins *pins, const char *state);
/* The same, if it is there: -ENOENT. */
int pins_find(struct pins *pins, const char *state);
/* Without the lock, to look at. */
void pins_name(struct pins *pins, const char *name);
/* The same for a directory that is there: its name below that of all states. */
int pins_open_name(struct pins *pins, const char *name);
void pins_close(struct pins *pins);
/* The directory is gone, or another one is in its place: makes and locks it anew. */
int pins_renew(struct pins *pins);

/* *next: the next generation above `after`; 0: none. */
int pins_next(const struct pins *pins, unsigned after, unsigned *next);
/* Path of a generation, or of a pin in it. */
void pins_path(const struct pins *pins, unsigned generation, const char *name, char path[static PATH_MAX]);
int pins_make(const struct pins *pins, unsigned generation);
int pins_remove(const struct pins *pins, unsigned generation);
/* Removes the directory itself, which must be empty, and that above it if no other state is left. */
void pins_remove_directory(const struct pins *pins);

/* Calls back with the name of each pin. */
int pins_each(const struct pins *pins, unsigned generation, int (*each)(const char *name, void *context),
	      void *context);
size_t pins_count(const struct pins *pins, unsigned generation);
/* Calls back with the name of each directory of a state. */
int pins_states(int (*each)(const char *name, void *context), void *context);

#endif
