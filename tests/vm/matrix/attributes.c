// SPDX-License-Identifier: GPL-2.0
/* Ways of changing what is known of a file: modes, owners, times, attributes, flags. */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "matrix.h"

/* Newer than the headers. */
enum {
	SYS_FCHMODAT2 = 452,
	SYS_SETXATTRAT = 463,
	SYS_REMOVEXATTRAT = 466,
	SYS_FILE_SETATTR = 469,
};

static int change_mode(void)
{
	return result(chmod("file", 0600));
}

static int change_mode_by_descriptor(void)
{
	autofd fd = opened("file", O_RDONLY);

	return fd < 0 ? fd : result(fchmod(fd, 0600));
}

static int change_mode_by_new_call(void)
{
	return result(syscall(SYS_FCHMODAT2, AT_FDCWD, "file", 0600, AT_SYMLINK_NOFOLLOW));
}

static int change_mode_of_directory(void)
{
	return result(chmod("directory", 0700));
}

static int change_owner(void)
{
	return result(chown("file", 1, 1));
}

static int make_symlink(void)
{
	return result(symlink("file", "link")) ?: make_file();
}

static int change_owner_of_symlink(void)
{
	return result(lchown("link", 1, 1));
}

static int set_times(const char *name, int flags)
{
	struct timespec times[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000001}};

	return result(utimensat(AT_FDCWD, name, times, flags));
}

static int change_times(void)
{
	return set_times("file", 0);
}

static int change_times_of_symlink(void)
{
	return set_times("link", AT_SYMLINK_NOFOLLOW);
}

static int change_times_to_now(void)
{
	return result(utimensat(AT_FDCWD, "file", NULL, 0));
}

static int change_times_by_descriptor(void)
{
	autofd fd = opened("file", O_RDONLY);

	return fd < 0 ? fd : result(futimens(fd, NULL));
}

static int set_attribute(void)
{
	return result(setxattr("file", "user.name", "value", 5, 0));
}

static int set_trusted(void)
{
	return result(setxattr("file", "trusted.name", "value", 5, 0));
}

static int set_attribute_by_descriptor(void)
{
	autofd fd = opened("file", O_RDONLY);

	return fd < 0 ? fd : result(fsetxattr(fd, "user.name", "value", 5, 0));
}

static int set_attribute_of_symlink(void)
{
	return result(lsetxattr("link", "trusted.name", "value", 5, 0));
}

static int make_with_attribute(void)
{
	return make_file() ?: result(setxattr("file", "trusted.name", "value", 5, 0));
}

static int remove_attribute(void)
{
	return result(removexattr("file", "trusted.name"));
}

static int set_attribute_at(void)
{
	struct {
		uint64_t value;
		uint32_t size, flags;
	} arguments = {.value = (uintptr_t) "value", .size = 5};

	return result(syscall(SYS_SETXATTRAT, AT_FDCWD, "file", 0, "trusted.name", &arguments, sizeof(arguments)));
}

static int remove_attribute_at(void)
{
	return result(syscall(SYS_REMOVEXATTRAT, AT_FDCWD, "file", 0, "trusted.name"));
}

/* rwx for the owner, for user 1, for the mask; as the kernel takes it. */
static const struct {
	uint32_t version;
	struct {
		uint16_t tag, permissions;
		uint32_t id;
	} entries[5];
} acl = {2, {{0x01, 7, UINT32_MAX}, {0x02, 6, 1}, {0x04, 4, UINT32_MAX}, {0x10, 7, UINT32_MAX}, {0x20, 4, UINT32_MAX}}};

static int set_acl(void)
{
	return result(setxattr("file", "system.posix_acl_access", &acl, sizeof(acl), 0));
}

static int set_default_acl(void)
{
	return result(setxattr("directory", "system.posix_acl_default", &acl, sizeof(acl), 0));
}

static int make_with_acl(void)
{
	return make_file() ?: set_acl();
}

static int remove_acl(void)
{
	return result(removexattr("file", "system.posix_acl_access"));
}

static int make_with_capability(void)
{
	/* VFS_CAP_REVISION_2 with CAP_NET_RAW */
	static const uint32_t capability[] = {0x02000000, 1 << 13, 0, 0, 0};

	return make_file() ?: result(setxattr("file", "security.capability", capability, sizeof(capability), 0));
}

static int write_it(void)
{
	return put_name("file");
}

static int make_suid(void)
{
	return make_file() ?: result(chmod("file", 04777));
}

/* Root keeps the bit. */
static int write_as_other(void)
{
	return result(setresuid(1, 1, 1)) ?: put_name("file");
}

static int lose_suid(void)
{
	struct stat status;

	return in_child(write_as_other) ?: result(stat("file", &status)) ?: (status.st_mode & S_ISUID ? -EIO : 0);
}

static int lose_suid_by_chown(void)
{
	return result(chown("file", 2, 2));
}

static int set_flags(const char *name, int flags)
{
	autofd fd = opened(name, O_RDONLY);
	int present;

	if (fd < 0)
		return fd;
	if (ioctl(fd, FS_IOC_GETFLAGS, &present) < 0)
		return -errno;
	present |= flags;
	return result(ioctl(fd, FS_IOC_SETFLAGS, &present));
}

static int change_flags(void)
{
	return set_flags("file", FS_NOATIME_FL);
}

static int change_flags_of_directory(void)
{
	return set_flags("directory", FS_NODUMP_FL);
}

static int change_extended_flags(void)
{
	autofd fd = opened("file", O_RDONLY);
	struct fsxattr attributes;

	if (fd < 0)
		return fd;
	if (ioctl(fd, FS_IOC_FSGETXATTR, &attributes) < 0)
		return -errno;
	attributes.fsx_xflags |= FS_XFLAG_NODUMP;
	return result(ioctl(fd, FS_IOC_FSSETXATTR, &attributes));
}

static int change_flags_by_name(void)
{
	struct {
		uint64_t flags;
		uint32_t extent_size, extents, project, cow_extent_size;
	} attributes = {.flags = FS_XFLAG_NODUMP};

	return result(syscall(SYS_FILE_SETATTR, AT_FDCWD, "file", &attributes, sizeof(attributes), 0));
}

static int change_generation(void)
{
	autofd fd = opened("file", O_RDONLY);
	int generation = 4711;

	return fd < 0 ? fd : result(ioctl(fd, _IOW('v', 2, long), &generation));
}

const struct operation attribute_operations[] = {
	{"chmod", make_file, change_mode, .listed = "changed file"},
	{"fchmod", make_file, change_mode_by_descriptor, .listed = "changed file"},
	{"fchmodat2", make_file, change_mode_by_new_call, .listed = "changed file"},
	{"chmod-directory", make_directory, change_mode_of_directory,
	 .listed = "changed directory, absent directory/one, absent directory/below"},
	{"chown", make_file, change_owner, .listed = "changed file"},
	{"lchown", make_symlink, change_owner_of_symlink, .listed = "changed link, absent file"},
	{"utimensat", make_file, change_times, .listed = "changed file"},
	{"utimensat-now", make_file, change_times_to_now, .listed = "changed file"},
	{"utimensat-symlink", make_symlink, change_times_of_symlink, .listed = "changed link, absent file"},
	{"futimens", make_file, change_times_by_descriptor, .listed = "changed file"},
	{"setxattr", make_file, set_attribute, .listed = "changed file"},
	{"setxattr-trusted", make_file, set_trusted, .listed = "changed file"},
	{"fsetxattr", make_file, set_attribute_by_descriptor, .listed = "changed file"},
	{"lsetxattr", make_symlink, set_attribute_of_symlink, .listed = "changed link, absent file"},
	{"setxattrat", make_file, set_attribute_at, .listed = "changed file"},
	{"removexattr", make_with_attribute, remove_attribute, .listed = "changed file"},
	{"removexattrat", make_with_attribute, remove_attribute_at, .listed = "changed file"},
	{"acl-set", make_file, set_acl, .listed = "changed file"},
	{"acl-set-default", make_directory, set_default_acl, .listed = "changed directory, absent directory/one"},
	{"acl-remove", make_with_acl, remove_acl, .listed = "changed file"},
	{"suid-lost-by-write", make_suid, lose_suid, .listed = "changed file"},
	{"suid-lost-by-chown", make_suid, lose_suid_by_chown, .listed = "changed file"},
	{"capability-lost-by-write", make_with_capability, write_it, .listed = "changed file"},
	{"chattr", make_file, change_flags, .listed = "changed file"},
	{"chattr-directory", make_directory, change_flags_of_directory, .listed = "changed directory"},
	{"chattr-fssetxattr", make_file, change_extended_flags, .listed = "changed file"},
	{"chattr-file_setattr", make_file, change_flags_by_name, .listed = "changed file"},
	{"chattr-generation", make_file, change_generation, .listed = "changed file", .only = "ext4"},
	{NULL},
};
