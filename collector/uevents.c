// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "uevents.h"

enum {
	GROUP_KERNEL = 1,
	MESSAGE_BYTES = 8192, /* the kernel's are at most 2048 + the path */
};

int uevents_open(void)
{
	const struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = GROUP_KERNEL};
	int descriptor = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT);

	if (descriptor < 0)
		return -errno;
	if (bind(descriptor, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return descriptor;
	close(descriptor);
	return -errno;
}

/* "add@/devices/...", then NAME=VALUE, each ended by NUL. */
static bool tells_of_block(const char *text, const char *end)
{
	if (strncmp(text, "add@", 4) != 0 && strncmp(text, "change@", 7) != 0)
		return false;
	for (; text < end; text += strlen(text) + 1)
		if (strcmp(text, "SUBSYSTEM=block") == 0)
			return true;
	return false;
}

bool uevents_take(int descriptor)
{
	char text[MESSAGE_BYTES + 1];
	bool found = false;
	ssize_t length;

	while ((length = recv(descriptor, text, MESSAGE_BYTES, 0)) >= 0 || errno == ENOBUFS) {
		text[length > 0 ? length : 0] = '\0';
		found |= length < 0 || tells_of_block(text, text + length);
	}
	return found;
}
