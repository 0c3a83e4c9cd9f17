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
	/* Writes one entry. 0, -errno, or -EILSEQ: this format cannot express the name. */
	int (*write)(FILE *out, const struct sorted *entry, enum list_kind kind, bool escape);
};

extern const struct format formats[]; /* ends with a row without a name */
const struct format *format_find(const char *name);

#endif
