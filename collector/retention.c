// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "collector.h"
#include "message.h"
#include "moment.h"
#include "pause.h"
#include "retention.h"

enum {
	CHECK_INTERVAL = 5,  /* seconds */
	WINDOWS_OF_LIMIT = 4 /* the open window is cut at this part of limit_age: what nobody cuts would never age */
};

/* What every job has committed is of use to people for a while. */
int retention_prune(struct collector *collector)
{
	const struct config *config = collector->config;
	uint64_t keep = config->keep;
	size_t removed;

	if (config->limit_age && config->limit_age < keep)
		keep = config->limit_age;
	return store_prune(collector->store, moment_now() - (int64_t)keep * NANOSECONDS, &removed);
}

static int make_fresh(struct collector *collector, uint64_t last, enum fresh_reason reason)
{
	const char *word = fresh_word(reason);
	uint64_t count;
	int code = store_make_fresh(collector->store, NULL, last, word, moment_now() / NANOSECONDS, &count);

	if (!code && count)
		message(LOG_WARNING,
			"%" PRIu64 " job%s needed windows up to %" PRIu64 ": only a full backup will do now: %s", count,
			count == 1 ? "" : "s", last, fresh_sentence(word));
	return code;
}

static int cut(struct collector *collector)
{
	uint64_t closed;
	char *error = NULL;
	int code = window_cut(collector, NULL, &closed, &error);

	free(error);
	return code;
}

static int check_age(struct collector *collector)
{
	int64_t limit = (int64_t)collector->config->limit_age * NANOSECONDS, now = moment_now();
	struct store_window open;
	uint64_t number = 0;
	int code = store_last_window(collector->store, &open);

	if (!code && now - open.opened > limit / WINDOWS_OF_LIMIT)
		code = cut(collector);
	if (!code)
		code = store_closed_before(collector->store, now - limit, &number);
	if (code)
		return code == -ENOENT ? 0 : code;
	code = make_fresh(collector, number, FRESH_LIMIT_AGE);
	return code ? code : retention_prune(collector);
}

static bool is_too_large(struct collector *collector, int *code)
{
	uint64_t bytes = 0;

	if (!*code)
		*code = store_used(collector->store, &bytes);
	return !*code && bytes > collector->config->limit_size;
}

/* What people might still want to see goes first, then what the job needs that lags most. */
static int make_room(struct collector *collector)
{
	uint64_t base = 0;
	size_t removed;
	int code = store_prune(collector->store, INT64_MAX, &removed);

	while (is_too_large(collector, &code)) {
		code = store_oldest_base(collector->store, &base);
		if (code || base + 1 >= collector->closing)
			return code == -ENOENT ? 0 : code;
		code = make_fresh(collector, base + 1, FRESH_LIMIT_SIZE);
		if (!code)
			code = store_prune(collector->store, INT64_MAX, &removed);
	}
	return code;
}

static int check_size(struct collector *collector)
{
	int code = 0;

	if (is_too_large(collector, &code))
		code = make_room(collector);
	/* It is the open window, then. */
	if (!is_too_large(collector, &code))
		return code;
	code = cut(collector);
	return code ? code : make_room(collector);
}

int retention_check(struct collector *collector)
{
	int64_t now = moment_now();
	int code = 0;

	if (llabs(now - collector->retained) < CHECK_INTERVAL * NANOSECONDS)
		return 0;
	collector->retained = now;
	if (collector->config->limit_age)
		code = check_age(collector);
	if (!code && collector->config->limit_size)
		code = check_size(collector);
	return code ? code : pause_check(collector);
}
