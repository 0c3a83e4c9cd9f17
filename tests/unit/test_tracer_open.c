// SPDX-License-Identifier: GPL-2.0
/* Where a hook that is required is not there, or does not attach, nothing is traced: the collector does not start. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/btf.h>
#include <cmocka.h>

#include "tracer_private.h"

enum { NOTHING = 1 << 20 /* descriptors from here on are of no file */ };

static const struct hook_state all[HOOK_COUNT] = {
#define X(hook, function, wanted, missed, what)                                                                        \
	[HOOK_##hook] = {.name = #hook, .presence = (wanted), .in_lsm = true, .in_function = true},
	HOOKS(X)
#undef X
};

static size_t failing; /* HOOK_COUNT: none */
static bool is_attached[HOOK_COUNT], is_pinned;
static struct globals globals;

int __real_tracer_probe(struct hook_state *hooks, enum tracer_mode *mode, const char **reason);

/* A kernel that has none of the functions. */
struct btf *__wrap_btf__load_vmlinux_btf(void)
{
	return btf__new_empty();
}

int __wrap_tracer_probe(struct hook_state *hooks, enum tracer_mode *mode, const char **reason)
{
	memcpy(hooks, all, sizeof(all));
	*mode = TRACER_LSM;
	*reason = NULL;
	return 0;
}

int __wrap_kernel_open_barrier(struct barrier *barrier)
{
	(void)barrier;
	return 0;
}

int __wrap_kernel_wait_for_programs(const struct barrier *barrier)
{
	(void)barrier;
	return 0;
}

int __wrap_pins_open(struct pins *pins, const char *state)
{
	(void)pins;
	(void)state;
	return 0;
}

int __wrap_generations_open(struct tracer *tracer, const struct tracer_options *options,
			    const struct tracer_state *state)
{
	(void)tracer;
	(void)options;
	(void)state;
	return 0;
}

int __wrap_kernel_load(const struct hook_state *hooks, enum tracer_mode mode, const struct tracer_options *options,
		       struct loaded *loaded, char **error)
{
	(void)hooks;
	(void)mode;
	(void)options;
	(void)error;
	for (size_t i = 0; i < HOOK_COUNT; i++)
		loaded->hooks[i] = NOTHING + (int)i;
	return 0;
}

struct globals *__wrap_kernel_map_globals(int map)
{
	(void)map;
	return &globals;
}

void __wrap_kernel_unmap_globals(struct globals *mapped)
{
	(void)mapped;
}

int __wrap_kernel_attach(int program)
{
	size_t hook = (size_t)(program - NOTHING);

	if (hook == failing)
		return -ESRCH;
	is_attached[hook] = true;
	return NOTHING + HOOK_COUNT + (int)hook;
}

int __wrap_tracer_copy_tables(struct tracer *tracer)
{
	(void)tracer;
	return 0;
}

int __wrap_generation_pin(struct tracer *tracer)
{
	(void)tracer;
	is_pinned = true;
	return 0;
}

int __wrap_ring_open(struct ring *ring, int map, uint32_t size)
{
	(void)ring;
	(void)map;
	(void)size;
	return 0;
}

static int judged_result;

static int judge(enum tracer_origin origin, void *context)
{
	assert_int_equal(origin, TRACER_FIRST);
	assert_ptr_equal(context, &judged_result);
	for (size_t i = 0; i < HOOK_COUNT; i++)
		assert_false(is_attached[i]);
	return judged_result;
}

static int start(char **error)
{
	const struct tracer_options options = {.ring = 4096};
	const struct tracer_state state = {.directory = "/nowhere", .judged = judge, .context = &judged_result};
	struct tracer *tracer = NULL;
	int code;

	memset(is_attached, 0, sizeof(is_attached));
	is_pinned = false;
	*error = NULL;
	code = tracer_open(&tracer, &options, &state, error);
	tracer_close(tracer);
	return code;
}

static void all_are_attached(void **state)
{
	char *error;

	(void)state;
	failing = HOOK_COUNT;
	assert_int_equal(start(&error), 0);
	assert_null(error);
	assert_true(is_pinned);
	for (size_t i = 0; i < HOOK_COUNT; i++)
		assert_true(is_attached[i] || all[i].presence == HOOK_ON_DEMAND);
}

static void one_that_does_not_attach(void **state)
{
	(void)state;
	for (failing = 0; failing < HOOK_COUNT; failing++) {
		char *error;

		if (all[failing].presence == HOOK_ON_DEMAND)
			continue;
		assert_int_equal(start(&error), -ESRCH);
		assert_non_null(strstr(error, all[failing].name));
		assert_false(is_pinned);
		free(error);
	}
}

static void one_that_is_not_there(void **state)
{
	struct hook_state hooks[HOOK_COUNT];
	enum tracer_mode mode;
	const char *reason = NULL;

	(void)state;
	assert_int_equal(__real_tracer_probe(hooks, &mode, &reason), -ENOSYS);
	assert_non_null(strstr(reason, "lacks a hook"));
}

static void what_was_there_is_told_first(void **state)
{
	char *error;

	(void)state;
	failing = HOOK_COUNT;
	judged_result = -ENOSPC;
	assert_int_equal(start(&error), -ENOSPC);
	assert_false(is_pinned);
	judged_result = 0;
	free(error);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_are_attached),
		cmocka_unit_test(what_was_there_is_told_first),
		cmocka_unit_test(one_that_does_not_attach),
		cmocka_unit_test(one_that_is_not_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
