// SPDX-License-Identifier: GPL-2.0
#include <linux/ioprio.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "priority.h"

enum {
	FORWARD = -10, /* as Nice= in the unit, which need not give CAP_SYS_NICE */
	LOWEST = 19,
};

int priority_step_forward(void)
{
	int priority = getpriority(PRIO_PROCESS, 0);

	if (priority == 0)
		setpriority(PRIO_PROCESS, 0, FORWARD);
	return priority;
}

void priority_return(int priority)
{
	setpriority(PRIO_PROCESS, 0, priority);
}

void priority_step_back(void)
{
	setpriority(PRIO_PROCESS, 0, LOWEST);
	syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 0));
}
