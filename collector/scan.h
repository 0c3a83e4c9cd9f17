/* SPDX-License-Identifier: GPL-2.0 */
/* Walks traced filesystems for the names of files with several links, and of those that the collector asks for. */
#ifndef FSCHANGED_SCAN_H
#define FSCHANGED_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "list_reasons.h"

/* What has been done on a filesystem. */
struct scan_progress {
	const char *mount_point;
	uint64_t entries, names; /* looked at, sent to the collector */
	bool done, complete;
};

struct scan_options {
	const char *socket;
	bool new_only; /* those that were never walked */
	/* Called now and then, and with .done at the end of each filesystem. */
	void (*progress)(const struct scan_progress *progress, void *context);
	void *context;
	struct reasons *reasons; /* what could not be looked at: then a filesystem's names are not all known */
};

/* 0: all were walked; -errno, *error (caller frees) is a sentence or NULL. */
int scan(const struct scan_options *options, char **error);

#endif
