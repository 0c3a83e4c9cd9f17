// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "collector.h"
#include "decode.h"
#include "filesystems.h"
#include "hidden.h"
#include "message.h"
#include "moment.h"
#include "seals.h"
#include "takeover.h"

enum {
	RECORDS_BETWEEN = 1024,    /* looks at the clock and the ring */
	ALIVE_INTERVAL = 60,       /* seconds between signs of life in the store while nothing changes */
	FLUSH_INTERVAL = 1,        /* seconds */
	MERGE_BLOCKS_AT_ONCE = 32, /* that are merged after each transaction: no more where somebody waits */
	RING_FRACTION = 4,         /* when this part of the ring waits for its transaction, it is time to commit */
};

static int64_t event_seconds(const struct collector *collector, const struct event *event)
{
	return (collector->booted + (int64_t)event->time) / NANOSECONDS;
}

static int add_entry(const struct dirty *entry, void *context)
{
	struct collector *collector = context;

	return batch_add(collector->batch, entry);
}

static int add_directory(struct collector *collector, const struct dirty *entry, uint32_t device)
{
	const char *separator = memrchr(entry->path, '/', entry->path_length);
	struct dirty directory = {
		.window = entry->window,
		.filesystem = entry->filesystem,
		.path = entry->path,
		.path_length = separator == entry->path ? 1 : separator - entry->path,
		.first = entry->first,
		.last = entry->last,
		.facts = {.operations = 1U << OPERATION_ENTRY},
	};

	if (entry->path_length == 1)
		return 0;
	return coverage_apply(&collector->coverage, &directory, device, add_entry, collector);
}

/* A record belongs to the window whose number it carries. Programs with an older one have ended before that closed. */
static uint64_t event_window(const struct collector *collector, const struct event *event)
{
	return event->epoch < collector->closing ? collector->closing : event->epoch;
}

static int enter_path(struct collector *collector, const struct link_event *at)
{
	const struct dirty entry = {
		.window = at->window,
		.filesystem = at->filesystem,
		.path = at->path,
		.path_length = at->length,
		.first = at->time,
		.last = at->time,
		.facts = decode_facts(at->event),
	};
	int code = coverage_apply(&collector->coverage, &entry, at->event->device, add_entry, collector);

	if (!code && decode_changes_directory(at->event))
		code = add_directory(collector, &entry, at->event->device);
	return code;
}

/* Names count wherever they are: one that is not watched tells that the file has another that is. */
static int enter(struct collector *collector, const struct event *event, const char *path, size_t length)
{
	struct link_event at = {.event = event, .path = path, .length = length};
	int code = filesystems_find(collector, event, &at.filesystem);

	if (code || !at.filesystem)
		return code;
	at.window = event_window(collector, event);
	at.time = event_seconds(collector, event);
	if (event->kind == EVENT_PATH)
		code = enter_path(collector, &at);
	/* Names of files depend on the order of changes. */
	if (!code && !tracer_is_repeated(collector->tracer, event))
		code = link_feed_take(collector->link_feed, &at, collector->batch);
	if (!code && (collector->walking == at.filesystem || collector->paused == at.filesystem))
		code = link_feed_note_arrival(&at, collector->batch);
	return code;
}

static int take(struct collector *collector, const struct event *event)
{
	char path[DECODED_PATH_BYTES];
	struct event header = *event;
	size_t length;
	int code = 0;

	if (event->kind == EVENT_CANARY) {
		struct covered *covered = coverage_find(&collector->coverage, event->device);

		if (covered)
			covered->canary = false;
		return 0;
	}
	length = decode_path(event, path, &header.flags);
	if (!(event->flags & EVENT_REPEATED))
		code = enter(collector, &header, path, length);
	if (!code && collector->observe && event->kind == EVENT_PATH)
		collector->observe(event, tracer_command(collector->tracer, event), path, collector->observer);
	return code;
}

/* Until when nothing was missed but what gaps tell. */
static int64_t told(const struct collector *collector)
{
	return collector->flushed && collector->flushed < collector->reached ? collector->flushed : collector->reached;
}

static int write_batch(struct collector *collector)
{
	int code = store_begin(collector->store);

	if (!code)
		code = batch_write(collector->batch, collector->store);
	if (!code)
		code = takeover_note_position(collector);
	if (!code)
		code = store_set_meta(collector->store, META_ALIVE, told(collector));
	code = store_end(collector->store, code);
	collector->error = code;
	if (code)
		return code;
	collector->alive = collector->reached;
	takeover_position_is_noted(collector);
	batch_clear(collector->batch);
	return 0;
}

/* What is in the store is whole without. That it is damaged shows elsewhere. */
void collector_merge(struct collector *collector, uint64_t blocks)
{
	bool more = true;
	int code = 0;

	for (uint64_t done = 0, made = 0; more && !code && done < blocks; done += made)
		code = store_merge(collector->store, blocks - done, &made, &more);
	if (code && !collector->unmerged)
		message(LOG_WARNING, "the database's runs cannot be merged: %s; reading it becomes slower",
			store_error(collector->store));
	collector->unmerged = code;
}

/*
 * The ring keeps records until their transaction is committed; after an error they wait there for the next attempt. A
 * record that is not yet in the batch stays as well. The store never knows less of the ring than was taken from it: by
 * that it is told from an older copy. What is lost since the last flush that did all of this begins there.
 */
int collector_flush(struct collector *collector)
{
	int64_t now = moment_now();
	int code = 0;

	if (!batch_is_empty(collector->batch) || takeover_has_moved(collector) ||
	    now - collector->alive >= ALIVE_INTERVAL * NANOSECONDS)
		code = write_batch(collector);
	if (code)
		return code;
	tracer_release(collector->tracer, collector->held);
	code = losses_check(collector, collector->closing);
	if (!code && collector->started)
		code = hidden_settle(collector);
	if (!code)
		code = seals_check(collector, collector->closing);
	if (!code)
		collector->flushed = now;
	collector->stranger = 0;
	collector_merge(collector, MERGE_BLOCKS_AT_ONCE);
	return code;
}

static int flush_and_merge(struct collector *collector)
{
	int code = collector_flush(collector);

	if (!code)
		collector_merge(collector, MERGE_BLOCKS);
	return code;
}

static bool is_due(const struct collector *collector)
{
	uint64_t bytes, used;

	if (moment_now() - collector->flushed >= FLUSH_INTERVAL * NANOSECONDS)
		return true;
	tracer_ring_use(collector->tracer, &bytes, &used);
	return used > bytes / RING_FRACTION;
}

/* Two calls for each record would be a good part of what it takes. */
static void look_at_clocks(struct collector *collector)
{
	collector->booted = moment_now() - moment_of_boot();
}

/* A record for which the batch has no room waits until that has been written. */
static int take_held(struct collector *collector)
{
	int code = take(collector, collector->held);

	if (code == -ENOSPC) {
		code = flush_and_merge(collector);
		if (!code)
			code = take(collector, collector->held);
	}
	if (code)
		return code;
	collector->held = NULL;
	collector->events++;
	collector->events_total++;
	if (collector->events % RECORDS_BETWEEN != 0)
		return 0;
	look_at_clocks(collector);
	return is_due(collector) ? flush_and_merge(collector) : 0;
}

int collector_collect(struct collector *collector, bool at_once)
{
	int64_t now = moment_now();
	uint64_t end = tracer_produced(collector->tracer);

	look_at_clocks(collector);
	/* Not farther than the ring reaches now: under load there is always more, and others want their turn. */
	while (collector->held || tracer_consumed(collector->tracer) < end) {
		int code;

		if (!collector->held)
			collector->held = tracer_next(collector->tracer);
		if (!collector->held)
			break;
		code = take_held(collector);
		if (code)
			return code;
	}
	if (!collector->held && tracer_consumed(collector->tracer) >= end)
		collector->reached = now;
	if (at_once)
		return collector_flush(collector);
	return is_due(collector) ? flush_and_merge(collector) : 0;
}

int collector_add_gap(struct collector *collector, uint64_t first, uint64_t last, const struct covered *filesystem,
		      int64_t started, enum gap_reason reason, const char *detail)
{
	uint32_t known = filesystem && !filesystem->id ? STORE_UNKNOWN_FILESYSTEM : STORE_ALL_FILESYSTEMS;
	struct store_gap gap = {
		.filesystem = filesystem && filesystem->id ? filesystem->id : known,
		.first = first,
		.last = last,
		.started = started,
		.ended = moment_now(),
		.reason = gap_word(reason),
		.detail = detail ? detail : gap_sentence(reason),
		.repaired = gap_cover(gap_word(reason)) == GAP_COVERED,
	};
	int code = 0;

	collector->gaps++;
	/* What is not mounted now is not among the filesystems that it is to be covered on, and may have been then. */
	if (!filesystem && collector->started && !gap.repaired)
		code = seals_spoil(collector, 0);
	return code ? code : store_add_gap(collector->store, &gap);
}

int collector_make_fresh(struct collector *collector, enum fresh_reason reason)
{
	uint64_t count;
	int code = store_make_fresh(collector->store, NULL, INT64_MAX, fresh_word(reason), moment_now() / NANOSECONDS,
				    &count);

	if (!code && count)
		message(LOG_WARNING, "%" PRIu64 " job%s: only a full backup will do: %s", count, count == 1 ? "" : "s",
			fresh_sentence(fresh_word(reason)));
	return code;
}

/* A record for which the batch has no room waits for the next transaction; what is entered here makes room. */
static int enter_loop(const char *host_path, void *context)
{
	struct collector *collector = context;
	const struct mount *mount = mounts_find_path(&collector->coverage.mounts, host_path);
	const struct covered *covered = mount ? coverage_find(&collector->coverage, mount->device) : NULL;
	int64_t now = moment_now() / NANOSECONDS;
	char path[PATH_BYTES];
	struct dirty entry = {
		.window = collector->window,
		.path = path,
		.first = now,
		.last = now,
		.facts = {.operations = 1U << OPERATION_OPEN | 1U << OPERATION_CARRIED, .flags = DIRTY_NO_CMTIME},
	};
	int length = covered ? mount_from_host(mount, host_path, path, sizeof(path)) : -ENOENT, code;

	if (length < 0)
		return 0;
	entry.filesystem = covered->id;
	entry.path_length = length;
	code = coverage_apply(&collector->coverage, &entry, covered->device, add_entry, collector);
	if (code != -ENOSPC)
		return code;
	code = collector_flush(collector);
	return code ? code : coverage_apply(&collector->coverage, &entry, covered->device, add_entry, collector);
}

int collector_enter_loops(struct collector *collector)
{
	return loops_each(&collector->loops, enter_loop, collector);
}

int collector_check_clock(struct collector *collector)
{
	bool now = clock_was_set(&collector->clock);
	int code;

	collector->clock_set |= now;
	if (!collector->clock_set)
		return 0;
	code = store_set_unsteady(collector->store, collector->closing, collector->window);
	if (!code && now)
		code = collector_add_gap(collector, collector->closing, collector->window, NULL, collector->flushed,
					 GAP_CLOCK_SET, NULL);
	collector->clock_set = code;
	return code;
}

int collector_follow_mounts(struct collector *collector)
{
	/* What waits in the ring still names the filesystems as they were. */
	int code = collector_collect(collector, true);

	return code ? code : filesystems_follow(collector);
}

int collector_follow_devices(struct collector *collector)
{
	return seals_look(collector);
}
