// SPDX-License-Identifier: GPL-2.0
/* The tasks alone, for tests that bring the lists and the comparison themselves: they go on until they are killed. */
#include <signal.h>
#include <unistd.h>

#include "oracle.h"

#define PAUSE 4096 /* microseconds between two operations, at most */

static volatile sig_atomic_t ended;

static void end(int signal)
{
	(void)signal;
	ended = 1;
}

void traffic(struct oracle *oracle)
{
	const struct settings *settings = &oracle->settings;

	signal(SIGTERM, end);
	tasks_start(&oracle->tasks, settings->tasks, settings->seed, oracle->trees, oracle->tree_count, settings->names,
		    settings->links);
	for (unsigned i = 0; i < settings->tasks; i++)
		tasks_allow(&oracle->tasks, i, FOREVER, PAUSE, 0);
	while (!ended) {
		sleep(1);
		tasks_count_names(&oracle->tasks);
	}
	tasks_halt(&oracle->tasks);
	tasks_settle(&oracle->tasks);
	tasks_end(&oracle->tasks);
}
