/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The collector: takes records from the tracer into the store, follows mounts, accounts for what was lost. It joins the
 * tracer and the store, which do not know each other. Single-threaded. Functions return 0 or -errno.
 */
#ifndef FSCHANGED_COLLECTOR_H
#define FSCHANGED_COLLECTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "batch.h"
#include "clock.h"
#include "config.h"
#include "cover.h"
#include "coverage.h"
#include "fresh.h"
#include "ftrace.h"
#include "gap.h"
#include "link_feed.h"
#include "loops.h"
#include "losses.h"
#include "seals.h"
#include "store.h"
#include "tracer.h"

struct collector {
	const struct config *config;
	struct store *store;
	struct tracer *tracer;
	struct coverage coverage;
	struct batch *batch;
	struct clock clock;
	struct ftrace ftrace;
	struct loops loops; /* that were there before */
	bool lasting[LOSS_DURATIONS];
	uint32_t carrying; /* of these, by a cut that has not come to its end: 1 << enum loss_duration */
	int64_t looked;    /* for files that are in no process (hidden.c) */
	struct link_feed *link_feed;
	struct seals seals;
	int64_t absent;                 /* since then nobody traced, before the start; 0: never */
	uint32_t stranger;              /* the last device of which a record came without its mount being seen */
	uint32_t walking;               /* the filesystem that is walked for the names of its files; 0: none */
	const void *walker;             /* who walks */
	struct cover cover;             /* what the walk covers */
	uint32_t paused;                /* a filesystem of which the store may have a walk that goes on; 0: none */
	struct tracer_counters counted; /* losses that are accounted for */
	enum gap_reason absence;        /* what the time before the start is, if nothing bridges it */
	uint64_t window;                /* the open one; the kernel's epoch */
	uint64_t closing;               /* the oldest one that is not closed; normally the open one */
	uint64_t events;                /* taken from the ring since the window was opened */
	uint64_t submitted;             /* the kernel's counter then */
	uint64_t events_total;
	uint64_t gaps;              /* opened since the start */
	const struct event *held;   /* taken from the ring and not yet in the batch */
	struct ring_position noted; /* how far the store knows the ring */
	int64_t started, flushed;   /* Unix time in nanoseconds */
	int64_t booted;             /* the same, by the clocks as they were a moment ago */
	int64_t alive;              /* in the store: all until then is in it */
	int64_t reached;            /* all that was seen until then has been taken from the ring */
	int64_t retained;           /* when the limits were looked at */
	bool settled;               /* the start has come to its end */
	bool untold;                /* a filesystem came whose open files are not entered yet */
	int64_t left_out; /* since then one that is to be traced is not, as it could not be entered; 0: none */
	bool is_left_out; /* one could not be at the last look */
	bool clock_set;   /* and the store does not know it yet */
	bool ftrace_off;  /* likewise */
	int error;        /* of the last transaction; 0: it was committed */
	int unmerged;     /* error of the last attempt to merge runs */
	struct {
		int64_t took, waited; /* nanoseconds; waited: for programs in the kernel, the cut's barrier */
	} cut;                        /* the last one */
	/* Sees every record of a path, those too that are for people only. path: inside the filesystem. */
	void (*observe)(const struct event *event, const char *command, const char *path, void *context);
	void *observer;
};

/*
 * Opens the store, the tracer and the window, finds what is watched, and enters open files. On error *error (caller
 * frees) is a sentence.
 */
int collector_open(struct collector *collector, const struct config *config, char **error);
/* Takes what is in the ring and closes the books. The programs go on: the next collector takes over. */
void collector_close(struct collector *collector);

/* Writes what was taken. */
int collector_flush(struct collector *collector);
/* Merges runs of the store, about so many blocks: several times what a batch has written. */
enum { MERGE_BLOCKS = 256 };
void collector_merge(struct collector *collector, uint64_t blocks);
/* Takes what waits in the ring; writes it when the batch is full or has waited long enough, or at once. */
int collector_collect(struct collector *collector, bool at_once);
/* The mount table has changed. */
int collector_follow_mounts(struct collector *collector);

/* Somebody may have removed the pins by which the next collector finds the programs: makes them again. */
int collector_check_pins(struct collector *collector);
/* Block devices have come: the filesystems on them may be known. */
int collector_follow_devices(struct collector *collector);

/* If the clock was set since the last call, the windows that are open are not steady. */
int collector_check_clock(struct collector *collector);

/* The files behind loop devices that were there before are open in the window that is open now. */
int collector_enter_loops(struct collector *collector);

/* filesystem: NULL for all; detail: NULL for the reason's own sentence. Written with the next transaction's commit, or
 * at once outside one. */
int collector_add_gap(struct collector *collector, uint64_t first, uint64_t last, const struct covered *filesystem,
		      int64_t started, enum gap_reason reason, const char *detail);

/* All jobs lose their base: only a full backup will do. The store keeps why and since when; the log says it. */
int collector_make_fresh(struct collector *collector, enum fresh_reason reason);

/*
 * The cut: closes the open window and opens the next. When it returns 0, *closed is the number of the closed one, all
 * that finished before the call is in it, and it survives a power cut. job: NULL, or one whose pending position becomes
 * the closed window in the same transaction. On error *error (caller frees) is a sentence, and the job is as it was.
 */
int window_cut(struct collector *collector, const char *job, uint64_t *closed, char **error);

#endif
