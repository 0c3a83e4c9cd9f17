// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "replica.h"

struct comparison {
	const struct tree *tree;
	struct findings *findings;
	struct inodes inodes; /* of the source: which file of the replica each is */
	struct file scratch;
	uint64_t walk;
	size_t names;
	struct node *directory;
	char path[PATH_MAX]; /* of the directory, "" is the top */
	size_t length;
};

/* The difference of one name, in words. */
#define DIFFERS(comparison, path, format, ...)                                                                         \
	findings_add((comparison)->findings, (comparison)->tree, path, format, __VA_ARGS__)

static const char *type_name(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return "file";
	case S_IFDIR:
		return "directory";
	case S_IFLNK:
		return "symbolic link";
	case S_IFIFO:
		return "fifo";
	case S_IFSOCK:
		return "socket";
	case S_IFBLK:
		return "block device";
	default:
		return "character device";
	}
}

static int64_t nanoseconds(const struct timespec *time)
{
	return time->tv_sec * INT64_C(1000000000) + time->tv_nsec;
}

static bool same_bytes(const struct bytes *one, const struct bytes *other)
{
	return one->size == other->size && (one->size == 0 || memcmp(one->data, other->data, one->size) == 0);
}

static size_t first_difference(const struct bytes *one, const struct bytes *other)
{
	size_t i = 0;

	while (i < one->size && i < other->size && one->data[i] == other->data[i])
		i++;
	return i;
}

static void compare_status(struct comparison *comparison, const char *path, const struct stat *ours,
			   const struct stat *theirs)
{
	if (ours->st_mode != theirs->st_mode)
		DIFFERS(comparison, path, "mode: %04o, in the replica %04o", ours->st_mode & 07777,
			theirs->st_mode & 07777);
	if (ours->st_uid != theirs->st_uid || ours->st_gid != theirs->st_gid)
		DIFFERS(comparison, path, "owner: %u:%u, in the replica %u:%u", ours->st_uid, ours->st_gid,
			theirs->st_uid, theirs->st_gid);
	if (nanoseconds(&ours->st_mtim) != nanoseconds(&theirs->st_mtim))
		DIFFERS(comparison, path, "mtime: %" PRId64 ", in the replica %" PRId64, nanoseconds(&ours->st_mtim),
			nanoseconds(&theirs->st_mtim));
	if ((S_ISCHR(ours->st_mode) || S_ISBLK(ours->st_mode)) && ours->st_rdev != theirs->st_rdev)
		DIFFERS(comparison, path, "device: %jx, in the replica %jx", (uintmax_t)ours->st_rdev,
			(uintmax_t)theirs->st_rdev);
}

/* Names are links to one file in the source if and only if they are in the replica. */
static void compare_links(struct comparison *comparison, const char *path, const struct stat *ours, struct file *theirs)
{
	struct file **known;

	if (S_ISDIR(ours->st_mode))
		return;
	if (theirs->walk == comparison->walk && (theirs->inode != ours->st_ino || theirs->device != ours->st_dev))
		DIFFERS(comparison, path, "links: a file of its own (%ju), in the replica a link",
			(uintmax_t)ours->st_ino);
	theirs->walk = comparison->walk;
	theirs->inode = ours->st_ino;
	theirs->device = ours->st_dev;
	if (ours->st_nlink < 2)
		return;
	known = inodes_find(&comparison->inodes, ours);
	if (!*known)
		*known = theirs;
	else if (*known != theirs)
		DIFFERS(comparison, path, "links: a link (%ju), in the replica a file of its own",
			(uintmax_t)ours->st_ino);
}

static void compare_file(struct comparison *comparison, const char *path, struct file *theirs)
{
	const struct file *ours = &comparison->scratch;

	if ((ours->status.st_mode & S_IFMT) != (theirs->status.st_mode & S_IFMT)) {
		DIFFERS(comparison, path, "type: %s, in the replica %s", type_name(ours->status.st_mode),
			type_name(theirs->status.st_mode));
		return;
	}
	compare_status(comparison, path, &ours->status, &theirs->status);
	if (!same_bytes(&ours->attributes, &theirs->attributes))
		DIFFERS(comparison, path, "xattrs: %zu bytes, in the replica %zu, different from byte %zu",
			ours->attributes.size, theirs->attributes.size,
			first_difference(&ours->attributes, &theirs->attributes));
	if (!same_bytes(&ours->content, &theirs->content))
		DIFFERS(comparison, path, "content: %zu bytes, in the replica %zu, different from byte %zu",
			ours->content.size, theirs->content.size, first_difference(&ours->content, &theirs->content));
	compare_links(comparison, path, &ours->status, theirs);
}

static int compare_below(struct comparison *comparison, int directory, struct node *node);

static int descend(struct comparison *comparison, const char *name, size_t length, struct node *node)
{
	int directory = open(name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC);
	size_t before = comparison->length;
	struct node *above = comparison->directory;
	int code;

	if (directory < 0)
		return -errno;
	comparison->length += length + (before ? 1 : 0);
	code = compare_below(comparison, directory, node);
	comparison->length = before;
	comparison->path[before] = '\0';
	comparison->directory = above;
	close(directory);
	return code;
}

static int compare_name(const char *name, size_t length, void *context)
{
	struct comparison *comparison = context;
	struct node *node = node_child(comparison->directory, name, length);
	int code = file_load(&comparison->scratch, name);
	bool both_directories;

	if (code)
		return code;
	snprintf(comparison->path + comparison->length, sizeof(comparison->path) - comparison->length, "%s%s",
		 comparison->length ? "/" : "", name);
	comparison->names++;
	if (!node) {
		DIFFERS(comparison, comparison->path, "%s, missing in the replica",
			type_name(comparison->scratch.status.st_mode));
		return 0;
	}
	node->walk = comparison->walk;
	compare_file(comparison, comparison->path, node->file);
	both_directories = S_ISDIR(comparison->scratch.status.st_mode) && node_is_directory(node);
	return both_directories ? descend(comparison, name, length, node) : 0;
}

static int compare_below(struct comparison *comparison, int directory, struct node *node)
{
	int code;

	comparison->directory = node;
	code = visit_directory(directory, compare_name, comparison);
	for (unsigned i = 0; i < node->count; i++)
		if (node->children[i]->walk != comparison->walk) {
			snprintf(comparison->path + comparison->length, sizeof(comparison->path) - comparison->length,
				 "%s%s", comparison->length ? "/" : "", node->children[i]->name);
			DIFFERS(comparison, comparison->path, "%s only in the replica",
				type_name(node->children[i]->file->status.st_mode));
		}
	return code;
}

size_t replica_compare(struct node *replica, const struct tree *tree, struct findings *findings)
{
	static uint64_t walks;
	static struct comparison comparison;
	int code;

	comparison =
		(struct comparison){.tree = tree, .findings = findings, .walk = ++walks, .scratch = comparison.scratch};
	code = fchdir(tree->descriptor) ? -errno : file_load(&comparison.scratch, ".");
	if (!code) {
		compare_file(&comparison, ".", replica->file);
		code = compare_below(&comparison, tree->descriptor, replica);
	}
	if (code)
		findings_add(findings, tree, comparison.path, "cannot be read: %s", strerror(-code));
	inodes_free(&comparison.inodes);
	return comparison.names;
}
