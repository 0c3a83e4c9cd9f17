// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "process.h"

enum { ROW_BYTES = 65536 };

static double read_clock(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

double seconds(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

double processor_seconds(void)
{
	return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

void must(int code, const char *what)
{
	if (!code)
		return;
	fprintf(stderr, "bench-native: %s: %s\n", what, strerror(-code));
	exit(1);
}

double peak_memory(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)usage.ru_maxrss / 1024;
}

void in_child(json_t *row, void (*measure)(json_t *row, const void *context), const void *context)
{
	char *shared = mmap(NULL, ROW_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	json_t *from;
	int status;
	pid_t child;

	fflush(NULL);
	child = shared == MAP_FAILED ? -1 : fork();
	if (child == 0) {
		measure(row, context);
		json_dumpb(row, shared, ROW_BYTES - 1, 0);
		_exit(0);
	}
	if (child < 0 || waitpid(child, &status, 0) < 0)
		must(-errno, "a process");
	if (status)
		exit(1);
	from = json_loads(shared, 0, NULL);
	json_object_update(row, from);
	json_decref(from);
	munmap(shared, ROW_BYTES);
}
