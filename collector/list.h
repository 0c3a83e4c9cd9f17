/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Makes the two lists of a job: union of windows → host paths → lstat → expansion → sort → files.
 * Reads the store and the filesystems, writes nothing but the lists. Memory is fixed.
 */
#ifndef FSCHANGED_LIST_H
#define FSCHANGED_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format.h"
#include "store.h"

enum list_verdict {
	LIST_COMPLETE,
	LIST_REPAIRED,   /* there were gaps, and scans have covered them */
	LIST_INCOMPLETE, /* something may be missing */
	LIST_FRESH,      /* there is no base, and no list */
};

struct list_options {
	uint64_t first, last; /* windows, both included; first > last: none */
	const struct format *format;
	bool escape;
	bool or_nothing;     /* -EAGAIN, and nothing is written, where a scan would tell more: result says what of */
	const char *changed; /* file, "-" standard output, NULL not wanted */
	const char *deleted;
	const char *certificate;      /* the same; see certificate.h */
	const char *job;              /* NULL, or whom the list is for: for the certificate */
	const char *lacks;            /* NULL, or a reason why something is missing that the store does not tell */
	const char *relative_to;      /* NULL, or a directory: stripped; what is outside it is dropped */
	const char *mountinfo;        /* NULL: /proc/self/mountinfo */
	bool no_refine;               /* what was open for writing is listed, whether it changed or not */
	size_t memory;                /* bytes for sorting; 0: the default */
	int (*settle)(void *context); /* brings into the store what has happened so far; NULL: nobody does */
	/* NULL, or called with the verdict before anybody can see the lists. -errno: nobody shall. */
	int (*announce)(enum list_verdict verdict, void *context);
	void *context;
};

struct list_result {
	uint64_t changed, deleted; /* entries written */
	uint64_t incomplete;       /* places that could not be looked at and gaps */
	enum list_verdict verdict;
	uint64_t gaps;    /* that are not repaired */
	uint64_t unnamed; /* files with names that are not known */
};

/* A static string: "complete", "repaired", "incomplete", "fresh". */
const char *list_verdict_word(enum list_verdict verdict);

/* Called once for each reason why the list is incomplete; the text is a sentence for the administrator. */
typedef void list_report(const char *sentence, void *context);

/*
 * 0: lists written, result->incomplete says whether they are whole. -errno: nothing was written; *error (caller frees)
 * is a sentence that says what and why.
 */
int list_make(struct store *store, const struct list_options *options, struct list_result *result, list_report *report,
	      void *context, char **error);

#endif
