// SPDX-License-Identifier: GPL-2.0
/*
 * Tasks that are preempted in the midst of what the hooks do. Each has a directory of its own, task0, task1, ...
 *
 *   preempted make DIRECTORY TASKS
 *   preempted walk DIRECTORY TASKS COUNT
 *   preempted change DIRECTORY TASKS COMMAND...
 *
 * make: a deep directory for each task, all of whose components are of one letter.
 * walk: each task makes so many names in its deep directory: almost all of its time goes into the way to the root.
 * change: each task changes the mode of its files, again and again, whenever nobody else wants the processor; the
 * command is run; then each task ends what it is at, and no more. Prints the files that have changed after the
 * command's end.
 *
 * Exit status 0: all went well, and the command as well; 1: not.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* More levels than a walk goes between two ticks; a task's path must not have the length of another's. */
enum { LEVELS = 500, LEVELS_FURTHER = 20, FILES = 8, ROUNDS = 3, TASKS_MAXIMUM = 26, NAME_BYTES = 64 };

struct shared {
	volatile bool stop;
	volatile bool ready[TASKS_MAXIMUM];
};

struct files {
	int files[FILES];
	mode_t modes[FILES];
};

static struct shared *shared;

static void fail(const char *what)
{
	fprintf(stderr, "preempted: %s: %s\n", what, strerror(errno));
	_exit(1);
}

static int open_directory(int at, const char *name)
{
	int directory = openat(at, name, O_RDONLY | O_DIRECTORY);

	if (directory < 0)
		fail(name);
	return directory;
}

static int open_task(const char *top, int task)
{
	char name[NAME_BYTES];
	int directory = open_directory(AT_FDCWD, top), own;

	snprintf(name, sizeof(name), "task%d", task);
	if (mkdirat(directory, name, 0755) && errno != EEXIST)
		fail(name);
	own = open_directory(directory, name);
	close(directory);
	return own;
}

/* Goes down, and makes what is not there. */
static int open_deep(const char *top, int task)
{
	const char letter = (char)('a' + task), name[] = {letter, letter, letter, letter, '\0'};
	int directory = open_task(top, task);

	for (int level = 0; level < LEVELS + task * LEVELS_FURTHER; level++) {
		int below;

		if (mkdirat(directory, name, 0755) && errno != EEXIST)
			fail(name);
		below = open_directory(directory, name);
		close(directory);
		directory = below;
	}
	return directory;
}

/* For reading: what is open for writing is carried by that. */
static int open_file(int directory, int number)
{
	char name[NAME_BYTES];
	int file;

	snprintf(name, sizeof(name), "file%d", number);
	file = openat(directory, name, O_RDONLY | O_CREAT, 0644);
	if (file < 0)
		fail(name);
	return file;
}

static void make(const char *top, int task)
{
	close(open_deep(top, task));
}

static void walk(const char *top, int task, int count)
{
	int directory = open_deep(top, task);

	for (int i = 0; i < count; i++) {
		char name[NAME_BYTES];

		snprintf(name, sizeof(name), "name%d", i);
		if (symlinkat("nowhere", directory, name))
			fail(name);
	}
}

static void open_files(const char *top, int task, struct files *own)
{
	int directory = open_task(top, task);

	for (int i = 0; i < FILES; i++)
		own->files[i] = open_file(directory, i);
	close(directory);
}

/*
 * Another file each time: what the task has done last is carried anyway. After a round all of them are known to be
 * changed in this window, and their changes are not reported again.
 */
static void change(const char *top, int task)
{
	const struct sched_param none = {0};
	struct files own;

	open_files(top, task, &own);
	if (sched_setscheduler(0, SCHED_IDLE, &none))
		fail("SCHED_IDLE");
	for (int round = 0; !shared->stop; round++) {
		shared->ready[task] = round >= ROUNDS;
		for (int i = 0; i < FILES && !shared->stop; i++)
			if (fchmod(own.files[i], round & 1 ? 0600 : 0640))
				fail("fchmod");
	}
}

static bool wait_for(pid_t child)
{
	int status;

	return waitpid(child, &status, 0) == child && status == 0;
}

static bool run(char **command)
{
	pid_t child = fork();

	if (child < 0)
		fail("fork");
	if (child == 0) {
		dup2(STDERR_FILENO, STDOUT_FILENO);
		execvp(*command, command);
		fail(*command);
	}
	return wait_for(child);
}

static void wait_until_ready(int tasks)
{
	for (int task = 0; task < tasks; task++)
		while (!shared->ready[task])
			usleep(1000);
}

static mode_t mode_of(int file)
{
	struct stat status;

	if (fstat(file, &status))
		fail("fstat");
	return status.st_mode;
}

static void note(struct files *all, int tasks)
{
	for (int task = 0; task < tasks; task++)
		for (int i = 0; i < FILES; i++)
			all[task].modes[i] = mode_of(all[task].files[i]);
}

static void show_later(const struct files *all, int tasks)
{
	for (int task = 0; task < tasks; task++)
		for (int i = 0; i < FILES; i++)
			if (mode_of(all[task].files[i]) != all[task].modes[i])
				printf("task%d/file%d\n", task, i);
}

static void begin(pid_t *children, int tasks, const char *mode, char **arguments)
{
	for (int task = 0; task < tasks; task++) {
		children[task] = fork();
		if (children[task] < 0)
			fail("fork");
		if (children[task])
			continue;
		if (strcmp(mode, "make") == 0)
			make(*arguments, task);
		else if (strcmp(mode, "walk") == 0)
			walk(*arguments, task, atoi(arguments[2]));
		else
			change(*arguments, task);
		_exit(0);
	}
}

/* Nobody of the others runs between the command's end and what is noted here: they are idle. */
static bool change_around(const char *top, int tasks, char **command)
{
	static struct files all[TASKS_MAXIMUM];
	bool good;

	for (int task = 0; task < tasks; task++)
		open_files(top, task, &all[task]);
	wait_until_ready(tasks);
	good = run(command);
	note(all, tasks);
	shared->stop = true;
	while (wait(NULL) > 0)
		;
	show_later(all, tasks);
	return good;
}

int main(int count, char **arguments)
{
	int tasks = count > 3 ? atoi(arguments[3]) : 0;
	pid_t children[TASKS_MAXIMUM];
	bool good = true;

	if (tasks < 1 || tasks > TASKS_MAXIMUM) {
		fprintf(stderr, "preempted: wrong usage\n");
		return 1;
	}
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		fail("mmap");
	begin(children, tasks, arguments[1], arguments + 2);
	if (strcmp(arguments[1], "change") == 0)
		return change_around(arguments[2], tasks, arguments + 4) ? 0 : 1;
	for (int task = 0; task < tasks; task++)
		good = wait_for(children[task]) && good;
	return good ? 0 : 1;
}
