// SPDX-License-Identifier: GPL-2.0
/* Shows the windows. Reads the store itself, so that it works without a collector. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "command.h"
#include "gap.h"
#include "moment.h"

struct arguments {
	bool json;
};

enum { KEY_JSON = OPTION_KEY };

static const struct argp_option windows_options[] = {
	{"json", KEY_JSON, NULL, 0, "Print them as JSON", 0},
	{0},
};

static error_t parse(int key, char *value, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	(void)value;
	if (key != KEY_JSON)
		return ARGP_ERR_UNKNOWN;
	arguments->json = true;
	return 0;
}

static const struct argp argp = {
	.options = windows_options,
	.parser = parse,
	.doc = "Lists the windows: when each was opened and closed, how many paths changed in it, and whether anything "
	       "may "
	       "be missing.",
};

/* For one window: are there gaps, and are all of them repaired? */
struct verdict {
	uint64_t gaps, repaired;
	json_t *list; /* NULL: not wanted */
};

static int add_gap(const struct store_gap *gap, void *context)
{
	struct verdict *verdict = context;
	int code = 0;

	if (gap_cover(gap->reason) != GAP_COVERED) {
		verdict->gaps++;
		verdict->repaired += gap->repaired;
	}
	if (verdict->list)
		code = json_array_append_new(verdict->list,
					     json_pack("{s:s, s:o, s:b}", "reason", gap->reason, "detail",
						       command_json_text(gap->detail), "repaired", gap->repaired));
	return code ? -ENOMEM : 0;
}

static const char *verdict_name(const struct store_window *window, const struct verdict *verdict)
{
	if (!window->closed)
		return "open";
	if (!verdict->gaps)
		return "complete";
	return verdict->gaps == verdict->repaired ? "repaired" : "incomplete";
}

/* A path that came again may be in several runs and count as often: told apart by reading so many entries, in all. */
enum { ENTRIES_READ = 5000000 };

struct listing {
	struct store *store;
	json_t *windows;   /* NULL: for people */
	uint64_t readable; /* entries */
};

static int count_path(const struct dirty *entry, void *context)
{
	(void)entry;
	++*(uint64_t *)context;
	return 0;
}

static int count_paths(struct listing *listing, struct store_window *window)
{
	uint64_t count = 0;
	int code;

	if (window->paths > listing->readable)
		return 0;
	listing->readable -= window->paths;
	code = store_union(listing->store, window->number, window->number, count_path, &count);
	window->paths = count;
	return code;
}

static int64_t duration(const struct store_window *window)
{
	return (window->closed ? window->closed : moment_now()) - window->opened;
}

static void print_row(const struct store_window *window, const struct verdict *verdict)
{
	char opened[MOMENT_BYTES], closed[MOMENT_BYTES], lasted[MOMENT_BYTES];

	printf("%8" PRIu64 "  %s  %-19s  %9s  %10" PRIu64 "  %s", window->number, moment_local(window->opened, opened),
	       window->closed ? moment_local(window->closed, closed) : "", moment_duration(duration(window), lasted),
	       window->paths, verdict_name(window, verdict));
	if (verdict->gaps)
		printf(" (%" PRIu64 " gap%s)", verdict->gaps, verdict->gaps == 1 ? "" : "s");
	putchar('\n');
}

static int add_json(json_t *windows, const struct store_window *window, const struct verdict *verdict)
{
	char text[MOMENT_BYTES];
	json_t *row = json_pack("{s:I, s:s}", "window", (json_int_t)window->number, "opened",
				moment_iso(window->opened, text));

	if (window->closed)
		json_object_set_new(row, "closed", json_string(moment_iso(window->closed, text)));
	else
		json_object_set_new(row, "closed", json_null());
	json_object_set_new(row, "seconds", json_integer(duration(window) / NANOSECONDS));
	json_object_set_new(row, "paths", json_integer(window->paths));
	json_object_set_new(row, "events", json_integer(window->events));
	json_object_set_new(row, "verdict", json_string(verdict_name(window, verdict)));
	json_object_set_new(row, "gaps", json_incref(verdict->list));
	return json_array_append_new(windows, row) ? -ENOMEM : 0;
}

static int show(const struct store_window *row, void *context)
{
	struct listing *listing = context;
	struct store_window window = *row;
	struct verdict verdict = {.list = listing->windows ? json_array() : NULL};
	int code = store_gaps(listing->store, window.number, window.number, add_gap, &verdict);

	if (code == 0)
		code = count_paths(listing, &window);
	if (code == 0 && listing->windows)
		code = add_json(listing->windows, &window, &verdict);
	else if (code == 0)
		print_row(&window, &verdict);
	json_decref(verdict.list);
	return code;
}

static int list_windows(struct store *store, bool json)
{
	struct listing listing = {
		.store = store,
		.windows = json ? json_array() : NULL,
		.readable = ENTRIES_READ,
	};
	int code = store_begin(store);

	if (!json)
		puts("  window  opened               closed                 duration       paths  verdict");
	if (code == 0)
		code = store_windows(store, 1, 0, show, &listing);
	if (code == 0)
		code = store_commit(store);
	if (code == 0)
		return json ? command_print_json(listing.windows) : EXIT_DONE;
	json_decref(listing.windows);
	return command_fail_store(store, code);
}

static int run(int argc, char **argv)
{
	struct arguments arguments = {0};
	struct options options;
	struct store *store = NULL;
	int status = options_parse(&argp, argc, argv, &options, &arguments);

	if (status == EXIT_DONE)
		status = command_open_store(&options, &store);
	if (status == EXIT_DONE)
		status = list_windows(store, arguments.json);
	store_close(store);
	options_free(&options);
	return status;
}

const struct command command_windows = {"windows", "list the windows", run};
