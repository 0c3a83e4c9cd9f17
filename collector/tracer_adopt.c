// SPDX-License-Identifier: GPL-2.0
/*
 * What new programs learn from older ones, while both are attached. Both report from then on: what happens twice does
 * no harm. A value is copied as far as both builds know it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tracer_private.h"

/* Tables by address of what lives in the kernel: these entries end. The epoch is the first member of their values. */
static const enum map living[] = {MAP_writers, MAP_operations};
enum { LIVING = sizeof(living) / sizeof(*living) };

/* An epoch that never is: such an entry was copied, and is carried at the next cut. */
#define COPIED UINT64_MAX

/* Of any of these tables, whatever build it is of: what this one knows comes first. */
union value {
	uint64_t words[64];
	struct raw_write raw_write;
	struct superblock superblock;
};

struct copy {
	const struct barrier *barrier;
	enum map map;
	int from, to;
	uint32_t from_bytes, to_bytes;
	bool is_living;
	bool is_told; /* the new ones have had all of it before: both sides have counted since */
	__u64 *full;  /* counter of what has no room */
};

/*
 * What the store knows of a device's writes is no more than the old count: the sum and one more differs from that,
 * whatever is written meanwhile. Writes that both have seen count twice.
 */
static void add_writes(struct raw_write *own, const struct raw_write *old)
{
	if (!own->writes) {
		own->pid = old->pid;
		memcpy(own->command, old->command, sizeof(own->command));
	}
	if (!own->checker)
		own->checker = old->checker;
	own->writes += old->writes + 1;
	own->mapped |= old->mapped;
}

static int meet_raw_write(const struct copy *copy, const void *key, const union value *old)
{
	union value own = {};
	int code = kernel_get(copy->to, key, &own);

	if (code)
		return code;
	add_writes(&own.raw_write, &old->raw_write);
	return kernel_put(copy->to, key, &own);
}

static bool is_as_far(const struct superblock *own, const struct superblock *old)
{
	return own->came > old->came || (own->came == old->came && own->ended >= old->ended);
}

/* New programs run first on a mount: one that only they know, where the old ones know of none, is the next. */
static void take_over(struct superblock *own, const struct superblock *old)
{
	bool is_next = own->came != own->ended && old->came == old->ended;

	own->came = old->came + is_next;
	own->ended = old->ended;
}

/*
 * A superblock that came when the new programs had just been attached is the first one that they know, and another than
 * the first one of the old programs. Those go on as well: their entry is read after ours, and once more when no program
 * runs any longer that may have counted in what was replaced.
 */
static int meet_superblock(const struct copy *copy, const void *key)
{
	union value own = {}, old = {};
	int code;

	do {
		code = kernel_get(copy->to, key, &own);
		if (!code)
			code = kernel_get(copy->from, key, &old);
		if (code || is_as_far(&own.superblock, &old.superblock))
			return code;
		take_over(&own.superblock, &old.superblock);
		code = kernel_put(copy->to, key, &own);
		if (!code)
			code = kernel_wait_for_programs(copy->barrier);
	} while (!code);
	return code;
}

/* The new programs have entered it themselves. Of what lives that is newer; counters go on where the old ones are. */
static int meet(const struct copy *copy, const void *key, const union value *old)
{
	if (copy->is_told)
		return 0;
	switch (copy->map) {
	case MAP_raw_writes:
		return meet_raw_write(copy, key, old);
	case MAP_superblocks:
		return meet_superblock(copy, key);
	default:
		return 0;
	}
}

static int copy_entry(const void *key, const void *value, void *context)
{
	const struct copy *copy = context;
	union value copied = {};
	int code;

	memcpy(&copied, value, copy->from_bytes < copy->to_bytes ? copy->from_bytes : copy->to_bytes);
	if (copy->is_living)
		copied.words[0] = COPIED;
	code = kernel_add(copy->to, key, &copied);
	if (code == -EEXIST)
		return meet(copy, key, &copied);
	if (code != -E2BIG || !copy->full)
		return code;
	__atomic_fetch_add(copy->full, 1, __ATOMIC_RELAXED);
	return 0;
}

static int copy_table(const struct tracer *tracer, const struct generation *old, enum map map, __u64 *full)
{
	struct copy copy = {
		.barrier = &tracer->barrier,
		.map = map,
		.from = old->loaded.maps[map],
		.to = tracer->own.loaded.maps[map],
		.from_bytes = kernel_value_bytes(old->loaded.maps[map]),
		.to_bytes = kernel_value_bytes(tracer->own.loaded.maps[map]),
		.is_told = tracer->own.ready >= 0,
		.is_living = map == MAP_writers || map == MAP_operations,
		.full = full,
	};

	if (copy.from < 0)
		return 0;
	if (!copy.from_bytes || !copy.to_bytes)
		return -EIO;
	if (copy.from_bytes > sizeof(union value) || copy.to_bytes > sizeof(union value))
		return -E2BIG;
	return kernel_each_entry(copy.from, copy_entry, &copy);
}

int tracer_copy_tables(struct tracer *tracer)
{
	struct losses *losses = &tracer->own.globals->losses;
	int code = 0;

	for (size_t i = 0; !code && i < tracer->old_count; i++) {
		code = copy_table(tracer, &tracer->old[i], MAP_superblocks, NULL);
		if (!code)
			code = copy_table(tracer, &tracer->old[i], MAP_raw_writes, &losses->raw_writes_full);
		if (!code)
			code = copy_table(tracer, &tracer->old[i], MAP_writers, &losses->writers_full);
		if (!code)
			code = copy_table(tracer, &tracer->old[i], MAP_operations, &losses->operations_full);
	}
	return code;
}

/* Counters that this build does not know become one that it does: a loss is a gap, whatever it is called. */
static void add_losses(struct tracer *tracer, const struct pin_header *header, const char *globals)
{
	uint64_t *own = (uint64_t *)&tracer->own.globals->losses;
	size_t known = sizeof(struct losses) / sizeof(*own), count = header->losses_bytes / sizeof(*own);

	for (size_t i = 0; i < count; i++) {
		uint64_t now, accounted;

		memcpy(&now, globals + header->losses + i * sizeof(now), sizeof(now));
		memcpy(&accounted, globals + header->accounted + i * sizeof(now), sizeof(now));
		if (now != accounted)
			__atomic_fetch_add(&own[i < known ? i : 0], now - accounted, __ATOMIC_RELAXED);
	}
}

static int inherit_counters(struct tracer *tracer, const struct generation *old)
{
	uint32_t bytes = kernel_value_bytes(old->loaded.maps[MAP_bss]), key = 0;
	const struct pin_header *header = &old->header;
	char *globals;
	int code;

	if (!bytes || header->losses + header->losses_bytes > bytes || header->accounted + header->losses_bytes > bytes)
		return -EPROTO;
	globals = malloc(bytes);
	if (!globals)
		return -ENOMEM;
	code = kernel_get(old->loaded.maps[MAP_bss], &key, globals);
	if (!code)
		add_losses(tracer, header, globals);
	free(globals);
	return code;
}

static uint64_t difference(uint64_t missed, uint64_t before)
{
	return missed == MISSED_UNKNOWN || missed < before ? 1 : missed - before;
}

int tracer_inherit_losses(struct tracer *tracer)
{
	int code = 0;

	for (size_t i = 0; !code && i < tracer->old_count; i++) {
		const struct generation *old = &tracer->old[i];
		uint64_t missed = generation_pinned_misses(tracer, old);

		/* There are less where a server has gone (sees_files(), tracer_pins.c), and what is new cannot be told
		 * then. */
		if (missed != old->header.missed_runs)
			tracer->own.header.inherited += difference(missed, old->header.missed_runs);
		tracer->own.header.missed_raw += difference(generation_pinned_missed_raw_writes(tracer, old), 0);
		tracer->own.header.lasting |= old->header.lasting;
		code = inherit_counters(tracer, old);
	}
	return code;
}

struct stale {
	const struct tracer *tracer;
	enum map map;
	uint64_t *keys; /* that were copied and are in no older table any more */
	size_t count, room;
};

/* What cannot be read may be there. */
static bool is_in_old(const struct tracer *tracer, enum map map, const void *key)
{
	union value value;

	for (size_t i = 0; i < tracer->old_count; i++)
		if (tracer->old[i].loaded.maps[map] >= 0 &&
		    kernel_get(tracer->old[i].loaded.maps[map], key, &value) != -ENOENT)
			return true;
	return false;
}

static int note_stale(const void *key, const void *value, void *context)
{
	struct stale *stale = context;

	if (*(const uint64_t *)value != COPIED || is_in_old(stale->tracer, stale->map, key))
		return 0;
	if (stale->count == stale->room) {
		size_t room = stale->room ? 2 * stale->room : 64;
		uint64_t *keys = reallocarray(stale->keys, room, sizeof(*keys));

		if (!keys)
			return -ENOMEM;
		stale->keys = keys;
		stale->room = room;
	}
	memcpy(&stale->keys[stale->count++], key, sizeof(*stale->keys));
	return 0;
}

/*
 * The address may just have been given to another: then the new programs have entered that one over ours, and its epoch
 * says so. Should it happen between the look and the removal, the old programs, which are still attached, have entered
 * it as well.
 */
static int remove_entry(const struct stale *stale, const uint64_t *key)
{
	union value value = {};
	int map = stale->tracer->own.loaded.maps[stale->map];
	int code = kernel_get(map, key, &value);

	if (code || value.words[0] != COPIED)
		return code == -ENOENT ? 0 : code;
	kernel_remove(map, key);
	if (!is_in_old(stale->tracer, stale->map, key))
		return 0;
	code = kernel_add(map, key, &value);
	return code == -EEXIST ? 0 : code;
}

int tracer_remove_stale(struct tracer *tracer)
{
	int code = 0;

	for (size_t i = 0; !code && i < LIVING; i++) {
		struct stale stale = {.tracer = tracer, .map = living[i]};

		code = kernel_each_entry(tracer->own.loaded.maps[living[i]], note_stale, &stale);
		for (size_t k = 0; !code && k < stale.count; k++)
			code = remove_entry(&stale, &stale.keys[k]);
		free(stale.keys);
	}
	return code;
}
