// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>
#include <systemd/sd-id128.h>
#include <unistd.h>

#include "collector.h"
#include "message.h"
#include "moment.h"
#include "sentence.h"
#include "stays.h"
#include "takeover.h"

/* How far the ring is in the store, and which ring: a record that is taken twice may name what is another thing now. */
#define META_RING     "ring"
#define META_POSITION "ring_taken"
#define META_BEFORE   "ring_position" /* the same, for builds that know no other; they leave the one above */
#define META_INSTANCE "instance"      /* a number that no other store has */

enum {
	TAKE_OVER_PAUSE = 10 * 1000, /* microseconds */
	TAKE_OVER_WAITS = 500,
};

/* Windows that an earlier collector left open stay so; the newest of them is ours. */
static int open_window(struct collector *collector)
{
	struct store_window last;
	int code = store_last_window(collector->store, &last);

	if (code && code != -ENOENT)
		return code;
	if (code || last.closed) {
		collector->window = code ? 1 : last.number + 1;
		collector->closing = collector->window;
		collector->reached = code ? moment_now() : last.closed;
		code = store_open_window(collector->store, collector->window, moment_now());
	} else {
		collector->window = last.number;
		collector->events = last.events;
		collector->reached = last.opened;
		code = store_oldest_open(collector->store, &collector->closing);
	}
	if (!code && store_get_meta(collector->store, META_ALIVE, &collector->reached) == 0)
		collector->alive = collector->reached;
	return code;
}

/*
 * A window is closed in the transaction that a job has it, or in an earlier one. Where older pages have come back into
 * the database (wal.c) no check of its form finds that, and what else is older nobody knows.
 */
static int check_jobs(struct collector *collector)
{
	uint64_t ahead = 0;
	int code = store_count_ahead(collector->store, &ahead);

	return code || !ahead ? code : collector_make_fresh(collector, FRESH_MIXED);
}

int takeover_open_window(struct collector *collector)
{
	int code = open_window(collector);

	return code ? code : check_jobs(collector);
}

static int get_instance(struct collector *collector, uint64_t *instance)
{
	sd_id128_t random;
	int code = store_get_meta(collector->store, META_INSTANCE, (int64_t *)instance);

	if (code != -ENOENT)
		return code;
	code = sd_id128_randomize(&random);
	*instance = random.qwords[0];
	return code < 0 ? code : store_set_meta(collector->store, META_INSTANCE, (int64_t)*instance);
}

static int get_position(struct store *store, struct ring_position *taken)
{
	int64_t before = 0;
	int code = store_get_meta(store, META_RING, (int64_t *)&taken->ring);

	if (!code)
		code = store_get_meta(store, META_POSITION, (int64_t *)&taken->position);
	if (!code)
		code = store_get_meta(store, META_BEFORE, &before);
	if (code || before != (int64_t)taken->position)
		taken->ring = 0;
	return code == -ENOENT ? 0 : code;
}

/*
 * Before there are pins of ours: should this start not come to its end, the next one finds them, and not what was there
 * before.
 */
static int judged(enum tracer_origin origin, void *context)
{
	struct collector *collector = context;
	int code;

	if (origin == TRACER_TAKEN_OVER && collector->absence == GAP_NOT_TRACED)
		return 0;
	code = stays_forget(collector, 0);
	/* The ring that is known has gone; should this start not come to its end, that of the new pins is not it. */
	if (!code && origin != TRACER_TAKEN_OVER)
		code = store_set_meta(collector->store, META_RING, 0);
	if (!code && origin >= TRACER_FOREIGN)
		code = collector_make_fresh(collector, origin == TRACER_NEWER ? FRESH_OLDER_COPY : FRESH_OTHER_STORE);
	return code;
}

int takeover_open_tracer(struct collector *collector, char **error)
{
	const struct config *config = collector->config;
	const struct tracer_options options = {
		.ring = config->ring,
		.writers = config->writers,
		.reported = config->reported,
		.operations = config->operations,
		.precise = config->precise,
	};
	struct tracer_state state = {
		.directory = config->state, .epoch = collector->window, .judged = judged, .context = collector};
	int code = get_instance(collector, &state.instance);

	if (!code)
		code = get_position(collector->store, &state.taken);
	if (code)
		return sentence(error, code, "%s", store_error(collector->store));
	collector->noted.position = UINT64_MAX;
	code = tracer_open(&collector->tracer, &options, &state, error);
	if (!code)
		tracer_skip(collector->tracer, &state.taken);
	return code;
}

/*
 * What was done while no collector ran is in the ring, if the programs ran. That nobody watched the clock meanwhile
 * only makes lists longer.
 */
int takeover_account(struct collector *collector)
{
	enum tracer_origin origin = tracer_origin(collector->tracer);
	bool is_first = origin == TRACER_FIRST && collector->window == 1 && !collector->alive;
	int code = 0;

	if (is_first)
		return 0;
	losses_take_over(collector);
	collector->flushed = collector->reached;
	collector->clock_set = true;
	/* Whether an orderly absence is a gap is told for each filesystem. */
	if (origin == TRACER_FIRST && collector->absence != GAP_CRASHED)
		collector->absent = collector->reached;
	/* Without programs, or with those of a start after the crash that has not come to its end. */
	else if (origin != TRACER_TAKEN_OVER || collector->absence != GAP_NOT_TRACED)
		code = collector_add_gap(collector, collector->closing, collector->window, NULL, collector->reached,
					 origin >= TRACER_FOREIGN ? GAP_FOREIGN_PINS : collector->absence, NULL);
	return code ? code : collector_check_clock(collector);
}

/* Until older programs are of no use any more: all that only they have seen is in the store, or is a gap. */
int takeover_end(struct collector *collector)
{
	int code = collector_collect(collector, true);

	for (int waited = 0; !code && tracer_is_taking_over(collector->tracer) && waited < TAKE_OVER_WAITS; waited++) {
		usleep(TAKE_OVER_PAUSE);
		code = collector_collect(collector, true);
	}
	if (!code && tracer_is_taking_over(collector->tracer))
		code = collector_add_gap(collector, collector->closing, collector->window, NULL, collector->flushed,
					 GAP_RING_HELD, NULL);
	return code ? code : tracer_end_take_over(collector->tracer);
}

int collector_check_pins(struct collector *collector)
{
	int code;

	if (tracer_is_pinned(collector->tracer))
		return 0;
	code = tracer_pin_again(collector->tracer);
	if (code)
		message(LOG_WARNING,
			"the programs' pins in the kernel are gone and cannot be made again (%s): without them a stop "
			"of the collector will be a gap",
			strerror(-code));
	else
		message(LOG_NOTICE, "the programs' pins in the kernel were gone; they are there again");
	return code;
}

static struct ring_position taken(const struct collector *collector)
{
	struct ring_position taken;

	tracer_position(collector->tracer, collector->held, &taken.ring, &taken.position);
	return taken;
}

bool takeover_has_moved(const struct collector *collector)
{
	struct ring_position now = taken(collector);

	return now.ring != collector->noted.ring || now.position != collector->noted.position;
}

int takeover_note_position(struct collector *collector)
{
	struct ring_position now = taken(collector);
	int code = store_set_meta(collector->store, META_RING, (int64_t)now.ring);

	if (!code)
		code = store_set_meta(collector->store, META_POSITION, (int64_t)now.position);
	return code ? code : store_set_meta(collector->store, META_BEFORE, (int64_t)now.position);
}

void takeover_position_is_noted(struct collector *collector)
{
	collector->noted = taken(collector);
}
