/* SPDX-License-Identifier: GPL-2.0 */
/* Why a list is incomplete: sentences for the administrator, passed on and counted. */
#ifndef FSCHANGED_LIST_REASONS_H
#define FSCHANGED_LIST_REASONS_H

#include <stddef.h>
#include <stdint.h>

struct reasons {
	void (*report)(const char *sentence, void *context); /* NULL: they are only counted */
	void *context;
	uint64_t count;
};

void reasons_add(struct reasons *reasons, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The sentence begins with the path, in printable form. */
void reasons_add_path(struct reasons *reasons, const char *path, size_t length, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* Where more than `named` of `all` had a reason: one sentence for the rest of them. */
void reasons_add_rest(struct reasons *reasons, uint64_t all, uint64_t named, const char *what);

#endif
