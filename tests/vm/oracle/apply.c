// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "replica.h"

struct application {
	struct node *replica;
	const struct tree *tree;
	bool lenient;
	struct findings *findings;
	struct inodes copied;
	const char *place; /* the directory of the source that the working directory is, if any */
	size_t length;
};

static const char *relative(const char *path, const struct tree *tree)
{
	return path[tree->listed_length] ? path + tree->listed_length + 1 : ".";
}

static size_t parent_length(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? (size_t)(slash - path) : 0;
}

static void refuse(struct application *application, const char *path, const char *why)
{
	if (!application->lenient)
		findings_add(application->findings, application->tree, path, "%s", why);
}

/* Works in the directory in which a path lies. No component may be a symbolic link: that would be another directory. */
static int enter(struct application *application, const char *path)
{
	static const struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
					    .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};
	size_t length = parent_length(path);
	char place[length + 2];
	int directory, code;

	if (application->place && length == application->length && memcmp(path, application->place, length) == 0)
		return 0;
	application->place = NULL;
	memcpy(place, path, length);
	strcpy(place + length, length ? "" : ".");
	directory = (int)syscall(SYS_openat2, application->tree->descriptor, place, &how, sizeof(how));
	if (directory < 0)
		return -errno;
	code = fchdir(directory) ? -errno : 0;
	close(directory);
	if (code)
		return code;
	application->place = path;
	application->length = length;
	return 0;
}

static void delete (struct application *application, const char *path)
{
	struct node *node = node_find(application->replica, path, strlen(path));

	if (node && node != application->replica)
		node_remove(node);
	else if (node)
		while (node->count)
			node_remove(node->children[node->count - 1]);
}

/* Where the path goes; NULL: it cannot. */
static struct node *make_way(struct application *application, const char *path, mode_t mode)
{
	size_t length = parent_length(path), begin = length ? length + 1 : 0;
	struct node *parent = node_find(application->replica, path, length);
	struct node *node;

	if (strcmp(path, ".") == 0)
		return application->replica;
	if (!parent || !node_is_directory(parent)) {
		refuse(application, path, "is listed as changed, but its directory is not in the replica");
		return NULL;
	}
	node = node_child(parent, path + begin, strlen(path + begin));
	if (node && node_is_directory(node) != S_ISDIR(mode)) {
		refuse(application, path, "must be replaced by another type, but is not listed as deleted");
		node_remove(node);
		node = NULL;
	}
	return node ? node : node_new(parent, path + begin, strlen(path + begin));
}

/* Another name of a file that was copied already becomes a link to that copy. */
static void put(struct application *application, struct node *node, struct file *file)
{
	struct file **copied = NULL;

	if (file->status.st_nlink > 1 && !S_ISDIR(file->status.st_mode))
		copied = inodes_find(&application->copied, &file->status);
	if (copied && *copied && (*copied)->names) {
		node_set_file(node, *copied);
		file_free(file);
		return;
	}
	node_set_file(node, file);
	if (copied) {
		file->names++; /* held by the table: a later entry may replace its last name */
		*copied = file;
	}
}

static void copy(struct application *application, const char *path)
{
	struct file *file = must(calloc(1, sizeof(*file)));
	size_t length = parent_length(path);
	int code = enter(application, path);
	struct node *node;

	if (!code)
		code = file_load(file, path + (length ? length + 1 : 0));
	if (code == -ENOENT || code == -ENOTDIR || code == -ELOOP)
		refuse(application, path, "is listed as changed, but is not in the source");
	else if (code)
		findings_add(application->findings, application->tree, path, "cannot be read: %s", strerror(-code));
	node = code ? NULL : make_way(application, path, file->status.st_mode);
	if (node)
		put(application, node, file);
	else
		file_free(file);
}

static void forget_copied(struct application *application)
{
	for (size_t i = 0; i < application->copied.room; i++) {
		struct file *file = application->copied.entries[i].file;

		if (file && --file->names == 0)
			file_free(file);
	}
	inodes_free(&application->copied);
}

void replica_apply(struct node *replica, const struct tree *tree, const struct list *changed,
		   const struct list *deleted, bool lenient, struct findings *findings)
{
	struct application application = {replica, tree, lenient, findings, .place = NULL};
	size_t first, count = list_select(deleted, tree, &first);

	if (list_has_above(deleted, tree->listed))
		delete (&application, ".");
	for (size_t i = first; i < first + count; i++)
		delete (&application, relative(deleted->paths[i], tree));
	count = list_select(changed, tree, &first);
	for (size_t i = first; i < first + count; i++)
		copy(&application, relative(changed->paths[i], tree));
	forget_copied(&application);
}
