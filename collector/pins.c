// SPDX-License-Identifier: GPL-2.0
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "pins.h"

#define BPFFS     "/sys/fs/bpf"
#define DIRECTORY BPFFS "/fschanged"

static int make(const char *directory)
{
	return mkdir(directory, 0700) && errno != EEXIST ? -errno : 0;
}

static int mount_bpffs(void)
{
	struct statfs filesystem;

	if (statfs(BPFFS, &filesystem))
		return -errno;
	if ((uint64_t)filesystem.f_type == BPF_FS_MAGIC)
		return 0;
	return mount("bpf", BPFFS, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700") ? -errno : 0;
}

/* FNV-1a: a name of fixed length for a path of any. */
static uint64_t sum(const char *text)
{
	uint64_t result = 0xcbf29ce484222325;

	for (const unsigned char *byte = (const unsigned char *)text; *byte; byte++)
		result = (result ^ *byte) * 0x100000001b3;
	return result;
}

static int lock(struct pins *pins)
{
	int code;

	pins->lock = open(pins->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (pins->lock < 0)
		return -errno;
	if (flock(pins->lock, LOCK_EX | LOCK_NB) == 0)
		return 0;
	code = errno == EWOULDBLOCK ? -EBUSY : -errno;
	pins_close(pins);
	return code;
}

void pins_name(struct pins *pins, const char *name)
{
	*pins = PINS_CLOSED;
	snprintf(pins->directory, sizeof(pins->directory), DIRECTORY "/%s", name);
}

int pins_open_name(struct pins *pins, const char *name)
{
	pins_name(pins, name);
	return lock(pins);
}

static int make_and_lock(struct pins *pins)
{
	int code = mount_bpffs();

	if (!code)
		code = make(DIRECTORY);
	if (!code)
		code = make(pins->directory);
	return code ? code : lock(pins);
}

static int resolve(struct pins *pins, const char *state)
{
	char *path = realpath(state, NULL);

	*pins = PINS_CLOSED;
	if (!path)
		return -errno;
	snprintf(pins->directory, sizeof(pins->directory), DIRECTORY "/%016" PRIx64, sum(path));
	free(path);
	return 0;
}

int pins_open(struct pins *pins, const char *state)
{
	int code = resolve(pins, state);

	return code ? code : make_and_lock(pins);
}

int pins_find(struct pins *pins, const char *state)
{
	int code = resolve(pins, state);

	return code ? code : lock(pins);
}

void pins_close(struct pins *pins)
{
	if (pins->lock >= 0)
		close(pins->lock);
	pins->lock = -1;
}

int pins_renew(struct pins *pins)
{
	struct stat held, present;

	if (pins->lock >= 0 && fstat(pins->lock, &held) == 0 && stat(pins->directory, &present) == 0 &&
	    held.st_dev == present.st_dev && held.st_ino == present.st_ino)
		return 0;
	pins_close(pins);
	return make_and_lock(pins);
}

static int each_entry(const char *path, int (*each)(const char *name, void *context), void *context)
{
	DIR *directory = opendir(path);
	struct dirent *entry;
	int code = 0;

	if (!directory)
		return -errno;
	errno = 0;
	while (!code && (entry = readdir(directory))) {
		if (*entry->d_name != '.')
			code = each(entry->d_name, context);
		errno = 0;
	}
	code = code ? code : -errno;
	closedir(directory);
	return code;
}

struct search {
	unsigned after, found;
};

static int compare(const char *name, void *context)
{
	struct search *search = context;
	unsigned number = strtoul(name, NULL, 10);

	if (number > search->after && (!search->found || number < search->found))
		search->found = number;
	return 0;
}

int pins_next(const struct pins *pins, unsigned after, unsigned *next)
{
	struct search search = {.after = after};
	int code = each_entry(pins->directory, compare, &search);

	*next = search.found;
	return code;
}

void pins_path(const struct pins *pins, unsigned generation, const char *name, char path[static PATH_MAX])
{
	const char *separator = name ? "/" : "";

	if (snprintf(path, PATH_MAX, "%s/%u%s%s", pins->directory, generation, separator, name ? name : "") >= PATH_MAX)
		*path = '\0';
}

int pins_make(const struct pins *pins, unsigned generation)
{
	char path[PATH_MAX];

	pins_path(pins, generation, NULL, path);
	return make(path);
}

struct removal {
	const struct pins *pins;
	unsigned generation;
};

static int remove_pin(const char *name, void *context)
{
	const struct removal *removal = context;
	char path[PATH_MAX];

	pins_path(removal->pins, removal->generation, name, path);
	return unlink(path) && errno != ENOENT ? -errno : 0;
}

int pins_remove(const struct pins *pins, unsigned generation)
{
	struct removal removal = {pins, generation};
	char path[PATH_MAX];
	int code = remove_pin(PINS_READY, &removal);

	/* What is removed while it is read may make the reading skip an entry: until none is left. */
	pins_path(pins, generation, NULL, path);
	while (!code && rmdir(path)) {
		if (errno != ENOTEMPTY)
			return errno == ENOENT ? 0 : -errno;
		code = each_entry(path, remove_pin, &removal);
	}
	return code;
}

void pins_remove_directory(const struct pins *pins)
{
	rmdir(pins->directory);
	rmdir(DIRECTORY);
}

int pins_each(const struct pins *pins, unsigned generation, int (*each)(const char *name, void *context), void *context)
{
	char path[PATH_MAX];

	pins_path(pins, generation, NULL, path);
	return each_entry(path, each, context);
}

static int count_pin(const char *name, void *context)
{
	(void)name;
	++*(size_t *)context;
	return 0;
}

size_t pins_count(const struct pins *pins, unsigned generation)
{
	size_t count = 0;

	pins_each(pins, generation, count_pin, &count);
	return count;
}

int pins_states(int (*each)(const char *name, void *context), void *context)
{
	int code = each_entry(DIRECTORY, each, context);

	return code == -ENOENT ? 0 : code;
}
