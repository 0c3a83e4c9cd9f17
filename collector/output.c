// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "list_prune.h"
#include "new_file.h"
#include "output.h"
#include "path.h"
#include "sentence.h"

struct output {
	const char *target; /* NULL: not wanted */
	enum list_kind kind;
	struct new_file file;
	struct sorter *sorter;
	uint64_t written;
	bool whole; /* the directory that paths are relative to stands in it */
};

struct outputs {
	const struct list_options *options;
	struct output lists[2]; /* by enum list_kind */
	struct output *wanted[2];
	size_t count; /* of those that are wanted */
};

/* Targets */

static int check_targets(struct outputs *outputs, char **error)
{
	const struct output *first = outputs->wanted[0];

	for (size_t i = 0; i < outputs->count; i++) {
		int code = new_file_check(&outputs->wanted[i]->file, outputs->wanted[i]->target, error);

		if (code)
			return code;
	}
	if (outputs->count < 2 || !new_file_is_same(&first->file, &outputs->wanted[1]->file))
		return 0;
	if (first->file.standard && outputs->options->format->names_list)
		return 0;
	return sentence(error, -EINVAL, "the lists of changed and of deleted paths cannot both go to %s",
			first->file.standard ? "standard output in this format" : first->target);
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

		new_file_free(&output->file, failed);
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
	code = format->write(output->file.stream, entry, output->kind, outputs->options->escape);
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

	if (!code)
		code = new_file_sync(&output->file);
	if (code && !*error)
		sentence(error, code, "the list for %s cannot be written: %s", output->target, strerror(-code));
	return code;
}

/* Publishing */

/* Standard output first: it can fail where a rename would succeed. What must go comes before what takes its place. */
static int publish(struct outputs *outputs, char **error)
{
	int code = 0;

	for (size_t i = outputs->count; i-- > 0 && !code;)
		if (outputs->wanted[i]->file.standard)
			code = new_file_publish(&outputs->wanted[i]->file, error);
	for (size_t i = outputs->count; i-- > 0 && !code;)
		if (!outputs->wanted[i]->file.standard)
			code = new_file_publish(&outputs->wanted[i]->file, error);
	return code;
}

int outputs_write(struct outputs *outputs, struct list_result *result, char **error)
{
	int code = 0;

	for (size_t i = 0; i < outputs->count && !code; i++)
		code = new_file_open(&outputs->wanted[i]->file, error);
	for (size_t i = 0; i < outputs->count && !code; i++)
		code = write_list(outputs, outputs->wanted[i], error);
	if (!code)
		code = publish(outputs, error);
	result->changed = outputs->lists[LIST_CHANGED].written;
	result->deleted = outputs->lists[LIST_DELETED].written;
	return code;
}
