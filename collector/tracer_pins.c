// SPDX-License-Identifier: GPL-2.0
/*
 * Generations of programs and maps in the kernel. One of this build and these options is adopted as it is; any other is
 * replaced: the new programs are attached beside the old ones, so that there is no moment without.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host.h"
#include "moment.h"
#include "tracer_private.h"

/* Builds that know no better sum the missed runs of the former. */
#define LINK_PREFIX    "link_"
#define WATCHER_PREFIX "watcher_"

static const char *const map_names[MAP_COUNT] = {
#define X(name) [MAP_##name] = "map_" #name,
	MAPS(X)
#undef X
};

static const char *const iterator_names[ITERATOR_COUNT] = {
#define X(name) [ITERATOR_##name] = "iterator_" #name,
	ITERATORS(X)
#undef X
};

/* Programs and links of the hooks. */
static const struct {
	const char *program, *link;
	enum hook_missed missed;
} hook_names[HOOK_COUNT] = {
#define X(hook, function, presence, missed, purpose)                                                                   \
	[HOOK_##hook] = {"hook_" #hook, (presence) == HOOK_ON_DEMAND ? WATCHER_PREFIX #hook : LINK_PREFIX #hook,       \
			 missed},
	HOOKS(X)
#undef X
};

static void close_all(int *descriptors, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (descriptors[i] >= 0)
			close(descriptors[i]);
		descriptors[i] = -1;
	}
}

void generation_init(struct generation *generation)
{
	memset(generation, 0xff, sizeof(*generation)); /* all descriptors -1 */
	memset(&generation->header, 0, sizeof(generation->header));
	generation->number = 0;
	generation->globals = NULL;
	generation->ring = (struct ring){0};
	generation->end = 0;
}

int generation_map_globals(struct generation *generation)
{
	generation->globals = kernel_map_globals(generation->loaded.maps[MAP_bss]);
	return generation->globals ? 0 : -errno;
}

void generation_close(struct generation *generation)
{
	ring_close(&generation->ring);
	kernel_unmap_globals(generation->globals);
	close_all(generation->loaded.maps, MAP_COUNT);
	close_all(generation->loaded.hooks, HOOK_COUNT);
	close_all(generation->links, HOOK_COUNT);
	close_all(generation->loaded.iterators, ITERATOR_COUNT);
	close_all(&generation->ready, 1);
	generation_init(generation);
}

/* Calls back for each pin that a generation of this build may have. */
static int each_pin(struct generation *generation, int (*each)(const char *name, int *descriptor, void *context),
		    void *context)
{
	int code = 0;

	for (size_t i = 0; !code && i < MAP_COUNT; i++)
		code = each(map_names[i], &generation->loaded.maps[i], context);
	for (size_t i = 0; !code && i < ITERATOR_COUNT; i++)
		code = each(iterator_names[i], &generation->loaded.iterators[i], context);
	for (size_t i = 0; !code && i < HOOK_COUNT; i++) {
		code = each(hook_names[i].program, &generation->loaded.hooks[i], context);
		if (!code)
			code = each(hook_names[i].link, &generation->links[i], context);
	}
	return code;
}

struct place {
	const struct pins *pins;
	unsigned generation;
};

/* One that is not there is no error; but one that is there and cannot be opened must not be taken for that. */
static int open_pin(const char *name, int *descriptor, void *context)
{
	const struct place *place = context;
	char path[PATH_MAX];

	pins_path(place->pins, place->generation, name, path);
	*descriptor = kernel_open_pin(path);
	return *descriptor < 0 && *descriptor != -ENOENT ? *descriptor : 0;
}

/* Of a hook that this build does not know anything may be missing. */
static enum hook_missed missed_by(const char *link)
{
	for (size_t i = 0; i < HOOK_COUNT; i++)
		if (strcmp(link, hook_names[i].link) == 0)
			return hook_names[i].missed;
	return MISSES_ALL;
}

static bool sees_raw_writes(const char *link)
{
	return missed_by(link) == MISSES_RAW;
}

static bool sees_files(const char *link)
{
	enum hook_missed missed = missed_by(link);

	return missed == MISSES_ALL || (missed == MISSES_SERVERS && host_has_server());
}

/* What one of them is not known of is not known itself. */
static uint64_t add(uint64_t sum, uint64_t missed)
{
	return sum == MISSED_UNKNOWN || missed == MISSED_UNKNOWN ? MISSED_UNKNOWN : sum + missed;
}

struct misses {
	struct place place;
	bool (*counts)(const char *link);
	uint64_t sum;
};

/* By links and not by the table of hooks: another build may have others. */
static int add_missed_runs(const char *name, void *context)
{
	struct misses *misses = context;
	int link, program;

	if (strncmp(name, LINK_PREFIX, strlen(LINK_PREFIX)) != 0 || !misses->counts(name))
		return 0;
	open_pin(name, &link, &misses->place);
	program = link < 0 ? -1 : kernel_program_of(link);
	misses->sum = add(misses->sum, program < 0 ? MISSED_UNKNOWN : kernel_missed_runs(program));
	close_all(&link, 1);
	close_all(&program, 1);
	return 0;
}

static uint64_t add_pinned_misses(const struct tracer *tracer, const struct generation *generation,
				  bool (*counts)(const char *link), uint64_t before)
{
	struct misses misses = {.place = {&tracer->pins, generation->number}, .counts = counts, .sum = before};

	if (pins_each(&tracer->pins, generation->number, add_missed_runs, &misses))
		return MISSED_UNKNOWN;
	return misses.sum;
}

uint64_t generation_pinned_misses(const struct tracer *tracer, const struct generation *generation)
{
	return add_pinned_misses(tracer, generation, sees_files, generation->header.inherited);
}

uint64_t generation_pinned_missed_raw_writes(const struct tracer *tracer, const struct generation *generation)
{
	return add_pinned_misses(tracer, generation, sees_raw_writes, generation->header.missed_raw);
}

static uint64_t add_misses(const struct generation *generation, bool (*counts)(const char *link), uint64_t before)
{
	uint64_t sum = before;

	for (size_t i = 0; i < HOOK_COUNT; i++)
		if (generation->loaded.hooks[i] >= 0 && counts(hook_names[i].link))
			sum = add(sum, kernel_missed_runs(generation->loaded.hooks[i]));
	return sum;
}

uint64_t generation_missed_raw_writes(const struct generation *generation)
{
	return add_misses(generation, sees_raw_writes, generation->header.missed_raw);
}

/* A device that found no room in the table is known to nobody: what was missed of it concerns all. */
uint64_t generation_missed_runs(const struct generation *generation)
{
	uint64_t sum = add_misses(generation, sees_files, generation->header.inherited);

	if (generation->globals->losses.raw_writes_full)
		sum = add(sum, generation_missed_raw_writes(generation));
	for (size_t i = 0; i < ITERATOR_COUNT; i++)
		if (generation->loaded.iterators[i] >= 0)
			sum = add(sum, kernel_missed_runs(generation->loaded.iterators[i]));
	return sum;
}

/* What cannot be read tells nothing: these return 1, 0 or -errno. The epoch of another build lies elsewhere. */

static int has_epoch(const struct generation *generation, uint64_t epoch)
{
	int map = generation->loaded.maps[MAP_bss], code;
	uint32_t bytes = map < 0 ? 0 : kernel_value_bytes(map), key = 0;
	uint64_t found = 0;
	char *globals;

	if (map >= 0 && !bytes)
		return -EIO;
	if (generation->header.epoch + sizeof(found) > bytes)
		return 0;
	globals = malloc(bytes);
	if (!globals)
		return -ENOMEM;
	code = kernel_get(map, &key, globals);
	memcpy(&found, globals + generation->header.epoch, sizeof(found));
	free(globals);
	/* A cut makes the row of the next window before the epoch is that. */
	return code ? code : found == epoch || found + 1 == epoch;
}

static int read_header(struct generation *generation)
{
	uint32_t bytes = kernel_value_bytes(generation->ready), key = 0;
	int code;

	if (!bytes)
		return -EIO;
	if (bytes != sizeof(generation->header))
		return 0;
	code = kernel_get(generation->ready, &key, &generation->header);
	return code ? code : generation->header.magic == PIN_MAGIC && generation->header.version == PIN_VERSION;
}

static int open_ring(struct generation *generation)
{
	int map = generation->loaded.maps[MAP_events];
	uint32_t bytes = kernel_entries(map);

	return bytes ? ring_open(&generation->ring, map, bytes) : -EIO;
}

/*
 * The ring that the store knows is that of the oldest generation: while there are several it knows none. More was taken
 * from it than the store knows, or it is gone and another one is there: by another copy of the store.
 */
static bool is_ahead(const struct tracer *tracer, const struct generation *generation,
		     const struct ring_position *known)
{
	if (!known->ring || tracer->old_count || !generation->ring.consumer)
		return false;
	return known->ring != generation->header.ring || known->position < generation->ring.position;
}

static int judge(const struct tracer *tracer, struct generation *generation, const struct tracer_state *state,
		 enum tracer_origin *origin)
{
	int code = read_header(generation);

	*origin = TRACER_FOREIGN;
	if (code <= 0 || generation->header.instance != state->instance)
		return code < 0 ? code : 0;
	*origin = TRACER_NEWER;
	code = has_epoch(generation, state->epoch);
	if (code > 0 && generation->loaded.maps[MAP_events] >= 0)
		code = open_ring(generation) ?: 1;
	if (code <= 0 || is_ahead(tracer, generation, &state->taken))
		return code < 0 ? code : 0;
	*origin = pins_count(&tracer->pins, generation->number) < generation->header.pins ? TRACER_BROKEN
											  : TRACER_TAKEN_OVER;
	return 0;
}

static int open_pins(struct tracer *tracer, struct generation *generation, const struct tracer_state *state,
		     enum tracer_origin *origin)
{
	struct place place = {&tracer->pins, generation->number};
	int code = each_pin(generation, open_pin, &place);

	return code ? code : judge(tracer, generation, state, origin);
}

int generations_judge(const struct tracer *tracer, const struct tracer_state *state)
{
	return state->judged ? state->judged(tracer->origin, state->context) : 0;
}

/*
 * One generation. What another store has pinned, or this one at another time of its life (then it is an older copy), is
 * not about our windows: it goes.
 */
static int open_generation(struct tracer *tracer, unsigned number, const struct tracer_state *state)
{
	struct generation *generation = &tracer->old[tracer->old_count];
	struct place place = {&tracer->pins, number};
	enum tracer_origin origin = TRACER_FIRST;
	int code;

	generation_init(generation);
	generation->number = number;
	code = open_pin(PINS_READY, &generation->ready, &place);
	if (!code && generation->ready < 0) {
		/* It was never whole, or is being removed. */
		generation_close(generation);
		return pins_remove(&tracer->pins, number);
	}
	if (!code)
		code = open_pins(tracer, generation, state, &origin);
	if (code) {
		generation_close(generation);
		return code;
	}
	tracer->origin = origin > tracer->origin ? origin : tracer->origin;
	if (origin >= TRACER_FOREIGN) {
		generation_close(generation);
		code = generations_judge(tracer, state);
		return code ? code : pins_remove(&tracer->pins, number);
	}
	tracer->old_count++;
	return 0;
}

static bool is_alike(const struct tracer *tracer, const struct generation *generation,
		     const struct tracer_options *options)
{
	const struct pin_header *header = &generation->header;

	return tracer->origin == TRACER_TAKEN_OVER && header->build == kernel_build() &&
	       header->mode == (uint32_t)tracer->mode && header->options.ring == options->ring &&
	       header->options.writers == options->writers && header->options.reported == options->reported &&
	       header->options.operations == options->operations && header->options.precise == options->precise;
}

static int count_open(const char *name, int *descriptor, void *context)
{
	(void)name;
	*(size_t *)context += *descriptor >= 0;
	return 0;
}

static bool is_whole(struct generation *generation)
{
	size_t count = 1; /* `ready` */

	each_pin(generation, count_open, &count);
	return count == generation->header.pins;
}

static int adopt_newest(struct tracer *tracer)
{
	tracer->own = tracer->old[--tracer->old_count];
	generation_init(&tracer->old[tracer->old_count]);
	for (size_t i = 0; i < HOOK_COUNT; i++)
		tracer->hooks[i].attached = tracer->own.links[i] >= 0;
	return generation_map_globals(&tracer->own);
}

int generations_open(struct tracer *tracer, const struct tracer_options *options, const struct tracer_state *state)
{
	struct generation *newest;
	unsigned number = 0;
	int code;

	do {
		code = pins_next(&tracer->pins, number, &number);
		if (!code && number && tracer->old_count == OLD_GENERATIONS)
			code = -E2BIG;
		if (!code && number)
			code = open_generation(tracer, number, state);
	} while (!code && number);
	newest = tracer->old_count ? &tracer->old[tracer->old_count - 1] : NULL;
	return !code && newest && is_alike(tracer, newest, options) && is_whole(newest) ? adopt_newest(tracer) : code;
}

/*
 * Whatever an older program that ran before this has seen stands in its ring now, or was counted as a loss. What comes
 * later the newest ones see as well: they are attached, and have the tables. Should this process die after it, the
 * next one counts those losses once more.
 */
int generations_end(struct tracer *tracer)
{
	int code;

	tracer->since = (uint64_t)moment_of_boot();
	code = kernel_wait_for_programs(&tracer->barrier);
	if (!code)
		code = tracer_inherit_losses(tracer);
	for (size_t i = 0; i < tracer->old_count; i++)
		tracer->old[i].end = tracer->old[i].ring.consumer ? ring_produced(&tracer->old[i].ring) : 0;
	return code;
}

static int pin(const char *name, int *descriptor, void *context)
{
	const struct place *place = context;
	char path[PATH_MAX];

	if (*descriptor < 0)
		return 0;
	pins_path(place->pins, place->generation, name, path);
	return kernel_pin(*descriptor, path);
}

static int make_ready(struct tracer *tracer)
{
	struct generation *generation = &tracer->own;
	struct place place = {&tracer->pins, generation->number};
	uint32_t key = 0;
	int code;

	if (generation->ready < 0)
		generation->ready = kernel_make_cell(PINS_READY, sizeof(generation->header));
	if (generation->ready < 0)
		return generation->ready;
	generation->header.pins = pins_count(&tracer->pins, generation->number) + 1;
	code = kernel_put(generation->ready, &key, &generation->header);
	return code ? code : pin(PINS_READY, &generation->ready, &place);
}

int generation_pin(struct tracer *tracer)
{
	struct generation *generation = &tracer->own;
	/* Where it was pinned before and the pins have gone, under another number as well: the rest of those goes. */
	unsigned number = generation->number, next = 0;
	struct place place;
	int code;

	do {
		code = pins_next(&tracer->pins, next, &next);
		number = next > number ? next : number;
	} while (!code && next);
	generation->number = number + 1;
	place = (struct place){&tracer->pins, generation->number};
	if (!code)
		code = pins_make(&tracer->pins, generation->number);
	if (!code)
		code = each_pin(generation, pin, &place);
	return code ? code : make_ready(tracer);
}

bool tracer_is_pinned(struct tracer *tracer)
{
	return pins_count(&tracer->pins, tracer->own.number) >= tracer->own.header.pins;
}

int tracer_pin_again(struct tracer *tracer)
{
	unsigned broken = tracer->own.number;
	int code = pins_renew(&tracer->pins);

	if (!code)
		code = generation_pin(tracer);
	return code ? code : pins_remove(&tracer->pins, broken);
}

struct pinned {
	int (*each)(const char *pins, const char *state, void *context);
	void *context;
};

/* Without the lock: it may be a collector's that runs. */
static int show_state(const char *name, void *context)
{
	const struct pinned *pinned = context;
	struct generation generation;
	struct pins pins = PINS_CLOSED;
	struct place place = {&pins, 0};
	int code;

	pins_name(&pins, name);
	pins_next(&pins, 0, &place.generation);
	generation_init(&generation);
	if (!place.generation)
		return 0;
	open_pin(PINS_READY, &generation.ready, &place);
	if (generation.ready < 0 || read_header(&generation) <= 0)
		*generation.header.state = '\0';
	code = pinned->each(pins.directory, generation.header.state, pinned->context);
	generation_close(&generation);
	return code;
}

int tracer_each_pinned(int (*each)(const char *pins, const char *state, void *context), void *context)
{
	struct pinned pinned = {each, context};

	return pins_states(show_state, &pinned);
}
