// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <ftw.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tasks.h"

#define REST_SECONDS 120
#define TOLD         12 /* operations a path in a report */

static int64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

static void *share(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return must(memory == MAP_FAILED ? NULL : memory);
}

static struct gate *make_gate(void)
{
	struct gate *gate = share(sizeof(*gate));
	pthread_mutexattr_t lock;
	pthread_condattr_t changed;

	pthread_mutexattr_init(&lock);
	pthread_mutexattr_setpshared(&lock, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(&gate->lock, &lock);
	pthread_condattr_init(&changed);
	pthread_condattr_setpshared(&changed, PTHREAD_PROCESS_SHARED);
	pthread_cond_init(&gate->changed, &changed);
	return gate;
}

// ---- in the task

/* Returns once another operation is allowed: how long to wait before it. */
static unsigned pass(struct gate *gate)
{
	unsigned pause;

	pthread_mutex_lock(&gate->lock);
	while (gate->done >= gate->allowed) {
		gate->idle = true;
		pthread_cond_broadcast(&gate->changed);
		pthread_cond_wait(&gate->changed, &gate->lock);
	}
	gate->idle = false;
	pause = gate->pause;
	pthread_mutex_unlock(&gate->lock);
	return pause;
}

static void note(struct task *task)
{
	struct gate *gate = task->gate;
	struct log_entry *entry = &gate->log[gate->done % LOG_ENTRIES];

	*entry = (struct log_entry){.moment = now(), .window = gate->window};
	memcpy(entry->text, task->said, sizeof(entry->text));
	pthread_mutex_lock(&gate->lock);
	gate->done++;
	gate->by_tree[task->tree]++;
	pthread_mutex_unlock(&gate->lock);
}

__attribute__((noreturn)) static void work(struct task *task)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGXFSZ, SIG_IGN);
	for (;;) {
		unsigned pause = pass(task->gate);

		if (pause)
			usleep(random_below(&task->random, pause));
		operate(task);
		note(task);
	}
}

static struct task *make_task(unsigned number, uint64_t seed, struct gate *gate, struct forest *forest)
{
	struct task *task = must(calloc(1, sizeof(*task)));

	task->gate = gate;
	task->forest = forest;
	task->number = number;
	task->random.state = mix(seed * 1000 + number);
	for (unsigned i = 0; i < HELD_MAX; i++)
		task->held[i].descriptor = -1;
	return task;
}

// ---- in the main process

static unsigned counted;

static int count_name(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)path, (void)status, (void)type, (void)walk;
	counted++;
	return 0;
}

/* Its own name counts. */
static unsigned count_names(const struct tree *tree)
{
	counted = 0;
	nftw(tree->path, count_name, 16, FTW_PHYS);
	return counted;
}

/* What is there already is not made again. */
static void make_trees(uint64_t seed, struct gate *gate, struct forest *forest)
{
	struct task *task = make_task(999, seed, gate, forest);

	for (task->tree = 0; task->tree < forest->count; task->tree++) {
		forest->names[task->tree] = count_names(&forest->trees[task->tree]);
		if (forest->names[task->tree] < 2)
			populate(task);
	}
	free(task);
}

void tasks_start(struct tasks *tasks, unsigned count, uint64_t seed, const struct tree *trees, unsigned tree_count,
		 unsigned wanted, bool links)
{
	*tasks = (struct tasks){.count = count, .forest = share(sizeof(*tasks->forest))};
	*tasks->forest = (struct forest){.trees = trees, .count = tree_count, .wanted = wanted, .links = links};
	tasks->pids = must(calloc(count, sizeof(*tasks->pids)));
	tasks->gates = must(calloc(count, sizeof(struct gate *)));
	for (unsigned i = 0; i < count; i++)
		tasks->gates[i] = make_gate();
	make_trees(seed, tasks->gates[0], tasks->forest);
	fflush(NULL);
	for (unsigned i = 0; i < count; i++) {
		tasks->pids[i] = fork();
		if (tasks->pids[i] == 0)
			work(make_task(i, seed, tasks->gates[i], tasks->forest));
	}
}

void tasks_allow(const struct tasks *tasks, unsigned number, uint64_t operations, unsigned pause, unsigned window)
{
	struct gate *gate = tasks->gates[number];

	pthread_mutex_lock(&gate->lock);
	gate->allowed = operations == FOREVER ? FOREVER : gate->done + operations;
	gate->idle = gate->done >= gate->allowed;
	gate->pause = pause;
	gate->window = window;
	pthread_cond_broadcast(&gate->changed);
	pthread_mutex_unlock(&gate->lock);
}

void tasks_halt(const struct tasks *tasks)
{
	for (unsigned i = 0; i < tasks->count; i++) {
		struct gate *gate = tasks->gates[i];

		pthread_mutex_lock(&gate->lock);
		gate->allowed = 0;
		pthread_mutex_unlock(&gate->lock);
	}
}

static bool settle(struct gate *gate)
{
	struct timespec end;
	int code = 0;

	clock_gettime(CLOCK_MONOTONIC, &end); /* the other one may be set meanwhile */
	end.tv_sec += REST_SECONDS;
	pthread_mutex_lock(&gate->lock);
	while (!gate->idle && code == 0)
		code = pthread_cond_clockwait(&gate->changed, &gate->lock, CLOCK_MONOTONIC, &end);
	pthread_mutex_unlock(&gate->lock);
	return code == 0;
}

bool tasks_settle(const struct tasks *tasks)
{
	for (unsigned i = 0; i < tasks->count; i++)
		if (waitpid(tasks->pids[i], NULL, WNOHANG) != 0 || !settle(tasks->gates[i]))
			return false;
	return true;
}

void tasks_count_names(const struct tasks *tasks)
{
	for (unsigned i = 0; i < tasks->forest->count; i++)
		tasks->forest->names[i] = count_names(&tasks->forest->trees[i]);
}

void tasks_end(struct tasks *tasks)
{
	for (unsigned i = 0; i < tasks->count; i++) {
		kill(tasks->pids[i], SIGKILL);
		waitpid(tasks->pids[i], NULL, 0);
		munmap(tasks->gates[i], sizeof(*tasks->gates[i]));
	}
	munmap(tasks->forest, sizeof(*tasks->forest));
	free(tasks->pids);
	free(tasks->gates);
	*tasks = (struct tasks){0};
}

uint64_t tasks_operations(const struct tasks *tasks, unsigned tree)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < tasks->count; i++)
		sum += tasks->gates[i]->by_tree[tree];
	return sum;
}

// ---- what the tasks have done

struct told {
	const struct log_entry *entry;
	unsigned task;
};

/* Paths stand in quotes in a log: so this one, or one above it, was named as a whole. */
static bool names(const char *text, const char *path, size_t top)
{
	char quoted[PATH_MAX + 3];
	size_t length = strlen(path);

	for (; length > top; length--) {
		if (path[length] && path[length] != '/')
			continue;
		snprintf(quoted, sizeof(quoted), "'%.*s'", (int)length, path);
		if (strstr(text, quoted))
			return true;
	}
	return false;
}

static int later_first(const void *one, const void *other)
{
	const struct told *ours = one, *theirs = other;

	return (ours->entry->moment < theirs->entry->moment) - (ours->entry->moment > theirs->entry->moment);
}

/* As the tasks call what a list calls like this. *top: how long the path of its tree is. Ownership passes. */
static char *worked_on(const struct tasks *tasks, const char *listed, size_t *top)
{
	char *path;

	for (unsigned i = 0; i < tasks->forest->count; i++) {
		const struct tree *tree = &tasks->forest->trees[i];

		if (strncmp(listed, tree->listed, tree->listed_length) != 0)
			continue;
		*top = tree->length;
		return asprintf(&path, "%s%s", tree->path, listed + tree->listed_length) < 0 ? must(NULL) : path;
	}
	*top = 0;
	return must(strdup(listed));
}

void tasks_tell(const struct tasks *tasks, const char *listed, FILE *out)
{
	struct told *told = must(calloc((size_t)tasks->count * LOG_ENTRIES, sizeof(*told)));
	size_t count = 0, top;
	char *path = worked_on(tasks, listed, &top);

	for (unsigned task = 0; task < tasks->count; task++)
		for (unsigned i = 0; i < LOG_ENTRIES; i++) {
			const struct log_entry *entry = &tasks->gates[task]->log[i];

			if (entry->moment && names(entry->text, path, top))
				told[count++] = (struct told){entry, task};
		}
	qsort(told, count, sizeof(*told), later_first);
	for (size_t i = count < TOLD ? count : TOLD; i > 0; i--)
		fprintf(out, "    window %u, task %u, %" PRId64 ".%06" PRId64 ": %s\n", told[i - 1].entry->window,
			told[i - 1].task, told[i - 1].entry->moment / 1000000000,
			told[i - 1].entry->moment / 1000 % 1000000, told[i - 1].entry->text);
	free(path);
	free(told);
}
