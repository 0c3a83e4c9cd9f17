// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "collector.h"
#include "hidden.h"
#include "moment.h"
#include "swaps.h"

enum {
	LOOKS = 16,
	/*
	 * Microseconds before the second look, and so many more before each that follows: an operation that is under
	 * way has write access, too, and where disks are slow that takes long.
	 */
	LOOK_PAUSE = 4000,
	INTERVAL = 1, /* second */
};

/* How many files of each filesystem the kernel itself holds open. */
struct explained {
	struct collector *collector;
	int64_t *counts;
};

static void free_counts(int64_t **counts)
{
	free(*counts);
}

static int count_path(const char *path, void *context)
{
	const struct explained *explained = context;
	struct coverage *coverage = &explained->collector->coverage;
	const struct mount *mount = mounts_find_path(&coverage->mounts, path);
	const struct covered *row = mount ? coverage_find(coverage, mount->device) : NULL;

	if (row)
		explained->counts[row - coverage->rows]++;
	return 0;
}

static int count_explained(struct collector *collector, int64_t *counts)
{
	struct explained explained = {.collector = collector, .counts = counts};
	int code = loops_each(&collector->loops, count_path, &explained);

	return code ? code : swaps_each(count_path, &explained);
}

static bool is_settled(const struct coverage *coverage)
{
	for (size_t i = 0; i < coverage->count; i++)
		if (!coverage->rows[i].settled)
			return false;
	return true;
}

/* What comes or goes meanwhile does not explain anything: less is explained, not more. */
static int look(struct collector *collector)
{
	struct coverage *coverage = &collector->coverage;
	int64_t *counts __attribute__((cleanup(free_counts))) = calloc(2 * coverage->count + 1, sizeof(*counts));
	int64_t *after;
	int code;

	if (!counts)
		return -ENOMEM;
	after = counts + coverage->count;
	collector->looked = moment_now();
	code = count_explained(collector, counts);
	if (!code)
		code = tracer_count_held(collector->tracer);
	if (!code)
		code = count_explained(collector, after);
	for (size_t i = 0; !code && i < coverage->count; i++) {
		struct covered *row = &coverage->rows[i];
		int64_t explained = counts[i] < after[i] ? counts[i] : after[i];

		row->hidden = tracer_held(collector->tracer, row->device) - explained;
		row->settled |= row->hidden <= 0;
	}
	return code;
}

static int add_gaps(struct collector *collector)
{
	int code = 0;

	for (size_t i = 0; i < collector->coverage.count; i++)
		collector->coverage.rows[i].held |= !collector->coverage.rows[i].settled;
	for (size_t i = 0; !code && i < collector->coverage.count; i++) {
		struct covered *row = &collector->coverage.rows[i];

		if (!row->held)
			continue;
		code = collector_add_gap(collector, collector->closing, collector->window, row, collector->flushed,
					 row->hidden < HELD_UNKNOWN / 2 ? GAP_HELD_OPEN : GAP_HELD_UNCOUNTED, NULL);
		row->held = code;
	}
	return code;
}

int hidden_check(struct collector *collector)
{
	int code = 0;

	for (int i = 0; i < LOOKS && !code && !is_settled(&collector->coverage); i++) {
		if (i)
			usleep(LOOK_PAUSE * i);
		/* What was on its way to a process may have come there. */
		if (i == 1)
			code = tracer_enter_open_files(collector->tracer);
		if (!code)
			code = look(collector);
	}
	return code ? code : add_gaps(collector);
}

int hidden_settle(struct collector *collector)
{
	if (is_settled(&collector->coverage) || moment_now() - collector->looked < INTERVAL * NANOSECONDS)
		return 0;
	return look(collector);
}
