/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the collector answers about jobs. Each takes a request and returns the answer's members, or NULL with *error
 * (freed by the caller) a sentence.
 */
#ifndef FSCHANGED_JOBS_H
#define FSCHANGED_JOBS_H

#include <jansson.h>

#include "collector.h"

json_t *jobs_mark(struct collector *collector, const json_t *request, char **error);
/* For a list: what it covers. It becomes pending by "pend", when it has been written. */
json_t *jobs_cut(struct collector *collector, const json_t *request, char **error);
json_t *jobs_pend(struct collector *collector, const json_t *request, char **error);
json_t *jobs_commit(struct collector *collector, const json_t *request, char **error);
json_t *jobs_drop(struct collector *collector, const json_t *request, char **error);

#endif
