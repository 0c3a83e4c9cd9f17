// SPDX-License-Identifier: GPL-2.0
/*
 * The cut. A change is made after its hook has run. If the hook read the old epoch, its record is in the ring before
 * the ring is drained here; if the change itself comes after the cut, its file is among the writers or its operation
 * among those under way, and is carried. What ended before the answer is seen by whoever makes a list after it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector.h"
#include "describe.h"
#include "filesystems.h"
#include "hidden.h"
#include "moment.h"
#include "sentence.h"

enum {
	/*
	 * Seconds in all of a cut. A record that is begun and not finished holds the ring: a processor of a virtual
	 * machine may rest for seconds, and a gap costs a scan. Less than clients and the service's stop wait.
	 */
	DRAIN_TIME = 20,
	DRAIN_PAUSE = 1000, /* microseconds */
};

/* The root directory of a mount, unless another mount covers it. */
static int open_mount(const struct mount *mount)
{
	int directory = open(mount->mount_point, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOATIME);
	struct statx found;

	if (directory < 0)
		return -1;
	if (statx(directory, "", AT_EMPTY_PATH, STATX_MNT_ID, &found) == 0 && found.stx_mnt_id == (uint64_t)mount->id)
		return directory;
	close(directory);
	return -1;
}

/* Opening a directory and an unknown ioctl change nothing, and work on frozen and read-only filesystems. */
static void send_canary(const struct mounts *mounts, struct covered *row)
{
	int directory = -1;

	row->canary = true;
	for (size_t i = 0; i < mounts->count && directory < 0; i++)
		if (mounts->rows[i].device == row->device)
			directory = open_mount(&mounts->rows[i]);
	if (directory < 0)
		return;
	ioctl(directory, CANARY_COMMAND, 0);
	close(directory);
}

static void send_canaries(struct collector *collector)
{
	for (size_t i = 0; i < collector->coverage.count; i++)
		send_canary(&collector->coverage.mounts, &collector->coverage.rows[i]);
}

/* until: by moment_of_boot(). */
static int drain(struct collector *collector, int64_t until)
{
	uint64_t end = tracer_produced(collector->tracer);

	do {
		int code = collector_collect(collector, false);

		if (code || tracer_consumed(collector->tracer) >= end)
			return code;
		usleep(DRAIN_PAUSE);
	} while (moment_of_boot() < until);
	return -EAGAIN;
}

static int add_gap(struct collector *collector, enum gap_reason reason)
{
	return collector_add_gap(collector, collector->closing, collector->window, NULL, collector->flushed, reason,
				 NULL);
}

static int check_canaries(struct collector *collector)
{
	for (size_t i = 0; i < collector->coverage.count; i++) {
		struct covered *row = &collector->coverage.rows[i];
		int code;

		row->silent |= row->canary;
		if (!row->silent)
			continue;
		code = losses_canary(collector, row);
		if (code)
			return code;
		row->silent = false;
	}
	return 0;
}

/* From here on programs have the new epoch, and those with the old one have ended. */
static int flip(struct collector *collector)
{
	const int64_t begun = moment_of_boot();
	int code = tracer_flip(collector->tracer, collector->window);

	collector->cut.waited = moment_of_boot() - begun;
	return code ? add_gap(collector, GAP_FLIP) : 0;
}

/* What cannot be confirmed in time is a gap, not a wait: none of these steps may fail the cut. */
static int confirm(struct collector *collector)
{
	const int64_t until = moment_of_boot() + DRAIN_TIME * NANOSECONDS;
	int code = drain(collector, until);

	if (code == -EAGAIN)
		code = add_gap(collector, GAP_RING_HELD);
	if (!code)
		code = check_canaries(collector);
	if (!code)
		code = losses_carry(collector);
	if (!code)
		code = hidden_check(collector);
	if (!code)
		code = tracer_carry(collector->tracer);
	if (code == -EAGAIN)
		code = add_gap(collector, GAP_NOT_CARRIED);
	/* Under the names that files have when renames of before the cut are over or carried. */
	if (!code)
		code = collector_enter_loops(collector);
	if (!code)
		code = drain(collector, until);
	if (code == -EAGAIN)
		code = add_gap(collector, GAP_RING_HELD);
	return code ? code : collector_collect(collector, true);
}

/* One transaction: the windows are closed and the job has its position, or neither. */
static int close_windows(struct collector *collector, const char *job, uint64_t last)
{
	int64_t now = moment_now();
	int code = store_begin_durable(collector->store);

	for (uint64_t number = collector->closing; !code && number <= last; number++)
		code = store_close_window(collector->store, number, now, number == last ? collector->events : 0);
	if (!code)
		code = describe_window(collector, last);
	if (!code && job)
		code = store_mark_job(collector->store, job, last, now / NANOSECONDS, COPIED_ALL);
	return store_end(collector->store, code);
}

static int open_next(struct collector *collector)
{
	int code = collector_collect(collector, true);

	if (!code)
		code = losses_check(collector, collector->closing);
	if (!code)
		code = collector_check_clock(collector);
	if (!code)
		code = store_open_window(collector->store, collector->window + 1, moment_now());
	return code;
}

int window_cut(struct collector *collector, const char *job, uint64_t *closed, char **error)
{
	const int64_t begun = moment_of_boot();
	/* The mount table's own news may still wait behind the request for this cut. */
	int code = collector_follow_mounts(collector);

	if (code)
		goto out;
	/* Without pins nothing is missed as long as this collector runs. */
	collector_check_pins(collector);
	send_canaries(collector);
	code = open_next(collector);
	if (code)
		goto out;
	*closed = collector->window++;
	code = flip(collector);
	if (!code)
		code = filesystems_miss(collector);
	if (!code)
		code = confirm(collector);
	if (!code)
		code = collector_check_clock(collector);
	if (!code)
		code = close_windows(collector, job, *closed);
	if (code)
		goto out;
	collector->closing = collector->window;
	collector->events = 0;
	/* The window is closed. Should this fail the next one has that gap for no need. */
	losses_carried(collector);
	collector->cut.took = moment_of_boot() - begun;
	return 0;
out:
	return sentence(error, code, "the window cannot be closed: %s (%s)", store_error(collector->store),
			strerror(-code));
}
