// SPDX-License-Identifier: GPL-2.0
/* What the kernel offers, the programs of this build, and bpf(2): libbpf is known here and nowhere else. */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kernel.h"
#include "sentence.h"

#include "calls.skel.h"
#include "fschanged.skel.h"

/* ---- what it offers */

static int print_in_debugging(enum libbpf_print_level level, const char *format, va_list arguments)
{
	if (!getenv("FSCHANGED_DEBUG") || level == LIBBPF_DEBUG)
		return 0;
	return vfprintf(stderr, format, arguments);
}

static const struct hook_state hook_table[HOOK_COUNT] = {
#define X(hook, function_, presence_, missed, purpose_)                                                                \
	[HOOK_##hook] = {.name = #hook, .function = #function_, .purpose = (purpose_), .presence = (presence_)},
	HOOKS(X)
#undef X
};

static void close_btf(struct btf **btf)
{
	btf__free(*btf);
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

bool kernel_has(const struct hook_state *hook, enum tracer_mode mode)
{
	return mode == TRACER_LSM ? hook->in_lsm : hook->in_function;
}

static bool is_required(const struct hook_state *hook)
{
	return hook->presence == HOOK_REQUIRED || hook->presence == HOOK_FUNCTION;
}

int tracer_probe(struct hook_state *hooks, enum tracer_mode *mode, const char **reason)
{
	struct btf *btf __attribute__((cleanup(close_btf))) = NULL;

	libbpf_set_print(print_in_debugging);
	btf = btf__load_vmlinux_btf();
	memcpy(hooks, hook_table, sizeof(hook_table));
	if (!btf) {
		*reason = "the kernel has no type information (/sys/kernel/btf/vmlinux): it must be built with "
			  "CONFIG_DEBUG_INFO_BTF=y, as the kernels of all current distributions are";
		return -ENOENT;
	}
	probe_hooks(btf, hooks);
	*mode = choose_mode(reason);
	for (size_t i = 0; i < HOOK_COUNT; i++) {
		if (is_required(&hooks[i]) && !kernel_has(&hooks[i], *mode)) {
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

/* ---- the programs */

enum { WAKE_FRACTION = 4 }; /* of the ring; beyond it programs wake the collector */

struct load {
	struct fschanged_bpf *programs;
	enum tracer_mode mode;
	const char *mapped_files; /* the iterator that finds them on this kernel */
};

static void end_load(struct load *load)
{
	fschanged_bpf__destroy(load->programs);
}

_Static_assert(sizeof(struct fschanged_bpf__rodata) == sizeof(struct calls_bpf__rodata) &&
		       sizeof(struct fschanged_bpf__bss) == sizeof(struct calls_bpf__bss) &&
		       offsetof(struct fschanged_bpf__bss, globals) == offsetof(struct calls_bpf__bss, globals),
	       "the two builds of the programs have different globals");

/* They differ only in how they read the kernel's memory: by_loads is faster, see bpf/compat.h. */
static struct fschanged_bpf *open_programs(bool by_loads)
{
	struct fschanged_bpf *programs = calloc(1, sizeof(*programs));
	int code = programs ? fschanged_bpf__create_skeleton(programs) : -ENOMEM;

	if (!code && !by_loads)
		programs->skeleton->data = (void *)calls_bpf__elf_bytes(&programs->skeleton->data_sz);
	if (!code)
		code = bpf_object__open_skeleton(programs->skeleton, NULL);
	if (!code)
		return programs;
	fschanged_bpf__destroy(programs);
	errno = -code;
	return NULL;
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

/* Programs come in pairs, from one body each: lsm_<name> and fentry_<name>. */
static struct bpf_program *find_program(const struct load *load, const char *name, enum tracer_mode mode)
{
	char program[128];

	snprintf(program, sizeof(program), "%s_%s", mode == TRACER_LSM ? "lsm" : "fentry", name);
	return bpf_object__find_program_by_name(load->programs->obj, program);
}

/* Loads one of a pair, or none. */
static void select_program(const struct load *load, const char *name, bool wanted)
{
	for (enum tracer_mode mode = TRACER_LSM; mode <= TRACER_FENTRY; mode++)
		bpf_program__set_autoload(find_program(load, name, mode), wanted && mode == load->mode);
}

static void set_argument(const struct load *load, size_t hook, const struct btf *btf, const struct btf_type *prototype)
{
	struct settings *settings = (struct settings *)&load->programs->rodata->settings;
	int dentry = argument_index(btf, prototype, "dentry"), inode = argument_index(btf, prototype, "inode");

	settings->by_inode[hook] = dentry < 0 && inode >= 0;
	settings->dentry_argument[hook] = dentry >= 0 ? dentry : inode >= 0 ? inode : 0;
}

static void select_programs(struct load *load, const struct hook_state *hooks, const struct btf *btf)
{
	bool has_iterator = find_function(btf, "", "bpf_iter_task_vma");

	for (size_t i = 0; i < HOOK_COUNT; i++) {
		bool available = kernel_has(&hooks[i], load->mode);

		select_program(load, hooks[i].name, available);
		if (available)
			set_argument(load, i, btf, hook_prototype(btf, &hooks[i], load->mode));
	}
	/* Mappings are found by their iterator where the kernel has it, by the list of its time where not. */
	load->mapped_files = has_iterator ? "mapped_files" : "mapped_files_linked";
	select_program(load, "mapped_files", has_iterator);
	select_program(load, "mapped_files_linked", !has_iterator);
	select_program(load, "open_files", true);
	select_program(load, "mark_writers", true);
	select_program(load, "count_mounts", true);
	select_program(load, "count_writers", true);
	select_program(load, "carry_renames", true);
	select_program(load, "carry_writers", true);
	select_program(load, "carry_operations", true);
}

static void set_sizes(const struct load *load, const struct tracer_options *options)
{
	struct fschanged_bpf *programs = load->programs;
	uint32_t slots = (load->mode == TRACER_LSM ? SLOTS_CLAIMED : SLOTS_FIXED) + 1;

	programs->rodata->settings.slots = slots;
	programs->rodata->settings.precise = options->precise;
	programs->rodata->settings.cpus = libbpf_num_possible_cpus();
	programs->rodata->settings.wake_bytes = options->ring / WAKE_FRACTION;
	bpf_map__set_max_entries(programs->maps.events, options->ring);
	bpf_map__set_max_entries(programs->maps.writers, options->writers);
	bpf_map__set_max_entries(programs->maps.reported, options->reported);
	bpf_map__set_max_entries(programs->maps.operations, options->operations);
	bpf_map__set_max_entries(programs->maps.scratch, slots * libbpf_num_possible_cpus());
}

static int keep(int descriptor, int *kept)
{
	*kept = fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
	return *kept < 0 ? -errno : 0;
}

static int keep_program(const struct load *load, const char *name, int *kept)
{
	const struct bpf_program *program = find_program(load, name, load->mode);

	return program && bpf_program__autoload(program) ? keep(bpf_program__fd(program), kept) : 0;
}

/* What is pinned is all that counts: libbpf's own objects go. */
static int keep_all(const struct load *load, struct loaded *loaded)
{
	const struct bpf_map *const maps[MAP_COUNT] = {
#define X(name) [MAP_##name] = load->programs->maps.name,
		MAPS(X)
#undef X
	};
	static const char *const iterators[ITERATOR_COUNT] = {
#define X(name) [ITERATOR_##name] = #name,
		ITERATORS(X)
#undef X
	};
	static const char *const hooks[HOOK_COUNT] = {
#define X(hook, function, presence, missed, purpose) [HOOK_##hook] = #hook,
		HOOKS(X)
#undef X
	};
	int code = 0;

	for (size_t i = 0; !code && i < MAP_COUNT; i++)
		code = keep(bpf_map__fd(maps[i]), &loaded->maps[i]);
	for (size_t i = 0; !code && i < ITERATOR_COUNT; i++)
		code = keep_program(load, i == ITERATOR_mapped_files ? load->mapped_files : iterators[i],
				    &loaded->iterators[i]);
	for (size_t i = 0; !code && i < HOOK_COUNT; i++)
		code = keep_program(load, hooks[i], &loaded->hooks[i]);
	return code;
}

static int refused(int code, char **error)
{
	if (code == -EPERM)
		sentence(error, 0,
			 "the kernel refuses to load the programs (%s): this needs root with CAP_BPF and "
			 "CAP_PERFMON, and no lockdown",
			 strerror(-code));
	else if (code)
		sentence(error, 0, "the kernel does not accept the programs: %s; FSCHANGED_DEBUG=1 shows its reasons",
			 strerror(-code));
	return code;
}

static int load_programs(struct load *load, bool by_loads, const struct hook_state *hooks, const struct btf *btf,
			 const struct tracer_options *options)
{
	load->programs = open_programs(by_loads);
	if (!load->programs)
		return -errno;
	select_programs(load, hooks, btf);
	set_sizes(load, options);
	return fschanged_bpf__load(load->programs);
}

int kernel_load(const struct hook_state *hooks, enum tracer_mode mode, const struct tracer_options *options,
		struct loaded *loaded, char **error)
{
	struct btf *btf __attribute__((cleanup(close_btf))) = btf__load_vmlinux_btf();
	struct load load __attribute__((cleanup(end_load))) = {.mode = mode};
	int code;

	if (!btf)
		return refused(-errno, error);
	/* Whether a kernel takes loads shows when it is asked. */
	code = load_programs(&load, true, hooks, btf, options);
	if (code) {
		end_load(&load);
		code = load_programs(&load, false, hooks, btf, options);
	}
	return code ? refused(code, error) : keep_all(&load, loaded);
}

static uint64_t add_bytes(uint64_t sum, const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		sum = (sum ^ bytes[i]) * 0x100000001b3;
	return sum;
}

uint64_t kernel_build(void)
{
	size_t size, size_of_calls;
	const uint8_t *bytes = fschanged_bpf__elf_bytes(&size), *calls = calls_bpf__elf_bytes(&size_of_calls);

	return add_bytes(add_bytes(0xcbf29ce484222325, bytes, size), calls, size_of_calls); /* FNV-1a */
}

uint32_t kernel_globals_offset(void)
{
	return offsetof(struct fschanged_bpf__bss, globals);
}

struct globals *kernel_map_globals(int map)
{
	char *bytes = mmap(NULL, sizeof(struct fschanged_bpf__bss), PROT_READ | PROT_WRITE, MAP_SHARED, map, 0);

	return bytes == MAP_FAILED ? NULL : (struct globals *)(bytes + kernel_globals_offset());
}

void kernel_unmap_globals(struct globals *globals)
{
	if (globals)
		munmap((char *)globals - kernel_globals_offset(), sizeof(struct fschanged_bpf__bss));
}

/* ---- maps, programs, links */

enum {
	LOOKUP_BATCH = 512,
	KEY_BYTES = 8, /* the longest key of a table that is read as a whole */
};

static struct bpf_map_info map_info(int map)
{
	struct bpf_map_info info = {};
	uint32_t length = sizeof(info);

	if (bpf_obj_get_info_by_fd(map, &info, &length))
		info = (struct bpf_map_info){};
	return info;
}

uint32_t kernel_value_bytes(int map)
{
	return map_info(map).value_size;
}

uint32_t kernel_entries(int map)
{
	return map_info(map).max_entries;
}

int kernel_get(int map, const void *key, void *value)
{
	return bpf_map_lookup_elem(map, key, value);
}

int kernel_put(int map, const void *key, const void *value)
{
	return bpf_map_update_elem(map, key, value, BPF_ANY);
}

int kernel_add(int map, const void *key, const void *value)
{
	return bpf_map_update_elem(map, key, value, BPF_NOEXIST);
}

int kernel_remove(int map, const void *key)
{
	return bpf_map_delete_elem(map, key);
}

int kernel_next_key(int map, const void *key, void *next)
{
	return bpf_map_get_next_key(map, key, next);
}

/*
 * In batches, because these take a bucket as a whole: none is skipped while others are deleted, unlike with the
 * iterator.
 */
int kernel_each_entry(int map, int (*each)(const void *key, const void *value, void *context), void *context)
{
	const struct bpf_map_info info = map_info(map);
	char keys[LOOKUP_BATCH * KEY_BYTES];
	uint32_t batch, count;
	void *position = NULL;
	char *values = NULL;
	int result, code = 0;

	if (!info.value_size || info.key_size > KEY_BYTES)
		return -EINVAL;
	values = malloc((size_t)LOOKUP_BATCH * info.value_size);
	if (!values)
		return -ENOMEM;
	do {
		count = LOOKUP_BATCH;
		result = bpf_map_lookup_batch(map, position, &batch, keys, values, &count, NULL);
		if (result && result != -ENOENT)
			break;
		for (uint32_t i = 0; !code && i < count; i++)
			code = each(keys + i * info.key_size, values + (size_t)i * info.value_size, context);
		position = &batch;
	} while (!result && !code);
	free(values);
	return code ? code : result == -ENOENT ? 0 : result;
}

int kernel_make_cell(const char *name, uint32_t value_bytes)
{
	return bpf_map_create(BPF_MAP_TYPE_ARRAY, name, 4, value_bytes, 1, NULL);
}

int kernel_open_barrier(struct barrier *barrier)
{
	LIBBPF_OPTS(bpf_map_create_opts, options);

	barrier->inner = kernel_make_cell("inner", 4);
	if (barrier->inner < 0)
		return barrier->inner;
	options.inner_map_fd = barrier->inner;
	barrier->outer = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "barrier", 4, 4, 1, &options);
	return barrier->outer < 0 ? barrier->outer : 0;
}

/*
 * An update of an array of maps waits for all programs that may hold the old inner map, which is all that run now
 * (maybe_wait_bpf_programs(), kernel/bpf/syscall.c). membarrier(2) does not do this on one CPU or with nohz_full.
 */
int kernel_wait_for_programs(const struct barrier *barrier)
{
	uint32_t key = 0, value = (uint32_t)barrier->inner;

	return bpf_map_update_elem(barrier->outer, &key, &value, BPF_ANY);
}

int kernel_open_pin(const char *path)
{
	return bpf_obj_get(path);
}

int kernel_pin(int descriptor, const char *path)
{
	return bpf_obj_pin(descriptor, path);
}

int kernel_attach(int program)
{
	return bpf_raw_tracepoint_open(NULL, program);
}

int kernel_program_of(int link)
{
	struct bpf_link_info info = {};
	uint32_t length = sizeof(info);
	int code = bpf_obj_get_info_by_fd(link, &info, &length);

	return code ? code : bpf_prog_get_fd_by_id(info.prog_id);
}

uint64_t kernel_missed_runs(int program)
{
	struct bpf_prog_info info = {};
	uint32_t length = sizeof(info);

	return bpf_obj_get_info_by_fd(program, &info, &length) ? MISSED_UNKNOWN : info.recursion_misses;
}

static int read_to_end(int descriptor)
{
	char buffer[256];
	ssize_t bytes;

	do
		bytes = read(descriptor, buffer, sizeof(buffer));
	while (bytes > 0 || (bytes < 0 && (errno == EINTR || errno == EAGAIN)));
	return bytes < 0 ? -errno : 0;
}

int kernel_run_iterator(int program, int map)
{
	union bpf_iter_link_info info = {.map.map_fd = map >= 0 ? map : 0};
	LIBBPF_OPTS(bpf_link_create_opts, options);
	int link, descriptor, result;

	if (map >= 0) {
		options.iter_info = &info;
		options.iter_info_len = sizeof(info);
	}
	link = bpf_link_create(program, 0, BPF_TRACE_ITER, &options);
	if (link < 0)
		return link;
	descriptor = bpf_iter_create(link);
	result = descriptor < 0 ? descriptor : read_to_end(descriptor);
	if (descriptor >= 0)
		close(descriptor);
	close(link);
	return result;
}
