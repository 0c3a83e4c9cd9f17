// SPDX-License-Identifier: GPL-2.0
/* What the kernel side has lost becomes gaps. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "collector.h"
#include "stand_ins.h"

enum { FIRST = 3, WINDOW = 5 };

/* In place of the kernel. */
static struct tracer_counters counters, accounted;
static bool ftrace_off;

/* In place of the store. */
static unsigned gaps;
static uint64_t first_window, last_window;
static const char *last_reason;
static const struct covered *scope;
static int gap_result;

int __wrap_tracer_counters(const struct tracer *tracer, struct tracer_counters *result)
{
	(void)tracer;
	*result = counters;
	return 0;
}

int __wrap_tracer_account(struct tracer *tracer, const struct tracer_counters *result)
{
	(void)tracer;
	accounted = *result;
	return 0;
}

bool __wrap_ftrace_was_off(struct ftrace *ftrace)
{
	(void)ftrace;
	return ftrace_off;
}

int __wrap_collector_add_gap(struct collector *collector, uint64_t first, uint64_t last,
			     const struct covered *filesystem, int64_t started, enum gap_reason reason,
			     const char *detail)
{
	(void)collector;
	(void)detail;
	(void)started;
	assert_ptr_equal(filesystem, scope);
	assert_true(*gap_sentence(reason));
	first_window = first;
	last_window = last;
	last_reason = gap_word(reason);
	gaps++;
	return gap_result;
}

static int set_up(void **state)
{
	static struct collector collector;

	collector = (struct collector){.window = WINDOW};
	counters = accounted = (struct tracer_counters){0};
	ftrace_off = false;
	gap_result = 0;
	entered = gaps = 0;
	*state = &collector;
	return 0;
}

static void expect_reason(const char *reason)
{
	assert_string_equal(last_reason, reason);
	assert_int_equal(last_window, WINDOW);
}

static void expect_gap(struct collector *collector, const char *reason)
{
	unsigned before = gaps;

	assert_int_equal(losses_check(collector, FIRST), 0);
	assert_int_equal(gaps, before + 1);
	assert_string_equal(last_reason, reason);
	assert_int_equal(first_window, FIRST);
	assert_int_equal(last_window, WINDOW);
}

static void expect_none(struct collector *collector)
{
	unsigned before = gaps;

	assert_int_equal(losses_check(collector, FIRST), 0);
	assert_int_equal(gaps, before);
}

static void each_counter_is_a_gap(void **state)
{
	static const char *const reasons[] = {
#define X(member, reason, duration) #member,
		LOSSES(X)
#undef X
	};
	uint64_t *counted = (uint64_t *)&counters.losses;

	expect_none(*state);
	for (size_t i = 0; i < sizeof(counters.losses) / sizeof(*counted); i++) {
		counted[i]++;
		expect_gap(*state, reasons[i]);
		expect_none(*state);
		/* Once more is another gap. */
		counted[i]++;
		expect_gap(*state, reasons[i]);
	}
}

/* The value tells it once. */
static void gap_that_cannot_be_kept_is_kept_later(void **state)
{
	ftrace_off = true;
	gap_result = -ENOSPC;
	assert_int_equal(losses_check(*state, FIRST), -ENOSPC);
	ftrace_off = false;
	gap_result = 0;
	expect_gap(*state, gap_word(GAP_FTRACE));
	expect_none(*state);
}

static void missed_runs_are_a_gap(void **state)
{
	counters.missed_runs = 7;
	expect_gap(*state, "missed_runs");
	expect_none(*state);
}

static void switched_off_ftrace_is_a_gap(void **state)
{
	ftrace_off = true;
	expect_gap(*state, "ftrace");
	expect_gap(*state, "ftrace");
	ftrace_off = false;
	expect_none(*state);
}

static void carry(struct collector *collector)
{
	assert_int_equal(losses_carry(collector), 0);
	assert_int_equal(losses_carried(collector), 0);
}

/* What is in no table is looked for again, for as long as there is no room. */
static void file_in_no_table(void **state)
{
	carry(*state);
	assert_int_equal(entered, 0);
	counters.losses.writers_full++;
	expect_gap(*state, "writers_full");
	carry(*state);
	assert_int_equal(entered, 1);
	carry(*state);
	assert_int_equal(entered, 1);
	assert_int_equal(gaps, 1);
}

/* It may have gone on after the cut: a gap of the window that opens. */
static void operation_in_no_table(void **state)
{
	counters.losses.operations_full++;
	expect_gap(*state, "operations_full");
	carry(*state);
	assert_int_equal(gaps, 2);
	assert_int_equal(first_window, WINDOW);
	carry(*state);
	assert_int_equal(gaps, 2);
	assert_int_equal(entered, 0);
}

/* The windows stay open: it counts for the next cut, what was lost meanwhile as well, and for who comes after. */
static void cut_that_fails_has_carried_nothing(void **state)
{
	counters.losses.operations_full++;
	expect_gap(*state, "operations_full");
	assert_int_equal(losses_carry(*state), 0);
	assert_int_equal(gaps, 2);
	counters.losses.writers_full++;
	expect_gap(*state, "writers_full");
	assert_int_equal(accounted.lasting, 1U << LOSS_UNTIL_NEXT_CUT | 1U << LOSS_WHILE_OPEN);
	assert_int_equal(losses_carry(*state), 0);
	assert_int_equal(gaps, 4);
	expect_reason("not_remembered");
	assert_int_equal(entered, 1);
	assert_int_equal(losses_carried(*state), 0);
	assert_int_equal(accounted.lasting, 0);
	carry(*state);
	assert_int_equal(gaps, 4);
	assert_int_equal(entered, 1);
}

/* What was opened or begun while no program ran is in no table either. */
static void blindness_goes_on(void **state)
{
	const struct covered filesystem = {.id = 3};

	counters.missed_runs++;
	expect_gap(*state, "missed_runs");
	carry(*state);
	assert_int_equal(entered, 1);
	expect_reason("not_remembered");
	ftrace_off = true;
	expect_gap(*state, "ftrace");
	carry(*state);
	assert_int_equal(entered, 2);
	expect_reason("not_remembered");
	scope = &filesystem;
	assert_int_equal(losses_canary(*state, &filesystem), 0);
	expect_reason("canary");
	scope = NULL;
	carry(*state);
	assert_int_equal(entered, 3);
	expect_reason("not_remembered");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, set_up)
	const struct CMUnitTest tests[] = {
		TEST(each_counter_is_a_gap),
		TEST(missed_runs_are_a_gap),
		TEST(switched_off_ftrace_is_a_gap),
		TEST(file_in_no_table),
		TEST(operation_in_no_table),
		TEST(cut_that_fails_has_carried_nothing),
		TEST(blindness_goes_on),
		TEST(gap_that_cannot_be_kept_is_kept_later),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
