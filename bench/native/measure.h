/* SPDX-License-Identifier: GPL-2.0 */
/* What is measured: the figures of each measurement are put into a row. */
#ifndef NATIVE_MEASURE_H
#define NATIVE_MEASURE_H

#include <jansson.h>

#include "paths.h"

struct measurement {
	const char *name; /* NULL: the end of the table */
	void (*measure)(json_t *row, const struct source *source);
	const struct source *source;
};

extern const struct measurement measurements[];

extern struct options {
	uint64_t paths;
	unsigned windows;
	const char *directory; /* of the store */
} options;

#endif
