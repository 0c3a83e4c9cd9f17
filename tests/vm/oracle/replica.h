/* SPDX-License-Identifier: GPL-2.0 */
/* The rule that everything is tested by: lists are applied to the replica, which then equals the source. */
#ifndef ORACLE_REPLICA_H
#define ORACLE_REPLICA_H

#include <stdio.h>

#include "model.h"

/* Paths, each ended by a NUL byte. */
struct list {
	struct bytes bytes;
	char **paths;
	size_t count;
};

/* 0, or -errno; *complaint is set where the list breaks its rules: sorted, each path once. */
int list_read(struct list *list, const char *name, const char **complaint);
void list_free(struct list *list);
/* Those of a tree, whose paths begin at list->paths[*first]. */
size_t list_select(const struct list *list, const struct tree *tree, size_t *first);
/* One of its paths is a directory above that one. */
bool list_has_above(const struct list *list, const char *path);

/* What is wrong, for the report. */
struct finding {
	char *what;
	char *path; /* absolute, as in the lists */
};

struct findings {
	struct finding *entries;
	size_t count, room;
	size_t all; /* those beyond the limit are only counted */
};

__attribute__((format(printf, 4, 5))) void findings_add(struct findings *findings, const struct tree *tree,
							const char *path, const char *format, ...);
void findings_free(struct findings *findings);

/*
 * Deletes and copies what the lists say and nothing else; where they break their rules, that is a finding. lenient: the
 * source changes meanwhile, what has vanished or became something else is for the next list to repair.
 */
void replica_apply(struct node *replica, const struct tree *tree, const struct list *changed,
		   const struct list *deleted, bool lenient, struct findings *findings);

/* Every difference is a finding. Returns how many names the source has. */
size_t replica_compare(struct node *replica, const struct tree *tree, struct findings *findings);

#endif
