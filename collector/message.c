// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "message.h"

/* systemd sets JOURNAL_STREAM=device:inode; programs behind a pipe inherit it, so it is compared. */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat status;

	if (!stream || sscanf(stream, "%llu:%llu", &device, &inode) != 2)
		return false;
	return fstat(STDERR_FILENO, &status) == 0 && status.st_dev == device && status.st_ino == inode;
}

void message(int priority, const char *format, ...)
{
	int error = errno;
	char *text = NULL;
	va_list arguments;

	va_start(arguments, format);
	if (vasprintf(&text, format, arguments) < 0)
		text = NULL;
	va_end(arguments);
	if (stderr_is_journal())
		fprintf(stderr, "<%d>%s\n", priority, text ? text : format);
	else
		fprintf(stderr, "fschanged: %s\n", text ? text : format);
	free(text);
	errno = error;
}
