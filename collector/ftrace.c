// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "ftrace.h"

#define SETTING "/proc/sys/kernel/ftrace_enabled"

int ftrace_open(struct ftrace *ftrace)
{
	*ftrace = FTRACE_CLOSED;
	ftrace->value = open(SETTING, O_RDONLY | O_CLOEXEC);
	if (ftrace->value < 0)
		return errno == ENOENT ? 0 : -errno;
	ftrace->changes = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (ftrace->changes < 0 || inotify_add_watch(ftrace->changes, SETTING, IN_MODIFY) < 0)
		return -errno;
	return 0;
}

void ftrace_close(struct ftrace *ftrace)
{
	if (ftrace->value >= 0)
		close(ftrace->value);
	if (ftrace->changes >= 0)
		close(ftrace->changes);
	*ftrace = FTRACE_CLOSED;
}

bool ftrace_was_off(struct ftrace *ftrace)
{
	char events[1024], value = '1';
	bool written = false;

	if (ftrace->value < 0)
		return false;
	while (read(ftrace->changes, events, sizeof(events)) > 0)
		written = true;
	return pread(ftrace->value, &value, 1, 0) == 1 && (written || value == '0');
}
