/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a collector takes over from the one before: the window, and what the programs that went on in the kernel have
 * seen meanwhile. What nothing bridges is a gap. Functions return 0 or -errno.
 */
#ifndef FSCHANGED_TAKEOVER_H
#define FSCHANGED_TAKEOVER_H

#include <stdbool.h>

struct collector;

#define META_ALIVE "alive" /* Unix time in nanoseconds: all that was seen until then is in the store */

/* At the start, in this order. On error *error (caller frees) may be a sentence. */
int takeover_open_window(struct collector *collector);
int takeover_open_tracer(struct collector *collector, char **error);
int takeover_account(struct collector *collector);
/* When it is known what is watched: takes what waits, and older programs go. */
int takeover_end(struct collector *collector);

/* With each batch, for the next one; when that is committed it is noted. Has it moved since? */
int takeover_note_position(struct collector *collector);
void takeover_position_is_noted(struct collector *collector);
bool takeover_has_moved(const struct collector *collector);

#endif
