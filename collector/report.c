// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <unistd.h>

#include "moment.h"
#include "report.h"
#include "store_walk.h"

const char *report_hook(const struct hook_state *hook, enum tracer_mode mode)
{
	bool available = mode == TRACER_LSM ? hook->in_lsm : hook->in_function;

	if (hook->attached)
		return "";
	if (hook->presence == HOOK_ON_DEMAND)
		return "attached while somebody asks for it";
	if (!available && hook->presence == HOOK_IF_PRESENT)
		return "this kernel does not have it and does not need it";
	return available ? "not attached" : "this kernel does not have it";
}

static json_t *report_hooks(const struct tracer *tracer)
{
	const struct hook_state *hooks = tracer_hooks(tracer);
	json_t *array = json_array();

	for (size_t i = 0; i < HOOK_COUNT; i++)
		json_array_append_new(array, json_pack("{s:s, s:b, s:s, s:s}", "name", hooks[i].name, "attached",
						       hooks[i].attached, "purpose", hooks[i].purpose, "note",
						       report_hook(&hooks[i], tracer_mode(tracer))));
	return array;
}

static json_t *text(const char *bytes)
{
	json_t *string = json_string(bytes);

	return string ? string : json_string("(a name that is not UTF-8)");
}

static const char *not_traced(const struct coverage *coverage, const struct mount *mount)
{
	if (coverage_wants(coverage, mount))
		return "there was an error, and it will be tried again";
	return mount->class != MOUNT_LOCAL ? mount_class_reason(mount->class) : "no watched directory lies on it";
}

json_t *report_filesystems(struct collector *collector)
{
	const struct mounts *mounts = &collector->coverage.mounts;
	json_t *array = json_array();

	for (size_t i = 0; i < mounts->count; i++) {
		const struct mount *mount = &mounts->rows[i];
		const struct covered *covered = coverage_find(&collector->coverage, mount->device);
		bool traced = covered, walked = false;
		char device[32];

		if (mount->class == MOUNT_PSEUDO || mounts_find_device(mounts, mount->device, NULL) != mount)
			continue;
		if (covered)
			store_is_walked(collector->store, covered->id, &walked);
		snprintf(device, sizeof(device), "%u:%u", mount->device >> 20, mount->device & 0xfffff);
		json_array_append_new(array, json_pack("{s:o, s:o, s:s, s:b, s:b, s:s}", "mount_point",
						       text(mount->mount_point), "type", text(mount->type), "device",
						       device, "traced", traced, "walked", walked, "reason",
						       traced ? "" : not_traced(&collector->coverage, mount)));
	}
	return array;
}

json_t *report_watches(const struct coverage *coverage)
{
	json_t *array = json_array();

	for (size_t i = 0; i < coverage->watch_count; i++)
		json_array_append_new(array, text(coverage->watches[i].host_path));
	return array;
}

static json_t *report_losses(const struct losses *losses)
{
	json_t *object = json_object();

#define X(member, reason, duration) json_object_set_new(object, #member, json_integer(losses->member));
	LOSSES(X)
#undef X
	return object;
}

static json_t *report_counters(struct collector *collector)
{
	struct tracer_counters counters = {0};
	uint64_t writers = 0, bytes = 0, used = 0;

	tracer_counters(collector->tracer, &counters);
	tracer_writers(collector->tracer, &writers);
	tracer_ring_use(collector->tracer, &bytes, &used);
	return json_pack("{s:I, s:I, s:o, s:I, s:I, s:I, s:I}", "events", (json_int_t)collector->events_total,
			 "submitted", (json_int_t)counters.submitted, "lost", report_losses(&counters.losses),
			 "missed_runs", (json_int_t)counters.missed_runs, "writers", (json_int_t)writers, "ring_bytes",
			 (json_int_t)bytes, "ring_used", (json_int_t)used);
}

/* Memory of this process's own: the ring, which is the kernel's and counts there, is mapped into it twice. */
static uint64_t own_memory(void)
{
	unsigned long long kilobytes = 0;
	char line[128];
	FILE *file = fopen("/proc/self/status", "re");

	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "RssAnon: %llu kB", &kilobytes) == 1)
			break;
	fclose(file);
	return kilobytes * 1024;
}

static int add_fresh(const struct store_job *job, void *context)
{
	char since[MOMENT_BYTES];

	if (!*job->fresh)
		return 0;
	json_array_append_new(context, json_pack("{s:s, s:s, s:s, s:s}", "job", job->name, "reason", job->fresh,
						 "detail", fresh_sentence(job->fresh), "since",
						 moment_iso(job->since * NANOSECONDS, since)));
	return 0;
}

static json_t *report_fresh(struct store *store)
{
	json_t *array = json_array();

	store_jobs(store, add_fresh, array);
	return array;
}

static json_t *report_cut(const struct collector *collector)
{
	return json_pack("{s:I, s:I}", "microseconds", (json_int_t)(collector->cut.took / 1000), "barrier_microseconds",
			 (json_int_t)(collector->cut.waited / 1000));
}

json_t *report_status(struct collector *collector)
{
	uint64_t database = 0;
	char since[MOMENT_BYTES];

	store_size(collector->store, &database);
	return json_pack(
		"{s:b, s:s, s:i, s:s, s:I, s:s, s:s, s:b, s:o, s:o, s:o, s:o, s:o, s:I, s:o, s:I, s:I, s:I}", "ready",
		collector->started && !collector->error, "version", FSCHANGED_VERSION, "pid", (int)getpid(), "since",
		moment_iso(collector->started, since), "window", (json_int_t)collector->window, "mode",
		tracer_mode(collector->tracer) == TRACER_LSM ? "lsm" : "fentry", "pins", tracer_pins(collector->tracer),
		"pinned", tracer_is_pinned(collector->tracer), "hooks", report_hooks(collector->tracer), "filesystems",
		report_filesystems(collector), "watches", report_watches(&collector->coverage), "counters",
		report_counters(collector), "cut", report_cut(collector), "gaps", (json_int_t)collector->gaps, "fresh",
		report_fresh(collector->store), "database_bytes", (json_int_t)database, "memory_bytes",
		(json_int_t)own_memory(), "kernel_memory_bytes", (json_int_t)tracer_memory(collector->tracer));
}
