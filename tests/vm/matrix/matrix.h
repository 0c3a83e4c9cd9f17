/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MATRIX_H
#define MATRIX_H

#include <stdbool.h>
#include <stddef.h>
#include <unistd.h>

/*
 * One way of changing a file. Each operation has a directory of its own, which is the working directory while it runs.
 * Its functions return 0 or -errno.
 */
struct operation {
	const char *name;
	int (*prepare)(void);     /* before the first cut */
	int (*run)(void);         /* in the first window */
	int (*again)(void);       /* in the second one, through what was opened in the first */
	int (*last)(void);        /* in the third one: what changes so much that everything may be listed */
	const char *listed;       /* after the first window: "changed PATH", "deleted PATH", "absent PATH", by commas */
	const char *listed_again; /* after the second; without it nothing of the directory may be listed then */
	const char *listed_last;  /* after the third */
	const char *only;         /* filesystems that know of it; all others have no such thing */
};

/* Tables that end with an operation without a name. */
extern const struct operation content_operations[], uring_operations[], mapping_operations[], name_operations[],
	attribute_operations[], place_operations[], holder_operations[], btrfs_operations[], xfs_operations[],
	ext4_operations[], quiet_operations[];

enum {
	SIZE = 65536, /* of a prepared file */
	PIECE = 4096, /* of what is written */
};

extern const char *filesystem; /* the column */

/* ---- for the operations (util.c) */

#define autofd __attribute__((cleanup(close_cleanup))) int

void close_cleanup(int *fd);

/* -errno when the call has failed, which the caller has just made. */
int result(long returned);

/* open(), but -errno. */
int opened(const char *name, int flags);

/* A new file of SIZE bytes. */
int make(const char *name);

/* Most operations change "file"; some need a second one, "other". */
int make_file(void);
int make_two(void);
int make_directory(void); /* with files: directory/one, directory/below/two */

/* PIECE bytes at the start. */
int put(int fd);
int put_name(const char *name);

/* PIECE bytes, aligned to pages. */
char *piece(void);

int write_text(const char *name, const char *text);

/* Runs a function in a child, because it changes the process; -ECHILD when that died of a signal. */
int in_child(int (*body)(void));

/* A program, silent; -ECHILD when it failed. */
int command(const char *line);

#endif
