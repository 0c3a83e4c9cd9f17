// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "clock.h"
#include "moment.h"

/*
 * Two witnesses. The kernel cancels a timer whenever the clock is set, also to and fro, and after a suspend; the
 * difference of two clocks that are slewed together is the same as before unless one was set.
 */
#define TOLERANCE (NANOSECONDS / 10)

enum { READINGS = 10 }; /* this process may have to wait in one */

static int64_t offset_now(void)
{
	int64_t before, offset = 0;

	for (int i = 0; i < READINGS; i++) {
		before = moment_of_boot();
		offset = moment_now() - before;
		if (moment_of_boot() - before < TOLERANCE / 2)
			break;
	}
	return offset;
}

/* A timer that never ends but by cancellation. */
static int arm(const struct clock *clock)
{
	const struct itimerspec never = {.it_value.tv_sec = INT32_MAX * INT64_C(2)};

	return timerfd_settime(clock->descriptor, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, NULL) ? -errno
													     : 0;
}

int clock_open(struct clock *clock)
{
	int error;

	*clock = (struct clock){.descriptor = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC)};
	if (clock->descriptor < 0)
		return -errno;
	error = arm(clock);
	clock->offset = offset_now();
	if (error)
		clock_close(clock);
	return error;
}

void clock_close(struct clock *clock)
{
	if (clock->descriptor >= 0)
		close(clock->descriptor);
	*clock = CLOCK_CLOSED;
}

bool clock_was_set(struct clock *clock)
{
	uint64_t expirations;
	bool quiet = read(clock->descriptor, &expirations, sizeof(expirations)) < 0 && errno == EAGAIN;
	int64_t offset = offset_now();

	if (quiet && llabs(offset - clock->offset) <= TOLERANCE)
		return false;
	clock->offset = offset;
	arm(clock);
	return true;
}
