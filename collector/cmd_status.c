// SPDX-License-Identifier: GPL-2.0
/* What is traced and what is not, as the collector says. */
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "format.h"
#include "moment.h"

struct arguments {
	bool json;
};

enum { KEY_JSON = OPTION_KEY };

static const struct argp_option status_options[] = {
	{"json", KEY_JSON, NULL, 0, "Print the answer as JSON", 0},
	{0},
};

static error_t parse(int key, char *value, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	(void)value;
	if (key != KEY_JSON)
		return ARGP_ERR_UNKNOWN;
	arguments->json = true;
	return 0;
}

static const struct argp argp = {
	.options = status_options,
	.parser = parse,
	.doc = "Shows what is traced and what is not. Exit status 0: every required hook is attached and a window is "
	       "open.",
};

static const char *text(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	return value ? value : "";
}

static json_int_t number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static void print_name(const char *name)
{
	format_escaped(stdout, name, strlen(name));
}

static void print_bytes(const char *what, json_int_t bytes)
{
	static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
	double value = bytes;
	int unit = 0;

	while (value >= 1024 && unit < 4) {
		value /= 1024;
		unit++;
	}
	printf("%-12s %.*f %s\n", what, unit ? 1 : 0, value, units[unit]);
}

static void print_since(const json_t *status)
{
	const char *since = text(status, "since");
	char local[MOMENT_BYTES];
	int64_t moment;

	if (moment_parse_iso(since, &moment) == 0)
		since = moment_local(moment, local);
	printf("%-12s %s since %s, process %" JSON_INTEGER_FORMAT ", version %s\n", "collector",
	       json_is_true(json_object_get(status, "ready")) ? "ready" : "NOT READY", since, number(status, "pid"),
	       text(status, "version"));
	printf("%-12s %" JSON_INTEGER_FORMAT " is open\n", "window", number(status, "window"));
}

static void print_hooks(const json_t *status)
{
	const json_t *hooks = json_object_get(status, "hooks"), *hook;
	size_t index, attached = 0;

	json_array_foreach(hooks, index, hook) attached += json_is_true(json_object_get(hook, "attached"));
	printf("%-12s %zu of %zu attached, by %s\n", "hooks", attached, json_array_size(hooks), text(status, "mode"));
	json_array_foreach(hooks, index, hook)
	{
		if (!json_is_true(json_object_get(hook, "attached")))
			printf("%-12s %s: %s\n", "", text(hook, "name"), text(hook, "note"));
	}
}

static void print_pins(const json_t *status)
{
	printf("%-12s %s%s\n", "pinned", text(status, "pins"),
	       json_is_true(json_object_get(status, "pinned")) ? "" : ": GONE, until the next cut");
}

static void print_filesystems(const json_t *status, bool traced)
{
	const json_t *filesystem;
	const char *what = traced ? "traced" : "not traced";
	size_t index;

	json_array_foreach(json_object_get(status, "filesystems"), index, filesystem)
	{
		if (json_is_true(json_object_get(filesystem, "traced")) != traced)
			continue;
		printf("%-12s ", what);
		print_name(text(filesystem, "mount_point"));
		printf(" (%s)", text(filesystem, "type"));
		if (*text(filesystem, "reason"))
			printf(": %s", text(filesystem, "reason"));
		putchar('\n');
		what = "";
	}
}

static void print_losses(const json_t *counters)
{
	const json_t *value;
	const char *what = "lost", *name;

	json_object_foreach((json_t *)json_object_get(counters, "lost"), name, value)
	{
		if (json_integer_value(value) == 0)
			continue;
		printf("%-12s %" JSON_INTEGER_FORMAT " %s\n", what, json_integer_value(value), name);
		what = "";
	}
	if (number(counters, "missed_runs"))
		printf("%-12s %" JSON_INTEGER_FORMAT " missed runs of programs\n", what,
		       number(counters, "missed_runs"));
	else if (*what)
		printf("%-12s nothing\n", what);
}

static void print_counters(const json_t *status)
{
	const json_t *counters = json_object_get(status, "counters");
	double bytes = number(counters, "ring_bytes"), used = number(counters, "ring_used");

	printf("%-12s %" JSON_INTEGER_FORMAT " since the start\n", "events", number(counters, "events"));
	print_losses(counters);
	printf("%-12s %" JSON_INTEGER_FORMAT " open\n", "writers", number(counters, "writers"));
	printf("%-12s %.1f %% of %.1f MiB in use\n", "ring", bytes > 0 ? used / bytes * 100 : 0, bytes / (1 << 20));
}

static void print_cut(const json_t *status)
{
	const json_t *cut = json_object_get(status, "cut");

	if (number(cut, "microseconds"))
		printf("%-12s took %.1f ms, %.1f ms of it for programs in the kernel to end\n", "last cut",
		       number(cut, "microseconds") / 1e3, number(cut, "barrier_microseconds") / 1e3);
}

static void print_gaps(const json_t *status)
{
	const json_t *gaps = json_object_get(status, "gaps");

	printf("%-12s %" JSON_INTEGER_FORMAT "\n", "gaps",
	       json_is_array(gaps) ? (json_int_t)json_array_size(gaps) : json_integer_value(gaps));
}

static void print_fresh(const json_t *status)
{
	const json_t *job;
	size_t index;

	json_array_foreach(json_object_get(status, "fresh"), index, job)
		printf("%-12s %s: %s\n", index ? "" : "fresh", text(job, "job"), text(job, "detail"));
}

static void print_status(const json_t *status)
{
	print_since(status);
	print_hooks(status);
	print_pins(status);
	print_filesystems(status, true);
	print_filesystems(status, false);
	print_counters(status);
	print_cut(status);
	print_gaps(status);
	print_fresh(status);
	print_bytes("database", number(status, "database_bytes"));
	print_bytes("memory", number(status, "memory_bytes"));
	print_bytes("in kernel", number(status, "kernel_memory_bytes"));
}

static int show(const struct arguments *arguments, json_t *status)
{
	int code = EXIT_DONE;

	if (arguments->json)
		code = command_print_json(json_incref(status));
	else
		print_status(status);
	return json_is_true(json_object_get(status, "ready")) ? code : EXIT_FAILED;
}

static int run(int argc, char **argv)
{
	struct arguments arguments = {0};
	struct options options;
	json_t *answer = NULL;
	int status = options_parse(&argp, argc, argv, &options, &arguments);

	if (status == EXIT_DONE)
		status = command_ask(&options, json_pack("{s:s}", "request", "status"), &answer);
	if (status == EXIT_DONE)
		status = show(&arguments, json_object_get(answer, "status"));
	json_decref(answer);
	options_free(&options);
	return status;
}

const struct command command_status = {"status", "show what is traced and what is not", run};
