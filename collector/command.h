/* SPDX-License-Identifier: GPL-2.0 */
/* A command of the program: one a file, cmd_NAME.c, which defines `const struct command command_NAME`. */
#ifndef FSCHANGED_COMMAND_H
#define FSCHANGED_COMMAND_H

#include <jansson.h>

#include "options.h"
#include "store.h"

/* What scripts may rely on. */
enum exit_status {
	EXIT_DONE = 0,   /* done; of a list: complete or repaired */
	EXIT_FAILED = 1, /* nothing changed */
	EXIT_USAGE = 2,
	EXIT_INCOMPLETE = 3, /* the list was written, but something may be missing in it */
	EXIT_FRESH = 4,      /* no list was written: only a full backup will do */
};

struct command {
	const char *name;
	const char *summary;               /* for --help */
	int (*run)(int argc, char **argv); /* argv[0] is the command's name; returns an enum exit_status */
};

/* What several commands do. Each returns an enum exit_status and has said what is wrong when it is not EXIT_DONE. */

/* One request to the collector, whose reference it takes. *answer (caller decrefs) is set on EXIT_DONE. */
int command_ask(const struct options *options, json_t *request, json_t **answer);
/* For readers: the store, also where no collector runs. */
int command_open_store(const struct options *options, struct store **store);
int command_fail_store(const struct store *store, int code);
/* A string for JSON, whatever bytes it has: '?' stands for those that are no ASCII where it is not UTF-8. */
json_t *command_json_text(const char *text);
/* The file in which a backup keeps what it is based on, as text. One that is not there has none. */
enum { BASE_BYTES = 64 };
int command_read_base(const char *file, char base[BASE_BYTES]);
int command_write_base(const char *file, const char *base);
/* Prints one JSON document, whose reference it takes. */
int command_print_json(json_t *document);

#endif
