/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Shared by list_links.c, which brings together what is known of each file, list_links_changes.c, which reads what the
 * store knows of changes, and list_links_file.c, which knows one file at a time.
 */
#ifndef FSCHANGED_LIST_LINKS_PRIVATE_H
#define FSCHANGED_LIST_LINKS_PRIVATE_H

#include <endian.h>

#include "list_links.h"
#include "sort.h"
#include "store_links.h"

enum { LINKS_NAMED = 5 }; /* files with names that are not known; the rest is counted */

/* A file: what is known of one comes together when it is sorted. Big-endian. Device 0: it is not known. */
struct key {
	uint32_t filesystem;
	uint64_t device;
	uint64_t inode;
} __attribute__((packed));

/* Behind the key stands a name, which begins with '/', or that the file changed: in the order of time, and before. */
struct mark {
	char kind; /* 0 */
	uint64_t serial;
	bool is_later;     /* in a window that is not listed */
	bool walked;       /* its names were searched after that */
	bool repeats;      /* other files of the filesystem may have its number */
	int64_t directory; /* as doubtful_directory() has it */
	char place[];      /* where it was met; not terminated */
} __attribute__((packed));

struct kept {
	char *bytes;
	size_t length, size;
};

/* What the records of a file say. */
struct file {
	struct key key;
	uint64_t links, names; /* of the names that are listed */
	bool changed, walked;
	bool repeats;      /* other files of the filesystem may have its number */
	int64_t directory; /* the last one in which it was met; all that are there are one */
	bool scattered;    /* it was met in others as well */
	bool settled; /* nothing is lacking of what was met under this number so far; another file may have it since */
	uint64_t unlooked; /* candidates that cannot be looked at */
	struct dirty_facts facts;
	int64_t first, last;
	struct kept path; /* one of its names, or where it was met */
};

struct links {
	struct links_options options;
	struct sorter *met, *named; /* what is known; every name that leads to its file */
	struct sorter *lacking;     /* files of which a name is missing, to be looked at once more */
	unsigned rounds;            /* in which that may be done */
	int64_t until;              /* by moment_of_boot() */
	struct file file;
	bool takes_single; /* a file of one link may be one that changed through no name: then its name is known after
			      all */
	bool trusts;       /* that no subvolume has gone from where a directory is not any more */
	int64_t last_left; /* as the store had it when the list was begun */
	uint64_t lacking_count, reported;
	struct kept keyed; /* key and what stands behind */
	struct {
		uint32_t filesystem;
		uint64_t device;
		bool is_doubtful; /* it has gone, and so may have a subvolume in which it was */
		struct kept path;
	} place; /* whose device was asked for last */
};

static inline struct key links_key(uint32_t filesystem, uint64_t device, uint64_t inode)
{
	return (struct key){htobe32(filesystem), htobe64(device), htobe64(inode)};
}

/* Puts the key, and what stands behind it, before the record's payload. */
int links_put(struct links *links, struct sorter *sorter, const struct key *key, const char *behind, size_t length,
	      struct sorted record);
int links_keep(struct kept *kept, const char *bytes, size_t length);

/* Of each file that has changed in the windows of the list, and later. */
int links_read_changes(struct links *links);
/* Once more of the file. */
int links_read_changes_of_file(struct links *links);

/* From here on links->file is this one. */
void links_begin_file(struct links *links, const struct key *key);
void links_note_row(struct file *file, const struct store_linked *row, bool is_later, bool repeats);
void links_add_times(struct file *file, int64_t first, int64_t last);
void links_add_facts(struct file *file, const struct sorted *record, int64_t last);
/* The link count stands in `last`: of several looks the highest one counts. Those of a directory are no names. */
struct sorted links_record(const struct looked *looked, struct dirty_facts facts, int64_t first);
/* Looks at all candidates of the file, and lists those that are names of it. */
int links_look(struct links *links);
/* A name of the file is missing. */
int links_lack(struct links *links);

#endif
