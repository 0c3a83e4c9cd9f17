/* SPDX-License-Identifier: GPL-2.0 */
/* Options that all commands have, and what comes of them: the configuration. */
#ifndef FSCHANGED_OPTIONS_H
#define FSCHANGED_OPTIONS_H

#include <argp.h>

#include "config.h"

struct options {
	const char *state, *socket, *file; /* as given; NULL: not */
	struct config config;              /* .socket is always set */
};

/* Keys of options that have no short form: OPTION_KEY, OPTION_KEY + 1 … */
enum { OPTION_KEY = 0x200 };

/*
 * Parses a command line with the command's argp, whose input is `arguments`, and reads the configuration. Wrong usage
 * ends the process with a sentence and EXIT_USAGE; --help and --version with EXIT_DONE. Else returns EXIT_DONE, or
 * EXIT_FAILED after a sentence; options_free() in both cases.
 */
int options_parse(const struct argp *argp, int argc, char **argv, struct options *options, void *arguments);
void options_free(struct options *options);

/* The number of an option; what is none, or not from minimum to maximum, is wrong usage. */
uint64_t options_number(struct argp_state *state, const char *name, const char *value, uint64_t minimum,
			uint64_t maximum);

/* What is sent to the collector goes through JSON: anything but UTF-8 is wrong usage. */
void options_check_text(struct argp_state *state, const char *name, const char *value);

/* NULL, or a sentence that says why this is no name for a job. */
const char *options_refuse_job(const char *name);
/* The same as wrong usage. */
void options_check_job(struct argp_state *state, const char *name);

#endif
