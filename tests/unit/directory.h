/* SPDX-License-Identifier: GPL-2.0 */
/* A directory of the test's own, and commands. */
#ifndef DIRECTORY_H
#define DIRECTORY_H

#include <stdio.h>
#include <stdlib.h>

enum { DIRECTORY_BYTES = 32 };

static inline __attribute__((format(printf, 1, 2))) void run_command(const char *format, ...)
{
	char *command;
	va_list arguments;

	va_start(arguments, format);
	assert_true(vasprintf(&command, format, arguments) >= 0);
	va_end(arguments);
	assert_int_equal(system(command), 0);
	free(command);
}

/* above: "/var/tmp" where it has to be on a disk. */
static inline void directory_make(char directory[DIRECTORY_BYTES], const char *above)
{
	snprintf(directory, DIRECTORY_BYTES, "%s/fschanged-test-XXXXXX", above);
	assert_non_null(mkdtemp(directory));
}

static inline void directory_remove(const char *directory)
{
	run_command("rm -rf '%s'", directory);
}

#endif
