/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What stands beside a list, as JSON (dist/certificate.schema.json): which windows it covers, what was traced in them,
 * what may be missing and why. An older one goes before the lists are published and the new one comes after them, so
 * that the one that is there belongs to the lists that are there.
 */
#ifndef FSCHANGED_CERTIFICATE_H
#define FSCHANGED_CERTIFICATE_H

#include "list.h"

struct certificate;

/* The functions that fail return -errno, with a sentence in *error (caller frees) where more is known. */

/* The options must outlive it. */
int certificate_new(struct certificate **certificate, const struct list_options *options, char **error);
void certificate_free(struct certificate *certificate, bool failed);

/* In the order of their numbers. */
void certificate_add_window(struct certificate *certificate, const struct store_window *window);
/* mount_point: NULL for all filesystems. */
void certificate_add_gap(struct certificate *certificate, const struct store_gap *gap, const char *mount_point);
/* Why something may be missing. */
void certificate_add_reason(struct certificate *certificate, const char *sentence);

/* Before the lists are published. */
int certificate_withdraw(struct certificate *certificate, char **error);
int certificate_publish(struct certificate *certificate, const struct list_result *result, bool refined, char **error);

/* There is no list: the job is fresh, for a reason of fresh.h, since then (Unix time in seconds). */
int certificate_refuse(const struct list_options *options, const char *reason, int64_t since, char **error);

#endif
