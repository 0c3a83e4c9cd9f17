/* SPDX-License-Identifier: GPL-2.0 */
/* Where an operation strikes. Paths are absolute, in the tree of the task's present operation. */
#ifndef ORACLE_PATHS_H
#define ORACLE_PATHS_H

#include "tasks.h"

enum want {
	FILES = 1,
	DIRECTORIES = 2,
	ANYTHING = 3,
};

/* A name that exists, mostly; the last ones used are chosen more often, so that operations meet. */
void choose(struct task *task, enum want want, char *path);
/* A name in a directory that exists; now and then it exists itself. */
void choose_new(struct task *task, char *path);
/* A directory, the top included. */
void choose_directory(struct task *task, char *path);
void add_name(struct task *task, char *path); /* another name, to the path of a directory */

#endif
