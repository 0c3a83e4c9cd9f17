// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "blocks.h"
#include "collector.h"
#include "filesystems.h"
#include "hidden.h"
#include "message.h"
#include "moment.h"
#include "shown.h"
#include "stays.h"
#include "store_paused.h"
#include "store_seals.h"
#include "store_shown.h"

static int find_devices(struct collector *collector, struct covered *row, const char *identity)
{
	int code = blocks_below(row->device, identity, &row->devices, &row->device_count);

	if (code || !row->device_count)
		return code;
	row->instance = blocks_instance(row->devices[0]);
	row->writes = seals_count_writes(collector, row->devices, row->device_count);
	return 0;
}

struct comparison {
	struct covered *row;
	const struct store_filesystem *now;
};

static int compare_place(const struct store_filesystem *before, void *context)
{
	const struct comparison *comparison = context;

	if (strcmp(before->identity, comparison->now->identity) == 0 && before->mount_point && before->root)
		comparison->row->moved = true;
	return 0;
}

/*
 * While no collector ran it may have been moved to another place, or another directory of it to that place. was_shown:
 * it was not.
 */
static int compare_with_before(struct collector *collector, struct covered *row, const struct store_filesystem *now,
			       bool was_shown)
{
	struct comparison comparison = {row, now};

	if (collector->started || was_shown)
		return 0;
	return store_filesystems(collector->store, compare_place, &comparison);
}

/* Of several mounts another one may come first than did before. Where directories are watched nothing is kept. */
static int ask_shown(struct collector *collector, const struct store_filesystem *now, bool *was_shown)
{
	int code = store_was_shown(collector->store, now, was_shown);

	if (code || *was_shown || collector->coverage.watch_count)
		return code;
	return store_was_kept(collector->store, now, was_shown);
}

/* Enters it into the store. *was_shown: at this place, too. */
static int enter(struct collector *collector, struct covered *row, const struct mount *mount, char **identity,
		 bool *was_shown)
{
	struct store_filesystem filesystem = {
		.type = mount->type,
		.mount_point = mount->mount_point,
		.root = mount->root,
		.device = mount->device,
	};
	bool is_new;
	int code = mount_identity(mount, identity);

	if (!code && coverage_has_identity(&collector->coverage, *identity))
		code = mount_clone_identity(mount, identity);
	filesystem.identity = *identity;
	if (!code)
		code = ask_shown(collector, &filesystem, was_shown);
	if (!code)
		code = compare_with_before(collector, row, &filesystem, *was_shown);
	if (!code)
		code = store_put_filesystem(collector->store, &filesystem, &is_new);
	if (!code)
		row->id = filesystem.id;
	return code;
}

static void forget_attempt(struct covered *row)
{
	free(row->identity);
	free(row->devices);
	row->identity = NULL;
	row->devices = NULL;
	row->device_count = 0;
	row->told = false;
}

/* *goes_on: it is known, and nothing is missing since it was traced last; else *why may say what tells so. */
static int identify(struct collector *collector, struct covered *row, bool was_traced, bool *goes_on,
		    char why[SEAL_DIFFERENCE_BYTES])
{
	const struct mount *mount = mounts_find_device(&collector->coverage.mounts, row->device, NULL);
	bool was_shown = false, stayed = false;
	char *identity = NULL;
	int code;

	forget_attempt(row);
	code = enter(collector, row, mount, &identity, &was_shown);
	if (!code)
		code = find_devices(collector, row, identity);
	row->identity = identity;
	if (!code)
		code = seals_came(collector, row, mount, was_traced && was_shown, why);
	*goes_on = code > 0;
	if (!code && was_traced)
		code = stays_ask(collector, row, &stayed);
	*goes_on |= stayed;
	if (code >= 0 && !stayed)
		code = store_forget_paused(collector->store, row->id);
	if (code >= 0)
		code = stays_note(collector, row);
	return code < 0 ? code : store_set_traced(collector->store, row->id, true);
}

static bool has_ended(const struct covered *row, void *context)
{
	const struct collector *collector = context;
	struct superblock entry;

	return !tracer_superblock(collector->tracer, row->device, &entry) && entry.ended >= row->came;
}

/* A btrfs has one superblock at a time, so while it is there it is under no other number. */
static bool may_have_been(struct collector *collector, const struct covered *row, int64_t time)
{
	struct superblock entry;

	if (!row->device_count || !mounts_is_anonymous(row->device))
		return false;
	return row->since > time || tracer_superblock(collector->tracer, row->device, &entry) ||
	       has_ended(row, collector);
}

/*
 * Nobody knows what filesystem reported under this number at that time, or later. Of those that are mounted by
 * anonymous numbers each may have had it before it came.
 */
static int lose_records(struct collector *collector, uint32_t device, int64_t time)
{
	int code = seals_spoil(collector, device);
	char text[DEVICE_TEXT_BYTES], detail[128];

	mounts_device_text(device, text);
	snprintf(detail, sizeof(detail),
		 "the filesystem may have been mounted out of sight, as device %s; what changed on it there is not "
		 "known",
		 text);
	for (size_t i = 0; !code && mounts_is_anonymous(device) && i < collector->coverage.count; i++) {
		const struct covered *row = &collector->coverage.rows[i];

		if (may_have_been(collector, row, time))
			code = collector_add_gap(collector, collector->closing, collector->window, row,
						 collector->flushed, GAP_MOUNTED, detail);
	}
	return code;
}

/* What comes by the number of one that is taken out, at that moment, may go untraced: then that is told. */
static int forget(struct collector *collector, uint32_t device, uint32_t came)
{
	/* The kernel side begins to count anew, from what others were before. */
	int code = stays_forget(collector, device);

	if (!code)
		code = tracer_forget(collector->tracer, device, came);
	return code > 0 ? lose_records(collector, device, moment_of_boot()) : code;
}

/* One that lies on no block device is gone for good; of another the kernel side goes on to trace what has its number.
 */
static int went(struct collector *collector, struct covered *row)
{
	int code = store_set_traced(collector->store, row->id, false);

	if (!code)
		code = stays_end(collector, row);
	if (collector->walking == row->id)
		collector->walking = 0;
	if (!code)
		code = store_forget_paused(collector->store, row->id);
	if (code)
		return code;
	return row->device_count ? seals_went(collector, row) : forget(collector, row->device, row->came);
}

int filesystems_miss(struct collector *collector)
{
	const struct covered unknown = {0};

	if (!collector->left_out)
		return 0;
	return collector_add_gap(collector, collector->closing, collector->window, &unknown, collector->left_out,
				 GAP_NOT_TRACEABLE, NULL);
}

/*
 * It must not stop the others from being traced. Should the next collector find it traced by these programs, it has not
 * stayed.
 */
static int leave_out(struct collector *collector, const struct covered *row)
{
	int code = stays_forget(collector, row->device);

	if (!collector->left_out)
		collector->left_out = collector->flushed;
	collector->is_left_out = true;
	if (!code)
		code = filesystems_miss(collector);
	return code ? code : 1;
}

static int add_moved_gap(struct collector *collector, struct covered *row)
{
	if (!row->moved)
		return 0;
	return collector_add_gap(collector, collector->closing, collector->window, row, collector->flushed, GAP_MOVED,
				 NULL);
}

static bool begins_anew(const struct collector *collector)
{
	return !collector->started && !collector->absent && tracer_origin(collector->tracer) != TRACER_TAKEN_OVER;
}

/* *why as by identify(). What happened to all filesystems, or to none, before the start is told elsewhere. */
static int add_arrival_gap(struct collector *collector, struct covered *row, const char *why)
{
	enum gap_reason reason = *why                                       ? GAP_TOUCHED
				 : collector->absent && !collector->started ? collector->absence
									    : GAP_MOUNTED;

	if (begins_anew(collector))
		return 0;
	collector->untold = true;
	row->told = true;
	return collector_add_gap(collector, collector->closing, collector->window, row,
				 collector->left_out ? collector->left_out : collector->flushed, reason,
				 *why ? why : NULL);
}

static int arrive(struct collector *collector, struct covered *row, bool was_traced)
{
	char why[SEAL_DIFFERENCE_BYTES] = "";
	bool goes_on = false;
	int code = identify(collector, row, was_traced, &goes_on, why);

	if (!code && (!goes_on || collector->left_out))
		code = add_arrival_gap(collector, row, why);
	if (!code)
		code = add_moved_gap(collector, row);
	return code;
}

/* What it was before goes from the store only together with the gap that this tells of. */
static int enter_with_gap(struct collector *collector, struct covered *row, bool was_traced)
{
	int code = store_begin(collector->store);

	if (!code)
		code = store_end(collector->store, arrive(collector, row, was_traced));
	row->moved &= code != 0;
	return code;
}

/* Traced first: should it end while it is asked who it is, the kernel side tells that. */
static int came(struct collector *collector, struct covered *row)
{
	struct superblock entry;
	int traced = tracer_trace(collector->tracer, row->device, &entry), code;

	if (traced < 0)
		return traced;
	row->came = entry.came;
	row->since = moment_of_boot();
	/* Since it is mounted, so no file of it was opened unseen. */
	row->settled = traced && collector->started;
	code = enter_with_gap(collector, row, traced);
	/* It is tried again as one that is not traced yet. */
	if (code && !traced && tracer_forget(collector->tracer, row->device, entry.came) > 0)
		lose_records(collector, row->device, moment_of_boot());
	return code;
}

static int changed(struct covered *row, bool has_come, void *context)
{
	struct collector *collector = context;
	int code;

	if (!has_come)
		return went(collector, row);
	code = came(collector, row);
	/* No record is taken in between: of an error that does not come again nothing is missed. */
	if (code)
		code = came(collector, row);
	/* Who begins can begin again. */
	if (code && begins_anew(collector))
		return code;
	return code ? leave_out(collector, row) : 0;
}

static int look_at_mounts(struct collector *collector)
{
	int code;

	collector->is_left_out = false;
	code = coverage_update(&collector->coverage, has_ended, changed, collector);
	if (!code && !collector->is_left_out)
		collector->left_out = 0;
	return code;
}

/* False: the filesystem of one was left out. */
static bool find_watches(struct coverage *coverage)
{
	for (size_t i = 0; i < coverage->watch_count; i++) {
		struct watch *watch = &coverage->watches[i];
		const struct covered *covered = coverage_find(coverage, watch->device);

		if (covered)
			watch->filesystem = covered->id;
		else if (watch->device && !watch->filesystem)
			return false;
	}
	return true;
}

static int set_watches(struct collector *collector, const struct store_watch *watches)
{
	bool is_other;
	int code = store_set_watches(collector->store, watches, collector->coverage.watch_count, &is_other);

	if (code || !is_other || collector->window == 1)
		return code;
	return collector_add_gap(collector, collector->closing, collector->window, NULL, moment_now(),
				 GAP_WATCH_CHANGED, NULL);
}

static int keep_watches(struct collector *collector)
{
	struct coverage *coverage = &collector->coverage;
	struct store_watch *watches;
	int code;

	/* What is known of them stays; the list is incomplete. */
	if (!find_watches(coverage))
		return 0;
	watches = calloc(coverage->watch_count + 1, sizeof(*watches));
	if (!watches)
		return -ENOMEM;
	for (size_t i = 0; i < coverage->watch_count; i++)
		watches[i] = (struct store_watch){
			.filesystem = coverage->watches[i].filesystem,
			.path = coverage->watches[i].path,
			.host_path = coverage->watches[i].host_path,
		};
	/* In one transaction: the next look would find no difference. */
	code = store_begin(collector->store);
	if (!code)
		code = store_end(collector->store, set_watches(collector, watches));
	free(watches);
	return code;
}

static int add_moved_gaps(struct collector *collector)
{
	int code = shown_update(collector->store, &collector->coverage);

	for (size_t i = 0; !code && i < collector->coverage.count; i++)
		code = add_moved_gap(collector, &collector->coverage.rows[i]);
	return code;
}

/* In one transaction: of what is known to be shown the next look would find no difference. */
static int add_moved(struct collector *collector)
{
	int code = store_begin(collector->store);

	if (!code)
		code = store_end(collector->store, add_moved_gaps(collector));
	for (size_t i = 0; i < collector->coverage.count; i++) {
		collector->coverage.rows[i].moved &= code != 0;
		collector->coverage.rows[i].told &= code != 0;
	}
	return code;
}

int filesystems_forget_ended(struct collector *collector, uint32_t device)
{
	struct superblock entry;

	if (tracer_superblock(collector->tracer, device, &entry) || entry.came != entry.ended)
		return 0;
	return forget(collector, device, entry.came);
}

/* What the kernel side has entered by itself is kept until it is seen whether it is wanted. */
static int look_at_stranger(uint32_t device, const struct superblock *entry, void *context)
{
	struct collector *collector = context;
	const struct mount *mount;
	int code;

	if (coverage_find(&collector->coverage, device))
		return 0;
	if (entry->came == entry->ended) {
		/* Not before all that it reported is in the store: by the entry another one under its number is told.
		 */
		if (mounts_is_anonymous(device) && seals_owner(collector, device))
			return 0;
		seals_refresh(&collector->seals, device);
		return forget(collector, device, entry->came);
	}
	/* In no mount that we see: its mount is under way, or in another namespace. Or it is left out for now. */
	mount = mounts_find_device(&collector->coverage.mounts, device, NULL);
	if (!mount || coverage_wants(&collector->coverage, mount))
		return 0;
	code = entry->ended ? lose_records(collector, device, 0) : seals_spoil(collector, device);
	return code ? code : forget(collector, device, entry->came);
}

int filesystems_follow(struct collector *collector)
{
	int code;

	collector->untold = false;
	code = look_at_mounts(collector);
	if (!code)
		code = add_moved(collector);
	if (!code)
		code = tracer_each_superblock(collector->tracer, look_at_stranger, collector);
	if (!code)
		code = keep_watches(collector);
	if (!code && collector->untold)
		code = tracer_enter_open_files(collector->tracer);
	if (!code && collector->untold)
		code = hidden_check(collector);
	return code;
}

/* It ended when a collector ran, and has been left alone since. */
static int forget_sealed(uint32_t device, const struct superblock *entry, void *context)
{
	struct collector *collector = context;

	if (coverage_find(&collector->coverage, device) || entry->came != entry->ended ||
	    !seals_owner(collector, device))
		return 0;
	return forget(collector, device, entry->came);
}

int filesystems_start(struct collector *collector)
{
	int code = seals_load(collector);

	if (!code)
		code = seals_look(collector);
	if (!code)
		code = look_at_mounts(collector);
	/* At boot the first one may be mounted later. */
	if (!code && collector->coverage.count == 0)
		message(LOG_NOTICE, "there is nothing to watch yet: no local filesystem is mounted");
	if (!code)
		code = tracer_each_superblock(collector->tracer, forget_sealed, collector);
	if (!code)
		code = add_moved(collector);
	return code ? code : keep_watches(collector);
}

/* It is there, and none has ended that had its number: a filesystem has one superblock at a time. */
static bool is_another(const struct collector *collector, uint32_t device)
{
	struct superblock entry;

	if (mounts_find_device(&collector->coverage.mounts, device, NULL))
		return true;
	return !tracer_superblock(collector->tracer, device, &entry) && !entry.ended;
}

int filesystems_find(struct collector *collector, const struct event *event, uint32_t *filesystem)
{
	const uint32_t device = event->device;
	const struct covered *covered = coverage_find(&collector->coverage, device);
	int code = 0;

	if (!covered && collector->started && collector->stranger != device) {
		collector->stranger = device;
		code = collector_flush(collector);
		if (!code)
			code = filesystems_follow(collector);
		covered = coverage_find(&collector->coverage, device);
	}
	*filesystem = covered ? covered->id : 0;
	if (code || covered)
		return code;
	/* By their device watches tell whether they lie on it, which is not that of one that is gone. */
	if (collector->coverage.watch_count == 0)
		*filesystem = seals_owner(collector, device);
	if (*filesystem)
		return 0;
	return is_another(collector, device) ? seals_spoil(collector, device)
					     : lose_records(collector, device, (int64_t)event->time);
}

struct departed {
	struct collector *collector;
	uint32_t device;
};

static int note_departure(const struct store_filesystem *filesystem, void *context)
{
	const struct departed *departed = context;
	const struct covered row = {.id = filesystem->id};
	struct collector *collector = departed->collector;

	if (filesystem->device != departed->device)
		return 0;
	return collector_add_gap(collector, collector->closing, collector->window, &row, collector->flushed,
				 GAP_UNMOUNTED, NULL);
}

/* Records of it name a device that is not there, or is another one's by now. */
static int check_departure(uint32_t device, const struct superblock *entry, void *context)
{
	struct departed departed = {context, device};
	struct collector *collector = context;
	const struct mount *mount = mounts_find_device(&collector->coverage.mounts, device, NULL);
	int code;

	/* It is there, or left out for now. */
	if (coverage_find(&collector->coverage, device) || (mount && coverage_wants(&collector->coverage, mount)))
		return 0;
	code = store_filesystems(collector->store, note_departure, &departed);
	if (!code)
		code = seals_spoil(collector, device);
	return code ? code : forget(collector, device, entry->came);
}

int filesystems_depart(struct collector *collector)
{
	return tracer_each_superblock(collector->tracer, check_departure, collector);
}
