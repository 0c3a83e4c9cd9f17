/* SPDX-License-Identifier: GPL-2.0 */
/* What tracer*.c share. */
#ifndef FSCHANGED_TRACER_PRIVATE_H
#define FSCHANGED_TRACER_PRIVATE_H

#include "kernel.h"
#include "pins.h"
#include "ring.h"
#include "tracer.h"

enum {
	PIN_MAGIC = 0x66736368,
	/*
	 * Of this header, of records and of values in maps. They grow at their end only, so that the sizes tell what
	 * there is: then it stays. Where they cannot, it goes up, and what others have pinned is not taken over.
	 */
	PIN_VERSION = 2,
};

/* The value of the pin `ready`. Sizes and offsets are for those who were built otherwise. */
struct pin_header {
	uint32_t magic, version;
	uint64_t build;       /* sum over the programs */
	uint64_t instance;    /* of the store */
	uint64_t inherited;   /* missed runs of the generation before, which were not accounted for */
	uint64_t missed_runs; /* accounted for, the inherited ones included */
	uint64_t ring;        /* a number that no other one has */
	uint32_t lasting;     /* of losses that are accounted for: 1 << enum loss_duration */
	uint32_t mode;
	uint32_t pins;                                   /* how many there are, this one included */
	uint32_t event_bytes;                            /* before the path in a record */
	uint32_t epoch, losses, accounted, losses_bytes; /* where they are in the globals */
	struct tracer_options options;
	char state[PATH_BYTES]; /* the directory, for people */
	uint64_t missed_raw;    /* writes into block devices, by the generations before */
};

/* A set of programs and maps, pinned or about to be. Descriptors; -1: not open. */
struct generation {
	unsigned number;
	struct pin_header header;
	int ready;
	struct loaded loaded;
	int links[HOOK_COUNT];
	struct globals *globals; /* of this build only */
	struct ring ring;
	uint64_t end; /* of an older one: what stands before it in its ring is to be taken over */
};

enum { OLD_GENERATIONS = 8 };

struct tracer {
	struct hook_state hooks[HOOK_COUNT];
	enum tracer_mode mode;
	enum tracer_origin origin;
	struct pins pins;
	struct generation own;
	struct generation old[OLD_GENERATIONS];
	size_t old_count;
	int demanded[HOOK_COUNT]; /* links that are not pinned: they go when nobody watches any more */
	uint64_t since; /* CLOCK_BOOTTIME in nanoseconds: what is older stands in the rings of older ones as well; 0:
			   none */
	struct ring *latest; /* from which the last record came */
	void *converted;     /* a record in the layout of this build */
	struct barrier barrier;
};

/* tracer_pins.c */
void generation_init(struct generation *generation);
void generation_close(struct generation *generation);
int generation_map_globals(struct generation *generation);
/* Opens what other collectors have pinned and adopts the newest if it is of this build and these options. */
int generations_open(struct tracer *tracer, const struct tracer_options *options, const struct tracer_state *state);
/* Tells what was found, before any of it goes and before there is anything new. */
int generations_judge(const struct tracer *tracer, const struct tracer_state *state);
/* When the newest programs are in place: older ones' losses are theirs, and their rings are to be taken up to here. */
int generations_end(struct tracer *tracer);
/* Pins the own generation; the last pin tells that it is whole. */
int generation_pin(struct tracer *tracer);
uint64_t generation_missed_runs(const struct generation *generation);
/* Of the programs that see writes into block devices. */
uint64_t generation_missed_raw_writes(const struct generation *generation);
/* The same of an older one, which may have other programs. */
uint64_t generation_pinned_misses(const struct tracer *tracer, const struct generation *generation);
uint64_t generation_pinned_missed_raw_writes(const struct tracer *tracer, const struct generation *generation);

/* tracer_adopt.c: what the own generation needs to know from older ones. Their programs are attached as well. */
int tracer_copy_tables(struct tracer *tracer);
int tracer_inherit_losses(struct tracer *tracer);
/* Takes out again what was copied and has ended since. */
int tracer_remove_stale(struct tracer *tracer);

/* tracer.c */
int tracer_attach_hook(struct tracer *tracer, size_t hook);

#endif
