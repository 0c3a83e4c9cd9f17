// SPDX-License-Identifier: GPL-2.0
/*
 * Cuts, then lists what a job's next backup must look at. The collector makes the cut; the list is made in this process
 * from the store and the filesystems.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "certificate.h"
#include "bar.h"
#include "client.h"
#include "command.h"
#include "fresh.h"
#include "list.h"
#include "message.h"
#include "moment.h"
#include "relative.h"
#include "scan.h"
#include "sentence.h"

#define NO_WINDOW UINT64_MAX

struct arguments {
	const char *job, *since;
	uint64_t window; /* of since, or NO_WINDOW: */
	int64_t moment;
	const char *base;
	bool pending, repair;
	enum store_copied copied; /* what the store has of the pending window */
	struct list_options list;
};

/* For the callbacks of a list. */
struct request {
	const struct options *options;
	const struct arguments *arguments;
};

enum {
	KEY_JOB = OPTION_KEY,
	KEY_PENDING,
	KEY_SINCE,
	KEY_REPAIR,
	KEY_CHANGED,
	KEY_DELETED,
	KEY_FORMAT,
	KEY_ESCAPE,
	KEY_RELATIVE,
	KEY_NO_REFINE,
	KEY_CERTIFICATE,
	KEY_BASE,
};

static const struct argp_option dump_options[] = {
	{NULL, 0, NULL, 0, "What to list:", 1},
	{"job", KEY_JOB, "JOB", 0, "What changed after the windows that this job has committed", 1},
	{"pending", KEY_PENDING, NULL, 0, "The job's last list again, without closing another window", 1},
	{"since", KEY_SINCE, "WINDOW|TIME", 0,
	 "What changed after that window or since that time (\"2026-11-22 23:00\", \"yesterday\", \"2h\", "
	 "\"@UNIXTIME\"), "
	 "for people: no job, nothing is closed",
	 1},
	{"repair", KEY_REPAIR, NULL, 0,
	 "Where changes may be missing or names of changed files are not known, find them as scan does before the list "
	 "is written",
	 1},
	{"base", KEY_BASE, "FILE", 0,
	 "What 'commit --base' wrote there, beside the backup: if it is not the base of the job, only a full backup "
	 "will "
	 "do",
	 1},
	{NULL, 0, NULL, 0, "How to list it:", 2},
	{"changed", KEY_CHANGED, "FILE", 0, "Write the changed paths there; '-' is standard output", 2},
	{"deleted", KEY_DELETED, "FILE", 0, "Write the deleted paths there", 2},
	{"certificate", KEY_CERTIFICATE, "FILE", 0,
	 "Write there, as JSON, what the list covers and whether anything may be missing", 2},
	{"format", KEY_FORMAT, "FORMAT", 0, "lines, nul or json", 2},
	{NULL, '0', NULL, 0, "The same as --format nul", 2},
	{"escape", KEY_ESCAPE, NULL, 0, "Write control bytes in names as \\n and \\ooo, backslashes as \\\\", 2},
	{"relative-to", KEY_RELATIVE, "DIR", 0, "Strip this directory from the paths, leave out what is not below it",
	 2},
	{"no-refine", KEY_NO_REFINE, NULL, 0, "List also what was open for writing and has not changed", 2},
	{0},
};

static const struct format *find_format(struct argp_state *state, const char *name)
{
	const struct format *format = format_find(name);

	if (!format)
		argp_error(state, "there is no format '%s': lines, nul and json are known", name);
	return format;
}

/* What is a number, is a window. */
static bool is_number(const char *text, uint64_t *number)
{
	char *end;

	errno = 0;
	*number = strtoull(text, &end, 10);
	return *text >= '0' && *text <= '9' && !*end && !errno && *number < INT64_MAX;
}

/* A window or a moment. */
static void parse_since(struct arguments *arguments, const char *text, struct argp_state *state)
{
	int64_t now = moment_now();

	arguments->since = text;
	if (is_number(text, &arguments->window))
		return;
	arguments->window = NO_WINDOW;
	if (moment_parse(text, now, &arguments->moment))
		argp_error(state,
			   "'%s' is neither a window nor a time such as \"2026-11-22 23:00\", \"yesterday\" or \"2h\"",
			   text);
	else if (arguments->moment > now)
		argp_error(state, "'%s' has not come yet", text);
}

static bool is_same(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

/* Before a window is closed for it. */
static void check_relative(const char *directory, struct argp_state *state)
{
	char *real = NULL, *error = NULL;
	int code = directory ? relative_resolve(directory, &real, &error) : 0;

	if (code < 0)
		argp_error(state, "--relative-to: %s", error ? error : strerror(-code));
	if (code > 0)
		message(LOG_WARNING, "%s is not there: only what has gone with it is listed", directory);
	free(real);
	free(error);
}

static void check(const struct arguments *arguments, struct argp_state *state)
{
	const struct list_options *list = &arguments->list;

	if (!arguments->job && !arguments->since)
		argp_error(state, "--job or --since is missing");
	if (arguments->job && arguments->since)
		argp_error(state, "--job and --since exclude each other");
	if (arguments->pending && !arguments->job)
		argp_error(state, "--pending needs --job");
	if (arguments->base && (arguments->pending || !arguments->job))
		argp_error(state, "--base needs --job, without --pending");
	if (is_same(list->certificate, list->deleted) ||
	    is_same(list->certificate, list->changed || list->deleted ? list->changed : "-"))
		argp_error(state, "the certificate needs a file of its own");
	check_relative(list->relative_to, state);
}

static error_t parse(int key, char *value, struct argp_state *state)
{
	struct arguments *arguments = state->input;
	struct list_options *list = &arguments->list;

	switch (key) {
	case KEY_JOB:
		options_check_job(state, value);
		arguments->job = list->job = value;
		break;
	case KEY_PENDING:
		arguments->pending = true;
		break;
	case KEY_REPAIR:
		arguments->repair = true;
		break;
	case KEY_SINCE:
		parse_since(arguments, value, state);
		break;
	case KEY_CHANGED:
		list->changed = value;
		break;
	case KEY_DELETED:
		list->deleted = value;
		break;
	case KEY_BASE:
		arguments->base = value;
		break;
	case KEY_CERTIFICATE:
		list->certificate = value;
		break;
	case KEY_FORMAT:
		list->format = find_format(state, value);
		break;
	case '0':
		list->format = find_format(state, "nul");
		break;
	case KEY_ESCAPE:
		list->escape = true;
		break;
	case KEY_RELATIVE:
		list->relative_to = value;
		break;
	case KEY_NO_REFINE:
		list->no_refine = true;
		break;
	case ARGP_KEY_END:
		check(arguments, state);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct argp argp = {
	.options = dump_options,
	.parser = parse,
	.doc = "Lists what a backup must look at again."
	       "\vA window is closed first (see mark), unless --pending or --since is given. Exit status: 0 the list "
	       "is complete, 1 failed, 2 usage, 3 the list was written but may lack something, 4 the job has no "
	       "committed base: no list was written.",
};

/* Changed paths need no option to be seen. */
static void set_defaults(struct list_options *list)
{
	if (!list->changed && !list->deleted)
		list->changed = "-";
	if (!list->format)
		list->format = format_find("lines");
}

static int refuse_fresh(const struct list_options *list, const char *reason, int64_t since)
{
	char text[MOMENT_BYTES], *error = NULL;
	int code = list->certificate ? certificate_refuse(list, reason, since, &error) : 0;

	if (code)
		message(LOG_ERR, "%s", error ? error : strerror(-code));
	free(error);

	message(LOG_ERR,
		"job %s is fresh since %s, no list is written: %s; take a full backup, then 'fschanged commit --job "
		"%s'",
		list->job, moment_local(since * NANOSECONDS, text), fresh_sentence(reason), list->job);
	return EXIT_FRESH;
}

/* What is listed becomes pending only when the list is there: else a commit would pass over what nobody has copied. */
static int cut(const struct options *options, const struct arguments *arguments, struct list_options *list)
{
	json_t *answer, *request;
	char base[BASE_BYTES];
	int status = arguments->base ? command_read_base(arguments->base, base) : EXIT_DONE;

	if (status != EXIT_DONE)
		return status;
	request = json_pack("{s:s, s:s}", "request", "cut", "job", arguments->job);
	if (arguments->base)
		json_object_set_new(request, "base", json_string(base));
	status = command_ask(options, request, &answer);
	if (status != EXIT_DONE)
		return status;
	list->first = json_integer_value(json_object_get(answer, "first"));
	list->last = json_integer_value(json_object_get(answer, "window"));
	if (json_is_true(json_object_get(answer, "fresh")))
		status = refuse_fresh(list, json_string_value(json_object_get(answer, "fresh_reason")),
				      json_integer_value(json_object_get(answer, "fresh_since")));
	json_decref(answer);
	return status;
}

static json_t *pend(const struct arguments *arguments, bool incomplete)
{
	return json_pack("{s:s, s:s, s:I, s:b}", "request", "pend", "job", arguments->job, "window",
			 (json_int_t)arguments->list.last, "incomplete", incomplete);
}

static int set_pending(const struct options *options, const struct arguments *arguments, bool incomplete)
{
	json_t *answer = NULL;
	int status = command_ask(options, pend(arguments, incomplete), &answer);

	json_decref(answer);
	return status;
}

/* The windows after the job's cursor, up to its pending one. */
static int select_pending(struct store *store, const char *name, struct arguments *arguments)
{
	struct list_options *list = &arguments->list;
	struct store_job job;
	int code = store_get_job(store, name, &job);

	if (code == -ENOENT) {
		message(LOG_ERR, "there is no job %s; 'fschanged jobs' lists them", name);
		return EXIT_FAILED;
	}
	if (code)
		return command_fail_store(store, code);
	if (job.cursor == 0)
		return refuse_fresh(list, job.fresh, job.since);
	if (job.pending == 0) {
		message(LOG_ERR, "job %s has no pending window: 'fschanged dump --job %s' makes one", name, name);
		return EXIT_FAILED;
	}
	list->first = store_job_first(&job);
	list->last = job.pending;
	arguments->copied = job.copied;
	return EXIT_DONE;
}

/* Where a list since a moment begins. */
struct search {
	int64_t moment;
	uint64_t first; /* the first window that was open then or later; 0: none */
	int64_t opened; /* the first window of all; 0: none */
};

static int look_at_window(const struct store_window *window, void *context)
{
	struct search *search = context;

	if (!search->opened)
		search->opened = window->opened;
	if (!search->first && (!window->closed || window->closed > search->moment))
		search->first = window->number;
	return 0;
}

static int select_after(const struct store_window *last, uint64_t number, struct list_options *list)
{
	if (number >= last->number) {
		message(LOG_ERR, "nothing comes after window %" PRIu64 ": window %" PRIu64 " is the last one", number,
			last->number);
		return EXIT_FAILED;
	}
	list->first = number + 1;
	return EXIT_DONE;
}

static int select_moment(struct store *store, int64_t moment, struct list_options *list, char **lacks)
{
	struct search search = {.moment = moment};
	char opened[MOMENT_BYTES];
	int code;

	code = store_windows(store, 1, 0, look_at_window, &search);
	if (code)
		return command_fail_store(store, code);
	if (!search.first) {
		message(LOG_ERR, "no window was open at that time or later");
		return EXIT_FAILED;
	}
	list->first = search.first;
	if (search.opened > search.moment)
		sentence(lacks, 0,
			 "the first window in the database was opened at %s: what changed before is not known",
			 moment_local(search.opened, opened));
	list->lacks = *lacks;
	return EXIT_DONE;
}

/* Up to the last window, which usually is still open. */
static int select_since(struct store *store, const struct arguments *arguments, struct list_options *list, char **lacks)
{
	struct store_window last;
	int code = store_last_window(store, &last);

	if (code == -ENOENT) {
		message(LOG_ERR, "there is no window yet: no collector has run with this state");
		return EXIT_FAILED;
	}
	if (code)
		return command_fail_store(store, code);
	list->last = last.number;
	if (arguments->window != NO_WINDOW)
		return select_after(&last, arguments->window, list);
	return select_moment(store, arguments->moment, list, lacks);
}

static void report(const char *sentence, void *context)
{
	(void)context;
	message(LOG_WARNING, "incomplete: %s", sentence);
}

static int make(struct store *store, const struct list_options *list, struct list_result *result, list_report *say,
		void *context, int *code)
{
	char *error = NULL;

	*code = list_make(store, list, result, say, context, &error);
	if (*code && *code != -EAGAIN)
		message(LOG_ERR, "%s", error ? error : strerror(-*code));
	free(error);
	if (*code)
		return EXIT_FAILED;
	return result->verdict == LIST_INCOMPLETE ? EXIT_INCOMPLETE : EXIT_DONE;
}

/* Sentences that may have no reason any more when the list is made again. */
static void hold(const char *sentence, void *context)
{
	fprintf(context, "%s%c", sentence, '\0');
}

static void say_held(const char *held, size_t size)
{
	for (size_t at = 0; at < size; at += strlen(held + at) + 1)
		report(held + at, NULL);
}

static void show(const struct scan_progress *progress, void *context)
{
	if (progress->done)
		bar_clear(context);
	else
		bar_show(context, progress);
}

/* What could not be looked at is said again, for all that is missing, when the list is made. */
static int repair(const struct options *options, const struct list_result *lacking)
{
	struct reasons reasons = {0};
	struct bar bar;
	const struct scan_options request = {
		.socket = options->config.socket,
		.gaps_only = !lacking->unnamed,
		.anew = lacking->unnamed,
		.progress = show,
		.context = &bar,
		.reasons = &reasons,
	};
	char *error;
	int code;

	bar_init(&bar);
	code = scan(&request, &error);
	bar_clear(&bar);
	if (code)
		message(LOG_WARNING, "the list cannot be repaired: %s", error ? error : strerror(-code));
	free(error);
	return code;
}

/* Without a word where nobody answers. */
static int ask_quietly(const struct options *options, json_t *request)
{
	json_t *answer;
	char *error = NULL;
	int code = client_ask(options->config.socket, request, &answer, &error);

	json_decref(answer);
	free(error);
	return code;
}

/* The open window is in the store up to the last second; a collector that answers brings the rest. */
static int ask_to_flush(void *context)
{
	const struct request *request = context;

	return ask_quietly(request->options, json_pack("{s:s}", "request", "flush"));
}

/*
 * The backup of a list that lacks something must not be committed as that of the complete one which the job may have
 * had: that is noted before anybody can copy what it lists.
 */
static int note_incomplete(enum list_verdict verdict, void *context)
{
	const struct request *request = context;

	if (verdict != LIST_INCOMPLETE)
		return 0;
	if (request->arguments->copied != COPIED_PART)
		return set_pending(request->options, request->arguments, true) == EXIT_DONE ? 0 : -ECANCELED;
	ask_quietly(request->options, pend(request->arguments, true));
	return 0;
}

static int write_lists(struct options *options, const struct arguments *arguments, struct store *store)
{
	struct request request = {options, arguments};
	struct list_options list = arguments->list;
	struct list_result result;
	char *held = NULL;
	size_t size = 0;
	FILE *stream = arguments->repair ? open_memstream(&held, &size) : NULL;
	int code, status;

	list.settle = ask_to_flush;
	list.announce = arguments->pending ? note_incomplete : NULL;
	list.context = &request;
	list.or_nothing = stream != NULL;
	status = make(store, &list, &result, stream ? hold : report, stream, &code);
	if (stream)
		fclose(stream);
	if (code == -EAGAIN) {
		repair(options, &result);
		list.or_nothing = false;
		status = make(store, &list, &result, report, NULL, &code);
	} else if (stream) {
		say_held(held, size);
	}
	free(held);
	return status;
}

static int write_since(struct options *options, struct arguments *arguments, struct store *store)
{
	char *lacks = NULL;
	int status;

	ask_quietly(options, json_pack("{s:s}", "request", "flush"));
	status = select_since(store, arguments, &arguments->list, &lacks);
	if (status == EXIT_DONE)
		status = write_lists(options, arguments, store);
	free(lacks);
	return status;
}

static int write_pending(struct options *options, struct arguments *arguments, struct store *store)
{
	int status = select_pending(store, arguments->job, arguments);

	if (status == EXIT_DONE)
		status = write_lists(options, arguments, store);
	/* It may be committed as a complete one now; without a collector it stays what it was. */
	if (status == EXIT_DONE)
		ask_quietly(options, pend(arguments, false));
	return status;
}

static int write_next(struct options *options, struct arguments *arguments, struct store *store)
{
	int status = write_lists(options, arguments, store), code = EXIT_DONE;

	if (status == EXIT_DONE || status == EXIT_INCOMPLETE)
		code = set_pending(options, arguments, status == EXIT_INCOMPLETE);
	return code ? code : status;
}

static int dump(struct options *options, struct arguments *arguments)
{
	bool next = arguments->job && !arguments->pending;
	struct store *store = NULL;
	int status = EXIT_DONE;

	if (next)
		status = cut(options, arguments, &arguments->list);
	if (status == EXIT_DONE)
		status = command_open_store(options, &store);
	if (status != EXIT_DONE)
		return status;
	if (next)
		status = write_next(options, arguments, store);
	else if (arguments->pending)
		status = write_pending(options, arguments, store);
	else
		status = write_since(options, arguments, store);
	store_close(store);
	if (status == EXIT_INCOMPLETE && arguments->job)
		message(LOG_WARNING,
			"'fschanged dump --job %s --pending --repair' looks for what is missing, or take a full "
			"backup: mark, copy all, commit",
			arguments->job);
	return status;
}

static int run(int argc, char **argv)
{
	struct arguments arguments = {0};
	struct options options;
	int status = options_parse(&argp, argc, argv, &options, &arguments);

	set_defaults(&arguments.list);
	if (status == EXIT_DONE && geteuid() != 0) {
		message(LOG_ERR, "dump must look at every listed file: run it as root");
		status = EXIT_FAILED;
	}
	if (status == EXIT_DONE)
		status = dump(&options, &arguments);
	options_free(&options);
	return status;
}

const struct command command_dump = {"dump", "list what changed for a job, or since a time", run};
