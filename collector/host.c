// SPDX-License-Identifier: GPL-2.0
#include <sys/utsname.h>
#include <systemd/sd-id128.h>

#include "host.h"

json_t *host_describe(void)
{
	char boot[SD_ID128_STRING_MAX] = "";
	struct utsname system;
	sd_id128_t id;

	if (sd_id128_get_boot(&id) == 0)
		sd_id128_to_string(id, boot);
	uname(&system);
	return json_pack("{s:s, s:s, s:s, s:s}", "host", system.nodename, "kernel", system.release, "boot", boot,
			 "version", FSCHANGED_VERSION);
}
