// SPDX-License-Identifier: GPL-2.0
/* Shows the jobs, from the store itself, so that it works without a collector; drops one. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "fresh.h"
#include "moment.h"

struct arguments {
	bool json;
	bool drop;
	const char *job;
};

enum { KEY_JSON = OPTION_KEY };

static const struct argp_option jobs_options[] = {
	{"json", KEY_JSON, NULL, 0, "Print them as JSON", 0},
	{0},
};

static void take_word(struct arguments *arguments, char *word, struct argp_state *state)
{
	if (!arguments->drop && strcmp(word, "drop") != 0)
		argp_error(state, "'%s' is not known; did you mean 'jobs drop %s'?", word, word);
	else if (arguments->job)
		argp_error(state, "one job at a time can be dropped");
	else if (arguments->drop)
		arguments->job = word;
	arguments->drop = true;
}

static error_t parse(int key, char *value, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case KEY_JSON:
		arguments->json = true;
		return 0;
	case ARGP_KEY_ARG:
		take_word(arguments, value, state);
		return 0;
	case ARGP_KEY_END:
		if (arguments->drop && !arguments->job)
			argp_error(state, "which job is to be dropped?");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = jobs_options,
	.parser = parse,
	.args_doc = "\ndrop JOB",
	.doc = "Lists the jobs: the last window that each has committed, the one that is pending, and what it keeps "
	       "from "
	       "being pruned. 'drop' forgets a job; should it come back, it needs a full backup.",
};

/* The windows of the store, so that each is counted once for all jobs. */
struct windows {
	struct store_window *rows;
	size_t count;
};

static int remember(const struct store_window *window, void *context)
{
	struct windows *windows = context;
	struct store_window *rows = reallocarray(windows->rows, windows->count + 1, sizeof(*rows));

	if (!rows)
		return -ENOMEM;
	rows[windows->count++] = *window;
	windows->rows = rows;
	return 0;
}

struct held {
	uint64_t windows, paths;
};

static struct held held_back(const struct windows *windows, const struct store_job *job)
{
	uint64_t base = job->cursor ? job->cursor : job->pending;
	struct held held = {0};

	for (size_t i = 0; base && i < windows->count; i++) {
		if (!windows->rows[i].closed || windows->rows[i].number <= base)
			continue;
		held.windows++;
		held.paths += windows->rows[i].paths;
	}
	return held;
}

struct listing {
	struct windows windows;
	json_t *jobs; /* NULL: for people */
	int width;    /* of the longest name */
};

static int measure(const struct store_job *job, void *context)
{
	struct listing *listing = context;
	int length = strlen(job->name);

	if (length > listing->width)
		listing->width = length;
	return 0;
}

static const char *number_or_none(uint64_t number, char text[MOMENT_BYTES])
{
	if (number == 0)
		return "-";
	snprintf(text, MOMENT_BYTES, "%" PRIu64, number);
	return text;
}

static void print_fresh(const struct store_job *job)
{
	char since[MOMENT_BYTES];

	printf("    fresh since %s: %s", moment_local(job->since * NANOSECONDS, since), fresh_sentence(job->fresh));
	if (job->former)
		printf(" (window %" PRIu64 " had been committed)", job->former);
	putchar('\n');
}

static int print_row(const struct store_job *job, const struct listing *listing)
{
	char cursor[MOMENT_BYTES], pending[MOMENT_BYTES], age[MOMENT_BYTES] = "never";
	struct held held = held_back(&listing->windows, job);

	if (job->committed)
		moment_duration(moment_now() - job->committed * NANOSECONDS, age);
	printf("%-*s  %8s  %8s  %11s  %12" PRIu64 "  %10" PRIu64 "\n", listing->width, job->name,
	       job->cursor ? number_or_none(job->cursor, cursor) : "fresh", number_or_none(job->pending, pending), age,
	       held.windows, held.paths);
	if (*job->fresh)
		print_fresh(job);
	return 0;
}

static json_t *moment_or_null(int64_t seconds)
{
	char text[MOMENT_BYTES];

	return seconds ? json_string(moment_iso(seconds * NANOSECONDS, text)) : json_null();
}

static int add_json(const struct store_job *job, const struct listing *listing)
{
	struct held held = held_back(&listing->windows, job);
	json_t *row = json_pack("{s:s, s:I, s:I, s:b, s:o, s:o, s:o, s:I, s:I}", "job", job->name, "cursor",
				(json_int_t)job->cursor, "pending", (json_int_t)job->pending, "fresh", !job->cursor,
				"created", moment_or_null(job->created), "marked", moment_or_null(job->marked),
				"committed", moment_or_null(job->committed), "windows_held", (json_int_t)held.windows,
				"paths_held", (json_int_t)held.paths);

	if (*job->fresh)
		json_object_update_new(row,
				       json_pack("{s:s, s:s, s:o, s:I}", "fresh_reason", job->fresh, "fresh_detail",
						 fresh_sentence(job->fresh), "fresh_since", moment_or_null(job->since),
						 "former_cursor", (json_int_t)job->former));
	return json_array_append_new(listing->jobs, row) ? -ENOMEM : 0;
}

static int show(const struct store_job *job, void *context)
{
	struct listing *listing = context;

	return listing->jobs ? add_json(job, listing) : print_row(job, listing);
}

static int read_jobs(struct store *store, struct listing *listing)
{
	int code = store_begin(store);

	if (code == 0)
		code = store_windows(store, 1, 0, remember, &listing->windows);
	if (code == 0)
		code = store_jobs(store, measure, listing);
	if (code == 0 && !listing->jobs)
		printf("%-*s  %8s  %8s  %11s  %12s  %10s\n", listing->width, "job", "cursor", "pending", "committed",
		       "windows held", "paths held");
	if (code == 0)
		code = store_jobs(store, show, listing);
	if (code == 0)
		code = store_commit(store);
	return code;
}

static int list_jobs(struct store *store, bool json)
{
	struct listing listing = {.jobs = json ? json_array() : NULL, .width = strlen("job")};
	int code = read_jobs(store, &listing);

	free(listing.windows.rows);
	if (code == 0)
		return json ? command_print_json(listing.jobs) : EXIT_DONE;
	json_decref(listing.jobs);
	return command_fail_store(store, code);
}

static int drop(const struct options *options, const struct arguments *arguments)
{
	json_t *answer = NULL;
	int status;

	status = command_ask(options, json_pack("{s:s, s:s}", "request", "drop", "job", arguments->job), &answer);
	json_decref(answer);
	if (status == EXIT_DONE && arguments->json)
		return command_print_json(json_pack("{s:s}", "dropped", arguments->job));
	return status;
}

static int show_store(const struct options *options, bool json)
{
	struct store *store = NULL;
	int status = command_open_store(options, &store);

	if (status == EXIT_DONE)
		status = list_jobs(store, json);
	store_close(store);
	return status;
}

static int run(int argc, char **argv)
{
	struct arguments arguments = {0};
	struct options options;
	int status = options_parse(&argp, argc, argv, &options, &arguments);

	if (status == EXIT_DONE)
		status = arguments.drop ? drop(&options, &arguments) : show_store(&options, arguments.json);
	options_free(&options);
	return status;
}

const struct command command_jobs = {"jobs", "list the jobs, or drop one", run};
