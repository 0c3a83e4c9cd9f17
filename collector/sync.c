// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sync.h"

enum { PAUSE = 20 * 1000 * 1000 /* nanoseconds */ };

/* In a process of its own: nothing ends a sync that waits for a disk. */
static int sync_one(const char *mount_point)
{
	int directory = open(mount_point, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return directory < 0 || syncfs(directory) ? errno : 0;
}

static void begin(struct synced *filesystem)
{
	filesystem->error = -ETIMEDOUT;
	filesystem->process = fork();
	if (filesystem->process < 0)
		filesystem->error = -errno;
	else if (filesystem->process == 0)
		_exit(sync_one(filesystem->mount_point));
}

/* It has ended, or could not be begun. */
static bool has_ended(struct synced *filesystem)
{
	int status;

	if (filesystem->process <= 0)
		return true;
	if (waitpid(filesystem->process, &status, WNOHANG) != filesystem->process)
		return false;
	filesystem->process = 0;
	filesystem->error = WIFEXITED(status) ? -WEXITSTATUS(status) : -EINTR;
	return true;
}

static time_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec;
}

size_t sync_filesystems(struct synced *filesystems, size_t count, int seconds)
{
	const struct timespec pause = {.tv_nsec = PAUSE};
	time_t end = now() + seconds;
	size_t waiting, failed = 0;

	for (size_t i = 0; i < count; i++)
		begin(&filesystems[i]);
	do {
		waiting = 0;
		for (size_t i = 0; i < count; i++)
			waiting += !has_ended(&filesystems[i]);
	} while (waiting && now() < end && nanosleep(&pause, NULL) == 0);
	for (size_t i = 0; i < count; i++) {
		if (filesystems[i].process > 0)
			kill(filesystems[i].process, SIGKILL);
		failed += filesystems[i].error != 0;
	}
	return failed;
}
