/* SPDX-License-Identifier: GPL-2.0 */
/* The directory that listed paths are relative to, as the host names it. */
#ifndef FSCHANGED_RELATIVE_H
#define FSCHANGED_RELATIVE_H

/*
 * *result (caller frees) is the path without symbolic links, '.', '..' and needless '/'. The directory itself, and some
 * above it, may have been deleted: what is left of the way is resolved, the rest is taken as it stands.
 *
 * 0; 1: it is not there; -EINVAL: it is not absolute, or what is not there cannot be taken as it stands; -errno. On an
 * error *error (caller frees) is a sentence.
 */
int relative_resolve(const char *directory, char **result, char **error);

#endif
