/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The control socket, server side: one JSON object a line in each direction. Requests are rows of a table. A client
 * that asks for tail gets lines until it leaves; what it does not read in time is dropped and counted, never waited
 * for.
 */
#ifndef FSCHANGED_CONTROL_H
#define FSCHANGED_CONTROL_H

#include <systemd/sd-event.h>

#include "collector.h"

struct control;

/* Listens. On error *error (caller frees) is a sentence. */
int control_open(struct control **control, struct collector *collector, sd_event *loop, char **error);
void control_close(struct control *control);
/* Does anybody watch live? */
bool control_is_watched(const struct control *control);

#endif
