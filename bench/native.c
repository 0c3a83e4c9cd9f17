// SPDX-License-Identifier: GPL-2.0
/*
 * Measures the collector without a kernel: a generated stream of records goes through the code that takes them from the
 * ring, into a store, and out of it into a list. Each measurement is a process of its own, so that its peak memory is.
 * The time that the generator takes is measured by itself and taken off.
 */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "collector.h"
#include "format.h"
#include "output.h"

enum {
	RING_BYTES = 32 << 20,
	BATCH = 32768, /* as config.c has it */
	BATCH_BYTES = BATCH * 128 + 65536,
	DEVICE = 5,
	REPEATED = 10000, /* paths that are named again and again */
	CLOCK_EVERY = 256,
	LINE = 512,
};

static struct {
	uint64_t paths;
	unsigned windows;
	const char *only, *directory, *json;
} options = {.paths = 1000000, .windows = 30, .directory = "/var/tmp", .json = "build/bench/native.json"};

/* Paths */

static const char *const words[] = {"report", "budget", "notes",  "draft",  "photo",  "invoice", "meeting", "archive",
				    "source", "module", "parser", "server", "client", "config",  "script",  "readme"};
static const char *const endings[] = {".c", ".h", ".py", ".txt", ".odt", ".jpg", ".md", ".json"};

enum { WORDS = sizeof(words) / sizeof(*words), ENDINGS = sizeof(endings) / sizeof(*endings) };

static uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 31) * 0x7fb5d329728ea185;
	x = (x ^ x >> 27) * 0x81dadef4bc2dd44d;
	return x ^ x >> 33;
}

/* A maildir: 50 messages changed in each box. */
static int mail(char *path, uint64_t i)
{
	uint64_t box = i / 50, r = mix(i);

	return sprintf(path, "/mail/%02x/%02x/user%06u/Maildir/cur/%u.M%06uP%u.mx%u:2,%s", (unsigned)(mix(box) & 0xff),
		       (unsigned)(mix(box) >> 8 & 0xff), (unsigned)box, 1764300000 + (unsigned)(r % 864000),
		       (unsigned)(r >> 20) % 1000000, 1000 + (unsigned)(r >> 40) % 30000, 1 + (unsigned)(r >> 60) % 4,
		       r & 1 << 20 ? "S" : "FS");
}

/* Trees of people's files: a dozen in a directory. */
static int home(char *path, uint64_t i)
{
	uint64_t directory = i / 12, r = mix(directory);
	int length = sprintf(path, "/home/user%04u", (unsigned)(directory / 500));

	for (uint64_t level = 0, rest = directory % 500; level < 2 + r % 4; level++, rest /= WORDS)
		length += sprintf(path + length, "/%s%s", words[(rest + level) % WORDS], level & 1 ? "s" : "");
	return length + sprintf(path + length, "/%s-%u/%s_%s%u%s", words[r >> 8 & 15], (unsigned)(directory % 500),
				words[mix(i) & 15], words[mix(i) >> 4 & 15], (unsigned)(i % 12),
				endings[mix(i) >> 8 & 7]);
}

/* Layers of container images: 8,000 files each, unpacked in order. */
static int container(char *path, uint64_t i)
{
	uint64_t layer = i / 8000, inside = i % 8000, directory = inside / 16;
	int length = sprintf(path, "/var/lib/containers/storage/overlay/");

	for (unsigned part = 0; part < 4; part++)
		length += sprintf(path + length, "%016llx", (unsigned long long)mix(layer * 4 + part + 1));
	return length + sprintf(path + length, "/diff/usr/lib/python3/dist-packages/%s_%s/%s%u/%s_%s%u%s",
				words[directory & 15], words[directory >> 4 & 15], words[directory >> 8 & 15],
				(unsigned)directory, words[mix(inside) & 15], words[mix(inside) >> 4 & 15],
				(unsigned)(inside % 16), endings[mix(inside) >> 8 & 7]);
}

static const struct source {
	const char *name;
	int (*path)(char *path, uint64_t i);
	uint8_t operation;
	bool shuffled;
} sources[] = {
	{"mail", mail, OPERATION_CREATE, true},
	{"home", home, OPERATION_OPEN, true},
	{"container", container, OPERATION_CREATE, false},
};

/* In place of the ring */

static struct {
	const struct source *source;
	uint64_t next, end; /* records */
	uint64_t offset, distinct, stride;
	uint64_t window;
	uint64_t used; /* bytes that are not released */
	uint64_t time;
	uint8_t operation; /* 0: the source's */
	struct {
		struct event event;
		char path[LINE];
	} record;
} stream;

/* Odd, and no divisor of what people ask for. */
static uint64_t stride_of(uint64_t count)
{
	uint64_t stride = count / 3 * 2 | 1;

	for (uint64_t a = stride, b = count;; a = stride, b = count) {
		while (b) {
			uint64_t rest = a % b;

			a = b;
			b = rest;
		}
		if (a == 1)
			return stride;
		stride += 2;
	}
}

static void begin_stream(const struct source *source, uint64_t offset, uint64_t distinct, uint64_t records)
{
	stream.source = source;
	stream.next = 0;
	stream.end = records;
	stream.offset = offset;
	stream.distinct = distinct;
	stream.stride = source->shuffled ? stride_of(distinct) : 1;
	stream.used = 0;
	stream.operation = source->operation;
}

/* Components leaf first. */
static uint16_t turn_around(char *to, const char *path, size_t length)
{
	size_t end = length, used = 0;

	while (end) {
		const char *name = (const char *)memrchr(path, '/', end) + 1;
		size_t size = (size_t)(path + end - name);

		memcpy(to + used, name, size);
		used += size;
		to[used++] = '/';
		end = (size_t)(name - 1 - path);
	}
	return (uint16_t)used;
}

static void make_record(const char *path, size_t length, uint8_t operation)
{
	stream.record.event = (struct event){
		.kind = EVENT_PATH,
		.operation = operation,
		.epoch = stream.window,
		.time = stream.time,
		.device = DEVICE,
		.inode = stream.next + 1,
		.links = 1,
		.mode = S_IFREG | 0600,
		.path_bytes = turn_around(stream.record.path, path, length),
	};
	stream.used += sizeof(struct event) + stream.record.event.path_bytes;
}

static uint64_t boot_time(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static const struct event *next_record(void)
{
	char path[LINE];
	uint64_t i = stream.next % stream.distinct * stream.stride % stream.distinct;

	if (stream.next % CLOCK_EVERY == 0)
		stream.time = boot_time();
	make_record(path, (size_t)stream.source->path(path, stream.offset + i), stream.operation);
	stream.next++;
	return &stream.record.event;
}

uint64_t __wrap_tracer_produced(const struct tracer *tracer)
{
	(void)tracer;
	return stream.end;
}

uint64_t __wrap_tracer_consumed(const struct tracer *tracer)
{
	(void)tracer;
	return stream.next;
}

const struct event *__wrap_tracer_next(struct tracer *tracer)
{
	(void)tracer;
	return next_record();
}

void __wrap_tracer_release(struct tracer *tracer, bool keep_last)
{
	(void)tracer;
	(void)keep_last;
	stream.used = 0;
}

bool __wrap_tracer_is_repeated(const struct tracer *tracer, const struct event *event)
{
	(void)tracer;
	(void)event;
	return false;
}

void __wrap_tracer_position(const struct tracer *tracer, bool keep_last, uint64_t *ring, uint64_t *position)
{
	(void)tracer;
	(void)keep_last;
	*ring = 1;
	*position = stream.next;
}

void __wrap_tracer_ring_use(const struct tracer *tracer, uint64_t *bytes, uint64_t *used)
{
	(void)tracer;
	*bytes = RING_BYTES;
	*used = stream.used;
}

int __wrap_filesystems_find(struct collector *collector, const struct event *event, uint32_t *filesystem)
{
	(void)collector;
	(void)event;
	*filesystem = 1;
	return 0;
}

int __wrap_losses_check(struct collector *collector, uint64_t first)
{
	(void)collector;
	(void)first;
	return 0;
}

int __wrap_seals_check(struct collector *collector, uint64_t first)
{
	(void)collector;
	(void)first;
	return 0;
}

/* Measuring */

static double read_clock(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double seconds(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

/* What this process has used: where others use the machine too, it says more than the time that has passed. */
static double processor_seconds(void)
{
	return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

static void must(int code, const char *what)
{
	if (!code)
		return;
	fprintf(stderr, "bench-native: %s: %s\n", what, strerror(-code));
	exit(1);
}

static double peak_memory(void)
{
	char line[LINE];
	double kibibytes = 0;
	FILE *file = fopen("/proc/self/status", "r");

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "VmHWM: %lf", &kibibytes) == 1)
			break;
	if (file)
		fclose(file);
	return kibibytes / 1024;
}

static double generator_seconds(void)
{
	double start = processor_seconds();

	while (stream.next < stream.end)
		next_record();
	stream.next = 0;
	stream.used = 0;
	return processor_seconds() - start;
}

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
	stream.window = 1;
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
	stream.window = collector->window;
	must(store_open_window(collector->store, collector->window, 2), "a window");
}

struct taken {
	double seconds, processor;
};

/* All of the stream into the store. */
static struct taken feed(struct collector *collector)
{
	double generated = generator_seconds(), start = seconds(), used = processor_seconds();

	must(collector_collect(collector, true), "taking records");
	return (struct taken){seconds() - start - generated, processor_seconds() - used - generated};
}

static void put(json_t *row, const char *name, double value)
{
	json_object_set_new(row, name, json_real(value));
}

static void put_rates(json_t *row, struct taken taken)
{
	put(row, "paths_a_second", (double)stream.end / taken.seconds);
	put(row, "paths_a_processor_second", (double)stream.end / taken.processor);
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
	begin_stream(source, 0, options.paths, options.paths);
	put_rates(row, feed(&collector));
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
	begin_stream(source, 0, records, records);
	put(row, "records", (double)records);
	put_rates(row, feed(&collector));
	close_collector(&collector);
}

static void measure_repeated(json_t *row, const struct source *source)
{
	struct collector collector;

	open_collector(&collector);
	begin_stream(source, 0, REPEATED, options.paths);
	put_rates(row, feed(&collector));
	close_collector(&collector);
}

/* Of the directory above all of the paths. */
static void measure_rename(json_t *row, const struct source *source)
{
	struct collector collector;
	double start;

	open_collector(&collector);
	begin_stream(source, 0, options.paths, options.paths);
	feed(&collector);
	start = seconds();
	for (int side = 0; side < 2; side++) {
		static const char *const names[] = {"/mail", "/post"};

		make_record(names[side], strlen(names[side]), side ? OPERATION_RENAME_TO : OPERATION_RENAME_FROM);
		stream.record.event.mode = S_IFDIR | 0700;
		collector.held = &stream.record.event;
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
static void write_list(json_t *row)
{
	char file[LINE + 8];
	struct list_options list = {.format = format_find("nul")};
	struct list_result result = {0};
	struct outputs *outputs;
	struct store *store;
	char *error = NULL;
	double start = seconds();

	snprintf(file, sizeof(file), "%s/list", state);
	list.changed = file;
	must(store_open(&store, state, STORE_READ), "the store");
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

static void in_child(json_t *row, void (*measure)(json_t *row))
{
	size_t size = 65536;
	char *shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	json_t *from;
	int status;
	pid_t child;

	fflush(NULL);
	child = shared == MAP_FAILED ? -1 : fork();
	if (child == 0) {
		measure(row);
		json_dumpb(row, shared, size - 1, 0);
		_exit(0);
	}
	if (child < 0 || waitpid(child, &status, 0) < 0)
		must(-errno, "a process");
	if (status)
		exit(1);
	from = json_loads(shared, 0, NULL);
	json_object_update(row, from);
	json_decref(from);
	munmap(shared, size);
}

static void measure_list(json_t *row, const struct source *source)
{
	struct collector collector;

	open_collector(&collector);
	begin_stream(source, 0, options.paths, options.paths);
	feed(&collector);
	store_close(collector.store);
	collector.store = NULL;
	in_child(row, write_list);
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
		begin_stream(source, window * share, share, share);
		feed(&collector);
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

static const struct measurement {
	const char *name;
	void (*measure)(json_t *row, const struct source *source);
	size_t source; /* index of sources */
} measurements[] = {
	{"distinct-mail", measure_distinct, 0},
	{"distinct-home", measure_distinct, 1},
	{"distinct-container", measure_distinct, 2},
	{"burst-mail", measure_burst, 0},
	{"burst-home", measure_burst, 1},
	{"burst-container", measure_burst, 2},
	{"repeated-mail", measure_repeated, 0},
	{"rename-above-all", measure_rename, 0},
	{"list-mail", measure_list, 0},
	{"union-mail", measure_union, 0},
};

static const struct measurement *current;

static void run_current(json_t *row)
{
	current->measure(row, &sources[current->source]);
}

static void print(const char *name, json_t *row)
{
	const char *key;
	json_t *value;

	printf("%-20s", name);
	json_object_foreach(row, key, value)
		printf("  %s %.*f", key, json_number_value(value) < 1000 ? 3 : 0, json_number_value(value));
	putchar('\n');
}

static int write_json(json_t *all)
{
	FILE *file = fopen(options.json, "w");
	int code;

	if (!file) {
		perror(options.json);
		return 1;
	}
	code = json_dumpf(all, file, JSON_INDENT(2));
	if (fclose(file) || code) {
		fprintf(stderr, "bench-native: %s cannot be written\n", options.json);
		return 1;
	}
	return 0;
}

static int usage(FILE *to)
{
	fputs("usage: bench-native [--paths N] [--windows N] [--only NAME] [--directory DIR] [--json FILE]\n"
	      "--only: measurements whose names begin with NAME\n",
	      to);
	return to == stderr ? 2 : 0;
}

int main(int argc, char **argv)
{
	static const struct option long_options[] = {
		{"paths", required_argument, NULL, 'p'},
		{"windows", required_argument, NULL, 'w'},
		{"only", required_argument, NULL, 'o'},
		{"directory", required_argument, NULL, 'd'},
		{"json", required_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	json_t *all = json_object();
	int option, code;

	while ((option = getopt_long(argc, argv, "", long_options, NULL)) >= 0) {
		switch (option) {
		case 'p':
			options.paths = strtoull(optarg, NULL, 10);
			break;
		case 'w':
			options.windows = (unsigned)strtoul(optarg, NULL, 10);
			break;
		case 'o':
			options.only = optarg;
			break;
		case 'd':
			options.directory = optarg;
			break;
		case 'j':
			options.json = optarg;
			break;
		case 'h':
			return usage(stdout);
		default:
			return usage(stderr);
		}
	}
	if (!options.windows || options.paths < options.windows)
		return usage(stderr);
	json_object_set_new(all, "paths", json_integer((json_int_t)options.paths));
	for (size_t i = 0; i < sizeof(measurements) / sizeof(*measurements); i++) {
		json_t *row = json_object();

		current = &measurements[i];
		if (!options.only || !strncmp(current->name, options.only, strlen(options.only))) {
			in_child(row, run_current);
			print(current->name, row);
			json_object_set(all, current->name, row);
		}
		json_decref(row);
	}
	code = write_json(all);
	json_decref(all);
	return code;
}
