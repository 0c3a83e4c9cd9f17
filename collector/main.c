// SPDX-License-Identifier: GPL-2.0
/* Finds the command in a table. */
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "message.h"

extern const struct command command_collect, command_mark, command_dump, command_commit, command_jobs, command_windows,
	command_tail, command_status, command_scan, command_check, command_detach;

static const struct command *const commands[] = {
	&command_collect, &command_mark,   &command_dump, &command_commit, &command_jobs,   &command_windows,
	&command_tail,    &command_status, &command_scan, &command_check,  &command_detach,
};

enum { COMMAND_COUNT = sizeof(commands) / sizeof(commands[0]) };

static void print_help(void)
{
	puts("Usage: fschanged COMMAND [OPTION...]\n"
	     "Which files have changed since the last backup?\n");
	for (int i = 0; i < COMMAND_COUNT; i++)
		printf("  %-10s %s\n", commands[i]->name, commands[i]->summary);
	puts("\n'fschanged COMMAND --help' lists the options of a command.");
}

static const struct command *find(const char *name)
{
	for (int i = 0; i < COMMAND_COUNT; i++) {
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	}
	return NULL;
}

/* Data that did not reach its file is no success. */
static int finish(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	message(LOG_ERR, "standard output cannot be written: %m");
	return EXIT_FAILED;
}

int main(int argc, char **argv)
{
	const struct command *command;

	setlocale(LC_CTYPE, "");
	if (argc < 2) {
		message(LOG_ERR, "a command is missing; 'fschanged --help' lists them");
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-?") == 0) {
		print_help();
		return finish(EXIT_DONE);
	}
	if (strcmp(argv[1], "--version") == 0) {
		puts("fschanged " FSCHANGED_VERSION);
		return finish(EXIT_DONE);
	}
	command = find(argv[1]);
	if (!command) {
		message(LOG_ERR, "no command '%s'; 'fschanged --help' lists them", argv[1]);
		return EXIT_USAGE;
	}
	return finish(command->run(argc - 1, argv + 1));
}
