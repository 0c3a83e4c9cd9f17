// SPDX-License-Identifier: GPL-2.0
/* Cuts: closes the open window and makes it a job's pending one. */
#include <stdio.h>

#include "command.h"

struct arguments {
	const char *job;
	bool json;
};

enum { KEY_JOB = OPTION_KEY, KEY_JSON };

static const struct argp_option mark_options[] = {
	{"job", KEY_JOB, "JOB", 0, "The job that the window is for; made if it is new", 0},
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
	.options = mark_options,
	.parser = parse,
	.doc = "Closes the open window, opens the next one, and remembers the closed one as pending for the job. To be "
	       "called before a full backup. Prints the number of the closed window.",
};

static int print(const struct arguments *arguments, const json_t *answer)
{
	json_int_t window = json_integer_value(json_object_get(answer, "window"));

	if (arguments->json)
		return command_print_json(json_pack("{s:s, s:I, s:b}", "job", arguments->job, "window", window, "fresh",
						    json_is_true(json_object_get(answer, "fresh"))));
	printf("%" JSON_INTEGER_FORMAT "\n", window);
	return EXIT_DONE;
}

static int run(int argc, char **argv)
{
	struct arguments arguments = {0};
	struct options options;
	json_t *answer = NULL;
	int status = options_parse(&argp, argc, argv, &options, &arguments);

	if (status == EXIT_DONE)
		status = command_ask(&options, json_pack("{s:s, s:s}", "request", "mark", "job", arguments.job),
				     &answer);
	if (status == EXIT_DONE)
		status = print(&arguments, answer);
	json_decref(answer);
	options_free(&options);
	return status;
}

const struct command command_mark = {"mark", "close the window before a full backup", run};
