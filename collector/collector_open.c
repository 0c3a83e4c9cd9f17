// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>

#include "collector.h"
#include "describe.h"
#include "filesystems.h"
#include "hidden.h"
#include "identity.h"
#include "message.h"
#include "moment.h"
#include "pause.h"
#include "sentence.h"
#include "takeover.h"

enum {
	BATCH_SPARE_BYTES = 64 * 1024, /* so that the longest path fits into the smallest batch */
	BATCH_PATH_BYTES = 128,        /* for each entry, on average */
	BATCH_LINK_FRACTION = 4,       /* of the entries: how many changes of names of files with several links */
};

static int open_store(struct collector *collector, char **error)
{
	const char *state = collector->config->state;
	int code = store_open(&collector->store, state, STORE_WRITE);

	if (code == -EBUSY)
		sentence(error, 0, "another collector is running on the state in %s", state);
	else if (code)
		sentence(error, 0, "the state in %s cannot be opened: %s", state,
			 collector->store ? store_error(collector->store) : strerror(-code));
	else if (store_is_replaced(collector->store))
		message(LOG_ERR,
			"the database in %s was damaged: it is kept as fschanged.db.damaged-*, a new one is begun, and "
			"all jobs need a full backup",
			state);
	return code;
}

/* What nobody traced is to be covered on filesystems that are there now, and on those that were then. */
static int set_traced(struct collector *collector)
{
	int code = store_widen_gaps(collector->store, collector->window);

	if (!code)
		code = store_set_traced(collector->store, 0, false);
	for (size_t i = 0; !code && i < collector->coverage.count; i++)
		code = store_set_traced(collector->store, collector->coverage.rows[i].id, true);
	return code;
}

/* From the first file that is traced on nothing may be missed: hooks, then filesystems, then what was open before. */
static int start(struct collector *collector)
{
	int code = filesystems_start(collector);

	if (!code)
		code = set_traced(collector);
	if (!code)
		code = tracer_enter_open_files(collector->tracer);
	if (!code)
		code = loops_find(&collector->loops);
	if (!code)
		code = collector_enter_loops(collector);
	collector->started = moment_now();
	if (!code)
		code = hidden_check(collector);
	if (!code)
		code = filesystems_depart(collector);
	return code ? code : takeover_end(collector);
}

static int open_watchers(struct collector *collector, char **error)
{
	int code = clock_open(&collector->clock);

	if (code)
		return sentence(error, code, "the clock cannot be watched: %s", strerror(-code));
	code = ftrace_open(&collector->ftrace);
	if (code)
		return sentence(error, code, "kernel.ftrace_enabled cannot be watched: %s", strerror(-code));
	return 0;
}

/* The hooks are attached: what changes meanwhile waits in the ring. */
static int check_store(struct collector *collector, char **error)
{
	int code = store_check(collector->store);

	return code ? sentence(error, code, "%s", store_error(collector->store)) : 0;
}

/* What the store says, and what is watched. */
static int open_state(struct collector *collector, char **error)
{
	const struct config *config = collector->config;
	int code = open_store(collector, error);

	if (code)
		return code;
	code = pause_load(collector);
	if (code)
		return sentence(error, code, "%s", store_error(collector->store));
	return coverage_open(&collector->coverage, collector->store, config->watch, config->watch_count, config->state,
			     error);
}

static int make_batch(struct collector *collector)
{
	size_t records = collector->config->batch;

	collector->batch =
		batch_new(records, records / BATCH_LINK_FRACTION, records * BATCH_PATH_BYTES + BATCH_SPARE_BYTES);
	collector->link_feed = link_feed_new();
	return collector->batch && collector->link_feed ? 0 : -ENOMEM;
}

static int open_window(struct collector *collector, char **error)
{
	int code = identity_check(collector);

	if (!code)
		code = takeover_open_window(collector);
	if (code)
		sentence(error, 0, "the window cannot be opened: %s", store_error(collector->store));
	return code;
}

static int begin_tracing(struct collector *collector, char **error)
{
	int code = takeover_open_tracer(collector, error);

	if (code)
		return code;
	code = takeover_account(collector);
	if (!code)
		code = start(collector);
	if (!code)
		code = identity_settle(collector);
	if (!code)
		code = describe_begin(collector);
	if (!code && collector->absence == GAP_CRASHED)
		code = check_store(collector, error);
	if (code && !*error)
		sentence(error, 0, "tracing cannot be started: %s", strerror(-code));
	return code;
}

int collector_open(struct collector *collector, const struct config *config, char **error)
{
	int code;

	*collector = (struct collector){.config = config, .clock = CLOCK_CLOSED, .ftrace = FTRACE_CLOSED};
	cover_forget(collector);
	code = open_state(collector, error);
	if (!code)
		code = make_batch(collector);
	if (!code)
		code = open_watchers(collector, error);
	if (!code)
		code = open_window(collector, error);
	return code ? code : begin_tracing(collector, error);
}

void collector_close(struct collector *collector)
{
	if (collector->settled && !collector_collect(collector, true))
		identity_leave(collector);
	cover_forget(collector);
	tracer_close(collector->tracer);
	batch_free(collector->batch);
	clock_close(&collector->clock);
	ftrace_close(&collector->ftrace);
	loops_free(&collector->loops);
	link_feed_free(collector->link_feed);
	seals_free(&collector->seals);
	coverage_close(&collector->coverage);
	store_close(collector->store);
}
