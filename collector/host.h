/* SPDX-License-Identifier: GPL-2.0 */
/* What the machine is. */
#ifndef FSCHANGED_HOST_H
#define FSCHANGED_HOST_H

#include <stdbool.h>

#include <jansson.h>

/* Who says so, for what is kept: the host's name, its kernel, the boot's id, our version. The caller's. NULL: no
 * memory. */
json_t *host_describe(void);
/* There is a file server in the kernel, working or not: NFS's or SMB's. */
bool host_has_server(void);

#endif
