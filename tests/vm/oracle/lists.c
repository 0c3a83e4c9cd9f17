// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "replica.h"

#define FINDINGS_KEPT 200

static int read_file(struct bytes *bytes, const char *name)
{
	int descriptor = open(name, O_RDONLY | O_CLOEXEC);
	ssize_t count = -1;

	if (descriptor < 0)
		return -errno;
	do {
		bytes_reserve(bytes, bytes->size + (64 << 10));
		count = read(descriptor, bytes->data + bytes->size, bytes->room - bytes->size);
		if (count > 0)
			bytes->size += (size_t)count;
	} while (count > 0);
	close(descriptor);
	return count < 0 ? -errno : 0;
}

static size_t count_paths(const struct bytes *bytes)
{
	size_t count = 0;

	for (size_t i = 0; i < bytes->size; i++)
		count += !bytes->data[i];
	return count;
}

int list_read(struct list *list, const char *name, const char **complaint)
{
	int code = read_file(&list->bytes, name);
	char *path = list->bytes.data;

	if (code)
		return code;
	if (list->bytes.size && list->bytes.data[list->bytes.size - 1]) {
		*complaint = "the list does not end with a NUL byte";
		return 0;
	}
	list->paths = must(calloc(count_paths(&list->bytes) + 1, sizeof(*list->paths)));
	for (; path < list->bytes.data + list->bytes.size; path += strlen(path) + 1) {
		list->paths[list->count++] = path;
		if (list->count > 1 && strcmp(list->paths[list->count - 2], path) >= 0)
			*complaint = "the list is not sorted, or names a path twice";
	}
	return 0;
}

void list_free(struct list *list)
{
	free(list->bytes.data);
	free(list->paths);
	*list = (struct list){0};
}

static bool is_of(const char *path, const struct tree *tree)
{
	return strncmp(path, tree->listed, tree->listed_length) == 0 &&
	       (!path[tree->listed_length] || path[tree->listed_length] == '/');
}

/* They stand together: nothing beside the tree's directory has a name that begins like its own. */
size_t list_select(const struct list *list, const struct tree *tree, size_t *first)
{
	size_t begin = 0, end;

	while (begin < list->count && !is_of(list->paths[begin], tree))
		begin++;
	for (end = begin; end < list->count && is_of(list->paths[end], tree); end++)
		;
	*first = begin;
	return end - begin;
}

bool list_has_above(const struct list *list, const char *path)
{
	for (size_t i = 0; i < list->count; i++) {
		size_t length = strlen(list->paths[i]);

		/* The root alone ends in '/'. */
		length -= length == 1;
		if (strncmp(list->paths[i], path, length) == 0 && path[length] == '/')
			return true;
	}
	return false;
}

void findings_add(struct findings *findings, const struct tree *tree, const char *path, const char *format, ...)
{
	struct finding finding = {0};
	va_list arguments;

	findings->all++;
	if (findings->count == FINDINGS_KEPT)
		return;
	if (findings->count == findings->room) {
		findings->room = findings->room ? 2 * findings->room : 16;
		findings->entries = must(realloc(findings->entries, findings->room * sizeof(*findings->entries)));
	}
	va_start(arguments, format);
	if (vasprintf(&finding.what, format, arguments) < 0 ||
	    asprintf(&finding.path, "%s%s%s", tree->listed, *path == '.' && !path[1] ? "" : "/",
		     *path == '.' && !path[1] ? "" : path) < 0)
		must(NULL);
	va_end(arguments);
	findings->entries[findings->count++] = finding;
}

void findings_free(struct findings *findings)
{
	for (size_t i = 0; i < findings->count; i++) {
		free(findings->entries[i].what);
		free(findings->entries[i].path);
	}
	free(findings->entries);
	*findings = (struct findings){0};
}
