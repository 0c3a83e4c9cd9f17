// SPDX-License-Identifier: GPL-2.0
/* Operations that change what is in a file, and close it again. */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "operations.h"

#define SIZE_MAX_BYTES (64 << 10)
#define BLOCK          4096

const char *some_bytes(struct task *task, size_t size)
{
	static char buffer[SIZE_MAX_BYTES] __attribute__((aligned(BLOCK)));

	for (size_t i = 0; i < size; i += sizeof(uint64_t)) {
		uint64_t value = random_next(&task->random);

		memcpy(buffer + i, &value, sizeof(value));
	}
	return buffer;
}

/* Small ones mostly. */
static size_t some_size(struct task *task)
{
	return 1 + random_below(&task->random, random_percent(&task->random, 10) ? 4 * BLOCK : 300);
}

static off_t some_place(struct task *task)
{
	return random_below(&task->random, random_percent(&task->random, 10) ? SIZE_MAX_BYTES / 2 : 2 * BLOCK);
}

/* A fifo must not wait; a symbolic link is followed now and then. */
static int open_chosen(struct task *task, const char *what, int flags)
{
	int follow = random_percent(&task->random, 30) ? 0 : O_NOFOLLOW;
	char path[PATH_MAX];

	choose(task, FILES, path);
	say(task, "%s '%s'", what, path);
	return open(path, flags | follow | O_NONBLOCK | O_CLOEXEC, 0644);
}

static int finish(int descriptor, ssize_t result)
{
	int code = result < 0 ? -errno : 0;

	close(descriptor);
	return code;
}

int op_write(struct task *task)
{
	char path[PATH_MAX];
	size_t size = some_size(task);
	int descriptor;

	choose_new(task, path);
	say(task, "write '%s'", path);
	descriptor = open(path, O_WRONLY | O_CREAT | O_NONBLOCK | O_CLOEXEC, 0600 | random_below(&task->random, 0100));
	return descriptor < 0 ? -errno : finish(descriptor, write(descriptor, some_bytes(task, size), size));
}

int op_append(struct task *task)
{
	int descriptor = open_chosen(task, "append", O_WRONLY | O_APPEND);
	size_t size = some_size(task);

	return descriptor < 0 ? -errno : finish(descriptor, write(descriptor, some_bytes(task, size), size));
}

int op_overwrite(struct task *task)
{
	int descriptor = open_chosen(task, "pwrite", O_RDWR);
	size_t size = some_size(task);
	off_t place = some_place(task);

	return descriptor < 0 ? -errno : finish(descriptor, pwrite(descriptor, some_bytes(task, size), size, place));
}

int op_truncate(struct task *task)
{
	char path[PATH_MAX];

	choose(task, FILES, path);
	say(task, "truncate '%s'", path);
	return truncate(path, some_place(task)) ? -errno : 0;
}

int op_truncating_open(struct task *task)
{
	int descriptor = open_chosen(task, "open with O_TRUNC", O_WRONLY | O_TRUNC | O_CREAT);

	return descriptor < 0 ? -errno : finish(descriptor, 0);
}

/* Mapped when the file is closed already. A file that another task cuts short meanwhile is not stored to: SIGBUS. */
int op_map(struct task *task)
{
	int descriptor = open_chosen(task, "store in a mapping of", O_RDWR);
	char *mapping;

	if (descriptor < 0)
		return -errno;
	mapping = mmap(NULL, BLOCK, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
	if (mapping == MAP_FAILED)
		return finish(descriptor, -1);
	close(descriptor);
	store(mapping, random_below(&task->random, 200), random_next(&task->random));
	munmap(mapping, BLOCK);
	return 0;
}

int op_direct(struct task *task)
{
	int descriptor = open_chosen(task, "pwrite with O_DIRECT", O_RDWR | O_DIRECT);
	off_t place = (off_t)BLOCK * random_below(&task->random, 3);

	return descriptor < 0 ? -errno : finish(descriptor, pwrite(descriptor, some_bytes(task, BLOCK), BLOCK, place));
}

/* Both files; the source may be the target, too. */
static int open_two(struct task *task, const char *what, int *source, int *target)
{
	char from[PATH_MAX], to[PATH_MAX];

	choose(task, FILES, from);
	choose(task, FILES, to);
	say(task, "%s '%s' to '%s'", what, from, to);
	*source = open(from, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	if (*source < 0)
		return -errno;
	*target = open(to, O_WRONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	return *target < 0 ? finish(*source, -1) : 0;
}

int op_copy_range(struct task *task)
{
	int source, target, code = open_two(task, "copy_file_range", &source, &target);
	off_t from = random_below(&task->random, 100), to = some_place(task);

	if (code)
		return code;
	code = finish(target, copy_file_range(source, &from, target, &to, some_size(task), 0));
	close(source);
	return code;
}

int op_clone(struct task *task)
{
	int source, target, code = open_two(task, "FICLONE", &source, &target);

	if (code)
		return code;
	code = finish(target, ioctl(target, FICLONE, source));
	close(source);
	return code;
}

int op_allocate(struct task *task)
{
	static const int modes[] = {
		0,
		FALLOC_FL_KEEP_SIZE,
		FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		FALLOC_FL_ZERO_RANGE,
		FALLOC_FL_COLLAPSE_RANGE,
		FALLOC_FL_INSERT_RANGE,
	};
	int mode = modes[random_below(&task->random, sizeof(modes) / sizeof(modes[0]))];
	bool whole = mode == FALLOC_FL_COLLAPSE_RANGE || mode == FALLOC_FL_INSERT_RANGE;
	int descriptor = open_chosen(task, "fallocate", O_RDWR);
	off_t place = whole ? BLOCK * (off_t)random_below(&task->random, 2) : some_place(task);

	return descriptor < 0
		       ? -errno
		       : finish(descriptor, fallocate(descriptor, mode, place, whole ? BLOCK : (off_t)some_size(task)));
}
