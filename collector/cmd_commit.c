// SPDX-License-Identifier: GPL-2.0
/* The backup succeeded: the job's cursor moves to its pending window. */
#include <inttypes.h>

#include "command.h"

struct arguments {
	const char *job;
	uint64_t window; /* 0: whichever is pending */
	bool json;
};

enum { KEY_JOB = OPTION_KEY, KEY_WINDOW, KEY_JSON };

static const struct argp_option commit_options[] = {
	{"job", KEY_JOB, "JOB", 0, "The job whose backup succeeded", 0},
	{"window", KEY_WINDOW, "NUMBER", 0, "Commit only if this window is the pending one", 0},
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
	return request;
}

static int run(int argc, char **argv)
{
	struct arguments arguments = {0};
	struct options options;
	json_t *answer = NULL;
	int status = options_parse(&argp, argc, argv, &options, &arguments);

	if (status == EXIT_DONE)
		status = command_ask(&options, make_request(&arguments), &answer);
	if (status == EXIT_DONE && arguments.json)
		status = command_print_json(
			json_pack("{s:s, s:O}", "job", arguments.job, "cursor", json_object_get(answer, "cursor")));
	json_decref(answer);
	options_free(&options);
	return status;
}

const struct command command_commit = {"commit", "the backup of a job has succeeded", run};
