// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tracer_private.h"

enum {
	CARRY_ROUNDS = 8,
	RENAME_ROUNDS = 64,
	CARRY_PAUSE = 5 * 1000, /* microseconds */
	SUMS = 3,               /* of counters that change meanwhile: the largest counts */
};

static void free_string(char **string)
{
	free(*string);
}

static int attach_hook(struct tracer *tracer, size_t hook, int *link)
{
	if (*link >= 0)
		return 0;
	*link = kernel_attach(tracer->own.loaded.hooks[hook]);
	if (*link < 0)
		return *link;
	tracer->hooks[hook].attached = true;
	return 0;
}

int tracer_attach_hook(struct tracer *tracer, size_t hook)
{
	return attach_hook(tracer, hook, &tracer->own.links[hook]);
}

static void detach_hook(struct tracer *tracer, size_t hook)
{
	if (tracer->demanded[hook] >= 0)
		close(tracer->demanded[hook]);
	tracer->demanded[hook] = -1;
	tracer->hooks[hook].attached = false;
}

void tracer_close(struct tracer *tracer)
{
	if (!tracer)
		return;
	if (tracer->own.globals) {
		tracer->own.globals->collector = 0;
		tracer->own.globals->every = tracer->own.globals->watched = 0;
	}
	for (size_t i = 0; i < tracer->old_count; i++)
		generation_close(&tracer->old[i]);
	generation_close(&tracer->own);
	for (size_t i = 0; i < HOOK_COUNT; i++)
		if (tracer->demanded[i] >= 0)
			close(tracer->demanded[i]);
	pins_close(&tracer->pins);
	if (tracer->barrier.outer >= 0)
		close(tracer->barrier.outer);
	if (tracer->barrier.inner >= 0)
		close(tracer->barrier.inner);
	free(tracer->converted);
	free(tracer);
}

enum tracer_origin tracer_origin(const struct tracer *tracer)
{
	return tracer->origin;
}

const char *tracer_pins(const struct tracer *tracer)
{
	return tracer->pins.directory;
}

enum tracer_mode tracer_mode(const struct tracer *tracer)
{
	return tracer->mode;
}

const struct hook_state *tracer_hooks(const struct tracer *tracer)
{
	return tracer->hooks;
}

int tracer_trace(struct tracer *tracer, uint32_t device, struct superblock *entry)
{
	int map = tracer->own.loaded.maps[MAP_superblocks];
	const struct superblock new = {.came = 1};
	int result;

	*entry = new;
	result = kernel_add(map, &device, &new);
	if (result != -EEXIST)
		return result;
	result = kernel_get(map, &device, entry);
	if (result || entry->came != entry->ended)
		return result ? result : 1;
	*entry = new;
	return kernel_put(map, &device, &new);
}

int tracer_forget(struct tracer *tracer, uint32_t device, uint32_t came)
{
	const struct globals *globals = tracer->own.globals;
	uint64_t mounts = __atomic_load_n(&globals->mounts_ended, __ATOMIC_SEQ_CST);
	struct superblock entry;
	int result = tracer_superblock(tracer, device, &entry);

	if (!result && entry.came != came)
		return 0;
	if (!result)
		result = kernel_remove(tracer->own.loaded.maps[MAP_superblocks], &device);
	if (result)
		return result == -ENOENT ? 0 : result;
	return __atomic_load_n(&globals->mounts_begun, __ATOMIC_SEQ_CST) != mounts;
}

int tracer_superblock(const struct tracer *tracer, uint32_t device, struct superblock *entry)
{
	return kernel_get(tracer->own.loaded.maps[MAP_superblocks], &device, entry);
}

int tracer_each_superblock(const struct tracer *tracer,
			   int (*each)(uint32_t device, const struct superblock *entry, void *context), void *context)
{
	int map = tracer->own.loaded.maps[MAP_superblocks], result = 0;
	uint32_t devices[SUPERBLOCKS], device;
	struct superblock entry;
	size_t count = 0;

	while (count < SUPERBLOCKS && !(result = kernel_next_key(map, count ? &device : NULL, &device)))
		devices[count++] = device;
	result = result == -ENOENT ? 0 : result;
	for (size_t i = 0; !result && i < count; i++) {
		result = tracer_superblock(tracer, devices[i], &entry);
		if (!result)
			result = each(devices[i], &entry, context);
		else if (result == -ENOENT)
			result = 0;
	}
	return result;
}

void tracer_raw_write(const struct tracer *tracer, uint32_t device, struct raw_write *entry)
{
	int code = kernel_get(tracer->own.loaded.maps[MAP_raw_writes], &device, entry);

	if (code)
		*entry = (struct raw_write){.writes = code == -ENOENT ? 0 : MISSED_UNKNOWN};
	else
		entry->writes += generation_missed_raw_writes(&tracer->own);
}

static int run_iterator(struct tracer *tracer, enum iterator iterator, int map)
{
	return kernel_run_iterator(tracer->own.loaded.iterators[iterator], map);
}

int tracer_enter_open_files(struct tracer *tracer)
{
	int result = run_iterator(tracer, ITERATOR_open_files, -1);

	return result ? result : run_iterator(tracer, ITERATOR_mapped_files, -1);
}

void tracer_show_commands(struct tracer *tracer, bool on)
{
	tracer->own.globals->watched = on;
}

/*
 * Kernels until 5.12 attach a program once (f3a95075549e "bpf: Allow trampoline re-attach for tracing and lsm
 * programs", 5.13): there the link stays as long as the collector runs. The distinction may go with support for 5.10.
 */
static bool can_attach_again(const struct tracer *tracer)
{
	return tracer->mode == TRACER_LSM;
}

int tracer_show_every(struct tracer *tracer, bool on)
{
	tracer->own.globals->every = on;
	for (size_t i = 0; i < HOOK_COUNT; i++) {
		int result = 0;

		if (tracer->hooks[i].presence != HOOK_ON_DEMAND || !kernel_has(&tracer->hooks[i], tracer->mode))
			continue;
		if (on)
			result = attach_hook(tracer, i, &tracer->demanded[i]);
		else if (can_attach_again(tracer))
			detach_hook(tracer, i);
		if (result)
			return result;
	}
	return 0;
}

int tracer_descriptor(const struct tracer *tracer)
{
	return tracer->own.loaded.maps[MAP_events];
}

/* Records grow and shrink at the end of their fixed part. One that cannot be read becomes nothing, and a loss. */
static const struct event *convert(struct tracer *tracer, const void *record, uint32_t event_bytes)
{
	struct event *event = tracer->converted;

	if (event_bytes == sizeof(*event))
		return record;
	memset(event, 0, sizeof(*event));
	memcpy(event, record, event_bytes < sizeof(*event) ? event_bytes : sizeof(*event));
	if (event->path_bytes > RECORD_PATH_BYTES) {
		__atomic_fetch_add(&tracer->own.globals->losses.walk_failed, 1, __ATOMIC_RELAXED);
		*event = (struct event){0};
	}
	memcpy(event + 1, (const char *)record + event_bytes, event->path_bytes);
	return event;
}

/* Older rings first, as far as they reached when the new programs were in place: from there on these have it all. */
const struct event *tracer_next(struct tracer *tracer)
{
	for (size_t i = 0; i < tracer->old_count; i++) {
		struct generation *old = &tracer->old[i];
		const void *record = old->ring.position < old->end ? ring_next(&old->ring) : NULL;

		tracer->latest = &old->ring;
		if (record)
			return convert(tracer, record, old->header.event_bytes);
	}
	tracer->latest = &tracer->own.ring;
	return ring_next(&tracer->own.ring);
}

/* Older programs made their records before anybody could watch. */
const char *tracer_command(const struct tracer *tracer, const struct event *event)
{
	size_t bytes = sizeof(*event) + event->path_bytes;

	if (tracer->latest != &tracer->own.ring || ring_length(tracer->latest) < bytes + COMMAND_BYTES)
		return NULL;
	return (const char *)event + bytes;
}

void tracer_release(struct tracer *tracer, bool keep_last)
{
	for (size_t i = 0; i < tracer->old_count; i++)
		if (tracer->old[i].ring.consumer)
			ring_release(&tracer->old[i].ring, keep_last && tracer->latest == &tracer->old[i].ring);
	ring_release(&tracer->own.ring, keep_last && tracer->latest == &tracer->own.ring);
}

uint64_t tracer_produced(const struct tracer *tracer)
{
	uint64_t sum = ring_produced(&tracer->own.ring);

	for (size_t i = 0; i < tracer->old_count; i++)
		sum += tracer->old[i].end;
	return sum;
}

uint64_t tracer_consumed(const struct tracer *tracer)
{
	uint64_t sum = tracer->own.ring.position;

	for (size_t i = 0; i < tracer->old_count; i++)
		sum += tracer->old[i].ring.position;
	return sum;
}

void tracer_ring_use(const struct tracer *tracer, uint64_t *bytes, uint64_t *used)
{
	*bytes = tracer->own.ring.size;
	*used = ring_produced(&tracer->own.ring) - *tracer->own.ring.consumer;
}

void tracer_position(const struct tracer *tracer, bool keep_last, uint64_t *ring, uint64_t *position)
{
	*ring = tracer->old_count ? 0 : tracer->own.header.ring;
	*position = keep_last ? tracer->own.ring.last : tracer->own.ring.position;
}

void tracer_skip(struct tracer *tracer, const struct ring_position *taken)
{
	struct ring *own = &tracer->own.ring;

	if (taken->ring && taken->ring == tracer->own.header.ring && taken->position > own->position &&
	    taken->position <= ring_produced(own))
		own->position = taken->position;
}

bool tracer_is_taking_over(const struct tracer *tracer)
{
	for (size_t i = 0; i < tracer->old_count; i++)
		if (tracer->old[i].ring.position < tracer->old[i].end)
			return true;
	return false;
}

bool tracer_is_repeated(const struct tracer *tracer, const struct event *event)
{
	return tracer->latest == &tracer->own.ring && event->time < tracer->since;
}

int tracer_end_take_over(struct tracer *tracer)
{
	int code = tracer->old_count ? tracer_remove_stale(tracer) : 0;

	for (size_t i = 0; !code && i < tracer->old_count; i++)
		code = pins_remove(&tracer->pins, tracer->old[i].number);
	if (code)
		return code;
	while (tracer->old_count)
		generation_close(&tracer->old[--tracer->old_count]);
	return 0;
}

int tracer_flip(struct tracer *tracer, uint64_t epoch)
{
	__atomic_store_n(&tracer->own.globals->epoch, epoch, __ATOMIC_SEQ_CST);
	return kernel_wait_for_programs(&tracer->barrier);
}

/* Names are those of the epoch from now on: see settled() and lasting() in bpf/shared.h. */
static void settle(struct tracer *tracer, __u64 *which)
{
	__atomic_store_n(which, tracer->own.globals->epoch, __ATOMIC_SEQ_CST);
}

int tracer_begin(struct tracer *tracer, uint64_t epoch)
{
	int result = tracer_flip(tracer, epoch);

	settle(tracer, &tracer->own.globals->settled);
	settle(tracer, &tracer->own.globals->lasting);
	return result;
}

struct laggards {
	uint64_t epoch;
	uint64_t count;
};

static int count_laggard(const void *key, const void *value, void *context)
{
	struct laggards *laggards = context;

	(void)key;
	/* The epoch is the first member of both kinds of value. */
	laggards->count += *(const uint64_t *)value != laggards->epoch;
	return 0;
}

static int count_any(const void *key, const void *value, void *context)
{
	(void)key;
	(void)value;
	++*(uint64_t *)context;
	return 0;
}

/* A file whose end a preempted task is in the midst of cannot be told: it is gone when that task has gone on. */
static int carry_map(struct tracer *tracer, enum iterator iterator, enum map map)
{
	struct laggards laggards = {.epoch = tracer->own.globals->epoch};

	for (int round = 0; round < CARRY_ROUNDS; round++) {
		int result = run_iterator(tracer, iterator, tracer->own.loaded.maps[map]);

		laggards.count = 0;
		if (!result)
			result = kernel_each_entry(tracer->own.loaded.maps[map], count_laggard, &laggards);
		if (result || !laggards.count)
			return result;
		usleep(CARRY_PAUSE);
	}
	return -EAGAIN;
}

struct renames {
	uint64_t epoch, look;
	uint64_t skipped, under_way;
};

static int count_rename(const void *key, const void *value, void *context)
{
	const struct operation_under_way *operation = value;
	struct renames *renames = context;

	(void)key;
	if (operation->began == renames->epoch || (operation->what[0] & 0xff) != OPERATION_RENAME_FROM)
		return 0;
	renames->skipped += operation->look != renames->look;
	renames->under_way += operation->settled != operation->serial;
	return 0;
}

/*
 * What is reported in the new window before a rename of the old one takes place has the old name. Such a rename either
 * has ended when it is looked for: then what is reported after that has the new name, and all that was before is
 * carried under it; or it is under way and carried, both names with all below. One that ends from one look to the next
 * may have moved what another one was reported under, so that looks are repeated until none has: they become fewer
 * only.
 */
static int carry_renames(struct tracer *tracer)
{
	int map = tracer->own.loaded.maps[MAP_operations];
	uint64_t before = 0;

	for (int round = 0; round < RENAME_ROUNDS; round++) {
		struct renames renames = {.epoch = tracer->own.globals->epoch, .look = ++tracer->own.globals->look};
		int result = run_iterator(tracer, ITERATOR_carry_renames, map);

		if (!result)
			result = kernel_each_entry(map, count_rename, &renames);
		if (result || (!renames.skipped && renames.under_way == before))
			return result;
		before = renames.under_way;
		usleep(CARRY_PAUSE);
	}
	return -EAGAIN;
}

/* Those that have begun since the cut may be renames, too: files come last. */
int tracer_carry(struct tracer *tracer)
{
	int renames, operations, writers;

	renames = carry_renames(tracer);
	settle(tracer, &tracer->own.globals->settled);
	operations = carry_map(tracer, ITERATOR_carry_operations, MAP_operations);
	settle(tracer, &tracer->own.globals->lasting);
	writers = carry_map(tracer, ITERATOR_carry_writers, MAP_writers);
	if (renames || operations)
		return renames ? renames : operations;
	return writers;
}

int tracer_writers(const struct tracer *tracer, uint64_t *count)
{
	*count = 0;
	return kernel_each_entry(tracer->own.loaded.maps[MAP_writers], count_any, count);
}

int tracer_count_held(struct tracer *tracer)
{
	int writers = tracer->own.loaded.maps[MAP_writers], superblocks = tracer->own.loaded.maps[MAP_superblocks];
	int result;

	tracer->own.globals->look++;
	result = run_iterator(tracer, ITERATOR_mark_writers, writers);
	for (int i = 0; i < SUMS && !result; i++)
		result = run_iterator(tracer, ITERATOR_count_mounts, superblocks);
	return result ? result : run_iterator(tracer, ITERATOR_count_writers, writers);
}

int64_t tracer_held(const struct tracer *tracer, uint32_t device)
{
	struct superblock entry;

	if (kernel_get(tracer->own.loaded.maps[MAP_superblocks], &device, &entry) ||
	    entry.look != tracer->own.globals->look)
		return HELD_UNKNOWN;
	return entry.held - entry.known;
}

static uint64_t map_memory(int map)
{
	char *path __attribute__((cleanup(free_string))) = NULL;
	char line[128];
	uint64_t bytes = 0;
	FILE *file;

	if (asprintf(&path, "/proc/self/fdinfo/%d", map) < 0)
		return 0;
	file = fopen(path, "re");
	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "memlock: %" SCNu64, &bytes) == 1)
			break;
	fclose(file);
	return bytes;
}

uint64_t tracer_memory(const struct tracer *tracer)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < MAP_COUNT; i++)
		bytes += map_memory(tracer->own.loaded.maps[i]);
	return bytes;
}

int tracer_counters(const struct tracer *tracer, struct tracer_counters *counters)
{
	*counters = (struct tracer_counters){
		.losses = tracer->own.globals->losses,
		.submitted = tracer->own.globals->submitted,
		.missed_runs = generation_missed_runs(&tracer->own),
	};
	return 0;
}

void tracer_accounted(const struct tracer *tracer, struct tracer_counters *counters)
{
	*counters = (struct tracer_counters){
		.losses = tracer->own.globals->accounted,
		.missed_runs = tracer->own.header.missed_runs,
		.lasting = tracer->own.header.lasting,
	};
}

int tracer_account(struct tracer *tracer, const struct tracer_counters *counters)
{
	uint32_t key = 0;

	tracer->own.globals->accounted = counters->losses;
	tracer->own.header.missed_runs = counters->missed_runs;
	tracer->own.header.lasting = counters->lasting;
	return kernel_put(tracer->own.ready, &key, &tracer->own.header);
}
