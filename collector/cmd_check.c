// SPDX-License-Identifier: GPL-2.0
/* Can this kernel trace? Answers without loading anything. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "message.h"
#include "mounts.h"
#include "report.h"
#include "tracer.h"

enum { KEY_JSON = OPTION_KEY };

static const struct argp_option check_options[] = {
	{"json", KEY_JSON, NULL, 0, "Print it as JSON", 0},
	{0},
};

static error_t parse(int key, char *value, struct argp_state *state)
{
	bool *json = state->input;

	switch (key) {
	case KEY_JSON:
		*json = true;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "'%s' is not an option", value);
		return EINVAL;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = check_options,
	.parser = parse,
	.doc = "Says whether this kernel can trace: every hook, every filesystem, and what to do about what is "
	       "missing. "
	       "Exit status 0: it can; 1: it cannot.",
};

struct findings {
	struct hook_state hooks[HOOK_COUNT];
	enum tracer_mode mode;
	const char *reason; /* why not, or why not by LSM programs */
	int code;
	struct mounts mounts;
};

static bool is_usable(const struct findings *findings, const struct hook_state *hook)
{
	return findings->mode == TRACER_LSM ? hook->in_lsm : hook->in_function;
}

static const char *describe_hook(const struct findings *findings, const struct hook_state *hook)
{
	if (is_usable(findings, hook))
		return hook->presence == HOOK_ON_DEMAND ? "attachable, on demand" : "attachable";
	return report_hook(hook, findings->mode);
}

/* The first mount of each filesystem that holds files. */
static bool is_shown(const struct mounts *mounts, const struct mount *mount)
{
	return mount->class != MOUNT_PSEUDO && mounts_find_device(mounts, mount->device, NULL) == mount;
}

static int add_pinned(const char *pins, const char *state, void *context)
{
	return json_array_append_new(context, json_pack("{s:s, s:o}", "pins", pins, "state", command_json_text(state)));
}

static json_t *as_json(const struct findings *findings)
{
	json_t *hooks = json_array(), *filesystems = json_array(), *pinned = json_array();

	for (size_t i = 0; i < HOOK_COUNT; i++)
		json_array_append_new(hooks, json_pack("{s:s, s:b, s:s}", "name", findings->hooks[i].name, "attachable",
						       is_usable(findings, &findings->hooks[i]), "note",
						       describe_hook(findings, &findings->hooks[i])));
	for (size_t i = 0; i < findings->mounts.count; i++) {
		const struct mount *mount = &findings->mounts.rows[i];

		if (is_shown(&findings->mounts, mount))
			json_array_append_new(filesystems, json_pack("{s:o, s:s, s:b, s:s}", "mount_point",
								     command_json_text(mount->mount_point), "type",
								     mount->type, "traced", mount->class == MOUNT_LOCAL,
								     "reason", mount_class_reason(mount->class)));
	}
	tracer_each_pinned(add_pinned, pinned);
	return json_pack("{s:b, s:s, s:s, s:o, s:o, s:o}", "able", findings->code == 0, "mode",
			 findings->mode == TRACER_LSM ? "lsm" : "fentry", "reason",
			 findings->reason ? findings->reason : "", "hooks", hooks, "filesystems", filesystems, "pinned",
			 pinned);
}

static int print_pinned(const char *pins, const char *state, void *context)
{
	(void)context;
	printf("pinned      %s, of the state in %s\n", pins, *state ? state : "(not known)");
	return 0;
}

static void print(const struct findings *findings)
{
	for (size_t i = 0; i < HOOK_COUNT; i++)
		printf("hook        %-22s %-26s %s\n", findings->hooks[i].name,
		       describe_hook(findings, &findings->hooks[i]), findings->hooks[i].purpose);
	for (size_t i = 0; i < findings->mounts.count; i++) {
		const struct mount *mount = &findings->mounts.rows[i];

		if (is_shown(&findings->mounts, mount))
			printf("filesystem  %s (%s): %s\n", mount->mount_point, mount->type,
			       mount_class_reason(mount->class));
	}
	tracer_each_pinned(print_pinned, NULL);
	if (findings->code) {
		printf("result      this kernel cannot trace: %s\n", findings->reason);
		return;
	}
	printf("result      this kernel can trace, by %s programs\n", findings->mode == TRACER_LSM ? "LSM" : "fentry");
	if (findings->reason)
		printf("advice      %s; LSM programs would lose nothing under preemption: add 'bpf' to the kernel's "
		       "lsm= "
		       "parameter where the kernel is 5.12 or newer\n",
		       findings->reason);
}

static int check(bool json)
{
	struct findings findings = {0};
	int status = EXIT_DONE;

	findings.code = tracer_probe(findings.hooks, &findings.mode, &findings.reason);
	mounts_read(&findings.mounts, NULL);
	if (json)
		status = command_print_json(as_json(&findings));
	else
		print(&findings);
	if (findings.code) {
		message(LOG_ERR, "this kernel cannot trace: %s", findings.reason);
		status = EXIT_FAILED;
	}
	mounts_free(&findings.mounts);
	return status;
}

static int run(int argc, char **argv)
{
	struct options options;
	bool json = false;
	int status = options_parse(&argp, argc, argv, &options, &json);

	if (status == EXIT_DONE)
		status = check(json);
	options_free(&options);
	return status;
}

const struct command command_check = {"check", "can this kernel trace? what to do if not", run};
