// SPDX-License-Identifier: GPL-2.0
/* Files that are opened in one operation and used in later ones: cuts come in between. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "operations.h"

#define MAPPED 8192

static sigjmp_buf beyond_the_end;

static void jump(int signal)
{
	(void)signal;
	siglongjmp(beyond_the_end, 1);
}

/* Another task may cut the file short before or while this stores. */
int store(char *mapping, size_t place, uint64_t value)
{
	signal(SIGBUS, jump);
	if (sigsetjmp(beyond_the_end, 1))
		return -EFAULT;
	memcpy(mapping + place, &value, sizeof(value));
	return 0;
}

static struct held *slot(struct task *task)
{
	struct held *held = &task->held[random_below(&task->random, HELD_MAX)];

	if (held->mapping || held->descriptor >= 0)
		task->tree = held->tree;
	return held;
}

static void let_go(struct held *held)
{
	if (held->mapping)
		munmap(held->mapping, MAPPED);
	if (held->descriptor >= 0)
		close(held->descriptor);
	*held = (struct held){.descriptor = -1};
}

/* What the slot held before is closed: so the files take turns. */
static int take(struct task *task, struct held *held, const char *path, int descriptor)
{
	unsigned tree = task->tree;

	if (descriptor < 0)
		return -errno;
	let_go(held);
	held->descriptor = descriptor;
	held->tree = tree;
	memcpy(held->path, path, strlen(path) + 1);
	return 0;
}

int hold_open(struct task *task)
{
	struct held *held = &task->held[random_below(&task->random, HELD_MAX)];
	char path[PATH_MAX];

	choose(task, FILES, path);
	say(task, "open and hold '%s' instead of '%s'", path, held->path);
	return take(task, held, path, open(path, O_RDWR | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC));
}

int hold_map(struct task *task)
{
	struct held *held = &task->held[random_below(&task->random, HELD_MAX)];
	char path[PATH_MAX];
	int code;

	choose(task, FILES, path);
	say(task, "map and hold '%s' instead of '%s'", path, held->path);
	code = take(task, held, path, open(path, O_RDWR | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC));
	if (code)
		return code;
	held->mapping = mmap(NULL, MAPPED, PROT_READ | PROT_WRITE, MAP_SHARED, held->descriptor, 0);
	if (held->mapping == MAP_FAILED) {
		code = -errno;
		held->mapping = NULL;
		let_go(held);
		return code;
	}
	if (random_percent(&task->random, 50)) {
		close(held->descriptor);
		held->descriptor = -1;
	}
	return store(held->mapping, random_below(&task->random, 200), random_next(&task->random));
}

int hold_nameless(struct task *task)
{
	struct held *held = &task->held[random_below(&task->random, HELD_MAX)];
	char path[PATH_MAX];
	int code;

	choose_directory(task, path);
	say(task, "O_TMPFILE in '%s' instead of '%s'", path, held->path);
	code = take(task, held, path, open(path, O_TMPFILE | O_RDWR | O_CLOEXEC, 0640));
	held->nameless = code == 0;
	return code;
}

/* O_EXCL is not set: it may get a name. */
int hold_name(struct task *task)
{
	struct held *held = slot(task);
	char path[PATH_MAX], descriptor[32];

	if (!held->nameless)
		return hold_nameless(task);
	choose_new(task, path);
	say(task, "linkat of a nameless file to '%s'", path);
	snprintf(descriptor, sizeof(descriptor), "/proc/self/fd/%d", held->descriptor);
	if (linkat(AT_FDCWD, descriptor, AT_FDCWD, path, AT_SYMLINK_FOLLOW))
		return -errno;
	held->nameless = false;
	memcpy(held->path, path, strlen(path) + 1);
	return 0;
}

int hold_write(struct task *task)
{
	struct held *held = slot(task);
	size_t size = 1 + random_below(&task->random, 300);

	say(task, "pwrite to what was opened as '%s'", held->path);
	return pwrite(held->descriptor, some_bytes(task, size), size, random_below(&task->random, 5000)) < 0 ? -errno
													     : 0;
}

int hold_append(struct task *task)
{
	struct held *held = slot(task);
	size_t size = 1 + random_below(&task->random, 300);

	say(task, "write to what was opened as '%s'", held->path);
	return write(held->descriptor, some_bytes(task, size), size) < 0 ? -errno : 0;
}

int hold_truncate(struct task *task)
{
	struct held *held = slot(task);

	say(task, "ftruncate of what was opened as '%s'", held->path);
	return ftruncate(held->descriptor, random_below(&task->random, 9000)) ? -errno : 0;
}

int hold_chmod(struct task *task)
{
	struct held *held = slot(task);

	say(task, "fchmod of what was opened as '%s'", held->path);
	return fchmod(held->descriptor, random_below(&task->random, 010000)) ? -errno : 0;
}

int hold_store(struct task *task)
{
	struct held *held = slot(task);

	if (!held->mapping)
		return hold_map(task);
	say(task, "store in the mapping of '%s'", held->path);
	return store(held->mapping, random_below(&task->random, 8000), random_next(&task->random));
}

int hold_close(struct task *task)
{
	struct held *held = slot(task);

	say(task, "close '%s'", held->path);
	let_go(held);
	return 0;
}
