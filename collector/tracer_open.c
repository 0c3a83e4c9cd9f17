// SPDX-License-Identifier: GPL-2.0
/* From nothing, or from what is pinned, to programs that trace. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "tracer_private.h"
#include "moment.h"
#include "sentence.h"

static int attach_hooks(struct tracer *tracer, char **error)
{
	for (size_t i = 0; i < HOOK_COUNT; i++) {
		const struct hook_state *hook = &tracer->hooks[i];
		int result;

		if (hook->presence == HOOK_ON_DEMAND || !kernel_has(hook, tracer->mode))
			continue;
		result = tracer_attach_hook(tracer, i);
		if (result)
			return sentence(error, result, "the hook %s cannot be attached: %s", hook->name,
					strerror(-result));
	}
	return 0;
}

static int open_pins(struct tracer *tracer, const struct tracer_options *options, const struct tracer_state *state,
		     char **error)
{
	int code = pins_open(&tracer->pins, state->directory);

	if (code == -EBUSY)
		return sentence(error, code, "another collector is running on the state in %s", state->directory);
	if (!code)
		code = generations_open(tracer, options, state);
	if (code)
		sentence(error, 0,
			 "programs cannot be kept in the kernel (%s: %s): is /sys/fs/bpf there, and may this process "
			 "mount and write it?",
			 tracer->pins.directory, strerror(-code));
	return code;
}

/* What depends on the build. */
static void describe(struct pin_header *header)
{
	uint32_t globals = kernel_globals_offset();

	header->magic = PIN_MAGIC;
	header->version = PIN_VERSION;
	header->build = kernel_build();
	header->event_bytes = sizeof(struct event);
	header->epoch = globals + offsetof(struct globals, epoch);
	header->losses = globals + offsetof(struct globals, losses);
	header->accounted = globals + offsetof(struct globals, accounted);
	header->losses_bytes = sizeof(struct losses);
}

/* New programs: attached first, then told what older ones know, then pinned. */
static int begin_generation(struct tracer *tracer, const struct tracer_options *options,
			    const struct tracer_state *state, char **error)
{
	struct pin_header *header = &tracer->own.header;
	int code = kernel_load(tracer->hooks, tracer->mode, options, &tracer->own.loaded, error);

	if (code)
		return code;
	describe(header);
	header->instance = state->instance;
	header->mode = tracer->mode;
	header->options = *options;
	if (getrandom(&header->ring, sizeof(header->ring), 0) != sizeof(header->ring))
		return -errno;
	snprintf(header->state, sizeof(header->state), "%s", state->directory);
	code = generation_map_globals(&tracer->own);
	if (code)
		return code;
	tracer->own.globals->epoch = state->epoch;
	tracer->own.globals->settled = tracer->own.globals->lasting = state->epoch;
	code = attach_hooks(tracer, error);
	if (!code)
		code = tracer_copy_tables(tracer);
	return code ? code : generation_pin(tracer);
}

/* Those with our process's number that began later are not us. */
static void claim(struct tracer *tracer)
{
	tracer->own.globals->every = tracer->own.globals->watched = 0;
	tracer->own.globals->collector = 0;
	tracer->own.globals->collector_claimed = (uint64_t)moment_of_boot();
	__atomic_store_n(&tracer->own.globals->collector, getpid(), __ATOMIC_SEQ_CST);
}

/* For as long as these programs are in the kernel, and not only while somebody watches. */
static void demand_hooks(struct tracer *tracer)
{
	for (size_t i = 0; i < HOOK_COUNT; i++)
		if (tracer->hooks[i].presence == HOOK_ON_DEMAND)
			tracer->hooks[i].presence = HOOK_REQUIRED;
}

static int open_all(struct tracer *tracer, const struct tracer_options *options, const struct tracer_state *state,
		    char **error)
{
	const char *reason;
	int code = tracer_probe(tracer->hooks, &tracer->mode, &reason);

	if (code)
		return sentence(error, code, "%s", reason);
	if (options->precise)
		demand_hooks(tracer);
	code = kernel_open_barrier(&tracer->barrier);
	if (!code)
		code = open_pins(tracer, options, state, error);
	if (!code)
		code = generations_judge(tracer, state);
	if (!code && tracer->own.number == 0)
		code = begin_generation(tracer, options, state, error);
	else if (!code)
		code = tracer_copy_tables(tracer);
	if (code) {
		/* What is not ready is of no use to anybody. */
		if (tracer->own.number && tracer->own.ready < 0)
			pins_remove(&tracer->pins, tracer->own.number);
		return code;
	}
	claim(tracer);
	code = tracer->old_count ? generations_end(tracer) : 0;
	if (!code && !tracer->own.ring.consumer)
		code = ring_open(&tracer->own.ring, tracer->own.loaded.maps[MAP_events], options->ring);
	return code ? code : tracer_begin(tracer, state->epoch);
}

int tracer_open(struct tracer **result, const struct tracer_options *options, const struct tracer_state *state,
		char **error)
{
	struct tracer *tracer = calloc(1, sizeof(*tracer));
	int code;

	if (!tracer)
		return -ENOMEM;
	tracer->barrier = (struct barrier){-1, -1};
	tracer->pins = PINS_CLOSED;
	memset(tracer->demanded, 0xff, sizeof(tracer->demanded));
	generation_init(&tracer->own);
	tracer->converted = malloc(sizeof(struct event) + RECORD_PATH_BYTES);
	code = tracer->converted ? open_all(tracer, options, state, error) : -ENOMEM;
	if (code) {
		if (!*error)
			sentence(error, 0, "tracing cannot be set up: %s", strerror(-code));
		tracer_close(tracer);
		return code;
	}
	*result = tracer;
	return 0;
}
