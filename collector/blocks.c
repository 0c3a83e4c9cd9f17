// SPDX-License-Identifier: GPL-2.0
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "blocks.h"

enum {
	PATH_SIZE = 512,
	MINOR_BITS = 20,
	/* Documentation/admin-guide/devices.txt */
	MAJOR_RAM = 1,
	MAJOR_FLOPPY = 2,
	MAJOR_LOOP = 7,
	MAJOR_CD = 11,
};

static uint32_t major_of(uint32_t device)
{
	return device >> MINOR_BITS;
}

/* A file below the device's directory in sysfs. */
static void place(uint32_t device, const char *name, char path[PATH_SIZE])
{
	snprintf(path, PATH_SIZE, "/sys/dev/block/%u:%u/%s", major_of(device), device & ((1U << MINOR_BITS) - 1), name);
}

static int read_number(const char *path, uint64_t *number)
{
	FILE *file = fopen(path, "re");
	int found;

	if (!file)
		return -errno;
	found = fscanf(file, "%" SCNu64, number);
	fclose(file);
	return found == 1 ? 0 : -EINVAL;
}

static int read_device(const char *path, uint32_t *device)
{
	FILE *file = fopen(path, "re");
	unsigned int upper = 0, lower = 0;
	int found, gone;

	if (!file)
		return -errno;
	found = fscanf(file, "%u:%u", &upper, &lower);
	gone = ferror(file);
	fclose(file);
	if (found != 2)
		return gone ? -ENODEV : -EINVAL;
	*device = upper << MINOR_BITS | lower;
	return 0;
}

int blocks_name(uint32_t device, char name[BLOCK_NAME_BYTES])
{
	char path[PATH_SIZE], line[BLOCK_NAME_BYTES];
	int code = -ENOENT;
	FILE *file;

	place(device, "uevent", path);
	file = fopen(path, "re");
	if (!file)
		return -errno;
	while (code && fgets(line, sizeof(line), file))
		if (sscanf(line, "DEVNAME=%255s", path) == 1)
			code = 0;
	fclose(file);
	if (!code)
		snprintf(name, BLOCK_NAME_BYTES, "/dev/%.255s", path);
	return code;
}

/* The disk that a partition is of; of what is none: itself. */
static uint32_t whole_of(uint32_t device)
{
	char path[PATH_SIZE];
	struct stat status;
	uint32_t disk = device;

	place(device, "partition", path);
	if (stat(path, &status))
		return device;
	place(device, "../dev", path);
	read_device(path, &disk);
	return disk;
}

/* The number of its directory is never given again; the sequence moves with the medium (diskseq, since 5.15). */
uint64_t blocks_instance(uint32_t device)
{
	char path[PATH_SIZE];
	uint64_t sequence = 0;
	struct stat status;

	if (major_of(device) == MAJOR_LOOP)
		return 0;
	place(device, "", path);
	if (stat(path, &status))
		return 0;
	place(whole_of(device), "diskseq", path);
	if (read_number(path, &sequence))
		sequence = 0;
	return sequence << 32 ^ status.st_ino;
}

static int is_candidate(uint32_t device)
{
	char path[PATH_SIZE];
	uint64_t size = 0;

	switch (major_of(device)) {
	case MAJOR_RAM:
	case MAJOR_FLOPPY:
	case MAJOR_LOOP:
	case MAJOR_CD:
		return 0;
	default:
		place(device, "size", path);
		return !read_number(path, &size) && size;
	}
}

/* What has gone since is none of them; what cannot be read for another reason must not be passed over. */
static int each_in(const char *directory, int (*each)(uint32_t device, void *context), void *context)
{
	DIR *stream = opendir(directory);
	int code = 0;

	if (!stream)
		return -errno;
	for (struct dirent *entry; !code && (entry = readdir(stream));) {
		char path[PATH_SIZE];
		uint32_t device = 0;

		snprintf(path, sizeof(path), "%s/%.255s/dev", directory, entry->d_name);
		if (entry->d_name[0] == '.')
			continue;
		code = read_device(path, &device);
		if (!code)
			code = each(device, context);
		else if (code == -ENOENT || code == -ENOTDIR || code == -ENODEV)
			code = 0;
	}
	closedir(stream);
	return code;
}

struct candidates {
	int (*each)(uint32_t device, void *context);
	void *context;
};

static int each_candidate(uint32_t device, void *context)
{
	const struct candidates *candidates = context;

	return is_candidate(device) ? candidates->each(device, candidates->context) : 0;
}

int blocks_each(int (*each)(uint32_t device, void *context), void *context)
{
	struct candidates candidates = {each, context};

	return each_in("/sys/class/block", each_candidate, &candidates);
}

struct devices {
	uint32_t *rows;
	size_t count;
};

static int add(struct devices *devices, uint32_t device)
{
	uint32_t *rows;

	for (size_t i = 0; i < devices->count; i++)
		if (devices->rows[i] == device)
			return 0;
	rows = reallocarray(devices->rows, devices->count + 1, sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	rows[devices->count++] = device;
	devices->rows = rows;
	return 0;
}

static int add_with_whole(uint32_t device, void *context)
{
	uint32_t whole = whole_of(device);
	int code = add(context, device);

	return code || whole == device ? code : add(context, whole);
}

static bool is_logical_volume(uint32_t device)
{
	char path[PATH_SIZE], kind[sizeof("LVM-")] = "";
	FILE *file;

	place(device, "dm/uuid", path);
	file = fopen(path, "re");
	if (!file)
		return false;
	if (!fgets(kind, sizeof(kind), file))
		kind[0] = '\0';
	fclose(file);
	return strcmp(kind, "LVM-") == 0;
}

static int add_with_all_below(uint32_t device, void *context);
static int add_around_and_below(uint32_t device, void *context);

/* A mapped device or a RAID has what it is made of as its "slaves"; a partition has none, but its disk may. */
static int add_made_of(uint32_t device, void *context)
{
	char path[PATH_SIZE];
	int code;

	place(whole_of(device), "slaves", path);
	code = each_in(path, is_logical_volume(device) ? add_around_and_below : add_with_all_below, context);
	return code == -ENOENT ? 0 : code;
}

/* LVM keeps its own records on it, which each snapshot writes: what is around it and below counts. */
static int add_around_and_below(uint32_t device, void *context)
{
	uint32_t whole = whole_of(device);
	int code = whole == device ? 0 : add(context, whole);

	return code ? code : add_made_of(device, context);
}

static int add_with_all_below(uint32_t device, void *context)
{
	int code = add_with_whole(device, context);

	return code ? code : add_made_of(device, context);
}

int blocks_below(uint32_t device, const char *uuid, uint32_t **result, size_t *count)
{
	struct devices devices = {0};
	char directory[PATH_SIZE / 2];
	int code;

	snprintf(directory, sizeof(directory), "/sys/fs/btrfs/%.64s/devices", uuid);
	code = major_of(device) ? add_with_all_below(device, &devices)
				: each_in(directory, add_with_all_below, &devices);
	*result = devices.rows;
	*count = devices.count;
	/* What has no device, such as tmpfs, lies on none. */
	return code == -ENOENT ? 0 : code;
}
