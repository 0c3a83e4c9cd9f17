/* SPDX-License-Identifier: GPL-2.0 */
/* What a person who watches live has asked for, and an event as a line for them. */
#ifndef FSCHANGED_TAIL_H
#define FSCHANGED_TAIL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "coverage.h"
#include "event.h"

struct tail {
	bool every;
	char *path; /* glob, NULL: any */
	char *command;
	uint32_t operations; /* 1 << enum operation; 0: any */
	int64_t pid;         /* 0: any */
	uint64_t dropped;    /* lines that the client did not take in time */
};

/* Reads a request. 0, or -EINVAL with *error (caller frees) a sentence. */
int tail_read(struct tail *tail, const json_t *request, char **error);
void tail_free(struct tail *tail);
/* A line with its newline (caller frees), or NULL when the event is not wanted. */
char *tail_line(const struct tail *tail, const struct coverage *coverage, const struct event *event,
		const char *command, const char *path);
char *tail_dropped_line(uint64_t dropped);

#endif
