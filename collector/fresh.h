/* SPDX-License-Identifier: GPL-2.0 */
/* Why a job is fresh: it has no base, only a full backup will do. One table: the word in the store, and a sentence. */
#ifndef FSCHANGED_FRESH_H
#define FSCHANGED_FRESH_H

/* X(constant, word, what has happened) */
#define FRESH_REASONS(X)                                                                                               \
	X(NEW, "new", "no full backup of it has been committed yet")                                                   \
	X(OTHER_MACHINE, "other_machine",                                                                              \
	  "the database was made on another machine: it was copied, or this machine is a clone or was restored")       \
	X(OLDER_COPY, "older_copy",                                                                                    \
	  "the database is an older copy: the kernel has traced windows that it does not know")                        \
	X(OTHER_STORE, "other_store", "the database is another one than that for which the kernel has traced")         \
	X(OTHER_BASE, "other_base",                                                                                    \
	  "the backup has another base than the database: one of them was restored, or another backup was committed")  \
	X(DAMAGED, "damaged", "the database was damaged and has been begun anew; the damaged one is kept beside it")   \
	X(MIXED, "mixed",                                                                                              \
	  "the database had older and newer parts: a job had more than was in windows that were closed")               \
	X(LIMIT_AGE, "limit_age", "windows that it had not committed became older than limit_age")                     \
	X(LIMIT_SIZE, "limit_size", "the database became larger than limit_size, for windows that it had not committed")

enum fresh_reason {
#define X(constant, word, sentence) FRESH_##constant,
	FRESH_REASONS(X)
#undef X
};

/* Static strings. */
const char *fresh_word(enum fresh_reason reason);
/* By the word in the store. */
const char *fresh_sentence(const char *word);

#endif
