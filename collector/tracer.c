// SPDX-License-Identifier: GPL-2.0
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ring.h"
#include "tracer.h"
#include "sentence.h"

#include "fschanged.skel.h"

enum {
	CARRY_ROUNDS = 4,
	SUMS = 3, /* of counters that change meanwhile: the largest counts */
	LOOKUP_BATCH = 512,
	WAKE_FRACTION = 4, /* of the ring; beyond it programs wake the collector */
};

struct tracer {
	struct fschanged_bpf *programs;
	struct hook_state hooks[HOOK_COUNT];
	struct bpf_link *links[HOOK_COUNT];
	enum tracer_mode mode;
	const char *mapped_files; /* the iterator that finds them on this kernel */
	struct ring ring;
	int barrier; /* an array of maps */
	int inner;   /* a map to put into it */
};

static const struct hook_state hook_table[HOOK_COUNT] = {
#define X(hook, function_, presence_, purpose_)                                                                        \
	[HOOK_##hook] = {.name = #hook, .function = #function_, .purpose = (purpose_), .presence = (presence_)},
	HOOKS(X)
#undef X
};

static void close_btf(struct btf **btf)
{
	btf__free(*btf);
}

static void free_string(char **string)
{
	free(*string);
}

static const struct btf_type *find_function(const struct btf *btf, const char *prefix, const char *name)
{
	char function[128];
	int id;

	snprintf(function, sizeof(function), "%s%s", prefix, name);
	id = btf__find_by_name_kind(btf, function, BTF_KIND_FUNC);
	if (id < 0)
		return NULL;
	return btf__type_by_id(btf, btf__type_by_id(btf, id)->type);
}

static const struct btf_type *hook_prototype(const struct btf *btf, const struct hook_state *hook,
					     enum tracer_mode mode)
{
	if (mode == TRACER_LSM && hook->presence != HOOK_FUNCTION)
		return find_function(btf, "bpf_lsm_", hook->name);
	return find_function(btf, "", hook->function);
}

/* Index of the first argument that points to the structure: it moves when the kernel adds arguments before it. */
static int argument_index(const struct btf *btf, const struct btf_type *prototype, const char *structure)
{
	const struct btf_param *parameters = btf_params(prototype);

	for (int i = 0; i < btf_vlen(prototype); i++) {
		const struct btf_type *type = btf__type_by_id(btf, parameters[i].type);

		if (!btf_is_ptr(type))
			continue;
		type = btf__type_by_id(btf, type->type);
		if (btf_is_struct(type) && strcmp(btf__name_by_offset(btf, type->name_off), structure) == 0)
			return i;
	}
	return -1;
}

/* 1: `bpf` is an active LSM; 0: it is not; -errno: this cannot be told. */
static int lsm_is_active(void)
{
	FILE *file = fopen("/sys/kernel/security/lsm", "re");
	char line[512] = "";
	int active = 0;

	if (!file)
		return -errno;
	if (fgets(line, sizeof(line), file)) {
		for (char *save, *name = strtok_r(line, ",\n", &save); name; name = strtok_r(NULL, ",\n", &save))
			active |= strcmp(name, "bpf") == 0;
	}
	fclose(file);
	return active;
}

static void probe_hooks(const struct btf *btf, struct hook_state *hooks)
{
	memcpy(hooks, hook_table, sizeof(hook_table));
	for (size_t i = 0; i < HOOK_COUNT; i++) {
		hooks[i].in_lsm = hook_prototype(btf, &hooks[i], TRACER_LSM);
		hooks[i].in_function = hook_prototype(btf, &hooks[i], TRACER_FENTRY);
	}
}

static enum tracer_mode choose_mode(const char **reason)
{
	int active = lsm_is_active();

	*reason = NULL;
	if (active > 0)
		return TRACER_LSM;
	*reason = active == 0 ? "'bpf' is not among the active LSMs in /sys/kernel/security/lsm"
			      : "/sys/kernel/security/lsm cannot be read";
	return TRACER_FENTRY;
}

static bool is_available(const struct hook_state *hook, enum tracer_mode mode)
{
	return mode == TRACER_LSM ? hook->in_lsm : hook->in_function;
}

int tracer_probe(struct hook_state *hooks, enum tracer_mode *mode, const char **reason)
{
	struct btf *btf __attribute__((cleanup(close_btf))) = btf__load_vmlinux_btf();

	memcpy(hooks, hook_table, sizeof(hook_table));
	if (!btf) {
		*reason = "the kernel has no type information (/sys/kernel/btf/vmlinux): it must be built with "
			  "CONFIG_DEBUG_INFO_BTF=y, as the kernels of all current distributions are";
		return -ENOENT;
	}
	probe_hooks(btf, hooks);
	*mode = choose_mode(reason);
	for (size_t i = 0; i < HOOK_COUNT; i++) {
		if (hooks[i].presence == HOOK_REQUIRED && !is_available(&hooks[i], *mode)) {
			*reason = "the kernel lacks a hook that is required";
			return -ENOSYS;
		}
	}
	if (libbpf_probe_bpf_prog_type(*mode == TRACER_LSM ? BPF_PROG_TYPE_LSM : BPF_PROG_TYPE_TRACING, NULL) == 1)
		return 0;
	*reason = "the kernel refuses programs that trace: this needs root with CAP_BPF and CAP_PERFMON, and a kernel "
		  "that is not locked down";
	return -EPERM;
}

/* Programs come in pairs, from one body each: lsm_<name> and fentry_<name>. */
static struct bpf_program *find_program(const struct tracer *tracer, const char *name, enum tracer_mode mode)
{
	char program[128];

	snprintf(program, sizeof(program), "%s_%s", mode == TRACER_LSM ? "lsm" : "fentry", name);
	return bpf_object__find_program_by_name(tracer->programs->obj, program);
}

/* Loads one of a pair, or none. */
static void select_program(struct tracer *tracer, const char *name, bool wanted)
{
	for (enum tracer_mode mode = TRACER_LSM; mode <= TRACER_FENTRY; mode++)
		bpf_program__set_autoload(find_program(tracer, name, mode), wanted && mode == tracer->mode);
}

static void set_argument(struct tracer *tracer, size_t hook, const struct btf *btf, const struct btf_type *prototype)
{
	struct settings *settings = (struct settings *)&tracer->programs->rodata->settings;
	int dentry = argument_index(btf, prototype, "dentry"), inode = argument_index(btf, prototype, "inode");

	settings->by_inode[hook] = dentry < 0 && inode >= 0;
	settings->dentry_argument[hook] = dentry >= 0 ? dentry : inode >= 0 ? inode : 0;
}

static void select_programs(struct tracer *tracer, const struct btf *btf)
{
	bool has_iterator = find_function(btf, "", "bpf_iter_task_vma");

	for (size_t i = 0; i < HOOK_COUNT; i++) {
		const struct hook_state *hook = &tracer->hooks[i];
		bool available = is_available(hook, tracer->mode);

		select_program(tracer, hook->name, available);
		if (available)
			set_argument(tracer, i, btf, hook_prototype(btf, hook, tracer->mode));
	}
	/* Mappings are found by their iterator where the kernel has it, by the list of its time where not. */
	tracer->mapped_files = has_iterator ? "mapped_files" : "mapped_files_linked";
	select_program(tracer, "mapped_files", has_iterator);
	select_program(tracer, "mapped_files_linked", !has_iterator);
	select_program(tracer, "open_files", true);
	select_program(tracer, "mark_writers", true);
	select_program(tracer, "count_mounts", true);
	select_program(tracer, "count_writers", true);
	select_program(tracer, "carry_writers", true);
	select_program(tracer, "carry_operations", true);
}

static void set_sizes(struct tracer *tracer, const struct tracer_options *options)
{
	struct fschanged_bpf *programs = tracer->programs;
	uint32_t slots = (tracer->mode == TRACER_LSM ? SLOTS_CLAIMED : SLOTS_FIXED) + 1;

	programs->rodata->settings.slots = slots;
	programs->rodata->settings.cpus = libbpf_num_possible_cpus();
	programs->rodata->settings.wake_bytes = options->ring / WAKE_FRACTION;
	bpf_map__set_max_entries(programs->maps.events, options->ring);
	bpf_map__set_max_entries(programs->maps.writers, options->writers);
	bpf_map__set_max_entries(programs->maps.reported, options->reported);
	bpf_map__set_max_entries(programs->maps.operations, options->operations);
	bpf_map__set_max_entries(programs->maps.scratch, slots * libbpf_num_possible_cpus());
}

static int open_barrier(struct tracer *tracer)
{
	LIBBPF_OPTS(bpf_map_create_opts, options);

	tracer->inner = bpf_map_create(BPF_MAP_TYPE_ARRAY, "inner", 4, 4, 1, NULL);
	if (tracer->inner < 0)
		return tracer->inner;
	options.inner_map_fd = tracer->inner;
	tracer->barrier = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "barrier", 4, 4, 1, &options);
	return tracer->barrier < 0 ? tracer->barrier : 0;
}

static int attach_hook(struct tracer *tracer, size_t hook)
{
	struct bpf_link *link;

	if (tracer->links[hook])
		return 0;
	link = bpf_program__attach(find_program(tracer, tracer->hooks[hook].name, tracer->mode));
	if (!link)
		return -errno;
	tracer->links[hook] = link;
	tracer->hooks[hook].attached = true;
	return 0;
}

static void detach_hook(struct tracer *tracer, size_t hook)
{
	bpf_link__destroy(tracer->links[hook]);
	tracer->links[hook] = NULL;
	tracer->hooks[hook].attached = false;
}

static int attach_hooks(struct tracer *tracer, char **error)
{
	for (size_t i = 0; i < HOOK_COUNT; i++) {
		const struct hook_state *hook = &tracer->hooks[i];
		int result;

		if (hook->presence == HOOK_ON_DEMAND || !is_available(hook, tracer->mode))
			continue;
		result = attach_hook(tracer, i);
		if (result) {
			sentence(error, 0, "the hook %s cannot be attached: %s", hook->name, strerror(-result));
			return result;
		}
	}
	return 0;
}

static int print_in_debugging(enum libbpf_print_level level, const char *format, va_list arguments)
{
	if (!getenv("FSCHANGED_DEBUG") || level == LIBBPF_DEBUG)
		return 0;
	return vfprintf(stderr, format, arguments);
}

static int load(struct tracer *tracer, const struct tracer_options *options, const struct btf *btf, char **error)
{
	int result;

	tracer->programs = fschanged_bpf__open();
	if (!tracer->programs) {
		result = -errno;
		sentence(error, 0, "the programs cannot be opened: %s", strerror(-result));
		return result;
	}
	select_programs(tracer, btf);
	set_sizes(tracer, options);
	result = fschanged_bpf__load(tracer->programs);
	if (result == -EPERM)
		sentence(error, 0,
			 "the kernel refuses to load the programs (%s): this needs root with CAP_BPF and "
			 "CAP_PERFMON, and no lockdown",
			 strerror(-result));
	else if (result)
		sentence(error, 0, "the kernel does not accept the programs: %s; FSCHANGED_DEBUG=1 shows its reasons",
			 strerror(-result));
	return result;
}

int tracer_open(struct tracer **result, const struct tracer_options *options, uint64_t epoch, char **error)
{
	struct btf *btf __attribute__((cleanup(close_btf))) = NULL;
	struct tracer *tracer = calloc(1, sizeof(*tracer));
	const char *reason;
	int code;

	if (!tracer)
		return -ENOMEM;
	tracer->barrier = tracer->inner = -1;
	libbpf_set_print(print_in_debugging);
	code = tracer_probe(tracer->hooks, &tracer->mode, &reason);
	if (code) {
		*error = strdup(reason);
		goto fail;
	}
	btf = btf__load_vmlinux_btf();
	code = load(tracer, options, btf, error);
	if (code)
		goto fail;
	tracer->programs->bss->epoch = epoch;
	tracer->programs->bss->collector = getpid();
	code = ring_open(&tracer->ring, bpf_map__fd(tracer->programs->maps.events), options->ring);
	if (!code)
		code = open_barrier(tracer);
	if (code) {
		sentence(error, 0, "the ring buffer cannot be set up: %s", strerror(-code));
		goto fail;
	}
	code = attach_hooks(tracer, error);
	if (code)
		goto fail;
	*result = tracer;
	return 0;
fail:
	tracer_close(tracer);
	return code;
}

void tracer_close(struct tracer *tracer)
{
	if (!tracer)
		return;
	for (size_t i = 0; i < HOOK_COUNT; i++)
		detach_hook(tracer, i);
	ring_close(&tracer->ring);
	if (tracer->barrier >= 0)
		close(tracer->barrier);
	if (tracer->inner >= 0)
		close(tracer->inner);
	fschanged_bpf__destroy(tracer->programs);
	free(tracer);
}

enum tracer_mode tracer_mode(const struct tracer *tracer)
{
	return tracer->mode;
}

const struct hook_state *tracer_hooks(const struct tracer *tracer)
{
	return tracer->hooks;
}

int tracer_trace(struct tracer *tracer, uint32_t device, bool on)
{
	int map = bpf_map__fd(tracer->programs->maps.superblocks);
	const struct superblock entry = {0};
	int result;

	if (on)
		return bpf_map_update_elem(map, &device, &entry, BPF_ANY);
	result = bpf_map_delete_elem(map, &device);
	return result == -ENOENT ? 0 : result;
}

bool tracer_has_ended(const struct tracer *tracer, uint32_t device)
{
	struct superblock entry;

	return !bpf_map_lookup_elem(bpf_map__fd(tracer->programs->maps.superblocks), &device, &entry) && entry.ended;
}

/* Runs an iterator to its end. map: -1, or the map that it goes over. */
static int run_iterator(struct tracer *tracer, const char *name, int map)
{
	union bpf_iter_link_info info = {.map.map_fd = map >= 0 ? map : 0};
	LIBBPF_OPTS(bpf_iter_attach_opts, options);
	struct bpf_link *link;
	char buffer[256];
	ssize_t bytes;
	int result = 0, descriptor;

	if (map >= 0) {
		options.link_info = &info;
		options.link_info_len = sizeof(info);
	}
	link = bpf_program__attach_iter(find_program(tracer, name, tracer->mode), &options);
	if (!link)
		return -errno;
	descriptor = bpf_iter_create(bpf_link__fd(link));
	if (descriptor < 0) {
		result = descriptor;
		goto out;
	}
	do
		bytes = read(descriptor, buffer, sizeof(buffer));
	while (bytes > 0 || (bytes < 0 && (errno == EINTR || errno == EAGAIN)));
	if (bytes < 0)
		result = -errno;
	close(descriptor);
out:
	bpf_link__destroy(link);
	return result;
}

int tracer_enter_open_files(struct tracer *tracer)
{
	int result = run_iterator(tracer, "open_files", -1);

	return result ? result : run_iterator(tracer, tracer->mapped_files, -1);
}

int tracer_show_every(struct tracer *tracer, bool on)
{
	tracer->programs->bss->every = on;
	for (size_t i = 0; i < HOOK_COUNT; i++) {
		int result = 0;

		if (tracer->hooks[i].presence != HOOK_ON_DEMAND || !is_available(&tracer->hooks[i], tracer->mode))
			continue;
		if (on)
			result = attach_hook(tracer, i);
		else
			detach_hook(tracer, i);
		if (result)
			return result;
	}
	return 0;
}

int tracer_descriptor(const struct tracer *tracer)
{
	return bpf_map__fd(tracer->programs->maps.events);
}

const struct event *tracer_next(struct tracer *tracer)
{
	return ring_next(&tracer->ring);
}

void tracer_release(struct tracer *tracer, bool keep_last)
{
	ring_release(&tracer->ring, keep_last);
}

uint64_t tracer_produced(const struct tracer *tracer)
{
	return ring_produced(&tracer->ring);
}

uint64_t tracer_consumed(const struct tracer *tracer)
{
	return tracer->ring.position;
}

void tracer_ring_use(const struct tracer *tracer, uint64_t *bytes, uint64_t *used)
{
	*bytes = tracer->ring.size;
	*used = ring_produced(&tracer->ring) - *tracer->ring.consumer;
}

/*
 * An update of an array of maps waits for all programs that may hold the old inner map, which is all that run now
 * (maybe_wait_bpf_programs(), kernel/bpf/syscall.c). membarrier(2) does not do this on one CPU or with nohz_full.
 */
static int wait_for_programs(struct tracer *tracer)
{
	uint32_t key = 0, value = tracer->inner;

	return bpf_map_update_elem(tracer->barrier, &key, &value, BPF_ANY);
}

int tracer_flip(struct tracer *tracer, uint64_t epoch)
{
	__atomic_store_n(&tracer->programs->bss->epoch, epoch, __ATOMIC_SEQ_CST);
	return wait_for_programs(tracer);
}

/*
 * Calls back for each value of a hash. In batches, because these take a bucket as a whole: none is skipped while others
 * are deleted, unlike with the iterator.
 */
static int each_value(int map, size_t value_size, void (*each)(const void *value, void *context), void *context)
{
	uint64_t keys[LOOKUP_BATCH];
	uint32_t batch, count;
	void *position = NULL;
	char *values = malloc(LOOKUP_BATCH * value_size);
	int result;

	if (!values)
		return -ENOMEM;
	do {
		count = LOOKUP_BATCH;
		result = bpf_map_lookup_batch(map, position, &batch, keys, values, &count, NULL);
		if (result && result != -ENOENT)
			break;
		for (uint32_t i = 0; i < count; i++)
			each(values + i * value_size, context);
		position = &batch;
	} while (!result);
	free(values);
	return result == -ENOENT ? 0 : result;
}

struct laggards {
	uint64_t epoch;
	uint64_t count;
};

static void count_laggard(const void *value, void *context)
{
	struct laggards *laggards = context;

	/* The epoch is the first member of both kinds of value. */
	laggards->count += *(const uint64_t *)value != laggards->epoch;
}

static void count_any(const void *value, void *context)
{
	(void)value;
	++*(uint64_t *)context;
}

static int carry_map(struct tracer *tracer, const char *iterator, struct bpf_map *map)
{
	struct laggards laggards = {.epoch = tracer->programs->bss->epoch};

	for (int round = 0; round < CARRY_ROUNDS; round++) {
		int result = run_iterator(tracer, iterator, bpf_map__fd(map));

		laggards.count = 0;
		if (!result)
			result = each_value(bpf_map__fd(map), bpf_map__value_size(map), count_laggard, &laggards);
		if (result || !laggards.count)
			return result;
	}
	return -EAGAIN;
}

int tracer_carry(struct tracer *tracer)
{
	int result = carry_map(tracer, "carry_writers", tracer->programs->maps.writers);

	return result ? result : carry_map(tracer, "carry_operations", tracer->programs->maps.operations);
}

int tracer_writers(const struct tracer *tracer, uint64_t *count)
{
	struct bpf_map *map = tracer->programs->maps.writers;

	*count = 0;
	return each_value(bpf_map__fd(map), bpf_map__value_size(map), count_any, count);
}

int tracer_count_held(struct tracer *tracer)
{
	int writers = bpf_map__fd(tracer->programs->maps.writers);
	int superblocks = bpf_map__fd(tracer->programs->maps.superblocks);
	int result;

	tracer->programs->bss->look++;
	result = run_iterator(tracer, "mark_writers", writers);
	for (int i = 0; i < SUMS && !result; i++)
		result = run_iterator(tracer, "count_mounts", superblocks);
	return result ? result : run_iterator(tracer, "count_writers", writers);
}

int64_t tracer_held(const struct tracer *tracer, uint32_t device)
{
	struct superblock entry;

	if (bpf_map_lookup_elem(bpf_map__fd(tracer->programs->maps.superblocks), &device, &entry) ||
	    entry.look != tracer->programs->bss->look)
		return HELD_UNKNOWN;
	return entry.held - entry.known;
}

static uint64_t missed_runs(const struct bpf_program *program)
{
	struct bpf_prog_info info = {};
	uint32_t length = sizeof(info);

	if (bpf_program__fd(program) < 0 || bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &length))
		return 0;
	return info.recursion_misses;
}

static uint64_t map_memory(const struct bpf_map *map)
{
	char *path __attribute__((cleanup(free_string))) = NULL;
	char line[128];
	uint64_t bytes = 0;
	FILE *file;

	if (asprintf(&path, "/proc/self/fdinfo/%d", bpf_map__fd(map)) < 0)
		return 0;
	file = fopen(path, "re");
	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "memlock: %" SCNu64, &bytes) == 1)
			break;
	fclose(file);
	return bytes;
}

uint64_t tracer_memory(const struct tracer *tracer)
{
	struct bpf_map *map;
	uint64_t bytes = 0;

	bpf_object__for_each_map(map, tracer->programs->obj) bytes += map_memory(map);
	return bytes;
}

int tracer_counters(const struct tracer *tracer, struct tracer_counters *counters)
{
	const struct fschanged_bpf *programs = tracer->programs;
	struct bpf_program *program;

	*counters = (struct tracer_counters){.submitted = programs->bss->submitted};
	counters->losses = *(const struct losses *)&programs->bss->losses;
	bpf_object__for_each_program(program, programs->obj) counters->missed_runs += missed_runs(program);
	return 0;
}
