// SPDX-License-Identifier: GPL-2.0
#include <stddef.h>
#include <string.h>

#include "collector.h"
#include "losses.h"
#include "sentence.h"

static const struct {
	enum gap_reason reason;
	enum loss_duration duration;
} losses[] = {
#define X(member, text, duration) {GAP_LOSS_##member, duration},
	LOSSES(X)
#undef X
};

static int64_t since(const struct collector *collector)
{
	return collector->flushed ? collector->flushed : collector->started;
}

static int add_gap(struct collector *collector, uint64_t first, enum gap_reason reason)
{
	return collector_add_gap(collector, first, collector->window, NULL, since(collector), reason, NULL);
}

/* Programs did not run: what they would have put into the tables of the kernel side is in none. */
static void note_blindness(struct collector *collector)
{
	collector->lasting[LOSS_UNTIL_NEXT_CUT] = true;
	collector->lasting[LOSS_WHILE_OPEN] = true;
	/* It may have been handed on to somebody without descriptors. */
	for (size_t i = 0; i < collector->coverage.count; i++)
		collector->coverage.rows[i].settled = false;
}

static void note(struct collector *collector, enum loss_duration duration)
{
	if (duration == LOSS_OF_ALL)
		note_blindness(collector);
	else
		collector->lasting[duration] = true;
}

static int add_blindness(struct collector *collector, uint64_t first, enum gap_reason reason)
{
	note_blindness(collector);
	return add_gap(collector, first, reason);
}

/* The kernel's programs are silent meanwhile on some kernels, and no counter tells. */
static int check_ftrace(struct collector *collector, uint64_t first)
{
	int code;

	collector->ftrace_off |= ftrace_was_off(&collector->ftrace);
	if (!collector->ftrace_off)
		return 0;
	code = add_blindness(collector, first, GAP_FTRACE);
	collector->ftrace_off = code;
	return code;
}

static uint32_t lasting_bits(const struct collector *collector)
{
	uint32_t bits = 0;

	for (int i = 0; i < LOSS_DURATIONS; i++)
		bits |= collector->lasting[i] ? 1U << i : 0;
	return bits | collector->carrying;
}

/* The gaps are in the store by now. Should this process die before, they are noted once more. */
static int account(struct collector *collector, const struct tracer_counters *now)
{
	struct tracer_counters *counted = &collector->counted;
	uint32_t bits = lasting_bits(collector);
	bool moved = memcmp(&now->losses, &counted->losses, sizeof(now->losses)) != 0 ||
		     now->missed_runs != counted->missed_runs || bits != counted->lasting;

	*counted = *now;
	counted->lasting = bits;
	return moved ? tracer_account(collector->tracer, counted) : 0;
}

static void take_bits(struct collector *collector, uint32_t bits)
{
	for (int i = 0; i < LOSS_DURATIONS; i++)
		collector->lasting[i] |= bits >> i & 1;
}

void losses_take_over(struct collector *collector)
{
	tracer_accounted(collector->tracer, &collector->counted);
	take_bits(collector, collector->counted.lasting);
}

int losses_check(struct collector *collector, uint64_t first)
{
	struct tracer_counters now = {0};
	const uint64_t *counted = (const uint64_t *)&collector->counted.losses;
	const uint64_t *present = (const uint64_t *)&now.losses;
	int code = tracer_counters(collector->tracer, &now);

	for (size_t i = 0; !code && i < sizeof(losses) / sizeof(*losses); i++) {
		if (present[i] == counted[i])
			continue;
		code = add_gap(collector, first, losses[i].reason);
		note(collector, losses[i].duration);
	}
	if (!code && now.missed_runs != collector->counted.missed_runs)
		code = add_blindness(collector, first, GAP_MISSED_RUNS);
	if (!code)
		code = check_ftrace(collector, first);
	return code ? code : account(collector, &now);
}

int losses_canary(struct collector *collector, const struct covered *row)
{
	note_blindness(collector);
	return collector_add_gap(collector, collector->closing, collector->window, row, since(collector), GAP_CANARY,
				 NULL);
}

int losses_carry(struct collector *collector)
{
	int code = 0;

	take_bits(collector, collector->carrying);
	if (collector->lasting[LOSS_UNTIL_NEXT_CUT])
		code = add_gap(collector, collector->window, GAP_NOT_REMEMBERED);
	if (!code && collector->lasting[LOSS_WHILE_OPEN])
		code = tracer_enter_open_files(collector->tracer);
	if (code)
		return code;
	collector->carrying = lasting_bits(collector);
	memset(collector->lasting, 0, sizeof(collector->lasting));
	return 0;
}

int losses_carried(struct collector *collector)
{
	const struct tracer_counters counted = collector->counted;

	collector->carrying = 0;
	return account(collector, &counted);
}
