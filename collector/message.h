/* SPDX-License-Identifier: GPL-2.0 */
/* What the program says to people, on standard error. For commands: libraries return their errors. */
#ifndef FSCHANGED_MESSAGE_H
#define FSCHANGED_MESSAGE_H

#include <stdarg.h>
#include <syslog.h>

/* One line, "fschanged: …", or with the journal's priority in front where standard error is the journal. errno is kept.
 */
void message(int priority, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
