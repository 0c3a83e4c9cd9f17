/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Gaps that a walk covers, the collector's side. A walk that is to cover them begins with a cut: only gaps of closed
 * windows are covered, whose ends are known, and what goes on after the cut is traced. What the walk finds goes into
 * the windows of those gaps; when it has come to its end they are repaired, in one transaction with the last rows.
 */
#ifndef FSCHANGED_COVER_H
#define FSCHANGED_COVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct collector;

/* What a client sends of an entry that may have changed: its path follows. */
struct covered_entry {
	int64_t changed; /* ctime, Unix time in nanoseconds */
	uint32_t mode;
	uint16_t length;
} __attribute__((packed));

/* Compared as bytes when a walk goes on (pause.c): all members fill 64 bits. */
struct cover_gap {
	uint64_t id, first, last;
	int64_t since; /* of ctimes; INT64_MAX: all is listed anew */
	int64_t ended;
};

struct cover {
	struct cover_gap *gaps;
	size_t count;
	int64_t since;   /* entries whose ctime is not older count; INT64_MAX: none by its ctime */
	bool others;     /* the filesystem has gaps that are not covered */
	uint64_t opened; /* the collector's count of gaps before */
	uint64_t mounts; /* a hash of those through which is walked; 0: the walk cannot go on once it has stopped */
};

/* Cuts, and finds the gaps of the filesystem. On error *error (caller frees) is a sentence. 0 or -errno. */
int cover_begin(struct collector *collector, uint32_t filesystem, char **error);
/* In a transaction: enters what was found. */
int cover_take(struct collector *collector, const char *bytes, size_t size);
/* In a transaction that is to be durable: the gaps are repaired. */
int cover_end(struct collector *collector);
void cover_forget(struct collector *collector);

#endif
