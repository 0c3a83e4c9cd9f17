// SPDX-License-Identifier: GPL-2.0
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "oracle.h"

#define PATHS_TOLD 20

/* The command, with the seed that it had, ready for a shell. */
static void tell_replay(const struct oracle *oracle)
{
	printf("to replay%s:", oracle->settings.tasks > 1 ? " (as far as the scheduler does)" : "");
	for (int i = 0; i < oracle->argc; i++)
		printf(" %s", oracle->argv[i]);
	putchar('\n');
}

void report_failure(const struct oracle *oracle, const char *format, ...)
{
	va_list arguments;

	printf("seed %" PRIu64 ", window %u: ", oracle->settings.seed, oracle->window);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	putchar('\n');
	tell_replay(oracle);
	fflush(stdout);
}

static bool has(const struct list *list, const char *path)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->paths[i], path) == 0)
			return true;
	return false;
}

static void tell_lists(const struct oracle *oracle, const char *path)
{
	for (unsigned i = 1; i <= HISTORY; i++) {
		const struct lists *lists = &oracle->history[(oracle->window + i) % HISTORY];
		bool changed = has(&lists->changed, path), deleted = has(&lists->deleted, path);
		bool above = list_has_above(&lists->deleted, path);

		if (changed || deleted || above)
			printf("    window %u, job %u: listed as%s%s%s\n", lists->window, lists->job,
			       changed ? " changed" : "", deleted ? " deleted" : "",
			       above ? " below a deleted one" : "");
	}
}

/* A name with a newline is broken into two lines here; everything else can be told apart. */
void report_findings(const struct oracle *oracle, const char *job)
{
	const struct findings *findings = &oracle->findings;

	report_failure(oracle, "%zu differences for job %s", findings->all, job);
	for (size_t i = 0; i < findings->count && i < PATHS_TOLD; i++) {
		const struct finding *finding = &findings->entries[i];

		printf("  '%s': %s\n", finding->path, finding->what);
		if (i && strcmp(finding->path, findings->entries[i - 1].path) == 0)
			continue;
		tell_lists(oracle, finding->path);
		tasks_tell(&oracle->tasks, finding->path, stdout);
	}
	fflush(stdout);
}
