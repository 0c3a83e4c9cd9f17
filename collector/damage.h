/* SPDX-License-Identifier: GPL-2.0 */
/* A damaged database is never written over: it is renamed, with its log, and kept beside the new one. */
#ifndef FSCHANGED_DAMAGE_H
#define FSCHANGED_DAMAGE_H

#include <stdbool.h>

#define DATABASE_NAME "fschanged.db"

/* The database at this path; it must not be in use. 0 or -errno. */
int damage_set_aside(const char *path);
/* One was set aside before. */
bool damage_was_found(const char *path);

#endif
