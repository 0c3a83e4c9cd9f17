/* SPDX-License-Identifier: GPL-2.0 */
#ifndef ORACLE_H
#define ORACLE_H

#include "product.h"
#include "tasks.h"

enum {
	JOBS_MAX = 2,
	FAULTS = 8,
	HISTORY = 16, /* lists kept for the report */
};

struct settings {
	uint64_t seed;
	unsigned windows, names, tasks, jobs;
	unsigned operations; /* a task and window, at most */
	unsigned busy;       /* percent of the windows that are cut and copied while the tasks run */
	unsigned faults;     /* percent of the windows with a fault */
	const char *disturb; /* program that throws faults in, or NULL */
	bool links, accept_unknown_links, drop, verbose, linked_in;
};

struct figures {
	unsigned windows, settled, failed, incomplete;
	uint64_t operations[TREES_MAX];
	uint64_t listed;
	unsigned faults[FAULTS];
	unsigned good, good_after, incomplete_after, refused; /* lists, without a fault and after one */
	double seconds, in_dump, in_commit, in_copy, in_compare, in_tasks;
};

/* A job and its replicas. */
struct job {
	char name[64];
	unsigned tainted; /* commits until its lists are to be complete again */
	struct node *replicas[TREES_MAX];
};

struct oracle {
	struct settings settings;
	struct product product;
	struct tree trees[TREES_MAX];
	unsigned tree_count;
	struct tasks tasks;
	struct job jobs[JOBS_MAX];
	struct lists history[HISTORY];
	struct random random;
	struct figures figures;
	struct findings findings;
	unsigned window, fault_window;
	pid_t fault; /* the program that throws it in, while it runs */
	int argc;
	char **argv;
};

/* Runs the windows of one seed. False: something was missed, or does not work; it has been told then. */
bool oracle_run(struct oracle *oracle);

/* What was found, and all that helps to understand it. */
void report_findings(const struct oracle *oracle, const char *job);
__attribute__((format(printf, 2, 3))) void report_failure(const struct oracle *oracle, const char *format, ...);

/* Maybe throws a fault in. False: that did not work; it has been told then. */
bool chaos_begin(struct oracle *oracle);
/* Waits until the fault is over. */
bool chaos_end(struct oracle *oracle);
void chaos_committed(struct oracle *oracle, struct job *job);
void chaos_print(const struct oracle *oracle);

/* The tasks alone, until SIGTERM. A tree that is there already is gone on with. */
void traffic(struct oracle *oracle);

/* Without the tested program: lists made from the truth, in the first tree; every entry taken out is seen. */
bool selftest(struct oracle *oracle);

#endif
