/* SPDX-License-Identifier: GPL-2.0 */
/* What a certificate tells of a window and only the collector knows, kept with it in the store. */
#ifndef FSCHANGED_DESCRIBE_H
#define FSCHANGED_DESCRIBE_H

#include <stdint.h>

struct collector;

/* What the kernel counted before the start is not of this window. 0 or -errno. */
int describe_begin(struct collector *collector);
/* In the transaction that closes the window. 0 or -errno. */
int describe_window(struct collector *collector, uint64_t number);

#endif
