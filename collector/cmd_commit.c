// SPDX-License-Identifier: GPL-2.0
/* The backup succeeded: the job's cursor moves to its pending window. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "message.h"
#include "sync.h"

enum { SYNC_SECONDS = 600 };

struct arguments {
	const char *job;
	uint64_t window; /* 0: whichever is pending */
	const char *base;
	bool json, whole, no_sync;
};

enum { KEY_JOB = OPTION_KEY, KEY_WINDOW, KEY_JSON, KEY_BASE, KEY_WHOLE, KEY_NO_SYNC };

static const struct argp_option commit_options[] = {
	{"job", KEY_JOB, "JOB", 0, "The job whose backup succeeded", 0},
	{"window", KEY_WINDOW, "NUMBER", 0, "Commit only if this window is the pending one", 0},
	{"whole", KEY_WHOLE, NULL, 0, "The backup has everything: that its list was incomplete does not matter", 0},
	{"base", KEY_BASE, "FILE", 0, "Write there, beside the backup, by which it is known again: see dump --base", 0},
	{"no-sync", KEY_NO_SYNC, NULL, 0,
	 "Do not sync the filesystems: after a power cut they may have less than the backup, and no list tells", 0},
	{"json", KEY_JSON, NULL, 0, "Print the answer as JSON", 0},
	{0},
};

static error_t parse(int key, char *value, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case KEY_JOB:
		options_check_job(state, value);
		arguments->job = value;
		return 0;
	case KEY_WINDOW:
		arguments->window = options_number(state, "--window", value, 1, INT64_MAX);
		return 0;
	case KEY_BASE:
		arguments->base = value;
		return 0;
	case KEY_WHOLE:
		arguments->whole = true;
		return 0;
	case KEY_NO_SYNC:
		arguments->no_sync = true;
		return 0;
	case KEY_JSON:
		arguments->json = true;
		return 0;
	case ARGP_KEY_END:
		if (!arguments->job)
			argp_error(state, "--job is missing");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = commit_options,
	.parser = parse,
	.doc = "Says that the backup of the job has succeeded: the next list begins after its pending window.",
};

static json_t *make_request(const struct arguments *arguments)
{
	json_t *request = json_pack("{s:s, s:s}", "request", "commit", "job", arguments->job);

	if (request && arguments->window)
		json_object_set_new(request, "window", json_integer(arguments->window));
	if (request && arguments->whole)
		json_object_set_new(request, "whole", json_true());
	return request;
}

static size_t find_traced(const json_t *status, struct synced **filesystems)
{
	const json_t *array = json_object_get(status, "filesystems"), *row;
	size_t index, count = 0;

	*filesystems = calloc(json_array_size(array) + 1, sizeof(**filesystems));
	json_array_foreach(array, index, row)
	{
		if (*filesystems && json_is_true(json_object_get(row, "traced")))
			(*filesystems)[count++].mount_point = json_string_value(json_object_get(row, "mount_point"));
	}
	return count;
}

/* What the backup has copied must outlive a power cut on the source before the backup counts. */
static int sync_traced(const struct options *options)
{
	struct synced *filesystems;
	json_t *answer = NULL;
	int status = command_ask(options, json_pack("{s:s}", "request", "status"), &answer);
	size_t count;

	if (status != EXIT_DONE)
		return status;
	count = find_traced(json_object_get(answer, "status"), &filesystems);
	if (!filesystems || sync_filesystems(filesystems, count, SYNC_SECONDS))
		status = EXIT_FAILED;
	for (size_t i = 0; filesystems && i < count; i++)
		if (filesystems[i].error)
			message(LOG_ERR,
				"%s cannot be synced: %s; nothing is committed (--no-sync would commit without it)",
				filesystems[i].mount_point, strerror(-filesystems[i].error));
	free(filesystems);
	json_decref(answer);
	return status;
}

static int finish(const struct arguments *arguments, const json_t *answer)
{
	json_int_t owed = json_integer_value(json_object_get(answer, "owed"));
	int status = EXIT_DONE;

	if (owed)
		message(LOG_WARNING,
			"job %s was committed by an incomplete list: its next lists begin with window "
			"%" JSON_INTEGER_FORMAT " again, until one of them is complete",
			arguments->job, owed);
	if (arguments->base)
		status = command_write_base(arguments->base, json_string_value(json_object_get(answer, "base")));
	if (status == EXIT_DONE && arguments->json)
		status = command_print_json(json_pack(
			"{s:s, s:O, s:O, s:O}", "job", arguments->job, "cursor", json_object_get(answer, "cursor"),
			"base", json_object_get(answer, "base"), "owed", json_object_get(answer, "owed")));
	return status;
}

static int run(int argc, char **argv)
{
	struct arguments arguments = {0};
	struct options options;
	json_t *answer = NULL;
	int status = options_parse(&argp, argc, argv, &options, &arguments);

	if (status == EXIT_DONE && !arguments.no_sync)
		status = sync_traced(&options);
	if (status == EXIT_DONE)
		status = command_ask(&options, make_request(&arguments), &answer);
	if (status == EXIT_DONE)
		status = finish(&arguments, answer);
	json_decref(answer);
	options_free(&options);
	return status;
}

const struct command command_commit = {"commit", "the backup of a job has succeeded", run};
