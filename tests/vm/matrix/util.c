// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "matrix.h"

void close_cleanup(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

int result(long returned)
{
	return returned < 0 ? -errno : 0;
}

int opened(const char *name, int flags)
{
	int fd = open(name, flags | O_CLOEXEC, 0644);

	return fd < 0 ? -errno : fd;
}

int make(const char *name)
{
	static char text[SIZE];
	autofd fd = opened(name, O_WRONLY | O_CREAT | O_EXCL);

	if (fd < 0)
		return fd;
	memset(text, 'a', sizeof(text));
	return write(fd, text, sizeof(text)) == sizeof(text) ? 0 : -EIO;
}

int make_file(void)
{
	return make("file");
}

int make_two(void)
{
	return make("file") ?: make("other");
}

int make_directory(void)
{
	return result(mkdir("directory", 0755)) ?: result(mkdir("directory/below", 0755)) ?: make("directory/one") ?:
	       make("directory/below/two");
}

char *piece(void)
{
	static char text[PIECE] __attribute__((aligned(PIECE)));

	memset(text, 'b', sizeof(text));
	return text;
}

int put(int fd)
{
	ssize_t written = pwrite(fd, piece(), PIECE, 0);

	return written < 0 ? -errno : written == PIECE ? 0 : -EIO;
}

int put_name(const char *name)
{
	autofd fd = opened(name, O_WRONLY);

	return fd < 0 ? fd : put(fd);
}

int write_text(const char *name, const char *text)
{
	autofd fd = opened(name, O_WRONLY);

	return fd < 0 ? fd : result(write(fd, text, strlen(text)));
}

int in_child(int (*body)(void))
{
	pid_t child = fork();
	int status;

	if (child < 0)
		return -errno;
	if (child == 0)
		_exit(-body());
	if (waitpid(child, &status, 0) < 0)
		return -errno;
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -ECHILD;
}

int command(const char *line)
{
	char shell[1024];
	int length = snprintf(shell, sizeof(shell), "{ %s; } >/dev/null 2>&1", line);

	if (length >= (int)sizeof(shell))
		return -ENAMETOOLONG;
	return system(shell) ? -ECHILD : 0;
}
