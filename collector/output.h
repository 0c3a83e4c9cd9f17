/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The files of the two lists: entries are sorted, written in a format to temporary files, and published when all of
 * them are complete. Never through a symbolic link.
 */
#ifndef FSCHANGED_OUTPUT_H
#define FSCHANGED_OUTPUT_H

#include "list.h"

struct outputs;

/*
 * Checks the targets and makes the sorters, with `memory` bytes each. The options must outlive the outputs and their
 * relative_to must not end in '/'. All that fails sets *error where it knows more than -errno; once at most.
 */
int outputs_new(struct outputs **outputs, const struct list_options *options, size_t memory, char **error);
/* After a failure what was published already is removed: one list must not be taken for the whole. */
void outputs_free(struct outputs *outputs, bool failed);
/* The path is absolute; what is outside of relative_to is dropped. */
int outputs_add(struct outputs *outputs, enum list_kind kind, const struct sorted *entry, char **error);
int outputs_write(struct outputs *outputs, struct list_result *result, char **error);

#endif
