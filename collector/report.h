/* SPDX-License-Identifier: GPL-2.0 */
/* What the collector tells about itself, as JSON. */
#ifndef FSCHANGED_REPORT_H
#define FSCHANGED_REPORT_H

#include <jansson.h>

#include "collector.h"

/* A new object with the keys that 'status' shows. */
json_t *report_status(struct collector *collector);
/* The first mount of each filesystem that could hold files: traced, or why not. */
json_t *report_filesystems(struct collector *collector);
json_t *report_watches(const struct coverage *coverage);
/* Why a hook is not attached, a sentence; empty when it is. */
const char *report_hook(const struct hook_state *hook, enum tracer_mode mode);

#endif
