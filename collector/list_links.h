/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Files with several names: a file that changed must be listed under all of them. Where one is not known, the list is
 * incomplete.
 *
 * What is known of names are candidates, each of which is looked at. That all of them are known is told by the file's
 * link count alone: as many different paths inside the filesystem lead to it. Names that are not watched are among
 * them, though they are not listed.
 */
#ifndef FSCHANGED_LIST_LINKS_H
#define FSCHANGED_LIST_LINKS_H

#include "output.h"
#include "places.h"

struct links;

struct links_options {
	struct store *store;
	struct places *places;
	struct outputs *outputs;
	struct reasons *reasons;
	uint64_t first, last;         /* windows of the list */
	size_t memory;                /* bytes for sorting, three times */
	int (*settle)(void *context); /* brings into the store what has happened; NULL: nobody does */
	void *context;
	char **error; /* a sentence, where more is known than -errno */
};

int links_new(struct links **links, const struct links_options *options);
void links_free(struct links *links);
/* Before the first name, in the transaction of all that is read. */
int links_begin(struct links *links);
/* Each name of each file of the changed list. The path is inside the filesystem; the row is why it is listed. */
int links_add(struct links *links, uint32_t filesystem, const char *path, size_t length, const struct looked *looked,
	      const struct dirty *row);
/*
 * After the last name: lists the other names of these files, and all names of those that changed and were met under
 * several names or none. Reports the files of which a name is missing; *unnamed counts them. Where names come and go
 * meanwhile it reads a newer state of the store: the transaction is another one then.
 */
int links_check(struct links *links, uint64_t *unnamed);

#endif
