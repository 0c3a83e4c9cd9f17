/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Processes that change the trees. Each stops between two operations when it is told to, with what it holds open
 * staying open, and keeps a log of its operations where the main process can read it.
 */
#ifndef ORACLE_TASKS_H
#define ORACLE_TASKS_H

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "model.h"
#include "random.h"

enum {
	TREES_MAX = 8,
	HELD_MAX = 8,
	RECENT = 8,
	LOG_ENTRIES = 4096,
	LOG_BYTES = 480,
};

#define FOREVER UINT64_MAX

struct log_entry {
	int64_t moment; /* of the clock that only runs */
	unsigned window;
	char text[LOG_BYTES];
};

/* In memory that the processes share. */
struct gate {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	uint64_t done, allowed; /* operations */
	bool idle;
	unsigned pause; /* microseconds between two operations, at most */
	unsigned window;
	uint64_t by_tree[TREES_MAX];
	struct log_entry log[LOG_ENTRIES];
};

/* What is known about the trees, for all tasks. */
struct forest {
	const struct tree *trees;
	unsigned count;
	unsigned wanted;                   /* names in each tree */
	_Atomic unsigned names[TREES_MAX]; /* found when they were compared last */
	bool links;
};

/* A file that is held open, or only mapped. */
struct held {
	int descriptor; /* -1: mapped only */
	char *mapping;
	size_t size;
	unsigned tree;
	bool nameless;
	char path[PATH_MAX];
};

struct task {
	struct gate *gate;
	struct forest *forest;
	struct random random;
	unsigned number;
	unsigned tree; /* of the present operation */
	struct held held[HELD_MAX];
	char recent[TREES_MAX][RECENT][PATH_MAX];
	unsigned next_recent;
	char said[LOG_BYTES]; /* about the present operation */
};

struct tasks {
	unsigned count;
	pid_t *pids;
	struct gate **gates;
	struct forest *forest;
};

/* Starts them, idle. */
void tasks_start(struct tasks *tasks, unsigned count, uint64_t seed, const struct tree *trees, unsigned tree_count,
		 unsigned wanted, bool links);
void tasks_allow(const struct tasks *tasks, unsigned number, uint64_t operations, unsigned pause, unsigned window);
void tasks_halt(const struct tasks *tasks);
bool tasks_settle(
	const struct tasks *tasks); /* waits until all are idle; false: one has gone, or does not come to rest */
/* For tests that do not compare: how many names there are decides whether the trees are to grow or to shrink. */
void tasks_count_names(const struct tasks *tasks);
void tasks_end(struct tasks *tasks);
uint64_t tasks_operations(const struct tasks *tasks, unsigned tree);

/* The last operations that name a path or a directory above it. */
void tasks_tell(const struct tasks *tasks, const char *listed, FILE *out);

/* One operation, chosen by the task's random numbers; what it was is then in task->said. */
void operate(struct task *task);
/* Makes the names that a tree begins with. */
void populate(struct task *task);

#endif
