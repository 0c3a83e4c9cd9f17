// SPDX-License-Identifier: GPL-2.0
/* Documentation/filesystems/fscrypt.rst */
#include <errno.h>
#include <fcntl.h>
#include <linux/fscrypt.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "encryption.h"

/* The ioctls take no descriptor of O_PATH. */
static int reopen(int directory)
{
	return openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOATIME);
}

static int get_policy(int directory, struct fscrypt_get_policy_ex_arg *argument)
{
	*argument = (struct fscrypt_get_policy_ex_arg){.policy_size = sizeof(argument->policy)};
	return ioctl(directory, FS_IOC_GET_ENCRYPTION_POLICY_EX, argument) ? -errno : 0;
}

/* Without the feature the filesystem, or the kernel, does not know the command. */
bool encryption_is_possible(int directory)
{
	struct fscrypt_get_policy_ex_arg argument;
	int fd = reopen(directory), error;

	if (fd < 0)
		return true;
	error = get_policy(fd, &argument);
	close(fd);
	return !error || error == -ENODATA;
}

static bool has_key(int directory)
{
	struct fscrypt_get_policy_ex_arg argument;
	struct fscrypt_get_key_status_arg status = {.key_spec.type = FSCRYPT_KEY_SPEC_TYPE_IDENTIFIER};

	/* Policies of the first version take keys from keyrings of other processes as well. */
	if (get_policy(directory, &argument) || argument.policy.version != FSCRYPT_POLICY_V2)
		return false;
	memcpy(status.key_spec.u.identifier, argument.policy.v2.master_key_identifier,
	       sizeof(status.key_spec.u.identifier));
	return ioctl(directory, FS_IOC_GET_ENCRYPTION_KEY_STATUS, &status) == 0 &&
	       status.status == FSCRYPT_KEY_STATUS_PRESENT;
}

bool encryption_is_locked(int directory)
{
	struct statx found;
	bool locked;
	int fd;

	if (statx(directory, "", AT_EMPTY_PATH, STATX_TYPE, &found) < 0)
		return true;
	if (!(found.stx_attributes & STATX_ATTR_ENCRYPTED))
		return false;
	fd = reopen(directory);
	if (fd < 0)
		return true;
	locked = !has_key(fd);
	close(fd);
	return locked;
}
