// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "collector.h"
#include "format.h"
#include "measure.h"
#include "output.h"
#include "process.h"
#include "stream.h"

enum {
	BATCH = 32768, /* as config.c has it */
	BATCH_BYTES = BATCH * 128 + 65536,
	REPEATED = 10000, /* paths that are named again and again */
};

struct options options = {.paths = 1000000, .windows = 30, .directory = "/var/tmp"};

static char state[LINE];

static void remove_state(void)
{
	char command[LINE + 16];

	snprintf(command, sizeof(command), "rm -rf '%s'", state);
	if (*state && system(command))
		fprintf(stderr, "bench-native: %s stays\n", state);
}

static void open_collector(struct collector *collector)
{
	struct store_filesystem filesystem = {.identity = "one", .type = "ext4", .mount_point = "/", .root = "/"};
	bool is_new;

	snprintf(state, sizeof(state), "%s/bench-native-XXXXXX", options.directory);
	if (!mkdtemp(state))
		must(-errno, state);
	*collector = (struct collector){.window = 1, .closing = 1};
	must(store_open(&collector->store, state, STORE_WRITE), "the store");
	must(store_open_window(collector->store, 1, 1), "a window");
	must(store_put_filesystem(collector->store, &filesystem, &is_new), "a filesystem");
	collector->batch = batch_new(BATCH, BATCH / 4, BATCH_BYTES);
	collector->link_feed = link_feed_new();
	must(collector->batch && collector->link_feed ? 0 : -ENOMEM, "memory");
}

static void close_collector(struct collector *collector)
{
	batch_free(collector->batch);
	link_feed_free(collector->link_feed);
	store_close(collector->store);
	remove_state();
}

static void open_next_window(struct collector *collector)
{
	must(store_close_window(collector->store, collector->window, 2, 1), "closing a window");
	collector->window = ++collector->closing;
	must(store_open_window(collector->store, collector->window, 2), "a window");
}

struct taken {
	double records, seconds, processor;
};

/* So many records, of paths from number offset on, so many of them distinct, into the store. */
static struct taken feed(struct collector *collector, const struct source *source, uint64_t offset, uint64_t distinct,
			 uint64_t records)
{
	double generated, start, used;

	stream_begin(source, collector->window, offset, distinct, records);
	generated = stream_generate();
	start = seconds();
	used = processor_seconds();
	must(collector_collect(collector, true), "taking records");
	return (struct taken){(double)records, seconds() - start - generated, processor_seconds() - used - generated};
}

static void put(json_t *row, const char *name, double value)
{
	json_object_set_new(row, name, json_real(value));
}

static void put_rates(json_t *row, struct taken taken)
{
	put(row, "paths_a_second", taken.records / taken.seconds);
	put(row, "paths_a_processor_second", taken.records / taken.processor);
}

static int count(const struct dirty *entry, void *context)
{
	(void)entry;
	++*(uint64_t *)context;
	return 0;
}

static uint64_t count_union(struct collector *collector, double *taken)
{
	uint64_t entries = 0;
	double start = processor_seconds();

	must(store_union(collector->store, 1, collector->window, count, &entries), "the union");
	*taken = processor_seconds() - start;
	return entries;
}

/* Distinct paths, as many as were asked for. What a file's record enters beside it, its directory, is in the bytes. */
static void measure_distinct(json_t *row, const struct source *source)
{
	struct collector collector;
	double reading;
	uint64_t bytes = 0, entries;

	open_collector(&collector);
	put_rates(row, feed(&collector, source, 0, options.paths, options.paths));
	put(row, "memory_mib", peak_memory());
	must(store_used(collector.store, &bytes), "the size");
	put(row, "bytes_a_path", (double)bytes / (double)options.paths);
	entries = count_union(&collector, &reading);
	put(row, "entries", (double)entries);
	put(row, "union_processor_seconds", reading);
	close_collector(&collector);
}

/* What the ring holds, from its first record to the commit of its last one. */
static void measure_burst(json_t *row, const struct source *source)
{
	struct collector collector;
	char path[LINE];
	uint64_t records = RING_BYTES / (sizeof(struct event) + (size_t)source->path(path, 0));

	open_collector(&collector);
	put(row, "records", (double)records);
	put_rates(row, feed(&collector, source, 0, records, records));
	close_collector(&collector);
}

static void measure_repeated(json_t *row, const struct source *source)
{
	struct collector collector;

	open_collector(&collector);
	put_rates(row, feed(&collector, source, 0, REPEATED, options.paths));
	close_collector(&collector);
}

/* Of the directory above all of the paths. */
static void measure_rename(json_t *row, const struct source *source)
{
	struct collector collector;
	double start;

	open_collector(&collector);
	feed(&collector, source, 0, options.paths, options.paths);
	start = seconds();
	for (int side = 0; side < 2; side++) {
		static const char *const names[] = {"/mail", "/post"};

		collector.held = stream_record(names[side], strlen(names[side]),
					       side ? OPERATION_RENAME_TO : OPERATION_RENAME_FROM, S_IFDIR | 0700);
		must(collector_collect(&collector, false), "taking a record");
	}
	must(collector_flush(&collector), "writing");
	put(row, "milliseconds", (seconds() - start) * 1000);
	close_collector(&collector);
}

static int list_entry(const struct dirty *entry, void *context)
{
	const struct sorted sorted = {
		.path = entry->path,
		.length = entry->path_length,
		.mode = S_IFREG | 0600,
		.facts = entry->facts,
		.first = entry->first,
		.last = entry->last,
	};
	char *error = NULL;

	return outputs_add(context, LIST_CHANGED, &sorted, &error);
}

/* As `dump -0 --changed FILE`, without the looks at the files. In a process of its own, as that is. */
static void write_list(json_t *row, const void *context)
{
	const char *directory = context;
	char file[LINE + 8];
	struct list_options list = {.format = format_find("nul")};
	struct list_result result = {0};
	struct outputs *outputs;
	struct store *store;
	char *error = NULL;
	double start = seconds();

	snprintf(file, sizeof(file), "%s/list", directory);
	list.changed = file;
	must(store_open(&store, directory, STORE_READ), "the store");
	must(outputs_new(&outputs, &list, (32 << 20) / 5, &error), "the list");
	must(store_union(store, 1, 1, list_entry, outputs), "the union");
	must(outputs_write(outputs, &result, &error), "the list");
	outputs_free(outputs, false);
	put(row, "seconds", seconds() - start);
	put(row, "processor_seconds", processor_seconds());
	put(row, "paths", (double)result.changed);
	put(row, "memory_mib", peak_memory());
	store_close(store);
}

static void measure_list(json_t *row, const struct source *source)
{
	struct collector collector;

	open_collector(&collector);
	feed(&collector, source, 0, options.paths, options.paths);
	store_close(collector.store);
	collector.store = NULL;
	in_child(row, write_list, state);
	close_collector(&collector);
}

static double union_of(const struct source *source, unsigned windows)
{
	struct collector collector;
	uint64_t share = options.paths / windows, best_of = 3;
	double best = 0;

	open_collector(&collector);
	for (unsigned window = 0; window < windows; window++) {
		if (window)
			open_next_window(&collector);
		feed(&collector, source, window * share, share, share);
	}
	while (best_of--) {
		double taken;

		count_union(&collector, &taken);
		best = best && best < taken ? best : taken;
	}
	close_collector(&collector);
	return best;
}

static void measure_union(json_t *row, const struct source *source)
{
	double one = union_of(source, 1), many = union_of(source, options.windows);

	put(row, "one_window_processor_seconds", one);
	put(row, "processor_seconds", many);
	put(row, "windows", options.windows);
	put(row, "ratio", many / one);
}

const struct measurement measurements[] = {
	{"distinct-mail", measure_distinct, &mail},
	{"distinct-home", measure_distinct, &home},
	{"distinct-container", measure_distinct, &container},
	{"burst-mail", measure_burst, &mail},
	{"burst-home", measure_burst, &home},
	{"burst-container", measure_burst, &container},
	{"repeated-mail", measure_repeated, &mail},
	{"rename-above-all", measure_rename, &mail},
	{"list-mail", measure_list, &mail},
	{"union-mail", measure_union, &mail},
	{0},
};
