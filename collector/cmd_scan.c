// SPDX-License-Identifier: GPL-2.0
/* Walks the traced filesystems for what the collector does not know, and waits until that is done. */
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bar.h"
#include "command.h"
#include "format.h"
#include "message.h"
#include "moment.h"
#include "priority.h"
#include "scan.h"

enum { KEY_JSON = OPTION_KEY, KEY_NEW };

struct arguments {
	bool json, new_only;
	bool is_stopped;
	sigset_t signals; /* that stop it */
	json_t *filesystems;
	struct bar bar;
};

static const struct argp_option options_of_scan[] = {
	{"json", KEY_JSON, NULL, 0, "Print the answer as JSON", 0},
	{"new", KEY_NEW, NULL, 0, "Only filesystems that were never walked", 0},
	{0},
};

static error_t parse(int key, char *value, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case KEY_JSON:
		arguments->json = true;
		return 0;
	case KEY_NEW:
		arguments->new_only = true;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "'%s' is not an option", value);
		return EINVAL;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options_of_scan,
	.parser = parse,
	.doc = "Walks all traced filesystems for what may have changed in gaps, for the names of files with several "
	       "links, and for those of changed files without a name that is known. When it is done the gaps are "
	       "repaired, and lists that were incomplete can be made again. Exit status: 0 done, 1 failed, 2 usage, 3 "
	       "something could not be looked at.",
};

static json_int_t milliseconds(const struct scan_progress *progress)
{
	return (json_int_t)((moment_now() - progress->started) / 1000000);
}

static json_t *describe(const struct scan_progress *progress)
{
	return json_pack("{s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:b}", "mount_point",
			 command_json_text(progress->mount_point), "entries", (json_int_t)progress->entries, "earlier",
			 (json_int_t)progress->before, "inodes", (json_int_t)progress->inodes, "gaps",
			 (json_int_t)progress->gaps, "changed", (json_int_t)progress->changed, "directories",
			 (json_int_t)progress->directories, "names", (json_int_t)progress->names, "milliseconds",
			 milliseconds(progress), "complete", progress->complete);
}

static void print(const struct scan_progress *progress)
{
	format_escaped(stdout, progress->mount_point, strlen(progress->mount_point));
	printf(": %" PRIu64 " entries", progress->entries);
	if (progress->before)
		printf(" (%" PRIu64 " by a scan that was stopped: this one went on)", progress->before);
	if (progress->inodes)
		printf(", %" PRIu64 " inodes read before", progress->inodes);
	if (progress->gaps)
		printf(", %" PRIu64 " gaps, %" PRIu64 " may have changed in them (%" PRIu64
		       " directories, listed with all below)",
		       progress->gaps, progress->changed, progress->directories);
	printf(", %" PRIu64 " names of files with several links, %.1f seconds%s\n", progress->names,
	       (double)milliseconds(progress) / 1000, progress->complete ? "" : ", not complete");
}

static void show(const struct scan_progress *progress, void *context)
{
	struct arguments *arguments = context;

	if (!progress->done) {
		bar_show(&arguments->bar, progress);
		return;
	}
	bar_clear(&arguments->bar);
	if (arguments->json)
		json_array_append_new(arguments->filesystems, describe(progress));
	else
		print(progress);
}

static void report(const char *sentence, void *context)
{
	struct arguments *arguments = context;

	bar_clear(&arguments->bar);
	message(LOG_WARNING, "incomplete: %s", sentence);
}

/*
 * They are blocked, so that no request is interrupted, and looked for. From then on they end the process as ever,
 * should a directory or the collector let it wait.
 */
static bool is_stopped(void *context)
{
	const struct timespec at_once = {0};
	struct arguments *arguments = context;

	if (!arguments->is_stopped && sigtimedwait(&arguments->signals, NULL, &at_once) > 0) {
		arguments->is_stopped = true;
		pthread_sigmask(SIG_UNBLOCK, &arguments->signals, NULL);
	}
	return arguments->is_stopped;
}

static void block_signals(struct arguments *arguments)
{
	sigemptyset(&arguments->signals);
	sigaddset(&arguments->signals, SIGINT);
	sigaddset(&arguments->signals, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &arguments->signals, NULL);
}

static int walk(const struct options *options, struct arguments *arguments)
{
	struct reasons reasons = {report, arguments, 0};
	const struct scan_options request = {
		.socket = options->config.socket,
		.new_only = arguments->new_only,
		.progress = show,
		.is_stopped = arguments->new_only ? NULL : is_stopped,
		.context = arguments,
		.reasons = &reasons,
	};
	char *error;
	int code;

	/* The collector that has started a walk waits for its end when it stops. */
	if (!arguments->new_only)
		block_signals(arguments);
	code = scan(&request, &error);

	bar_clear(&arguments->bar);
	if (code)
		message(LOG_ERR, "%s", error ? error : strerror(-code));
	free(error);
	if (code)
		return EXIT_FAILED;
	return reasons.count ? EXIT_INCOMPLETE : EXIT_DONE;
}

static int run(int argc, char **argv)
{
	struct arguments arguments = {0};
	struct options options;
	int status = options_parse(&argp, argc, argv, &options, &arguments);

	if (status == EXIT_DONE && geteuid() != 0) {
		message(LOG_ERR, "scan must look at every file: run it as root");
		status = EXIT_FAILED;
	}
	arguments.filesystems = json_array();
	bar_init(&arguments.bar);
	if (status == EXIT_DONE) {
		/* Whoever has work to do comes first. */
		priority_step_back();
		status = walk(&options, &arguments);
		if (arguments.json && status != EXIT_FAILED)
			command_print_json(json_pack("{s:O, s:b}", "filesystems", arguments.filesystems, "complete",
						     status == EXIT_DONE));
	}
	json_decref(arguments.filesystems);
	options_free(&options);
	return status;
}

const struct command command_scan = {"scan", "cover gaps, and find names that the collector does not know", run};
