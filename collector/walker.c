// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "command.h"
#include "message.h"
#include "store_walk.h"
#include "walker.h"

enum { RETRY_PAUSE = 600 * 1000 * 1000 }; /* microseconds */

struct walker {
	sd_event *loop;
	struct collector *collector;
	const struct options *options;
	sd_event_source *source; /* the process while it lives */
	pid_t pid;
	bool wanted;
	size_t left; /* filesystems that were walked, but not whole: what cannot be looked at will not be the next time
		      */
	uint64_t next; /* not before; in microseconds of the clock */
};

int walker_new(struct walker **result, sd_event *loop, struct collector *collector, const struct options *options)
{
	struct walker *walker = calloc(1, sizeof(*walker));

	*result = walker;
	if (!walker)
		return -ENOMEM;
	walker->loop = loop;
	walker->collector = collector;
	walker->options = options;
	walker->wanted = true;
	return 0;
}

void walker_free(struct walker *walker)
{
	if (!walker)
		return;
	if (walker->source) {
		kill(walker->pid, SIGTERM);
		waitpid(walker->pid, NULL, 0);
		sd_event_source_unref(walker->source);
	}
	free(walker);
}

void walker_want(struct walker *walker)
{
	if (walker)
		walker->wanted = true;
}

static size_t count_unwalked(struct walker *walker)
{
	const struct coverage *coverage = &walker->collector->coverage;
	size_t count = 0;

	for (size_t i = 0; i < coverage->count; i++) {
		bool walked = true;

		store_is_walked(walker->collector->store, coverage->rows[i].id, &walked);
		count += !walked;
	}
	return count;
}

static int on_end(sd_event_source *source, const siginfo_t *child, void *context)
{
	struct walker *walker = context;
	uint64_t now = 0;

	(void)source;
	walker->source = sd_event_source_unref(walker->source);
	if (child->si_code == CLD_EXITED && child->si_status != EXIT_FAILED) {
		walker->left = count_unwalked(walker);
		return 0;
	}
	sd_event_now(walker->loop, CLOCK_MONOTONIC, &now);
	walker->next = now + RETRY_PAUSE;
	walker->wanted = true;
	message(LOG_WARNING, "the walk for the names of files with several links has failed and will be tried again");
	return 0;
}

/* The signals that are blocked here are the loop's. */
static int start(struct walker *walker)
{
	const struct options *options = walker->options;
	char *arguments[] = {"fschanged",
			     "scan",
			     "--new",
			     "--socket",
			     options->config.socket,
			     options->file ? "--config" : NULL,
			     (char *)options->file,
			     NULL};
	posix_spawnattr_t attributes;
	sigset_t none, ignored;
	int code = posix_spawnattr_init(&attributes);

	if (code)
		return -code;
	sigemptyset(&none);
	sigemptyset(&ignored);
	sigaddset(&ignored, SIGPIPE);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &ignored);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	code = posix_spawn(&walker->pid, "/proc/self/exe", NULL, &attributes, arguments, environ);
	posix_spawnattr_destroy(&attributes);
	if (code)
		return -code;
	return sd_event_add_child(walker->loop, &walker->source, walker->pid, WEXITED, on_end, walker);
}

void walker_check(struct walker *walker, uint64_t now)
{
	int code;

	if (!walker || !walker->wanted || walker->source || now < walker->next)
		return;
	walker->wanted = false;
	if (count_unwalked(walker) <= walker->left)
		return;
	code = start(walker);
	if (code < 0)
		message(LOG_WARNING, "the walk for the names of files with several links cannot be started: %s",
			strerror(-code));
}
