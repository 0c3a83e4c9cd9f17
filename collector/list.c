// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "certificate.h"
#include "gap.h"
#include "list.h"
#include "list_links.h"
#include "list_rows.h"
#include "output.h"
#include "places.h"
#include "refine.h"
#include "relative.h"
#include "sentence.h"

enum {
	MEMORY_DEFAULT = 32 << 20,
	SORTERS = 5, /* changed, deleted, links three times */
};

struct maker {
	struct store *store;
	struct list_options options;
	struct reasons reasons;
	struct places *places;
	struct outputs *outputs;
	struct links *links;
	struct refine refine;
	uint64_t expected; /* the window that comes next */
	uint64_t repaired; /* gaps that scans have covered */
	struct certificate *certificate;
	list_report *report;
	void *context;
	struct list_result *result;
	char *error;
};

const char *list_verdict_word(enum list_verdict verdict)
{
	static const char *const words[] = {"complete", "repaired", "incomplete", "fresh"};

	return words[verdict];
}

static void report(const char *reason, void *context)
{
	const struct maker *maker = context;

	if (maker->certificate)
		certificate_add_reason(maker->certificate, reason);
	if (maker->report)
		maker->report(reason, maker->context);
}

/* What the store says against the windows */

static void report_missing_windows(struct maker *maker, uint64_t last)
{
	if (maker->expected == last)
		reasons_add(&maker->reasons, "window %" PRIu64 " is not in the store", last);
	else if (maker->expected < last)
		reasons_add(&maker->reasons, "windows %" PRIu64 " to %" PRIu64 " are not in the store", maker->expected,
			    last);
}

/* The windows of the list and those after it: what a file's ctime says depends on all that came since. */
static int check_window(const struct store_window *window, void *context)
{
	struct maker *maker = context;
	int code = refine_add_window(&maker->refine, window->number, window->opened, window->steady && !window->gaps);

	if (code || window->number > maker->options.last)
		return code;
	report_missing_windows(maker, window->number - 1);
	maker->expected = window->number + 1;
	if (maker->certificate)
		certificate_add_window(maker->certificate, window);
	if (!window->closed)
		reasons_add(&maker->reasons, "window %" PRIu64 " is still open", window->number);
	return 0;
}

static const char *time_text(int64_t nanoseconds, char *text, size_t size)
{
	time_t seconds = (time_t)(nanoseconds / 1000000000);
	struct tm parts;

	if (!nanoseconds || !gmtime_r(&seconds, &parts))
		return "now";
	strftime(text, size, "%Y-%m-%dT%H:%M:%SZ", &parts);
	return text;
}

static int check_gap(const struct store_gap *gap, void *context)
{
	struct maker *maker = context;
	const char *where = NULL, *advice = gap_advice(gap->reason);
	char started[64], ended[64];

	if (gap->filesystem != STORE_ALL_FILESYSTEMS) {
		where = places_mount_point(maker->places, gap->filesystem);
		where = where ? where : "a filesystem that the store does not know";
	}
	if (maker->certificate)
		certificate_add_gap(maker->certificate, gap, where);
	if (gap->repaired) {
		maker->repaired += gap_cover(gap->reason) != GAP_COVERED;
		return 0;
	}
	maker->result->gaps++;
	reasons_add(&maker->reasons, "changes between %s and %s on %s may be missing: %s%s%s",
		    time_text(gap->started, started, sizeof(started)), time_text(gap->ended, ended, sizeof(ended)),
		    where ? where : "all filesystems", gap->detail ? gap->detail : gap->reason, *advice ? "; " : "",
		    advice);
	return 0;
}

/* Where nothing is traced the lists are empty, whatever happens there. */
static void check_relative(struct maker *maker)
{
	const char *directory = maker->options.relative_to;

	if (directory && !places_cover(maker->places, directory))
		reasons_add_path(&maker->reasons, directory, strlen(directory),
				 "is neither in nor above a place that is watched and mounted: changes there are in "
				 "neither list ('fschanged status' shows what is traced)");
}

static int read_windows(struct maker *maker)
{
	uint64_t first = maker->options.first, last = maker->options.last;
	struct rows rows = {
		.places = maker->places,
		.outputs = maker->outputs,
		.links = maker->links,
		.refine = maker->options.no_refine ? NULL : &maker->refine,
		.error = &maker->error,
	};
	int code;

	maker->expected = first;
	code = store_windows(maker->store, first, 0, check_window, maker);
	if (code)
		return code;
	report_missing_windows(maker, last);
	code = store_gaps(maker->store, first, last, check_gap, maker);
	if (!code)
		code = links_begin(maker->links);
	if (!code)
		code = store_union(maker->store, first, last, rows_take, &rows);
	if (!code)
		code = links_check(maker->links, &maker->result->unnamed);
	return code;
}

static int confirm(struct maker *maker)
{
	int code = places_confirm(maker->places);

	return code ? sentence(&maker->error, code, "the mount table cannot be read: %s", strerror(-code)) : 0;
}

/* All that is read belongs to one state of the store: a gap that is repaired meanwhile is not missed. */
static int read_store(struct maker *maker)
{
	int code = store_begin(maker->store);

	if (!code)
		code = places_read(maker->places, maker->store);
	if (!code)
		check_relative(maker);
	if (!code && maker->options.first <= maker->options.last)
		code = read_windows(maker);
	if (code && !maker->error)
		sentence(&maker->error, code, "the store cannot be read: %s (%s)", strerror(-code),
			 store_error(maker->store));
	store_rollback(maker->store);
	places_report_rest(maker->places);
	return code ? code : confirm(maker);
}

/* The lists have the real path of everything. */
static int set_relative(struct maker *maker)
{
	const char *directory = maker->options.relative_to;
	char *real = NULL;
	int code = directory ? relative_resolve(directory, &real, &maker->error) : 0;

	maker->options.relative_to = real;
	return code < 0 ? code : 0;
}

static int prepare(struct maker *maker)
{
	const struct list_options *options = &maker->options;
	size_t memory = (options->memory ? options->memory : MEMORY_DEFAULT) / SORTERS;
	int code = set_relative(maker);

	refine_init(&maker->refine, options->first);
	if (!code && options->certificate)
		code = certificate_new(&maker->certificate, options, &maker->error);
	if (options->lacks)
		reasons_add(&maker->reasons, "%s", options->lacks);
	if (!code)
		code = outputs_new(&maker->outputs, options, memory, &maker->error);
	if (!code)
		code = places_new(&maker->places, options->mountinfo, options->relative_to, &maker->reasons,
				  &maker->error);
	if (!code)
		code = links_new(&maker->links, &(struct links_options){
							.store = maker->store,
							.places = maker->places,
							.outputs = maker->outputs,
							.reasons = &maker->reasons,
							.first = options->first,
							.last = options->last,
							.memory = memory,
							.settle = options->settle,
							.context = options->context,
							.error = &maker->error,
						});
	return code;
}

static enum list_verdict verdict(const struct maker *maker)
{
	if (maker->reasons.count)
		return LIST_INCOMPLETE;
	return maker->repaired ? LIST_REPAIRED : LIST_COMPLETE;
}

static int announce(struct maker *maker, enum list_verdict verdict)
{
	const struct list_options *options = &maker->options;

	if (!options->announce || !options->announce(verdict, options->context))
		return 0;
	return sentence(&maker->error, -ECANCELED, "that the list is %s cannot be noted: it is not written",
			list_verdict_word(verdict));
}

static int write_all(struct maker *maker, struct list_result *result)
{
	struct certificate *certificate = maker->certificate;
	int code;

	result->incomplete = maker->reasons.count;
	result->verdict = verdict(maker);
	code = announce(maker, result->verdict);
	if (!code && certificate)
		code = certificate_withdraw(certificate, &maker->error);
	if (!code)
		code = outputs_write(maker->outputs, result, &maker->error);
	if (!code && certificate)
		code = certificate_publish(certificate, result, !maker->options.no_refine && !maker->refine.unsure,
					   &maker->error);
	return code;
}

int list_make(struct store *store, const struct list_options *options, struct list_result *result, list_report *say,
	      void *context, char **error)
{
	struct maker maker = {
		.store = store,
		.options = *options,
		.report = say,
		.context = context,
		.result = result,
	};
	int code;

	maker.reasons = (struct reasons){report, &maker, 0};
	*result = (struct list_result){0};
	code = prepare(&maker);
	if (!code)
		code = read_store(&maker);
	if (!code && options->or_nothing && (result->unnamed || result->gaps))
		code = -EAGAIN;
	if (!code)
		code = write_all(&maker, result);
	if (code && !maker.error)
		sentence(&maker.error, code, "the lists cannot be made: %s", strerror(-code));
	*error = maker.error;
	links_free(maker.links);
	refine_free(&maker.refine);
	places_free(maker.places);
	outputs_free(maker.outputs, code != 0);
	certificate_free(maker.certificate, code != 0);
	free((char *)maker.options.relative_to);
	return code;
}
