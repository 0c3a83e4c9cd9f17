// SPDX-License-Identifier: GPL-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "moment.h"
#include "refine.h"

enum { FIRST = 7, WINDOWS = 200, KERNEL = 6 << 8 | 12 };

#define OPENED(window) ((1000 + 100 * (int64_t)(window)) * NANOSECONDS)
#define OPEN           (1U << OPERATION_OPEN)
#define CARRIED        (1U << OPERATION_CARRIED)
#define CREATE         (1U << OPERATION_CREATE)

/* Windows FIRST to the last one, of which `unsure` is not sure; 0: all are. */
static struct refine make(uint64_t unsure)
{
	struct refine refine;

	refine_init(&refine, FIRST);
	assert_true(refine.kernel > 0);
	refine.kernel = KERNEL;
	for (uint64_t window = FIRST; window < FIRST + WINDOWS; window++)
		assert_int_equal(refine_add_window(&refine, window, OPENED(window), window != unsure), 0);
	return refine;
}

static struct looked unchanged(uint64_t window)
{
	return (struct looked){.mode = S_IFREG | 0644, .links = 1, .changed = OPENED(window) - 3 * NANOSECONDS};
}

static void only_what_was_open_is_dropped(void **state)
{
	struct refine refine = make(0);
	const struct looked looked = unchanged(FIRST);

	(void)state;
	/* Every set of at most three operations. */
	for (unsigned i = 0; i < OPERATION_COUNT; i++)
		for (unsigned j = 0; j <= i; j++)
			for (unsigned k = 0; k <= j; k++) {
				const struct dirty_facts facts = {.operations = 1U << i | 1U << j | 1U << k};
				bool expected = !(facts.operations & ~(OPEN | CARRIED)) ||
						!(facts.operations & ~(OPEN | CREATE));

				assert_int_equal(refine_drops(&refine, &facts, FIRST, &looked, "ext4"), expected);
			}
	assert_false(refine_drops(&refine, &(struct dirty_facts){0}, FIRST, &looked, "ext4"));
	refine_free(&refine);
}

static void every_flag_and_type_keeps_it(void **state)
{
	struct refine refine = make(0);
	const struct looked looked = unchanged(FIRST);

	(void)state;
	for (unsigned flags = 0; flags <= UINT8_MAX; flags++) {
		const struct dirty_facts facts = {.operations = OPEN | CARRIED, .flags = flags};

		assert_int_equal(refine_drops(&refine, &facts, FIRST, &looked, "ext4"), flags == 0);
	}
	for (unsigned bit = 0; bit < 16; bit++) {
		const struct dirty_facts facts = {.operations = OPEN, .was = 1U << bit};

		assert_false(refine_drops(&refine, &facts, FIRST, &looked, "ext4"));
	}
	refine_free(&refine);
}

static void only_regular_files_are_dropped(void **state)
{
	struct refine refine = make(0);
	const struct dirty_facts facts = {.operations = OPEN};

	(void)state;
	for (unsigned type = 0; type < 16; type++) {
		struct looked looked = unchanged(FIRST);

		looked.mode = type << 12 | 0644;
		assert_int_equal(refine_drops(&refine, &facts, FIRST, &looked, "ext4"), S_ISREG(looked.mode));
	}
	refine_free(&refine);
}

/* Two seconds: the clock of the kernel is behind, and a ctime may be in whole seconds. */
static void the_margin_is_two_seconds(void **state)
{
	static const struct {
		int64_t changed;
		bool dropped;
	} cases[] = {
		{-2 * NANOSECONDS - 1, true},
		{-2 * NANOSECONDS, false},
		{-NANOSECONDS, false},
		{0, false},
		{NANOSECONDS, false},
		{INT64_C(1000000000) * NANOSECONDS, false}, /* in the future */
		{-OPENED(FIRST), true},                     /* 1970 */
		{-OPENED(FIRST) - NANOSECONDS, true},       /* before */
	};
	struct refine refine = make(0);
	const struct dirty_facts facts = {.operations = CARRIED | OPEN};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct looked looked = {.mode = S_IFREG, .links = 1, .changed = OPENED(FIRST) + cases[i].changed};

		assert_int_equal(refine_drops(&refine, &facts, FIRST, &looked, "ext4"), cases[i].dropped);
	}
	refine_free(&refine);
}

static void the_first_window_that_names_it_counts(void **state)
{
	struct refine refine = make(0);
	const struct dirty_facts facts = {.operations = OPEN};
	const struct looked looked = unchanged(FIRST + 100);

	(void)state;
	for (uint64_t window = 0; window < FIRST + WINDOWS + 2; window++) {
		bool known = window >= FIRST && window < FIRST + WINDOWS;

		assert_int_equal(refine_drops(&refine, &facts, window, &looked, "ext4"),
				 known && window >= FIRST + 100);
	}
	refine_free(&refine);
}

static void unsure_windows_drop_nothing(void **state)
{
	const struct dirty_facts facts = {.operations = OPEN};
	const struct looked looked = unchanged(FIRST);

	(void)state;
	for (uint64_t unsure = FIRST; unsure < FIRST + WINDOWS; unsure += 33) {
		struct refine refine = make(unsure);

		assert_false(refine_drops(&refine, &facts, FIRST, &looked, "ext4"));
		assert_false(refine_drops(&refine, &facts, FIRST + WINDOWS - 1, &looked, "ext4"));
		refine_free(&refine);
	}
}

/* Of what is not in the store, because it was pruned or never written, nothing is known. */
static void missing_windows_drop_nothing(void **state)
{
	static const uint64_t numbers[][3] = {{FIRST + 1, FIRST + 2, FIRST + 3}, {FIRST, FIRST + 2, FIRST + 3}};
	const struct dirty_facts facts = {.operations = OPEN};
	const struct looked looked = unchanged(FIRST);
	struct refine refine;

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		refine_init(&refine, FIRST);
		refine.kernel = KERNEL;
		assert_false(refine_drops(&refine, &facts, FIRST, &looked, "ext4"));
		for (size_t j = 0; j < 3; j++)
			refine_add_window(&refine, numbers[i][j], OPENED(numbers[i][j]), true);
		for (uint64_t window = FIRST; window < FIRST + 5; window++)
			assert_false(refine_drops(&refine, &facts, window, &looked, "ext4"));
		refine_free(&refine);
	}
}

static void only_some_filesystems_are_believed(void **state)
{
	static const struct {
		const char *type;
		unsigned kernel;
		bool dropped;
	} cases[] = {
		{"ext2", KERNEL, true},     {"ext3", KERNEL, true},        {"ext4", KERNEL, true},
		{"xfs", KERNEL, true},      {"btrfs", KERNEL, true},       {"btrfs", 5 << 8 | 18, true},
		{"ext4", 0, true},          {"btrfs", 5 << 8 | 17, false}, {"btrfs", 5 << 8 | 10, false},
		{"btrfs", 0, false},        {"tmpfs", KERNEL, false},      {"f2fs", KERNEL, false},
		{"overlay", KERNEL, false}, {"fuseblk", KERNEL, false},    {"nfs4", KERNEL, false},
		{"ext", KERNEL, false},     {"", KERNEL, false},
	};
	struct refine refine = make(0);
	const struct dirty_facts facts = {.operations = OPEN};
	const struct looked looked = unchanged(FIRST);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		refine.kernel = cases[i].kernel;
		assert_int_equal(refine_drops(&refine, &facts, FIRST, &looked, cases[i].type), cases[i].dropped);
	}
	refine_free(&refine);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_was_open_is_dropped),
		cmocka_unit_test(every_flag_and_type_keeps_it),
		cmocka_unit_test(only_regular_files_are_dropped),
		cmocka_unit_test(the_margin_is_two_seconds),
		cmocka_unit_test(the_first_window_that_names_it_counts),
		cmocka_unit_test(unsure_windows_drop_nothing),
		cmocka_unit_test(missing_windows_drop_nothing),
		cmocka_unit_test(only_some_filesystems_are_believed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
