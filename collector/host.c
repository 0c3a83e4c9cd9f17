// SPDX-License-Identifier: GPL-2.0
#include <sys/utsname.h>
#include <systemd/sd-id128.h>
#include <unistd.h>

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

/* Both have parameters or a version, and so a directory also where they are no modules (kernel/params.c). */
bool host_has_server(void)
{
	return access("/sys/module/nfsd", F_OK) == 0 || access("/sys/module/ksmbd", F_OK) == 0;
}
