/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A file that nobody sees before it is whole: written under another name, synced, renamed. Never through a symbolic
 * link. "-" is standard output: nothing is printed before all of it can be.
 */
#ifndef FSCHANGED_NEW_FILE_H
#define FSCHANGED_NEW_FILE_H

#include <stdbool.h>
#include <stdio.h>

struct new_file {
	const char *target;
	bool standard; /* output; not a file of its own */
	char *directory;
	char *temporary; /* NULL: there is no such file (any more) */
	FILE *stream;
	bool published;
};

/* Functions return 0 or -errno, with a sentence in *error (caller frees) where more is known. */

/* The target, which must outlive the file, can be written. */
int new_file_check(struct new_file *file, const char *target, char **error);
bool new_file_is_same(const struct new_file *a, const struct new_file *b);
int new_file_open(struct new_file *file, char **error);
/* All of it is on the disk. */
int new_file_sync(struct new_file *file);
int new_file_publish(struct new_file *file, char **error);
/* After a failure what was published is removed. */
void new_file_free(struct new_file *file, bool failed);

#endif
