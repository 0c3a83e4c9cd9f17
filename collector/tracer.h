/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel side as the collector sees it: programs, maps, ring, epoch. kernel.c alone knows libbpf.
 * All functions return 0 or -errno unless they say otherwise.
 */
#ifndef FSCHANGED_TRACER_H
#define FSCHANGED_TRACER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event.h"
#include "hooks.h"

struct tracer;

struct tracer_options {
	uint32_t ring;     /* bytes, a power of two */
	uint32_t writers;  /* files open for writing at a time */
	uint32_t reported; /* inodes that deduplication remembers */
	/* In one word, as it is in the headers that older builds have pinned. */
	uint32_t operations : 31; /* tasks that change names or attributes */
	uint32_t precise : 1;     /* writes are reported */
};

enum tracer_mode { TRACER_LSM, TRACER_FENTRY };

struct hook_state {
	const char *name;
	const char *function;
	const char *purpose;
	enum hook_presence presence;
	bool in_lsm;      /* the kernel has it as an LSM hook */
	bool in_function; /* the kernel has the function around it */
	bool attached;
};

struct tracer_counters {
	struct losses losses;
	uint64_t submitted;   /* records put into the ring */
	uint64_t missed_runs; /* runs that the kernel's recursion guard suppressed */
	uint32_t lasting;     /* 1 << enum loss_duration; of those that are accounted for */
};

/*
 * What this kernel offers: fills in HOOK_COUNT rows and the mode that would be taken. -ENOENT: no BTF. *reason (static)
 * says what is missing where the result is an error, or why the mode is not LSM.
 */
int tracer_probe(struct hook_state *hooks, enum tracer_mode *mode, const char **reason);

/* Where the programs come from; what it means for the time before. */
enum tracer_origin {
	TRACER_FIRST,      /* nothing was in the kernel */
	TRACER_TAKEN_OVER, /* of an earlier collector on the same state: they have never stopped */
	TRACER_BROKEN,     /* the same, but pins of it were gone */
	TRACER_FOREIGN,    /* what was there belongs to another store */
	TRACER_NEWER,      /* it belongs to this store at a later time of its life: this is an older copy */
};

struct ring_position {
	uint64_t ring; /* a number that no other one has; 0: not known */
	uint64_t position;
};

/* The state that they trace for. */
struct tracer_state {
	const char *directory;
	uint64_t instance;          /* of the store in it */
	struct ring_position taken; /* as far as the store knows it: never less than was taken from it */
	uint64_t epoch;             /* the window that is open; what is in the kernel may be one behind */
	/*
	 * If it is there it is told, perhaps more than once, what was pinned, before any of that goes and before
	 * anything new is pinned. When it does not return 0, tracer_open() fails with that.
	 */
	int (*judged)(enum tracer_origin origin, void *context);
	void *context;
};

/*
 * Takes over what is pinned, or loads, attaches and pins, with nothing traced yet. On error *error (caller frees) is a
 * sentence; what was pinned before is as it was. The window `epoch` is open from then on.
 */
int tracer_open(struct tracer **tracer, const struct tracer_options *options, const struct tracer_state *state,
		char **error);
/* The programs stay in the kernel, and go on. */
void tracer_close(struct tracer *tracer);
enum tracer_origin tracer_origin(const struct tracer *tracer);
/* Records of older programs are still to be taken; then, and when their losses are accounted for, they may go. */
bool tracer_is_taking_over(const struct tracer *tracer);
/* The last record returned was in the ring of older programs, too, and has been returned from there. */
bool tracer_is_repeated(const struct tracer *tracer, const struct event *event);
int tracer_end_take_over(struct tracer *tracer);
/* All pins are there, so that the next collector will find them. */
bool tracer_is_pinned(struct tracer *tracer);
int tracer_pin_again(struct tracer *tracer);
/* The directory with the pins. */
const char *tracer_pins(const struct tracer *tracer);
/* Calls back for each state of which something is pinned: its directory, as the collector was told; "" if not known. */
int tracer_each_pinned(int (*each)(const char *pins, const char *state, void *context), void *context);

enum tracer_mode tracer_mode(const struct tracer *tracer);
const struct hook_state *tracer_hooks(const struct tracer *tracer);

/* A filesystem by its superblock's device (major << 20 | minor). */
/*
 * 1: it was traced before, since it is mounted. 0: it is from now on. *entry: which of the superblocks with this device
 * it is.
 */
int tracer_trace(struct tracer *tracer, uint32_t device, struct superblock *entry);
/*
 * Takes out the entry of the superblock that was the came-th with this device; another one's stays. 1: a program of the
 * kernel side was about to enter one meanwhile, and may have found that entry: if it has this device it is not traced.
 */
int tracer_forget(struct tracer *tracer, uint32_t device, uint32_t came);
/* -ENOENT: none with this device is traced. */
int tracer_superblock(const struct tracer *tracer, uint32_t device, struct superblock *entry);
/* All that are traced, those too that the kernel side has entered by itself. A callback may forget them. */
int tracer_each_superblock(const struct tracer *tracer,
			   int (*each)(uint32_t device, const struct superblock *entry, void *context), void *context);
/* What was written into a block device past filesystems. */
void tracer_raw_write(const struct tracer *tracer, uint32_t device, struct raw_write *entry);
/* Enters all files that are open for writing or mapped so, on filesystems that are traced. */
int tracer_enter_open_files(struct tracer *tracer);
/* Records say which command it was. */
void tracer_show_commands(struct tracer *tracer, bool on);
/* Attaches or detaches the hooks on demand, and lets records through that deduplication hides. */
int tracer_show_every(struct tracer *tracer, bool on);

/* Readable when the ring fills fast: to be polled; else the collector looks by the clock. */
int tracer_descriptor(const struct tracer *tracer);
/*
 * The next record after the last one returned, or NULL. It stays valid and in the ring until tracer_release(): whoever
 * dies before that finds it again.
 */
const struct event *tracer_next(struct tracer *tracer);
/* The name of the command that made the last record, with its NUL, or NULL: nobody watched then. */
const char *tracer_command(const struct tracer *tracer, const struct event *event);
/* Frees the ring up to the last record returned, or but for that one. */
void tracer_release(struct tracer *tracer, bool keep_last);
/*
 * For a collector that takes over: which ring this is (no other one ever has this number; 0: older ones have not been
 * read to their end), and how far it was read. What is in the store need not be taken again.
 */
void tracer_position(const struct tracer *tracer, bool keep_last, uint64_t *ring, uint64_t *position);
void tracer_skip(struct tracer *tracer, const struct ring_position *taken);
/* Positions in the ring: where the kernel has come to, and behind the last record returned. */
uint64_t tracer_produced(const struct tracer *tracer);
uint64_t tracer_consumed(const struct tracer *tracer);
/* Bytes of the ring, and of those the bytes that are not released. */
void tracer_ring_use(const struct tracer *tracer, uint64_t *bytes, uint64_t *used);

/* Flips the epoch and returns when no program runs any more that has read the old one. */
int tracer_flip(struct tracer *tracer, uint64_t epoch);
/* The same where no window is cut: there is nothing to be carried. */
int tracer_begin(struct tracer *tracer, uint64_t epoch);
/*
 * Reports again what is open or under way and has not been reported in this epoch. -EAGAIN: something is left after
 * several rounds.
 */
int tracer_carry(struct tracer *tracer);

/*
 * Counts, for each filesystem that is traced, write access that no known file explains: held by files that are in no
 * process, and for a moment by operations under way.
 */
int tracer_count_held(struct tracer *tracer);
/* The result for one of them; HELD_UNKNOWN or near it: it could not be counted. */
int64_t tracer_held(const struct tracer *tracer, uint32_t device);

/* Bytes of kernel memory in maps: set by the configuration. */
uint64_t tracer_memory(const struct tracer *tracer);
int tracer_counters(const struct tracer *tracer, struct tracer_counters *counters);
/* What is accounted for is kept in the kernel, beside what it counts. */
void tracer_accounted(const struct tracer *tracer, struct tracer_counters *counters);
int tracer_account(struct tracer *tracer, const struct tracer_counters *counters);
/* Files that are open for writing now. */
int tracer_writers(const struct tracer *tracer, uint64_t *count);

#endif
