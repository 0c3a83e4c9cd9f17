/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Walks traced filesystems for what may have changed in gaps, for the names of files with several links, and for those
 * of files that the collector asks for.
 */
#ifndef FSCHANGED_SCAN_H
#define FSCHANGED_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "list_reasons.h"

/* What has been done on a filesystem. */
struct scan_progress {
	const char *mount_point;
	uint64_t entries, names; /* met, sent to the collector */
	uint64_t inodes;         /* read before the directories; 0: the filesystem does not tell of them */
	uint64_t gaps, changed;  /* that are covered; what may have changed in them */
	uint64_t directories;    /* of what may have changed: they are listed with all below */
	uint64_t expected;       /* entries; 0: the filesystem does not tell */
	uint64_t before;         /* of the entries, those of a scan that was stopped: this one goes on */
	int64_t started;         /* Unix time in nanoseconds */
	bool done, complete;
};

struct scan_options {
	const char *socket;
	bool new_only;  /* those that were never walked, for names alone */
	bool gaps_only; /* those with gaps */
	bool anew;      /* no scan that was stopped goes on: its search for names is as old as that */
	/* Called now and then, and with .done at the end of each filesystem. */
	void (*progress)(const struct scan_progress *progress, void *context);
	/* NULL, or whether the scan is to stop, so that a later one can go on; several threads ask. */
	bool (*is_stopped)(void *context);
	void *context;
	struct reasons *reasons; /* what could not be looked at: then a filesystem's names are not all known, and
				  its gaps are not covered */
};

/* 0: all were walked; -errno, *error (caller frees) is a sentence or NULL. -EINTR: it was stopped. */
int scan(const struct scan_options *options, char **error);

#endif
