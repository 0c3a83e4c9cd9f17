/* SPDX-License-Identifier: GPL-2.0 */
/* What the tested program is asked for. */
#ifndef ORACLE_PRODUCT_H
#define ORACLE_PRODUCT_H

#include "replica.h"

enum answer {
	ANSWER_LISTS = 0,
	ANSWER_FAILED = 1,
	ANSWER_INCOMPLETE = 3,
	ANSWER_FRESH = 4,
};

struct lists {
	unsigned window;
	unsigned job;
	struct list changed, deleted;
	const char *complaint; /* a list breaks its rules */
};

struct product {
	const char *program;
	int server;      /* the end of a socket; -1: the program is executed */
	char *directory; /* for the lists and what the program says */
};

/*
 * From now on the commands run as children of a small process that has the program linked in. They are the same, but
 * need not be loaded: under an emulator that takes longer than they do.
 */
void product_serve(struct product *product);
/* Exit status of "dump --job JOB [OPTION...]"; the lists are read where there are any. */
int product_dump(const struct product *product, const char *job, const char *const options[], struct lists *lists);
/* Exit status of another command: its words, NULL at the end. */
int product_run(const struct product *product, const char *const words[]);
/* What it said on standard error the last time (caller frees). */
char *product_said(const struct product *product);
void lists_free(struct lists *lists);

#endif
