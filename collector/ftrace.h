/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Watches kernel.ftrace_enabled. While it is 0, programs attached through ftrace do not run (seen on 6.1: neither
 * fentry nor LSM programs), and attaching seems to succeed.
 */
#ifndef FSCHANGED_FTRACE_H
#define FSCHANGED_FTRACE_H

#include <stdbool.h>

struct ftrace {
	int value;   /* descriptor of the setting; -1: this kernel has none */
	int changes; /* inotify */
};

#define FTRACE_CLOSED ((struct ftrace){-1, -1})

/* 0 or -errno. */
int ftrace_open(struct ftrace *ftrace);
void ftrace_close(struct ftrace *ftrace);

/*
 * It is 0, or somebody has written it since this was last asked. Who writes it through another mount of proc than that
 * of this process, made for another process namespace, is seen only while it is 0.
 */
bool ftrace_was_off(struct ftrace *ftrace);

#endif
