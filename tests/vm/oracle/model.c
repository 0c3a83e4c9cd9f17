// SPDX-License-Identifier: GPL-2.0
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "model.h"
#include "random.h"

#define NAMES_BYTES 4096 /* of extended attributes; the tasks use a few */

void *must(void *memory)
{
	if (!memory) {
		fputs("oracle: there is no memory\n", stderr);
		exit(1);
	}
	return memory;
}

void bytes_reserve(struct bytes *bytes, size_t room)
{
	if (bytes->room >= room)
		return;
	bytes->data = must(realloc(bytes->data, room));
	bytes->room = room;
}

void bytes_add(struct bytes *bytes, const void *data, size_t size)
{
	if (bytes->room < bytes->size + size)
		bytes_reserve(bytes, 2 * (bytes->size + size));
	memcpy(bytes->data + bytes->size, data, size);
	bytes->size += size;
}

// ---- files

static int compare_names(const void *one, const void *other)
{
	return strcmp(*(char *const *)one, *(char *const *)other);
}

static int add_attribute(struct file *file, const char *path, const char *name)
{
	char value[NAMES_BYTES];
	ssize_t size = lgetxattr(path, name, value, sizeof(value));
	uint32_t stored = (uint32_t)size;

	if (size < 0)
		return -errno;
	bytes_add(&file->attributes, name, strlen(name) + 1);
	bytes_add(&file->attributes, &stored, sizeof(stored));
	bytes_add(&file->attributes, value, (size_t)size);
	return 0;
}

/* An attribute that goes between listing and reading is none. */
static int load_attributes(struct file *file, const char *path)
{
	char names[NAMES_BYTES], *sorted[NAMES_BYTES / 2];
	ssize_t size = llistxattr(path, names, sizeof(names));
	size_t count = 0;
	int code;

	file->attributes.size = 0;
	if (size < 0)
		return errno == ENOTSUP ? 0 : -errno;
	for (char *name = names; name < names + size; name += strlen(name) + 1)
		sorted[count++] = name;
	qsort(sorted, count, sizeof(*sorted), compare_names);
	for (size_t i = 0; i < count; i++) {
		code = add_attribute(file, path, sorted[i]);
		if (code && code != -ENODATA)
			return code;
	}
	return 0;
}

static int load_link(struct file *file, const char *path)
{
	ssize_t size;

	bytes_reserve(&file->content, PATH_MAX);
	size = readlink(path, file->content.data, PATH_MAX);
	if (size < 0)
		return -errno;
	file->content.size = (size_t)size;
	return 0;
}

/* One read more than the size needs: it may grow meanwhile. */
static int read_all(struct file *file, int descriptor)
{
	for (;;) {
		ssize_t count;

		bytes_reserve(&file->content, file->content.size + 4096);
		count = read(descriptor, file->content.data + file->content.size,
			     file->content.room - file->content.size);
		if (count < 0)
			return -errno;
		if (count == 0)
			return 0;
		file->content.size += (size_t)count;
	}
}

static int load_content(struct file *file, const char *path)
{
	int descriptor = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOATIME | O_CLOEXEC);
	int code;

	if (descriptor < 0)
		return -errno;
	bytes_reserve(&file->content, (size_t)file->status.st_size + 1);
	code = read_all(file, descriptor);
	close(descriptor);
	return code;
}

static bool became_another(int code)
{
	return code == -ENOTDIR || code == -ELOOP || code == -ENXIO || code == -EISDIR || code == -EINVAL ||
	       code == -EAGAIN;
}

int file_load(struct file *file, const char *name)
{
	int code = lstat(name, &file->status) ? -errno : 0;

	file->content.size = 0;
	if (!code && S_ISREG(file->status.st_mode))
		code = load_content(file, name);
	else if (!code && S_ISLNK(file->status.st_mode))
		code = load_link(file, name);
	if (!code)
		code = load_attributes(file, name);
	return became_another(code) ? -ENOENT : code;
}

void file_free(struct file *file)
{
	if (!file)
		return;
	free(file->content.data);
	free(file->attributes.data);
	free(file);
}

// ---- names

struct node *node_new(struct node *parent, const char *name, size_t length)
{
	struct node *node = must(calloc(1, sizeof(*node)));

	node->name = must(strndup(name, length));
	node->parent = parent;
	if (!parent)
		return node;
	if (parent->count == parent->room) {
		parent->room = parent->room ? 2 * parent->room : 8;
		parent->children = must(realloc(parent->children, parent->room * sizeof(*parent->children)));
	}
	parent->children[parent->count++] = node;
	return node;
}

static void drop_file(struct file *file)
{
	if (file && --file->names == 0)
		file_free(file);
}

void node_set_file(struct node *node, struct file *file)
{
	file->names++;
	drop_file(node->file);
	node->file = file;
}

static void take_from_parent(const struct node *node)
{
	struct node *parent = node->parent;

	for (unsigned i = 0; i < parent->count; i++)
		if (parent->children[i] == node) {
			parent->children[i] = parent->children[--parent->count];
			return;
		}
}

void node_remove(struct node *node)
{
	if (!node)
		return;
	while (node->count)
		node_remove(node->children[node->count - 1]);
	if (node->parent)
		take_from_parent(node);
	drop_file(node->file);
	free(node->children);
	free(node->name);
	free(node);
}

struct node *node_child(const struct node *node, const char *name, size_t length)
{
	for (unsigned i = 0; i < node->count; i++)
		if (strncmp(node->children[i]->name, name, length) == 0 && !node->children[i]->name[length])
			return node->children[i];
	return NULL;
}

struct node *node_find(struct node *top, const char *path, size_t length)
{
	const char *end = path + length;
	struct node *node = top;

	if (length == 0 || (length == 1 && *path == '.'))
		return top;
	while (node && path < end) {
		const char *slash = memchr(path, '/', (size_t)(end - path));
		const char *stop = slash ? slash : end;

		node = node_child(node, path, (size_t)(stop - path));
		path = stop + 1;
	}
	return node;
}

// ---- inodes

static size_t hash(const struct stat *status)
{
	return mix(status->st_ino ^ mix(status->st_dev));
}

static struct inode_entry *slot(const struct inodes *inodes, const struct stat *status)
{
	struct inode_entry *entry;
	size_t place = hash(status);

	do
		entry = &inodes->entries[place++ & (inodes->room - 1)];
	while (entry->inode && (entry->inode != status->st_ino || entry->device != status->st_dev));
	return entry;
}

static void grow(struct inodes *inodes)
{
	struct inodes larger = {.room = inodes->room ? 2 * inodes->room : 256};

	larger.entries = must(calloc(larger.room, sizeof(*larger.entries)));
	for (size_t i = 0; i < inodes->room; i++) {
		const struct inode_entry *entry = &inodes->entries[i];

		if (entry->inode)
			*slot(&larger, &(struct stat){.st_dev = entry->device, .st_ino = entry->inode}) = *entry;
	}
	larger.count = inodes->count;
	free(inodes->entries);
	*inodes = larger;
}

struct file **inodes_find(struct inodes *inodes, const struct stat *status)
{
	struct inode_entry *entry;

	if (2 * inodes->count >= inodes->room)
		grow(inodes);
	entry = slot(inodes, status);
	if (!entry->inode) {
		*entry = (struct inode_entry){.device = status->st_dev, .inode = status->st_ino};
		inodes->count++;
	}
	return &entry->file;
}

void inodes_free(struct inodes *inodes)
{
	free(inodes->entries);
	*inodes = (struct inodes){0};
}

// ---- trees

int visit_directory(int directory, visit_name *visit, void *context)
{
	int copy = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_NOATIME | O_CLOEXEC);
	DIR *stream = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *entry;
	int code = 0;

	if (!stream)
		return -errno;
	while (!code && (entry = readdir(stream))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		code = fchdir(directory) ? -errno : visit(entry->d_name, strlen(entry->d_name), context);
	}
	closedir(stream);
	return code;
}

struct copy {
	struct node *node;
	struct inodes *inodes;
};

static int copy_below(const struct copy *copy, const char *name);

static int copy_name(const char *name, size_t length, void *context)
{
	const struct copy *above = context;
	struct copy copy = {node_new(above->node, name, length), above->inodes};
	struct file *file = must(calloc(1, sizeof(*file))), **known;
	int code = file_load(file, name);

	if (code) {
		file_free(file);
		return code;
	}
	known = file->status.st_nlink > 1 && !S_ISDIR(file->status.st_mode) ? inodes_find(copy.inodes, &file->status)
									    : NULL;
	if (known && *known) {
		node_set_file(copy.node, *known);
		file_free(file);
		return 0;
	}
	if (known)
		*known = file;
	node_set_file(copy.node, file);
	return node_is_directory(copy.node) ? copy_below(&copy, name) : 0;
}

static int copy_below(const struct copy *copy, const char *name)
{
	int directory = open(name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC);
	int code;

	if (directory < 0)
		return -errno;
	code = visit_directory(directory, copy_name, (void *)copy);
	close(directory);
	return code;
}

struct node *model_copy(const struct tree *tree)
{
	struct inodes inodes = {0};
	struct copy copy = {node_new(NULL, ".", 1), &inodes};
	struct file *file = must(calloc(1, sizeof(*file)));
	int code = fchdir(tree->descriptor) ? -errno : file_load(file, ".");

	node_set_file(copy.node, file);
	if (!code)
		code = visit_directory(tree->descriptor, copy_name, &copy);
	inodes_free(&inodes);
	if (!code)
		return copy.node;
	fprintf(stderr, "oracle: %s cannot be copied: %s\n", tree->path, strerror(-code));
	node_remove(copy.node);
	return NULL;
}
