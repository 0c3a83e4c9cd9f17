/* SPDX-License-Identifier: GPL-2.0 */
/* Who says so: for what is kept. */
#ifndef FSCHANGED_HOST_H
#define FSCHANGED_HOST_H

#include <jansson.h>

/* The host's name, its kernel, the boot's id, our version. The caller's. NULL: no memory. */
json_t *host_describe(void);

#endif
