// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "message.h"
#include "options.h"

#define DEFAULT_SOCKET "/run/fschanged/control.sock"

enum {
	JOB_BYTES = 128,
	KEY_STATE = OPTION_KEY + 0x100,
	KEY_SOCKET,
	KEY_CONFIG,
};

const char *argp_program_version = "fschanged " FSCHANGED_VERSION;

static const struct argp_option common_options[] = {
	{NULL, 0, NULL, 0, "Common options:", 10},
	{"state", KEY_STATE, "DIR", 0, "Database and state (/var/lib/fschanged)", 10},
	{"socket", KEY_SOCKET, "PATH", 0, "Control socket (" DEFAULT_SOCKET "; with --state DIR/control.sock)", 10},
	{"config", KEY_CONFIG, "FILE", 0, "Configuration (" CONFIG_FILE "; none is needed)", 10},
	{0},
};

static error_t parse_common(int key, char *value, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case KEY_STATE:
		options->state = value;
		break;
	case KEY_SOCKET:
		options->socket = value;
		break;
	case KEY_CONFIG:
		options->file = value;
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	if (!*value)
		argp_error(state, "a path must not be empty");
	return 0;
}

struct inputs {
	void *command;
	struct options *options;
};

static error_t hand_out_inputs(int key, char *value, struct argp_state *state)
{
	const struct inputs *inputs = state->input;

	(void)value;
	if (key != ARGP_KEY_INIT)
		return ARGP_ERR_UNKNOWN;
	state->child_inputs[0] = inputs->command;
	state->child_inputs[1] = inputs->options;
	return 0;
}

/* The command line names files relative to the working directory; a collector may have another one. */
static char *absolute(const char *path)
{
	char *directory = NULL, *result = NULL;

	if (*path == '/')
		return strdup(path);
	directory = getcwd(NULL, 0);
	if (directory && asprintf(&result, "%s/%s", directory, path) < 0)
		result = NULL;
	free(directory);
	return result;
}

static int replace(char **member, char *value)
{
	if (!value)
		return -errno;
	free(*member);
	*member = value;
	return 0;
}

/* The command line comes before the configuration, and where the state is elsewhere, so is its socket. */
static int resolve(const struct options *options, struct config *config)
{
	char *socket = NULL;
	int code = 0;

	if (options->state)
		code = replace(&config->state, absolute(options->state));
	if (code)
		return code;
	if (options->socket)
		return replace(&config->socket, absolute(options->socket));
	if (options->state)
		return replace(&config->socket,
			       asprintf(&socket, "%s/control.sock", config->state) < 0 ? NULL : socket);
	if (config->socket)
		return 0;
	return replace(&config->socket, strdup(DEFAULT_SOCKET));
}

static int read_config(struct options *options)
{
	char *error = NULL;
	int code = config_init(&options->config);

	if (code == 0)
		code = config_read(&options->config, options->file ? options->file : CONFIG_FILE, &error);
	if (code == -ENOENT && !options->file)
		code = 0;
	if (code == 0)
		code = resolve(options, &options->config);
	if (code)
		message(LOG_ERR, "%s", error ? error : strerror(-code));
	free(error);
	return code ? EXIT_FAILED : EXIT_DONE;
}

int options_parse(const struct argp *argp, int argc, char **argv, struct options *options, void *arguments)
{
	const struct argp common = {.options = common_options, .parser = parse_common};
	const struct argp command = {.options = argp->options, .parser = argp->parser};
	const struct argp_child children[] = {{&command, 0, NULL, 0}, {&common, 0, NULL, 1}, {0}};
	const struct argp all = {
		.parser = hand_out_inputs,
		.args_doc = argp->args_doc,
		.doc = argp->doc,
		.children = children,
	};
	struct inputs inputs = {arguments, options};
	static char name[64]; /* outlives the call in argv */
	int code;

	snprintf(name, sizeof(name), "fschanged %s", argv[0]);
	argv[0] = name;
	memset(options, 0, sizeof(*options));
	argp_err_exit_status = EXIT_USAGE;
	code = argp_parse(&all, argc, argv, 0, NULL, &inputs);
	if (code == 0)
		return read_config(options);
	message(LOG_ERR, "%s", strerror(code));
	return EXIT_FAILED;
}

void options_free(struct options *options)
{
	config_free(&options->config);
}

uint64_t options_number(struct argp_state *state, const char *name, const char *value, uint64_t minimum,
			uint64_t maximum)
{
	uint64_t number;
	char *end;

	errno = 0;
	number = strtoull(value, &end, 10);
	if (*value < '0' || *value > '9' || *end || errno || number < minimum || number > maximum)
		argp_error(state, "%s must be a number of at least %" PRIu64 ", not '%s'", name, minimum, value);
	return number;
}

static bool is_utf8(const char *text)
{
	json_t *string = json_string(text);

	json_decref(string);
	return string != NULL;
}

void options_check_text(struct argp_state *state, const char *name, const char *value)
{
	if (!is_utf8(value))
		argp_error(state, "%s must be valid UTF-8", name);
}

const char *options_refuse_job(const char *name)
{
	if (!*name)
		return "the name of a job must not be empty";
	if (strlen(name) > JOB_BYTES)
		return "the name of a job must not be longer than 128 bytes";
	if (!is_utf8(name))
		return "the name of a job must be valid UTF-8";
	for (const unsigned char *byte = (const unsigned char *)name; *byte; byte++) {
		if (*byte < ' ' || *byte == 0x7f || *byte == '/')
			return "the name of a job must not have '/' or control characters in it";
	}
	return NULL;
}

void options_check_job(struct argp_state *state, const char *name)
{
	const char *refusal = options_refuse_job(name);

	if (refusal)
		argp_error(state, "%s", refusal);
}
