/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The replica: all that a backup holds of a tree, in memory, where it costs next to nothing to write and to compare.
 * Names are nodes; names of one file share it.
 */
#ifndef ORACLE_MODEL_H
#define ORACLE_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

struct bytes {
	char *data;
	size_t size, room;
};

struct file {
	unsigned names;
	struct stat status;
	struct bytes content;    /* of a symbolic link: its target */
	struct bytes attributes; /* sorted: name, NUL, size (4 bytes), value */
	uint64_t walk;           /* the comparison that saw it last, and which inode it was there: */
	dev_t device;
	ino_t inode;
};

struct node {
	struct node *parent;
	char *name;
	struct file *file;
	struct node **children;
	unsigned count, room;
	uint64_t walk;
};

/* A filesystem under test: the directory that the tasks work in, and the name that it has in the lists. */
struct tree {
	char *path, *listed;
	size_t length, listed_length;
	int descriptor;
};

void *must(void *memory); /* ends the program where there is no memory */
void bytes_reserve(struct bytes *bytes, size_t room);
void bytes_add(struct bytes *bytes, const void *data, size_t size);

/*
 * Reads everything about a name in the working directory, so far as it is kept; in the memory that the file has
 * already. -errno: -ENOENT also where it became something else meanwhile.
 */
int file_load(struct file *file, const char *name);
void file_free(struct file *file);

struct node *node_new(struct node *parent, const char *name, size_t length); /* without a file */
void node_set_file(struct node *node, struct file *file);                    /* one more name of it */
void node_remove(struct node *node);                                         /* with all that is below */
struct node *node_child(const struct node *node, const char *name, size_t length);
struct node *node_find(struct node *top, const char *path, size_t length); /* "." is the top */

static inline bool node_is_directory(const struct node *node)
{
	return node->file && S_ISDIR(node->file->status.st_mode);
}

/* Which file an inode was copied to, or is expected to be. */
struct inodes {
	struct inode_entry {
		dev_t device;
		ino_t inode;
		struct file *file;
	} * entries;
	size_t count, room;
};

struct file **inodes_find(struct inodes *inodes, const struct stat *status); /* NULL in it: was not there */
void inodes_free(struct inodes *inodes);

/* The tree as it is: a full backup. */
struct node *model_copy(const struct tree *tree);

/* Calls for each name in a directory, in no order; the working directory is that directory. -errno, or what it
 * returned. */
typedef int visit_name(const char *name, size_t length, void *context);
int visit_directory(int directory, visit_name *visit, void *context);

#endif
