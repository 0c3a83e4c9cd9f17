/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The store's index of the names of files with several links. Its names are candidates: whoever uses one looks whether
 * it leads to the file. So one too many does no harm, and one too few shows by the file's link count.
 *
 * Fed in the order in which things happened, by store_put_link(), and by a walk of the filesystem (store_walk.h),
 * store_put_walked().
 */
#ifndef FSCHANGED_STORE_LINKS_H
#define FSCHANGED_STORE_LINKS_H

#include "store.h"

enum link_action {
	LINK_NAMED,      /* the file changed under this name, or got it */
	LINK_LEFT,       /* the file was moved away from this name */
	LINK_REMOVED,    /* the name was removed; links: how many remain */
	LINK_ARRIVED,    /* the file was moved to this, its only name */
	LINK_MOVED_ON,   /* a directory above the name of the change before may be moved: this is a candidate then */
	LINK_UNNAMED,    /* the file changed; its name is not known */
	DIRECTORY_MOVED, /* the path is the old one, at from_length the new one follows */
	DIRECTORY_REMOVED,
	DIRECTORY_ARRIVED, /* noted for the walk */
	SUBVOLUME_LEFT,    /* one that had this path may have gone from it */
};

struct link_change {
	enum link_action action;
	bool replaced; /* something was there to which a directory was moved */
	uint32_t filesystem;
	uint32_t links; /* after the change */
	uint64_t inode, window;
	int64_t time; /* Unix time in seconds */
	struct dirty_facts facts;
	const char *path; /* inside the filesystem; not terminated */
	size_t path_length, from_length;
};

/* Files that changed. place: the directory in which the file was met. */
struct store_linked {
	uint32_t filesystem, links;
	uint64_t inode, window, serial; /* serial: grows with time */
	const char *place;              /* NULL: in none */
	size_t place_length;
	int64_t directory; /* its number, which stays when it moves; 0: none */
	struct dirty_facts facts;
	int64_t first, last;
	bool walked; /* a walk that began after that came to its end: all names of that time are known */
};

/* Candidates that may be one too many for a rename that is not sure, until a walk ends: some ten megabytes. */
enum { STORE_COPIES = 100000 };

/* To be called in a transaction. */
int store_put_link(struct store *store, const struct link_change *change);
int store_put_walked(struct store *store, uint32_t filesystem, uint64_t inode, uint32_t links, const char *path,
		     size_t length);

/* Rows of the windows from first on: later ones tell whether a file has ended meanwhile. Order: by place. */
int store_linked(struct store *store, uint64_t first, int (*each)(const struct store_linked *, void *), void *context);
/* Those of one inode, in the order of time. */
int store_linked_of(struct store *store, uint32_t filesystem, uint64_t inode, uint64_t first,
		    int (*each)(const struct store_linked *, void *), void *context);
/* Whether a subvolume may have gone from this directory, or from one above it, in the windows that are kept. */
int store_has_left(struct store *store, uint32_t filesystem, int64_t directory, bool *has);
/* A number that grows whenever one may have gone from anywhere. */
int store_last_left(struct store *store, int64_t *serial);
/* Whether any file of these windows was met through no name. */
int store_has_unnamed(struct store *store, uint64_t first, uint64_t last, bool *has);
/* Candidates for the names of an inode. The path lives until the callback returns. */
int store_names(struct store *store, uint32_t filesystem, uint64_t inode,
		int (*each)(const char *path, size_t length, void *context), void *context);

#endif
