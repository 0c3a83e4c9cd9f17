// SPDX-License-Identifier: GPL-2.0
/* The programs of this build, loaded into the kernel. */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tracer_private.h"
#include "sentence.h"

#include "fschanged.skel.h"

static void close_btf(struct btf **btf)
{
	btf__free(*btf);
}

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
	bool has_iterator = tracer_find_function(btf, "", "bpf_iter_task_vma");

	for (size_t i = 0; i < HOOK_COUNT; i++) {
		bool available = tracer_is_available(&hooks[i], load->mode);

		select_program(load, hooks[i].name, available);
		if (available)
			set_argument(load, i, btf, tracer_hook_prototype(btf, &hooks[i], load->mode));
	}
	/* Mappings are found by their iterator where the kernel has it, by the list of its time where not. */
	load->mapped_files = has_iterator ? "mapped_files" : "mapped_files_linked";
	select_program(load, "mapped_files", has_iterator);
	select_program(load, "mapped_files_linked", !has_iterator);
	select_program(load, "open_files", true);
	select_program(load, "mark_writers", true);
	select_program(load, "count_mounts", true);
	select_program(load, "count_writers", true);
	select_program(load, "carry_writers", true);
	select_program(load, "carry_operations", true);
}

static void set_sizes(const struct load *load, const struct tracer_options *options)
{
	struct fschanged_bpf *programs = load->programs;
	uint32_t slots = (load->mode == TRACER_LSM ? SLOTS_CLAIMED : SLOTS_FIXED) + 1;

	programs->rodata->settings.slots = slots;
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
static int keep_all(const struct load *load, struct generation *generation)
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
#define X(hook, function, presence, purpose) [HOOK_##hook] = #hook,
		HOOKS(X)
#undef X
	};
	int code = 0;

	for (size_t i = 0; !code && i < MAP_COUNT; i++)
		code = keep(bpf_map__fd(maps[i]), &generation->maps[i]);
	for (size_t i = 0; !code && i < ITERATOR_COUNT; i++)
		code = keep_program(load, i == ITERATOR_mapped_files ? load->mapped_files : iterators[i],
				    &generation->iterators[i]);
	for (size_t i = 0; !code && i < HOOK_COUNT; i++)
		code = keep_program(load, hooks[i], &generation->hooks[i]);
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

int tracer_load(struct tracer *tracer, const struct tracer_options *options, char **error)
{
	struct btf *btf __attribute__((cleanup(close_btf))) = btf__load_vmlinux_btf();
	struct load load __attribute__((cleanup(end_load))) = {.mode = tracer->mode};
	int code;

	load.programs = btf ? fschanged_bpf__open() : NULL;
	if (!load.programs)
		return refused(-errno, error);
	select_programs(&load, tracer->hooks, btf);
	set_sizes(&load, options);
	code = fschanged_bpf__load(load.programs);
	return code ? refused(code, error) : keep_all(&load, &tracer->own);
}

uint64_t tracer_build(void)
{
	uint64_t sum = 0xcbf29ce484222325; /* FNV-1a */
	size_t size;
	const uint8_t *bytes = fschanged_bpf__elf_bytes(&size);

	for (size_t i = 0; i < size; i++)
		sum = (sum ^ bytes[i]) * 0x100000001b3;
	return sum;
}

void tracer_describe(struct pin_header *header)
{
	header->magic = PIN_MAGIC;
	header->version = PIN_VERSION;
	header->build = tracer_build();
	header->event_bytes = sizeof(struct event);
	header->epoch = offsetof(struct fschanged_bpf__bss, epoch);
	header->losses = offsetof(struct fschanged_bpf__bss, losses);
	header->accounted = offsetof(struct fschanged_bpf__bss, accounted);
	header->losses_bytes = sizeof(struct losses);
}

int tracer_map_globals(struct generation *generation)
{
	generation->globals = mmap(NULL, sizeof(*generation->globals), PROT_READ | PROT_WRITE, MAP_SHARED,
				   generation->maps[MAP_bss], 0);
	if (generation->globals != MAP_FAILED)
		return 0;
	generation->globals = NULL;
	return -errno;
}
