/* SPDX-License-Identifier: GPL-2.0 */
/* From the rows of the dirty set to the entries of the lists: a path is looked at, and what came in is expanded. */
#ifndef FSCHANGED_LIST_ROWS_H
#define FSCHANGED_LIST_ROWS_H

#include "list_links.h"
#include "output.h"
#include "places.h"
#include "refine.h"

struct rows {
	struct places *places;
	struct outputs *outputs;
	struct links *links;
	const struct refine *refine; /* NULL: nothing is dropped */
	char **error;                /* a sentence, where more is known than -errno */
};

/* The context is a struct rows. 0 or -errno. */
int rows_take(const struct dirty *row, void *context);

#endif
