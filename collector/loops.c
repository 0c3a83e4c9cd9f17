// SPDX-License-Identifier: GPL-2.0
/* Documentation/ABI/testing/sysfs-block-loop */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loops.h"

enum { LINE = PATH_MAX + 16 };

/* Without the newline at its end; a path may have others. False: there is no such attribute. */
static bool read_attribute(int number, const char *name, char line[LINE])
{
	char file[64];
	ssize_t bytes;
	int fd;

	snprintf(file, sizeof(file), "/sys/block/loop%d/%s", number, name);
	fd = open(file, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	bytes = read(fd, line, LINE - 1);
	close(fd);
	if (bytes < 1)
		return false;
	line[bytes - (line[bytes - 1] == '\n')] = '\0';
	return true;
}

static bool is_written(int number)
{
	char line[LINE];

	return read_attribute(number, "loop/backing_file", line) && read_attribute(number, "ro", line) && *line == '0';
}

/* Counts how often the device was set up. Before 5.15 there is none: always 0. */
static long long sequence(int number)
{
	char line[LINE];

	return read_attribute(number, "diskseq", line) ? strtoll(line, NULL, 10) : 0;
}

static int add(struct loops *loops, int number)
{
	struct loop *rows = reallocarray(loops->rows, loops->count + 1, sizeof(*rows));

	if (!rows)
		return -ENOMEM;
	loops->rows = rows;
	rows[loops->count++] = (struct loop){.number = number, .sequence = sequence(number)};
	return 0;
}

int loops_find(struct loops *loops)
{
	DIR *devices = opendir("/sys/block");
	const struct dirent *entry;
	int code = 0, number;

	*loops = (struct loops){0};
	if (!devices)
		return errno == ENOENT ? 0 : -errno;
	while (!code && (entry = readdir(devices)))
		if (sscanf(entry->d_name, "loop%d", &number) == 1 && is_written(number))
			code = add(loops, number);
	closedir(devices);
	return code;
}

void loops_free(struct loops *loops)
{
	free(loops->rows);
	*loops = (struct loops){0};
}

int loops_each(const struct loops *loops, int (*each)(const char *path, void *context), void *context)
{
	char path[LINE];
	int code = 0;

	for (size_t i = 0; i < loops->count && !code; i++) {
		const struct loop *loop = &loops->rows[i];

		if (read_attribute(loop->number, "loop/backing_file", path) && sequence(loop->number) == loop->sequence)
			code = each(path, context);
	}
	return code;
}
