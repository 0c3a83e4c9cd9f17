// SPDX-License-Identifier: GPL-2.0
/* Shows events as they come, for people who want to see what the collector sees. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base64.h"
#include "client.h"
#include "command.h"
#include "event.h"
#include "format.h"
#include "message.h"
#include "moment.h"

struct arguments {
	bool every, json, colour;
	const char *path, *command;
	uint32_t operations; /* 1 << enum operation; 0: all */
	uint64_t pid;        /* 0: all */
	uint64_t count;      /* 0: no end */
};

enum { KEY_PATH = OPTION_KEY, KEY_OPERATION, KEY_PID, KEY_COMMAND, KEY_EVERY, KEY_COUNT, KEY_JSON };

static const struct argp_option tail_options[] = {
	{"path", KEY_PATH, "GLOB", 0, "Only paths that match", 0},
	{"operation", KEY_OPERATION, "NAME[,NAME...]", 0, "Only these operations", 0},
	{"pid", KEY_PID, "PID", 0, "Only what this process does", 0},
	{"command", KEY_COMMAND, "NAME", 0, "Only what processes of this name do", 0},
	{"every", KEY_EVERY, NULL, 0, "Also the repeated changes of a file, which deduplication hides", 0},
	{"count", KEY_COUNT, "NUMBER", 0, "End after so many events", 0},
	{"json", KEY_JSON, NULL, 0, "Print each event as a line of JSON", 0},
	{0},
};

/* Colours say what becomes of the name: green it comes, red it goes, yellow it moves. */
enum { PLAIN = 0, RED = 31, GREEN = 32, YELLOW = 33, CYAN = 36 };

static const struct operation_row {
	const char *name;
	int colour;
} operation_rows[] = {
#define X(constant, bit, name, names) [constant] = {name, names ? GREEN : PLAIN},
	OPERATIONS(X)
#undef X
};

static int operation_find(const char *name, size_t length)
{
	for (int i = 0; i < OPERATION_COUNT; i++) {
		if (strlen(operation_rows[i].name) == length && memcmp(operation_rows[i].name, name, length) == 0)
			return i;
	}
	return -ENOENT;
}

static int operation_colour(const char *name)
{
	switch (operation_find(name, strlen(name))) {
	case OPERATION_UNLINK:
	case OPERATION_RMDIR:
		return RED;
	case OPERATION_RENAME_FROM:
	case OPERATION_RENAME_TO:
		return YELLOW;
	case OPERATION_SETATTR:
	case OPERATION_XATTR:
	case OPERATION_ACL:
	case OPERATION_FILEATTR:
		return CYAN;
	case -ENOENT:
		return PLAIN;
	default:
		return operation_rows[operation_find(name, strlen(name))].colour;
	}
}

static uint32_t parse_operations(struct argp_state *state, const char *names)
{
	uint32_t operations = 0;

	for (;;) {
		size_t length = strcspn(names, ",");
		int operation = operation_find(names, length);

		if (operation < 0)
			argp_error(state, "there is no operation '%.*s'", (int)length, names);
		else
			operations |= 1U << operation;
		if (!names[length])
			return operations;
		names += length + 1;
	}
}

static error_t parse(int key, char *value, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case KEY_PATH:
		options_check_text(state, "--path", value);
		arguments->path = value;
		return 0;
	case KEY_OPERATION:
		arguments->operations |= parse_operations(state, value);
		return 0;
	case KEY_PID:
		arguments->pid = options_number(state, "--pid", value, 1, INT32_MAX);
		return 0;
	case KEY_COMMAND:
		options_check_text(state, "--command", value);
		arguments->command = value;
		return 0;
	case KEY_EVERY:
		arguments->every = true;
		return 0;
	case KEY_COUNT:
		arguments->count = options_number(state, "--count", value, 1, INT64_MAX);
		return 0;
	case KEY_JSON:
		arguments->json = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = tail_options,
	.parser = parse,
	.doc = "Shows changes as they come: time, operation, pid, uid, command, path. Ctrl-C ends it."
	       "\vOperations: open, create, mkdir, mknod, symlink, link, unlink, rmdir, rename-from, rename-to, "
	       "setattr, "
	       "xattr, acl, ioctl, fileattr, write (with --every), carried, entries. What was already reported in this "
	       "window "
	       "is hidden, unless --every is given.",
};

static void add_text(json_t *request, const char *key, const char *value)
{
	if (value)
		json_object_set_new(request, key, json_string(value));
}

static json_t *make_request(const struct arguments *arguments)
{
	json_t *request = json_pack("{s:s, s:b}", "request", "tail", "every", arguments->every);
	json_t *operations = json_array();

	for (int i = 0; i < OPERATION_COUNT; i++) {
		if (arguments->operations & 1U << i)
			json_array_append_new(operations, json_string(operation_rows[i].name));
	}
	if (arguments->operations)
		json_object_set(request, "operations", operations);
	json_decref(operations);
	if (arguments->pid)
		json_object_set_new(request, "pid", json_integer(arguments->pid));
	add_text(request, "path", arguments->path);
	add_text(request, "command", arguments->command);
	return request;
}

/* Names are bytes; those that are not UTF-8 come as KEY_base64. */
static void print_name(const json_t *event, const char *key)
{
	const char *name = json_string_value(json_object_get(event, key)), *encoded;
	char other[32], *bytes;
	size_t length;

	if (name) {
		format_escaped(stdout, name, strlen(name));
		return;
	}
	snprintf(other, sizeof(other), "%s_base64", key);
	encoded = json_string_value(json_object_get(event, other));
	bytes = encoded ? base64_decode(encoded, &length) : NULL;
	if (bytes)
		format_escaped(stdout, bytes, length);
	else
		putchar('?');
	free(bytes);
}

static void print_operation(const char *operation, bool colour)
{
	int number = colour ? operation_colour(operation) : PLAIN;

	if (number == PLAIN)
		printf("%-11s", operation);
	else
		printf("\033[%dm%-11s\033[0m", number, operation);
}

static void print_command(const json_t *event)
{
	const char *command = json_string_value(json_object_get(event, "command"));
	int width = command ? strlen(command) : 0;

	print_name(event, "command");
	printf("%*s", width < COMMAND_BYTES - 1 ? COMMAND_BYTES - 1 - width : 0, "");
}

static void print_event(const json_t *event, bool colour)
{
	const char *time = json_string_value(json_object_get(event, "time"));
	const char *operation = json_string_value(json_object_get(event, "operation"));
	char clock[MOMENT_BYTES];
	int64_t moment;

	if (!time || moment_parse_iso(time, &moment))
		moment = moment_now();
	printf("%s ", moment_clock(moment, clock));
	print_operation(operation ? operation : "?", colour);
	printf(" %7" JSON_INTEGER_FORMAT " %5" JSON_INTEGER_FORMAT " ",
	       json_integer_value(json_object_get(event, "pid")), json_integer_value(json_object_get(event, "uid")));
	print_command(event);
	putchar(' ');
	print_name(event, "path");
	putchar('\n');
}

static void print(const struct arguments *arguments, const json_t *event)
{
	if (arguments->json) {
		json_dumpf(event, stdout, JSON_COMPACT);
		putchar('\n');
	} else {
		print_event(event, arguments->colour);
	}
	fflush(stdout);
}

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
	(void)signal;
	stopped = 1;
}

/* Without SA_RESTART, so that the wait for the next event ends. */
static void catch_signals(void)
{
	const struct sigaction action = {.sa_handler = stop};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

/* A signal that comes just before the wait does not end it: milliseconds until it is looked at all the same. */
enum { LOOK_AGAIN = 500 };

static int follow(struct client *client, const struct arguments *arguments)
{
	uint64_t count = 0;
	json_t *event;
	int result = 1;

	while (!stopped && !ferror(stdout) && (!arguments->count || count < arguments->count)) {
		const json_t *dropped;

		result = client_next(client, LOOK_AGAIN, &event);
		if (result == -EINTR || result == -ETIMEDOUT)
			continue;
		if (result <= 0)
			break;
		dropped = json_object_get(event, "dropped");
		if (dropped) {
			message(LOG_WARNING, "%" JSON_INTEGER_FORMAT " events came too fast to be shown",
				json_integer_value(dropped));
		} else {
			print(arguments, event);
			count++;
		}
		json_decref(event);
	}
	if (result > 0 || stopped)
		return EXIT_DONE;
	message(LOG_ERR, "the collector has ended");
	return EXIT_FAILED;
}

static int tail(const struct options *options, const struct arguments *arguments)
{
	struct client *client = NULL;
	json_t *answer = NULL;
	char *error = NULL;
	int status = EXIT_FAILED;
	int code = client_connect(&client, options->config.socket, &error);

	if (code == 0)
		code = client_request(client, make_request(arguments), CLIENT_TIMEOUT, &answer, &error);
	if (code == 0)
		status = follow(client, arguments);
	else if (stopped)
		status = EXIT_DONE;
	else
		message(LOG_ERR, "%s", error ? error : strerror(-code));
	json_decref(answer);
	free(error);
	client_close(client);
	return status;
}

static int run(int argc, char **argv)
{
	struct arguments arguments = {.colour = isatty(STDOUT_FILENO) && !getenv("NO_COLOR")};
	struct options options;
	int status = options_parse(&argp, argc, argv, &options, &arguments);

	catch_signals();
	if (status == EXIT_DONE)
		status = tail(&options, &arguments);
	options_free(&options);
	return status;
}

const struct command command_tail = {"tail", "show changes as they come", run};
