// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "list_prune.h"
#include "output.h"
#include "path.h"
#include "sentence.h"

enum { STREAM_BUFFER = 64 << 10 };

struct output {
	const char *target; /* NULL: not wanted */
	enum list_kind kind;
	bool standard; /* output; not a file of its own */
	char *directory;
	char *temporary; /* NULL: there is no such file (any more) */
	FILE *stream;
	struct sorter *sorter;
	uint64_t written;
	bool whole; /* the directory that paths are relative to stands in it */
	bool published;
};

struct outputs {
	const struct list_options *options;
	struct output lists[2]; /* by enum list_kind */
	struct output *wanted[2];
	size_t count; /* of those that are wanted */
};

/* Targets */

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int check_target(struct output *output, char **error)
{
	const char *target = output->target, *base = base_name(target);
	struct stat found;

	output->standard = strcmp(target, "-") == 0;
	if (output->standard)
		return 0;
	output->directory = base == target ? strdup("./") : strndup(target, (size_t)(base - target));
	if (!output->directory)
		return -ENOMEM;
	if (!*base)
		return sentence(error, -EINVAL, "\"%s\" is not the name of a file", target);
	if (lstat(target, &found) < 0)
		return errno == ENOENT ? 0 : sentence(error, -errno, "%s: %s", target, strerror(errno));
	if (S_ISLNK(found.st_mode))
		return sentence(error, -ELOOP, "%s is a symbolic link: a list is never written through one", target);
	if (!S_ISREG(found.st_mode))
		return sentence(error, -EINVAL, "%s is not a regular file", target);
	return 0;
}

static bool are_one_file(const struct output *a, const struct output *b)
{
	struct stat a_directory, b_directory;

	if (a->standard || b->standard)
		return a->standard && b->standard;
	return strcmp(base_name(a->target), base_name(b->target)) == 0 && stat(a->directory, &a_directory) == 0 &&
	       stat(b->directory, &b_directory) == 0 && a_directory.st_dev == b_directory.st_dev &&
	       a_directory.st_ino == b_directory.st_ino;
}

static int check_targets(struct outputs *outputs, char **error)
{
	const struct output *first = outputs->wanted[0];

	for (size_t i = 0; i < outputs->count; i++) {
		int code = check_target(outputs->wanted[i], error);

		if (code)
			return code;
	}
	if (outputs->count < 2 || !are_one_file(first, outputs->wanted[1]))
		return 0;
	if (first->standard && outputs->options->format->names_list)
		return 0;
	return sentence(error, -EINVAL, "the lists of changed and of deleted paths cannot both go to %s",
			first->standard ? "standard output in this format" : first->target);
}

int outputs_new(struct outputs **result, const struct list_options *options, size_t memory, char **error)
{
	const char *const targets[] = {[LIST_CHANGED] = options->changed, [LIST_DELETED] = options->deleted};
	struct outputs *outputs = calloc(1, sizeof(*outputs));
	int code;

	*result = outputs;
	if (!outputs)
		return -ENOMEM;
	outputs->options = options;
	for (int kind = LIST_CHANGED; kind <= LIST_DELETED; kind++) {
		outputs->lists[kind] = (struct output){.target = targets[kind], .kind = kind};
		if (targets[kind])
			outputs->wanted[outputs->count++] = &outputs->lists[kind];
	}
	code = check_targets(outputs, error);
	for (size_t i = 0; i < outputs->count && !code; i++)
		code = sorter_new(&outputs->wanted[i]->sorter, memory, NULL);
	return code;
}

void outputs_free(struct outputs *outputs, bool failed)
{
	if (!outputs)
		return;
	for (size_t i = 0; i < outputs->count; i++) {
		struct output *output = outputs->wanted[i];

		if (output->stream)
			fclose(output->stream);
		if (output->temporary)
			unlink(output->temporary);
		if (output->published && failed)
			unlink(output->target);
		free(output->temporary);
		free(output->directory);
		sorter_free(output->sorter);
	}
	free(outputs);
}

/* Entries */

/*
 * Makes the path relative. False: it is outside. What goes away together with the directory's ancestor takes the
 * directory with it.
 */
static bool make_relative(const char *directory, enum list_kind kind, struct sorted *entry)
{
	size_t depth = strlen(directory), skip = depth == 1 ? 1 : depth + 1;

	if (entry->length > depth && path_is_below(entry->path, entry->length, directory, depth)) {
		entry->path += skip;
		entry->length -= skip;
		return true;
	}
	if (entry->length != depth && kind != LIST_DELETED)
		return false;
	if (!path_is_below(directory, depth, entry->path, entry->length))
		return false;
	entry->path = ".";
	entry->length = 1;
	return true;
}

static bool is_whole(const struct sorted *entry)
{
	return entry->length == 1 && *entry->path == '.';
}

int outputs_add(struct outputs *outputs, enum list_kind kind, const struct sorted *entry, char **error)
{
	const char *directory = outputs->options->relative_to;
	struct output *output = &outputs->lists[kind];
	struct sorted listed = *entry;
	int code;

	if (!output->target || (directory && !make_relative(directory, kind, &listed)))
		return 0;
	output->whole |= is_whole(&listed);
	code = sorter_add(output->sorter, &listed);
	return code ? sentence(error, code, "the lists cannot be sorted: %s", strerror(-code)) : 0;
}

/* Writing */

static int make_temporary(struct output *output)
{
	char *name;
	int fd;

	if (asprintf(&name, "%s.fschanged-XXXXXX", output->directory) < 0)
		return -ENOMEM;
	fd = mkostemp(name, O_CLOEXEC);
	if (fd < 0) {
		fd = -errno;
		free(name);
		return fd;
	}
	output->temporary = name;
	return fd;
}

/* What goes to standard output is collected as well: nothing is printed before all of it can be. */
static int open_stream(struct output *output, char **error)
{
	int fd = output->standard ? temporary_file(NULL) : make_temporary(output);

	if (fd < 0)
		return sentence(error, fd, "a file for the list cannot be made in %s: %s",
				output->standard ? "the directory for temporary files" : output->directory,
				strerror(-fd));
	output->stream = fdopen(fd, "w+");
	if (!output->stream) {
		close(fd);
		return -ENOMEM;
	}
	setvbuf(output->stream, NULL, _IOFBF, STREAM_BUFFER);
	return 0;
}

static int refuse_name(const struct format *format, const struct sorted *entry, char **error)
{
	size_t size;
	FILE *stream = open_memstream(error, &size);

	if (!stream)
		return -EILSEQ;
	fprintf(stream, "the format \"%s\" cannot express the name \"", format->name);
	format_escaped(stream, entry->path, entry->length);
	fputs("\" (shown with escapes): use --escape, --format nul (-0) or --format json", stream);
	fclose(stream);
	return -EILSEQ;
}

static int write_entry(const struct outputs *outputs, struct output *output, const struct sorted *entry, char **error)
{
	const struct format *format = outputs->options->format;
	int code;

	errno = 0;
	code = format->write(output->stream, entry, output->kind, outputs->options->escape);
	if (code == -EILSEQ)
		return refuse_name(format, entry, error);
	if (!code)
		output->written++;
	return code;
}

/* 1: it is written; 0: something above it is; -errno. */
static int keeps(struct pruner *pruner, const struct output *output, const struct sorted *entry)
{
	if (output->kind != LIST_DELETED)
		return 1;
	if (output->whole && !is_whole(entry))
		return 0;
	return pruner_keeps(pruner, entry->path, entry->length);
}

static int write_entries(const struct outputs *outputs, struct output *output, char **error)
{
	__attribute__((cleanup(pruner_free))) struct pruner pruner = {0};
	struct sorted entry;
	int more, code = sorter_finish(output->sorter);

	if (code)
		return code;
	while ((more = sorter_next(output->sorter, &entry)) > 0) {
		code = keeps(&pruner, output, &entry);
		if (code > 0)
			code = write_entry(outputs, output, &entry, error);
		if (code)
			return code;
	}
	return more;
}

static int write_list(const struct outputs *outputs, struct output *output, char **error)
{
	int code = write_entries(outputs, output, error);

	if (!code && fflush(output->stream) != 0)
		code = -errno;
	if (!code && output->temporary && fsync(fileno(output->stream)) < 0)
		code = -errno;
	if (code && !*error)
		sentence(error, code, "the list for %s cannot be written: %s", output->target, strerror(-code));
	return code;
}

/* Publishing */

static int write_standard_output(const char *bytes, size_t count)
{
	while (count) {
		ssize_t done = write(STDOUT_FILENO, bytes, count);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		bytes += done;
		count -= (size_t)done;
	}
	return 0;
}

static int print(struct output *output, char **error)
{
	char buffer[16 << 10];
	size_t count;
	int code = 0;

	rewind(output->stream);
	fflush(stdout);
	while (!code && (count = fread(buffer, 1, sizeof(buffer), output->stream)) > 0)
		code = write_standard_output(buffer, count);
	if (!code && ferror(output->stream))
		code = -EIO;
	return code ? sentence(error, code, "standard output: %s", strerror(-code)) : 0;
}

static int sync_directory(const char *name)
{
	int fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int code;

	if (fd < 0)
		return -errno;
	code = fsync(fd) < 0 ? -errno : 0;
	close(fd);
	return code;
}

static int put_in_place(struct output *output, char **error)
{
	int code;

	if (rename(output->temporary, output->target) < 0)
		return sentence(error, -errno, "%s: %s", output->target, strerror(errno));
	free(output->temporary);
	output->temporary = NULL;
	output->published = true;
	code = sync_directory(output->directory);
	return code ? sentence(error, code, "%s: %s", output->directory, strerror(-code)) : 0;
}

/* Standard output first: it can fail where a rename would succeed. What must go comes before what takes its place. */
static int publish(struct outputs *outputs, char **error)
{
	int code = 0;

	for (size_t i = outputs->count; i-- > 0 && !code;)
		if (outputs->wanted[i]->standard)
			code = print(outputs->wanted[i], error);
	for (size_t i = outputs->count; i-- > 0 && !code;)
		if (!outputs->wanted[i]->standard)
			code = put_in_place(outputs->wanted[i], error);
	return code;
}

int outputs_write(struct outputs *outputs, struct list_result *result, char **error)
{
	int code = 0;

	for (size_t i = 0; i < outputs->count && !code; i++)
		code = open_stream(outputs->wanted[i], error);
	for (size_t i = 0; i < outputs->count && !code; i++)
		code = write_list(outputs, outputs->wanted[i], error);
	if (!code)
		code = publish(outputs, error);
	result->changed = outputs->lists[LIST_CHANGED].written;
	result->deleted = outputs->lists[LIST_DELETED].written;
	return code;
}
