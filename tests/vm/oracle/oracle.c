// SPDX-License-Identifier: GPL-2.0
/* One seed: tasks work, windows are cut, lists are applied, replicas are compared. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "oracle.h"

/* What becomes of a list. */
enum fate {
	COMMITTED,
	NOT_COMMITTED, /* copied, but the job does not say so */
	NOT_COPIED,    /* the backup failed at once: the replica stays as it was */
};

struct window {
	struct job *job;
	struct lists *lists;
	enum fate fate;
	bool busy;
};

static double seconds(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* whole: a full copy was made, so it does not matter what the list may have lacked. */
static bool ask_to_commit(const struct oracle *oracle, const struct job *job, bool whole)
{
	return product_run(&oracle->product, (const char *[]){"commit", "--job", job->name, "--no-sync",
							      whole ? "--whole" : NULL, NULL}) == 0;
}

/* A collector that was killed may have done what it could not answer any more. */
static bool was_committed(const struct oracle *oracle)
{
	char *said = product_said(&oracle->product);
	bool was = strstr(said, "nothing pending");

	free(said);
	return was;
}

static bool commit(struct oracle *oracle, struct job *job, bool whole)
{
	double began = seconds();
	bool done = ask_to_commit(oracle, job, whole);

	if (!done && oracle->fault > 0)
		done = chaos_end(oracle) && (ask_to_commit(oracle, job, whole) || was_committed(oracle));
	if (done)
		chaos_committed(oracle, job);

	oracle->figures.in_commit += seconds() - began;
	if (!done)
		report_failure(oracle, "commit of %s failed: %s", job->name, product_said(&oracle->product));
	return done;
}

// ---- full backups

static bool copy_all(struct oracle *oracle, struct job *job)
{
	for (unsigned i = 0; i < oracle->tree_count; i++) {
		node_remove(job->replicas[i]);
		job->replicas[i] = model_copy(&oracle->trees[i]);
		if (!job->replicas[i])
			return false;
	}
	return true;
}

static bool begin_job(struct oracle *oracle, unsigned number)
{
	struct job *job = &oracle->jobs[number];
	struct lists none = {0};
	int status;

	snprintf(job->name, sizeof(job->name), "oracle-%" PRIu64 "-%u", oracle->settings.seed, number);
	status = product_dump(&oracle->product, job->name, NULL, &none);
	if (status != ANSWER_FRESH) {
		report_failure(oracle, "the first dump of %s ended with %d: %s", job->name, status,
			       product_said(&oracle->product));
		return false;
	}
	return copy_all(oracle, job) && commit(oracle, job, true);
}

// ---- the tasks' part

static bool let_rest(struct oracle *oracle)
{
	if (tasks_settle(&oracle->tasks))
		return true;
	report_failure(oracle, "a task has gone, or does not come to rest");
	return false;
}

/* Each task does a number of operations of its own; for a busy window they go on until the copy is made. */
static bool let_work(struct oracle *oracle, bool busy)
{
	double began = seconds();
	bool rested = true;

	for (unsigned i = 0; i < oracle->settings.tasks; i++) {
		unsigned most = 1 + random_below(&oracle->random, oracle->settings.operations);

		tasks_allow(&oracle->tasks, i, busy ? FOREVER : random_below(&oracle->random, most) + 1,
			    busy ? 1 << (8 + random_below(&oracle->random, 7)) : 0, oracle->window);
	}
	if (busy)
		usleep(random_below(&oracle->random, 100000));
	else
		rested = let_rest(oracle);
	oracle->figures.in_tasks += seconds() - began;
	return rested;
}

// ---- lists

/* The test of this test: the list lacks something. */
static void drop_one(struct oracle *oracle, struct list *list)
{
	unsigned number;

	if (!oracle->settings.drop || !list->count)
		return;
	number = random_below(&oracle->random, (unsigned)list->count);
	memmove(list->paths + number, list->paths + number + 1, (--list->count - number) * sizeof(*list->paths));
}

/* Nothing but names that are not known, of hard links or of a file without any, makes the list incomplete. */
static bool only_unknown_links(const char *said)
{
	const char *line = said, *end;

	for (; (end = strchr(line, '\n')); line = end + 1)
		if (!memmem(line, (size_t)(end - line), " known", 6))
			return false;
	return true;
}

/* The names are looked for, then the list is asked for again. The tasks rest: else there would be new ones each time.
 */
static int scan(struct oracle *oracle, const struct window *window)
{
	if (window->busy)
		tasks_halt(&oracle->tasks);
	if (!tasks_settle(&oracle->tasks) ||
	    product_run(&oracle->product, (const char *[]){"scan", NULL}) != ANSWER_LISTS)
		return ANSWER_FAILED;
	lists_free(window->lists);
	return product_dump(&oracle->product, window->job->name, (const char *[]){"--pending", NULL}, window->lists);
}

static bool tell_dump(struct oracle *oracle, int status)
{
	char *said = product_said(&oracle->product);

	report_failure(oracle, "dump ended with %d: %s", status, said);
	free(said);
	return false;
}

/* What fails while there is a fault must work when it is over. */
static int dump_in_chaos(struct oracle *oracle, const struct window *window, const char *const options[])
{
	int status = product_dump(&oracle->product, window->job->name, options, window->lists);

	if (status != ANSWER_FAILED || oracle->fault <= 0)
		return status;
	oracle->figures.refused++;
	lists_free(window->lists);
	return chaos_end(oracle) ? product_dump(&oracle->product, window->job->name, options, window->lists) : status;
}

/* A scan goes on while directories are renamed: in the end these tasks must rest. */
static bool get_lists_in_chaos(struct oracle *oracle, const struct window *window, bool *again)
{
	struct job *job = window->job;
	int status = dump_in_chaos(oracle, window, window->busy ? NULL : (const char *[]){"--repair", NULL});

	if (window->busy && status == ANSWER_INCOMPLETE) {
		tasks_halt(&oracle->tasks);
		lists_free(window->lists);
		if (!let_rest(oracle))
			return false;
		status = dump_in_chaos(oracle, window, (const char *[]){"--pending", "--repair", NULL});
	}
	*again = job->tainted && (status == ANSWER_INCOMPLETE || status == ANSWER_FRESH);
	if (status != ANSWER_LISTS && !*again)
		return tell_dump(oracle, status);
	if (*again)
		oracle->figures.incomplete_after++;
	else if (job->tainted)
		oracle->figures.good_after++;
	else
		oracle->figures.good++;
	return true;
}

/* False: the list is of no use, and that is a failure. *again: a full backup is needed, and that is none. */
static bool get_lists(struct oracle *oracle, const struct window *window, bool *again)
{
	int status = product_dump(&oracle->product, window->job->name, NULL, window->lists);
	char *said = status == ANSWER_INCOMPLETE ? product_said(&oracle->product) : NULL;
	bool links = said && only_unknown_links(said);

	if (said && oracle->settings.verbose)
		printf("window %u: %s", oracle->window, said);
	free(said);
	if (links) {
		oracle->figures.incomplete++;
		*again = oracle->settings.accept_unknown_links;
		if (!*again)
			status = scan(oracle, window);
	}
	if (status != ANSWER_LISTS && !*again)
		return tell_dump(oracle, status);
	if (window->lists->complaint) {
		report_failure(oracle, "%s", window->lists->complaint);
		return false;
	}
	drop_one(oracle, &window->lists->changed);
	oracle->figures.listed += window->lists->changed.count + window->lists->deleted.count;
	return true;
}

// ---- windows

static void apply(struct oracle *oracle, const struct window *window)
{
	double began = seconds();

	for (unsigned i = 0; i < oracle->tree_count; i++)
		replica_apply(window->job->replicas[i], &oracle->trees[i], &window->lists->changed,
			      &window->lists->deleted, window->busy, &oracle->findings);
	oracle->figures.in_copy += seconds() - began;
}

static void compare(struct oracle *oracle, const struct window *window)
{
	double began = seconds();

	for (unsigned i = 0; i < oracle->tree_count; i++)
		oracle->tasks.forest->names[i] =
			(unsigned)replica_compare(window->job->replicas[i], &oracle->trees[i], &oracle->findings);
	oracle->figures.settled++;
	oracle->figures.in_compare += seconds() - began;
}

static struct window begin_window(struct oracle *oracle)
{
	unsigned job = oracle->settings.jobs > 1 && random_percent(&oracle->random, 20) ? 1 : 0;
	unsigned fate = random_below(&oracle->random, 10);
	struct window window = {
		.job = &oracle->jobs[job],
		.lists = &oracle->history[++oracle->window % HISTORY],
		.fate = fate == 0   ? NOT_COPIED
			: fate == 1 ? NOT_COMMITTED
				    : COMMITTED,
		/* The last window is settled, so that nothing is left unseen. */
		.busy = oracle->settings.tasks > 1 && oracle->window < oracle->settings.windows &&
			random_percent(&oracle->random, oracle->settings.busy),
	};

	lists_free(window.lists);
	*window.lists = (struct lists){.window = oracle->window, .job = job};
	return window;
}

/* What is copied, is compared: if the tasks rest. */
static bool use_lists(struct oracle *oracle, const struct window *window)
{
	if (window->fate == NOT_COPIED)
		oracle->figures.failed++;
	else
		apply(oracle, window);
	if (window->busy)
		tasks_halt(&oracle->tasks);
	if (!let_rest(oracle))
		return false;
	if (!window->busy && window->fate != NOT_COPIED)
		compare(oracle, window);
	if (oracle->findings.all == 0)
		return window->fate != COMMITTED || commit(oracle, window->job, false);
	report_findings(oracle, window->job->name);
	return false;
}

/* Then what the tasks have done since the cut is in the copy and, once more, in the next list. */
static bool start_again(struct oracle *oracle, const struct window *window)
{
	if (window->busy)
		tasks_halt(&oracle->tasks);
	return let_rest(oracle) && copy_all(oracle, window->job) && commit(oracle, window->job, true);
}

static bool run_window(struct oracle *oracle)
{
	struct window window = begin_window(oracle);
	double began;
	bool again = false, usable;

	if (!chaos_begin(oracle) || !let_work(oracle, window.busy))
		return false;
	if (oracle->fault > 0 && random_percent(&oracle->random, 60) && !chaos_end(oracle))
		return false;
	began = seconds();
	usable = (oracle->settings.disturb ? get_lists_in_chaos : get_lists)(oracle, &window, &again);
	oracle->figures.in_dump += seconds() - began;
	oracle->figures.windows++;
	if (!usable)
		return false;
	return (again ? start_again(oracle, &window) : use_lists(oracle, &window)) && chaos_end(oracle);
}

bool oracle_run(struct oracle *oracle)
{
	const struct settings *settings = &oracle->settings;
	double began = seconds();
	bool good = true;

	oracle->random.state = mix(settings->seed);
	tasks_start(&oracle->tasks, settings->tasks, settings->seed, oracle->trees, oracle->tree_count, settings->names,
		    settings->links);
	for (unsigned i = 0; good && i < settings->jobs; i++)
		good = begin_job(oracle, i);
	while (good && oracle->figures.windows < settings->windows)
		good = run_window(oracle);
	for (unsigned i = 0; i < oracle->tree_count; i++)
		oracle->figures.operations[i] += tasks_operations(&oracle->tasks, i);
	tasks_end(&oracle->tasks);
	good = chaos_end(oracle) && good;
	for (unsigned i = 0; i < settings->jobs; i++)
		product_run(&oracle->product, (const char *[]){"jobs", "drop", oracle->jobs[i].name, NULL});
	oracle->figures.seconds = seconds() - began;
	return good;
}
