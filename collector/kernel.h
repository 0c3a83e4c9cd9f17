/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The programs in the kernel, and bpf(2): kernel.c alone knows libbpf. Descriptors belong to the caller; maps, programs
 * and links are descriptors. Functions return 0 or a descriptor, or -errno, unless they say otherwise. tracer_probe()
 * is here, too.
 */
#ifndef FSCHANGED_KERNEL_H
#define FSCHANGED_KERNEL_H

#include <stdint.h>

#include "tracer.h"

/* All maps of the programs, as the skeleton names them. */
#define MAPS(X) X(events) X(superblocks) X(reported) X(writers) X(operations) X(raw_writes) X(scratch) X(bss) X(rodata)
/* Programs that the collector runs. */
#define ITERATORS(X)                                                                                                   \
	X(open_files)                                                                                                  \
	X(mapped_files)                                                                                                \
	X(mark_writers) X(count_mounts) X(count_writers) X(carry_renames) X(carry_writers) X(carry_operations)

#define X(name) MAP_##name,
enum map { MAPS(X) MAP_COUNT };
#undef X
#define X(name) ITERATOR_##name,
enum iterator { ITERATORS(X) ITERATOR_COUNT };
#undef X

/* What is loaded; -1: this kernel does not need it. */
struct loaded {
	int maps[MAP_COUNT];
	int hooks[HOOK_COUNT]; /* programs */
	int iterators[ITERATOR_COUNT];
};

/* To wait for all programs that run. */
struct barrier {
	int outer, inner; /* an array of maps, and a map to put into it; -1: not open */
};

bool kernel_has(const struct hook_state *hook, enum tracer_mode mode);
/* On error *error is a sentence. */
int kernel_load(const struct hook_state *hooks, enum tracer_mode mode, const struct tracer_options *options,
		struct loaded *loaded, char **error);
/* A sum over the programs: another build has another one. */
uint64_t kernel_build(void);
/* Where struct globals lies in the map of this build. */
uint32_t kernel_globals_offset(void);
/* NULL: errno says why. */
struct globals *kernel_map_globals(int map);
void kernel_unmap_globals(struct globals *globals);

uint32_t kernel_value_bytes(int map); /* 0: it is none */
uint32_t kernel_entries(int map);     /* how many it may have */
int kernel_get(int map, const void *key, void *value);
int kernel_put(int map, const void *key, const void *value);
int kernel_add(int map, const void *key, const void *value); /* -EEXIST */
int kernel_remove(int map, const void *key);
int kernel_next_key(int map, const void *key, void *next); /* key NULL: the first one */
/* Of a hash; keys of at most 8 bytes. A result of the callback other than 0 ends it and is returned. */
int kernel_each_entry(int map, int (*each)(const void *key, const void *value, void *context), void *context);
/* A map of one value, its key 0. */
int kernel_make_cell(const char *name, uint32_t value_bytes);

int kernel_open_barrier(struct barrier *barrier);
int kernel_wait_for_programs(const struct barrier *barrier);

int kernel_open_pin(const char *path);
int kernel_pin(int descriptor, const char *path);
int kernel_attach(int program);
int kernel_program_of(int link);
/* Runs that the kernel's recursion guard suppressed. Not to be had: a number that no sum has had, so that it shows. */
#define MISSED_UNKNOWN UINT64_MAX
uint64_t kernel_missed_runs(int program);
/* To its end. map: -1, or what it goes over. */
int kernel_run_iterator(int program, int map);

#endif
