// SPDX-License-Identifier: GPL-2.0
/*
 * Makes files as fast as several tasks can.
 *
 *   storm DIRECTORY TASKS FILES            as many files, in all; they stay
 *   storm DIRECTORY TASKS seconds SECONDS  for that long; each task keeps its last directories only
 *
 * Prints how many files were made and the seconds that it took.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { IN_DIRECTORY = 1000, KEPT = 50, TASKS = 64, NAME_BYTES = 64 };

static long long *made; /* by each task, in shared memory */
static double end;      /* when to stop; 0: never */

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void fail(const char *what)
{
	fprintf(stderr, "storm: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* The process is part of the names, so that the next storm makes others. */
static void name_directory(char *name, int task, long long number)
{
	snprintf(name, NAME_BYTES, "storm%d-%d-%lld", (int)getppid(), task, number);
}

static void remove_directory(int task, long long number)
{
	char directory[NAME_BYTES], name[NAME_BYTES * 2];

	name_directory(directory, task, number);
	for (int i = 0; i < IN_DIRECTORY; i++) {
		snprintf(name, sizeof(name), "%s/%d", directory, i);
		unlink(name);
	}
	rmdir(directory);
}

static void make_file(const char *directory, int number)
{
	char name[NAME_BYTES * 2];
	int file;

	snprintf(name, sizeof(name), "%s/%d", directory, number);
	file = open(name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);
	if (file < 0)
		fail(name);
	close(file);
}

static void run_task(int task, long long files)
{
	for (long long i = 0; end ? now() < end : i < files; i++) {
		char directory[NAME_BYTES];

		name_directory(directory, task, i / IN_DIRECTORY);
		if (i % IN_DIRECTORY == 0 && mkdir(directory, 0755))
			fail(directory);
		make_file(directory, (int)(i % IN_DIRECTORY));
		made[task]++;
		if (end && i % IN_DIRECTORY == 0 && i / IN_DIRECTORY >= KEPT)
			remove_directory(task, i / IN_DIRECTORY - KEPT);
	}
	exit(0);
}

int main(int count, char **arguments)
{
	long long sum = 0, files;
	double began = now();
	int tasks, status, failed = 0;

	if (count < 4)
		return 2;
	tasks = atoi(arguments[2]);
	files = atoll(arguments[3]);
	if (count == 5)
		end = began + atof(arguments[4]);
	made = mmap(NULL, TASKS * sizeof(*made), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (made == MAP_FAILED || tasks < 1 || tasks > TASKS || chdir(arguments[1]))
		fail(arguments[1]);
	for (int i = 0; i < tasks; i++) {
		if (fork() == 0)
			run_task(i, files / tasks);
	}
	while (wait(&status) > 0)
		failed |= status;
	for (int i = 0; i < tasks; i++)
		sum += made[i];
	printf("%lld %.2f\n", sum, now() - began);
	return failed ? 1 : 0;
}
