// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>

#include "collector.h"
#include "describe.h"
#include "host.h"
#include "report.h"

/* Of the hooks that are attached the names will do. */
static json_t *describe_hooks(const struct tracer *tracer)
{
	const struct hook_state *hooks = tracer_hooks(tracer);
	json_t *attached = json_array(), *others = json_array();

	for (size_t i = 0; i < HOOK_COUNT; i++) {
		if (hooks[i].attached)
			json_array_append_new(attached, json_string(hooks[i].name));
		else
			json_array_append_new(others, json_pack("{s:s, s:s}", "name", hooks[i].name, "note",
								report_hook(&hooks[i], tracer_mode(tracer))));
	}
	return json_pack("{s:s, s:o, s:o}", "programs", tracer_mode(tracer) == TRACER_LSM ? "lsm" : "fentry",
			 "attached", attached, "not_attached", others);
}

static json_t *describe_filesystems(struct collector *collector)
{
	json_t *array = report_filesystems(collector);

	for (size_t i = 0; i < json_array_size(array); i++)
		json_object_del(json_array_get(array, i), "walked");
	return array;
}

int describe_begin(struct collector *collector)
{
	struct tracer_counters counters = {0};
	int code = tracer_counters(collector->tracer, &counters);

	collector->submitted = counters.submitted - collector->events_total;
	return code;
}

/* Equal descriptions are equal strings: windows in which nothing changed of it are told together. */
int describe_window(struct collector *collector, uint64_t number)
{
	struct tracer_counters counters = {0};
	json_t *coverage = json_pack("{s:o, s:o, s:o, s:o}", "system", host_describe(), "hooks",
				     describe_hooks(collector->tracer), "filesystems", describe_filesystems(collector),
				     "watches", report_watches(&collector->coverage));
	char *text = json_dumps(coverage, JSON_COMPACT | JSON_SORT_KEYS);
	int code = text ? tracer_counters(collector->tracer, &counters) : -ENOMEM;

	if (!code)
		code = store_describe_window(collector->store, number, counters.submitted - collector->submitted, text);
	collector->submitted = counters.submitted;
	json_decref(coverage);
	free(text);
	return code;
}
