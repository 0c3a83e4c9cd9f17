/* SPDX-License-Identifier: GPL-2.0 */
/* The configuration: one table of options, read from a file of "name = value" lines. */
#ifndef FSCHANGED_CONFIG_H
#define FSCHANGED_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONFIG_FILE "/etc/fschanged/fschanged.conf"

struct config {
	char *state;  /* directory of the database */
	char *socket; /* NULL: not set */
	char *group;  /* NULL: not set */
	char **watch; /* directories; none: all local filesystems */
	size_t watch_count;
	uint64_t ring;    /* bytes of the ring buffer */
	uint64_t writers; /* entries of the kernel's tables */
	uint64_t reported;
	uint64_t operations;
	bool precise;        /* writes are recorded, too */
	uint64_t batch;      /* records a transaction */
	uint64_t keep;       /* seconds that committed windows are kept */
	uint64_t limit_age;  /* seconds; 0: none. A job that needs older windows becomes fresh */
	uint64_t limit_size; /* bytes of the database; 0: none. The job that needs most of it becomes fresh */
	bool walk;           /* new filesystems are walked for the names of files with several links */
};

/*
 * The functions return 0 or -errno; *error (caller frees) is a sentence then, or NULL where memory has run out.
 * config_init() sets the defaults; config_free() may be called in any case.
 */
int config_init(struct config *config);
void config_free(struct config *config);
int config_set(struct config *config, const char *name, const char *value, char **error);
void config_clear_watch(struct config *config);
/* -ENOENT where there is no such file. */
int config_read(struct config *config, const char *file, char **error);

#endif
