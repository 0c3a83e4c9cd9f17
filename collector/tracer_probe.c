// SPDX-License-Identifier: GPL-2.0
/* What this kernel offers. */
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tracer_private.h"

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

const struct btf_type *tracer_find_function(const struct btf *btf, const char *prefix, const char *name)
{
	char function[128];
	int id;

	snprintf(function, sizeof(function), "%s%s", prefix, name);
	id = btf__find_by_name_kind(btf, function, BTF_KIND_FUNC);
	if (id < 0)
		return NULL;
	return btf__type_by_id(btf, btf__type_by_id(btf, id)->type);
}

const struct btf_type *tracer_hook_prototype(const struct btf *btf, const struct hook_state *hook,
					     enum tracer_mode mode)
{
	if (mode == TRACER_LSM && hook->presence != HOOK_FUNCTION)
		return tracer_find_function(btf, "bpf_lsm_", hook->name);
	return tracer_find_function(btf, "", hook->function);
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
		hooks[i].in_lsm = tracer_hook_prototype(btf, &hooks[i], TRACER_LSM);
		hooks[i].in_function = tracer_hook_prototype(btf, &hooks[i], TRACER_FENTRY);
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

bool tracer_is_available(const struct hook_state *hook, enum tracer_mode mode)
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
		if (hooks[i].presence == HOOK_REQUIRED && !tracer_is_available(&hooks[i], *mode)) {
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
