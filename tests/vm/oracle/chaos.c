// SPDX-License-Identifier: GPL-2.0
/*
 * Faults, thrown in by a program that is called with the name of one, and ends when it is over and a collector runs
 * again. The next lists may be incomplete then, but what is complete or repaired must be right.
 */
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "oracle.h"

extern char **environ;

static const char *const faults[FAULTS] = {
	"kill", "restart", "freeze", "tiny-ring", "ftrace", "clock", "full", "remount",
};

/* A list that is made a window later may still be about a gap that began in the fault. */
#define TAINTED 2

static pid_t call(const struct oracle *oracle, const char *fault)
{
	char seed[16], *argv[] = {(char *)oracle->settings.disturb, (char *)fault, seed, NULL};
	pid_t pid = -1;

	snprintf(seed, sizeof(seed), "%u", oracle->window);
	return posix_spawn(&pid, argv[0], NULL, NULL, argv, environ) ? -1 : pid;
}

bool chaos_end(struct oracle *oracle)
{
	int status = 0;

	if (oracle->fault <= 0)
		return true;
	waitpid(oracle->fault, &status, 0);
	oracle->fault = 0;
	if (status == 0)
		return true;
	report_failure(oracle, "the program that throws faults in ended with %d", status);
	return false;
}

/* Nothing of the filesystems may be held: the tasks are new ones afterwards. */
static bool remount(struct oracle *oracle)
{
	const struct settings *settings = &oracle->settings;

	for (unsigned i = 0; i < oracle->tree_count; i++) {
		oracle->figures.operations[i] += tasks_operations(&oracle->tasks, i);
		close(oracle->trees[i].descriptor);
	}
	tasks_end(&oracle->tasks);
	if (chdir("/"))
		return false;
	oracle->fault = call(oracle, "remount");
	if (!chaos_end(oracle))
		return false;
	for (unsigned i = 0; i < oracle->tree_count; i++)
		oracle->trees[i].descriptor = open(oracle->trees[i].path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	tasks_start(&oracle->tasks, settings->tasks, settings->seed * 1000 + oracle->window, oracle->trees,
		    oracle->tree_count, settings->names, settings->links);
	return true;
}

bool chaos_begin(struct oracle *oracle)
{
	unsigned chosen = random_below(&oracle->random, FAULTS);

	if (!oracle->settings.disturb || !random_percent(&oracle->random, oracle->settings.faults))
		return true;
	oracle->figures.faults[chosen]++;
	for (unsigned i = 0; i < oracle->settings.jobs; i++)
		oracle->jobs[i].tainted = TAINTED;
	oracle->fault_window = oracle->window;
	if (strcmp(faults[chosen], "remount") == 0)
		return remount(oracle);
	oracle->fault = call(oracle, faults[chosen]);
	return oracle->fault > 0;
}

void chaos_committed(struct oracle *oracle, struct job *job)
{
	if (job->tainted && oracle->fault_window != oracle->window)
		job->tainted--;
}

void chaos_print(const struct oracle *oracle)
{
	const struct figures *figures = &oracle->figures;
	unsigned sum = 0;

	for (unsigned i = 0; i < FAULTS; i++)
		sum += figures->faults[i];
	printf("chaos: %u windows, %u faults (", figures->windows, sum);
	for (unsigned i = 0; i < FAULTS; i++)
		printf("%s%s %u", i ? ", " : "", faults[i], figures->faults[i]);
	printf("), after them %u lists good, %u incomplete, %u refused; without one %u lists good\n",
	       figures->good_after, figures->incomplete_after, figures->refused, figures->good);
}
