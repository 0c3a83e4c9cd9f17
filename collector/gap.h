/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reasons for gaps: stretches of time in which changes may have gone unseen. One table: the word in the store and in
 * certificates, how a scan can cover it, what it means, and what an administrator can do about it.
 */
#ifndef FSCHANGED_GAP_H
#define FSCHANGED_GAP_H

#include "event.h"

/* How what changed inside a gap is found. */
enum gap_cover {
	GAP_BY_TIME,  /* it has a ctime at or after the gap's start */
	GAP_BY_WHOLE, /* ctimes prove nothing: all of the filesystem is listed anew */
	GAP_COVERED,  /* nothing was missed; people should know */
};

/* X(constant, word, cover, sentence, advice); those of LOSSES come first. */
#define GAPS(X)                                                                                                        \
	X(MISSED_RUNS, "missed_runs", GAP_BY_TIME, "the kernel did not run a program", "")                             \
	X(FTRACE, "ftrace", GAP_BY_TIME, "kernel.ftrace_enabled was set: programs may not have run",                   \
	  "leave kernel.ftrace_enabled at 1")                                                                          \
	X(CANARY, "canary", GAP_BY_TIME, "a change made by the collector itself was not seen",                         \
	  "'fschanged check' tells what keeps this kernel from tracing")                                               \
	X(RING_HELD, "ring_held", GAP_BY_TIME, "a record in the ring was not finished in time", "")                    \
	X(NOT_REMEMBERED, "not_remembered", GAP_BY_TIME,                                                               \
	  "an operation that was in no table may have ended after the cut", "")                                        \
	X(NOT_CARRIED, "not_carried", GAP_BY_WHOLE, "not all open files could be carried into the next window", "")    \
	X(FLIP, "flip", GAP_BY_TIME, "the kernel did not confirm the cut", "")                                         \
	X(NOT_TRACED, "not_traced", GAP_BY_WHOLE, "no collector was running, and no programs of one", "")              \
	X(FOREIGN_PINS, "foreign_pins", GAP_BY_WHOLE,                                                                  \
	  "the programs in the kernel belonged to another database than this one, or to a newer copy of it", "")       \
	X(MOUNTED, "mounted", GAP_BY_WHOLE,                                                                            \
	  "the filesystem was mounted meanwhile; what changed on it before is not known", "")                          \
	X(MOVED, "moved", GAP_BY_WHOLE,                                                                                \
	  "another directory or subvolume of the filesystem is mounted where one was, or where another filesystem or " \
	  "nothing was, or it is seen at another place",                                                               \
	  "what a backup has at the place of before is not named in any list")                                         \
	X(UNMOUNTED, "unmounted", GAP_BY_WHOLE,                                                                        \
	  "the filesystem was unmounted while no collector was running; its last changes are not known", "")           \
	X(TOUCHED, "touched", GAP_BY_WHOLE, "the filesystem was changed while it was not mounted here", "")            \
	X(RAW_WRITE, "raw_write", GAP_BY_WHOLE, "the filesystem's block device was written past it", "")               \
	X(NOT_TRACEABLE, "not_traceable", GAP_BY_TIME, "the filesystem cannot be traced", "")                          \
	X(HELD_OPEN, "held_open", GAP_BY_WHOLE,                                                                        \
	  "files that were open for writing before tracing began are in no process: an NFS server, io_uring or a "     \
	  "message in a socket may write them unseen until it lets go",                                                \
	  "restart what holds them, as the NFS server, or unmount the filesystem")                                     \
	X(HELD_UNCOUNTED, "held_uncounted", GAP_BY_WHOLE,                                                              \
	  "whether files that were open before tracing began are in no process cannot be told", "")                    \
	X(WATCH_CHANGED, "watch_changed", GAP_BY_WHOLE, "other directories are watched than before", "")               \
	X(CLOCK_SET, "clock_set", GAP_COVERED, "the clock was set, or the machine was suspended", "")                  \
	X(CRASHED, "crashed", GAP_BY_WHOLE,                                                                            \
	  "the machine stopped without an orderly end: what the disk has of the last changes, and of their times, is " \
	  "not known",                                                                                                 \
	  "")                                                                                                          \
	X(SHUTDOWN, "shutdown", GAP_BY_WHOLE,                                                                          \
	  "the machine was down or was started meanwhile, and no collector was running", "")

enum gap_reason {
#define X(member, reason, duration) GAP_LOSS_##member,
	LOSSES(X)
#undef X
#define X(constant, word, cover, sentence, advice) GAP_##constant,
		GAPS(X)
#undef X
			GAP_REASONS,
};

/* Static strings. */
const char *gap_word(enum gap_reason reason);
const char *gap_sentence(enum gap_reason reason);
/* By the word in the store; of one that is not known: the most cautious. Empty: no advice but a scan. */
enum gap_cover gap_cover(const char *word);
const char *gap_advice(const char *word);

#endif
