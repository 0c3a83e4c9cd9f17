/* SPDX-License-Identifier: GPL-2.0 */
/* Output formats of lists: one table, a row a format. */
#ifndef FSCHANGED_FORMAT_H
#define FSCHANGED_FORMAT_H

#include <stdbool.h>
#include <stdio.h>

#include "sort.h"

enum list_kind { LIST_CHANGED, LIST_DELETED };

struct format {
	const char *name;    /* of --format */
	const char *summary; /* for --help */
	bool names_list;     /* an entry says which list it is of: both lists may go to one file */
	/* Writes one entry. 0, -errno, or -EILSEQ: this format cannot express the name. */
	int (*write)(FILE *out, const struct sorted *entry, enum list_kind kind, bool escape);
};

/*
 * Writes a name in printable form: backslash as "\\", newline as "\n", the other control bytes (below 32, and 127) as
 * backslash and three octal digits; every other byte as it is. 0 or -errno.
 */
int format_escaped(FILE *out, const char *name, size_t length);

extern const struct format formats[]; /* ends with a row without a name */
const struct format *format_find(const char *name);

#endif
