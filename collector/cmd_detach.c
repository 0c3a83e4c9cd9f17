// SPDX-License-Identifier: GPL-2.0
/* Takes out of the kernel what collectors have left there, so that a later one can go on without a gap. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "message.h"
#include "pins.h"

struct arguments {
	bool all;
};

enum { KEY_ALL = OPTION_KEY };

static const struct argp_option detach_options[] = {
	{"all", KEY_ALL, NULL, 0, "Of all states, not of the given one", 0},
	{0},
};

static error_t parse(int key, char *value, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case KEY_ALL:
		arguments->all = true;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "'%s' is not an option", value);
		return EINVAL;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = detach_options,
	.parser = parse,
	.doc = "Takes programs, maps and ring out of the kernel, which a collector leaves there when it stops. What "
	       "changes from then on is not seen, and the next lists are incomplete. No collector may be running.",
};

static int detach(struct pins *pins)
{
	unsigned generation;
	int code;

	do {
		code = pins_next(pins, 0, &generation);
		if (!code && generation)
			code = pins_remove(pins, generation);
	} while (!code && generation);
	if (!code)
		pins_remove_directory(pins);
	pins_close(pins);
	return code;
}

static int tell(const char *what, int code)
{
	if (code == -EBUSY)
		message(LOG_ERR, "a collector is running on %s: stop it first", what);
	else if (code == -EACCES || code == -EPERM)
		message(LOG_ERR, "the programs in the kernel cannot be removed: this needs root");
	else if (code)
		message(LOG_ERR, "the programs of %s cannot be removed: %s", what, strerror(-code));
	return code ? EXIT_FAILED : EXIT_DONE;
}

/* Each is looked at; one that is in use does not keep the others. */
static int detach_state(const char *name, void *context)
{
	int *status = context;
	struct pins pins;
	int code = pins_open_name(&pins, name);

	if (!code)
		code = detach(&pins);
	if (tell(name, code) != EXIT_DONE)
		*status = EXIT_FAILED;
	return 0;
}

/* That of a state which is not there any more can only be detached with the others. */
static int detach_one(const char *state)
{
	struct pins pins;
	int code = pins_find(&pins, state);

	if (code == -ENOENT)
		return EXIT_DONE;
	return tell(state, code ? code : detach(&pins));
}

static int run(int argc, char **argv)
{
	struct arguments arguments = {0};
	struct options options;
	int status = options_parse(&argp, argc, argv, &options, &arguments), code = 0;

	if (status == EXIT_DONE && arguments.all)
		code = pins_states(detach_state, &status);
	else if (status == EXIT_DONE)
		status = detach_one(options.config.state);
	if (code)
		status = tell("all states", code);
	options_free(&options);
	return status;
}

const struct command command_detach = {"detach", "take what is pinned out of the kernel", run};
