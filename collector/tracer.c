// SPDX-License-Identifier: GPL-2.0
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tracer_private.h"

#include "fschanged.skel.h"

enum {
	CARRY_ROUNDS = 4,
	SUMS = 3, /* of counters that change meanwhile: the largest counts */
	LOOKUP_BATCH = 512,
	KEY_BYTES = 8, /* the longest key of a table that is read as a whole */
};

static void free_string(char **string)
{
	free(*string);
}

int tracer_attach_hook(struct tracer *tracer, size_t hook)
{
	int *link = &tracer->own.links[hook];

	if (*link >= 0)
		return 0;
	*link = bpf_raw_tracepoint_open(NULL, tracer->own.hooks[hook]);
	if (*link < 0)
		return -errno;
	tracer->hooks[hook].attached = true;
	return 0;
}

static void detach_hook(struct tracer *tracer, size_t hook)
{
	if (tracer->own.links[hook] >= 0)
		close(tracer->own.links[hook]);
	tracer->own.links[hook] = -1;
	tracer->hooks[hook].attached = false;
}

void tracer_close(struct tracer *tracer)
{
	if (!tracer)
		return;
	if (tracer->own.globals) {
		tracer->own.globals->collector = 0;
		tracer->own.globals->every = 0;
	}
	for (size_t i = 0; i < tracer->old_count; i++)
		generation_close(&tracer->old[i]);
	generation_close(&tracer->own);
	pins_close(&tracer->pins);
	if (tracer->barrier >= 0)
		close(tracer->barrier);
	if (tracer->inner >= 0)
		close(tracer->inner);
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
	int map = tracer->own.maps[MAP_superblocks];
	const struct superblock new = {.came = 1};
	int result;

	*entry = new;
	result = bpf_map_update_elem(map, &device, &new, BPF_NOEXIST);
	if (result != -EEXIST)
		return result;
	result = bpf_map_lookup_elem(map, &device, entry);
	if (result || entry->came != entry->ended)
		return result ? result : 1;
	*entry = new;
	return bpf_map_update_elem(map, &device, &new, BPF_ANY);
}

int tracer_forget(struct tracer *tracer, uint32_t device)
{
	int result = bpf_map_delete_elem(tracer->own.maps[MAP_superblocks], &device);

	return result == -ENOENT ? 0 : result;
}

int tracer_superblock(const struct tracer *tracer, uint32_t device, struct superblock *entry)
{
	return bpf_map_lookup_elem(tracer->own.maps[MAP_superblocks], &device, entry);
}

int tracer_each_superblock(const struct tracer *tracer, int (*each)(uint32_t device, void *context), void *context)
{
	int map = tracer->own.maps[MAP_superblocks], result = 0;
	uint32_t devices[SUPERBLOCKS], device;
	size_t count = 0;

	while (count < SUPERBLOCKS && !bpf_map_get_next_key(map, count ? &device : NULL, &device))
		devices[count++] = device;
	for (size_t i = 0; !result && i < count; i++)
		result = each(devices[i], context);
	return result;
}

void tracer_raw_write(const struct tracer *tracer, uint32_t device, struct raw_write *entry)
{
	if (bpf_map_lookup_elem(tracer->own.maps[MAP_raw_writes], &device, entry))
		*entry = (struct raw_write){0};
}

/* Runs an iterator to its end. map: -1, or the map that it goes over. */
static int run_iterator(struct tracer *tracer, enum iterator iterator, int map)
{
	union bpf_iter_link_info info = {.map.map_fd = map >= 0 ? map : 0};
	LIBBPF_OPTS(bpf_link_create_opts, options);
	int result = 0, link, descriptor;
	char buffer[256];
	ssize_t bytes;

	if (map >= 0) {
		options.iter_info = &info;
		options.iter_info_len = sizeof(info);
	}
	link = bpf_link_create(tracer->own.iterators[iterator], 0, BPF_TRACE_ITER, &options);
	if (link < 0)
		return link;
	descriptor = bpf_iter_create(link);
	if (descriptor < 0) {
		result = descriptor;
		goto out;
	}
	do
		bytes = read(descriptor, buffer, sizeof(buffer));
	while (bytes > 0 || (bytes < 0 && (errno == EINTR || errno == EAGAIN)));
	if (bytes < 0)
		result = -errno;
	close(descriptor);
out:
	close(link);
	return result;
}

int tracer_enter_open_files(struct tracer *tracer)
{
	int result = run_iterator(tracer, ITERATOR_open_files, -1);

	return result ? result : run_iterator(tracer, ITERATOR_mapped_files, -1);
}

int tracer_show_every(struct tracer *tracer, bool on)
{
	tracer->own.globals->every = on;
	for (size_t i = 0; i < HOOK_COUNT; i++) {
		int result = 0;

		if (tracer->hooks[i].presence != HOOK_ON_DEMAND ||
		    !tracer_is_available(&tracer->hooks[i], tracer->mode))
			continue;
		if (on)
			result = tracer_attach_hook(tracer, i);
		else
			detach_hook(tracer, i);
		if (result)
			return result;
	}
	return 0;
}

int tracer_descriptor(const struct tracer *tracer)
{
	return tracer->own.maps[MAP_events];
}

/* Records grow at the end of their fixed part. NULL: this is none. */
static const struct event *convert(struct tracer *tracer, const void *record, uint32_t event_bytes)
{
	struct event *event = tracer->converted;

	if (!record || event_bytes == sizeof(*event))
		return record;
	memset(event, 0, sizeof(*event));
	memcpy(event, record, event_bytes < sizeof(*event) ? event_bytes : sizeof(*event));
	if (event->path_bytes > RECORD_PATH_BYTES)
		return NULL;
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

void tracer_skip(struct tracer *tracer, uint64_t ring, uint64_t position)
{
	struct ring *own = &tracer->own.ring;

	if (ring && ring == tracer->own.header.ring && position > own->position && position <= ring_produced(own))
		own->position = position;
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

/*
 * An update of an array of maps waits for all programs that may hold the old inner map, which is all that run now
 * (maybe_wait_bpf_programs(), kernel/bpf/syscall.c). membarrier(2) does not do this on one CPU or with nohz_full.
 */
int tracer_wait_for_programs(struct tracer *tracer)
{
	uint32_t key = 0, value = tracer->inner;

	return bpf_map_update_elem(tracer->barrier, &key, &value, BPF_ANY);
}

int tracer_flip(struct tracer *tracer, uint64_t epoch)
{
	__atomic_store_n(&tracer->own.globals->epoch, epoch, __ATOMIC_SEQ_CST);
	return tracer_wait_for_programs(tracer);
}

/*
 * In batches, because these take a bucket as a whole: none is skipped while others are deleted, unlike with the
 * iterator.
 */
int tracer_each_entry(int map, int (*each)(const void *key, const void *value, void *context), void *context)
{
	struct bpf_map_info info = {};
	uint32_t batch, count, length = sizeof(info);
	char keys[LOOKUP_BATCH * KEY_BYTES];
	void *position = NULL;
	char *values = NULL;
	int result = bpf_obj_get_info_by_fd(map, &info, &length), code = 0;

	if (result)
		return -errno;
	if (info.key_size > KEY_BYTES)
		return -EINVAL;
	values = malloc((size_t)LOOKUP_BATCH * info.value_size);
	if (!values)
		return -ENOMEM;
	do {
		count = LOOKUP_BATCH;
		result = bpf_map_lookup_batch(map, position, &batch, keys, values, &count, NULL);
		if (result && result != -ENOENT)
			break;
		for (uint32_t i = 0; !code && i < count; i++)
			code = each(keys + i * info.key_size, values + (size_t)i * info.value_size, context);
		position = &batch;
	} while (!result && !code);
	free(values);
	return code ? code : result == -ENOENT ? 0 : result;
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

static int carry_map(struct tracer *tracer, enum iterator iterator, enum map map)
{
	struct laggards laggards = {.epoch = tracer->own.globals->epoch};

	for (int round = 0; round < CARRY_ROUNDS; round++) {
		int result = run_iterator(tracer, iterator, tracer->own.maps[map]);

		laggards.count = 0;
		if (!result)
			result = tracer_each_entry(tracer->own.maps[map], count_laggard, &laggards);
		if (result || !laggards.count)
			return result;
	}
	return -EAGAIN;
}

int tracer_carry(struct tracer *tracer)
{
	int result = carry_map(tracer, ITERATOR_carry_writers, MAP_writers);

	return result ? result : carry_map(tracer, ITERATOR_carry_operations, MAP_operations);
}

int tracer_writers(const struct tracer *tracer, uint64_t *count)
{
	*count = 0;
	return tracer_each_entry(tracer->own.maps[MAP_writers], count_any, count);
}

int tracer_count_held(struct tracer *tracer)
{
	int writers = tracer->own.maps[MAP_writers], superblocks = tracer->own.maps[MAP_superblocks];
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

	if (bpf_map_lookup_elem(tracer->own.maps[MAP_superblocks], &device, &entry) ||
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
		bytes += map_memory(tracer->own.maps[i]);
	return bytes;
}

int tracer_counters(const struct tracer *tracer, struct tracer_counters *counters)
{
	*counters = (struct tracer_counters){
		.losses = *(const struct losses *)&tracer->own.globals->losses,
		.submitted = tracer->own.globals->submitted,
		.missed_runs = generation_missed_runs(&tracer->own),
	};
	return 0;
}

void tracer_accounted(const struct tracer *tracer, struct tracer_counters *counters)
{
	*counters = (struct tracer_counters){
		.losses = *(const struct losses *)&tracer->own.globals->accounted,
		.missed_runs = tracer->own.header.missed_runs,
		.lasting = tracer->own.header.lasting,
	};
}

int tracer_account(struct tracer *tracer, const struct tracer_counters *counters)
{
	uint32_t key = 0;

	*(struct losses *)&tracer->own.globals->accounted = counters->losses;
	tracer->own.header.missed_runs = counters->missed_runs;
	tracer->own.header.lasting = counters->lasting;
	return bpf_map_update_elem(tracer->own.ready, &key, &tracer->own.header, BPF_ANY);
}
