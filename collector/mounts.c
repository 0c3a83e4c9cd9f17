// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <blkid/blkid.h>
#include <libmount/libmount.h>

#include "mounts.h"
#include "path.h"

static const char *const reasons[] = {
	[MOUNT_LOCAL] = "It keeps data and changes only through this kernel, so it is traced.",
	[MOUNT_MEMORY] = "It lives in memory and is gone after a boot, so it is traced only if asked for.",
	[MOUNT_LAYERED] = "Its changes are seen on the filesystem of its upper directory.",
	[MOUNT_REMOTE] = "It may change elsewhere, unseen by this kernel, so it cannot be traced.",
	[MOUNT_PSEUDO] = "It shows the kernel's own state and has no files to back up.",
};

/* A type stands for its subtypes as well: "fuse" for "fuse.sshfs". */
static const struct {
	const char *name;
	enum mount_class class;
} types[] = {
	{"bcachefs", MOUNT_LOCAL},      {"btrfs", MOUNT_LOCAL},       {"erofs", MOUNT_LOCAL},
	{"exfat", MOUNT_LOCAL},         {"ext2", MOUNT_LOCAL},        {"ext3", MOUNT_LOCAL},
	{"ext4", MOUNT_LOCAL},          {"f2fs", MOUNT_LOCAL},        {"hfsplus", MOUNT_LOCAL},
	{"iso9660", MOUNT_LOCAL},       {"jffs2", MOUNT_LOCAL},       {"jfs", MOUNT_LOCAL},
	{"msdos", MOUNT_LOCAL},         {"nilfs2", MOUNT_LOCAL},      {"ntfs3", MOUNT_LOCAL},
	{"reiserfs", MOUNT_LOCAL},      {"squashfs", MOUNT_LOCAL},    {"ubifs", MOUNT_LOCAL},
	{"udf", MOUNT_LOCAL},           {"vfat", MOUNT_LOCAL},        {"xfs", MOUNT_LOCAL},
	{"zfs", MOUNT_LOCAL},           {"zonefs", MOUNT_LOCAL},

	{"ramfs", MOUNT_MEMORY},        {"rootfs", MOUNT_MEMORY},     {"tmpfs", MOUNT_MEMORY},

	{"aufs", MOUNT_LAYERED},        {"ecryptfs", MOUNT_LAYERED},  {"overlay", MOUNT_LAYERED},
	{"overlayfs", MOUNT_LAYERED},   {"shiftfs", MOUNT_LAYERED},

	{"9p", MOUNT_REMOTE},           {"afs", MOUNT_REMOTE},        {"beegfs", MOUNT_REMOTE},
	{"ceph", MOUNT_REMOTE},         {"cifs", MOUNT_REMOTE},       {"coda", MOUNT_REMOTE},
	{"fuse", MOUNT_REMOTE},         {"fuseblk", MOUNT_REMOTE},    {"gfs2", MOUNT_REMOTE},
	{"gpfs", MOUNT_REMOTE},         {"lustre", MOUNT_REMOTE},     {"ncpfs", MOUNT_REMOTE},
	{"nfs", MOUNT_REMOTE},          {"nfs4", MOUNT_REMOTE},       {"ocfs2", MOUNT_REMOTE},
	{"orangefs", MOUNT_REMOTE},     {"prl_fs", MOUNT_REMOTE},     {"pvfs2", MOUNT_REMOTE},
	{"smb3", MOUNT_REMOTE},         {"smbfs", MOUNT_REMOTE},      {"vboxsf", MOUNT_REMOTE},
	{"virtiofs", MOUNT_REMOTE},     {"vmhgfs", MOUNT_REMOTE},

	{"anon_inodefs", MOUNT_PSEUDO}, {"apparmorfs", MOUNT_PSEUDO}, {"autofs", MOUNT_PSEUDO},
	{"bdev", MOUNT_PSEUDO},         {"binder", MOUNT_PSEUDO},     {"binfmt_misc", MOUNT_PSEUDO},
	{"bpf", MOUNT_PSEUDO},          {"cgroup", MOUNT_PSEUDO},     {"cgroup2", MOUNT_PSEUDO},
	{"configfs", MOUNT_PSEUDO},     {"cpuset", MOUNT_PSEUDO},     {"debugfs", MOUNT_PSEUDO},
	{"devpts", MOUNT_PSEUDO},       {"devtmpfs", MOUNT_PSEUDO},   {"efivarfs", MOUNT_PSEUDO},
	{"functionfs", MOUNT_PSEUDO},   {"fusectl", MOUNT_PSEUDO},    {"hugetlbfs", MOUNT_PSEUDO},
	{"mqueue", MOUNT_PSEUDO},       {"nfsd", MOUNT_PSEUDO},       {"nsfs", MOUNT_PSEUDO},
	{"openpromfs", MOUNT_PSEUDO},   {"pipefs", MOUNT_PSEUDO},     {"proc", MOUNT_PSEUDO},
	{"pstore", MOUNT_PSEUDO},       {"resctrl", MOUNT_PSEUDO},    {"rpc_pipefs", MOUNT_PSEUDO},
	{"securityfs", MOUNT_PSEUDO},   {"selinuxfs", MOUNT_PSEUDO},  {"smackfs", MOUNT_PSEUDO},
	{"sockfs", MOUNT_PSEUDO},       {"spufs", MOUNT_PSEUDO},      {"sysfs", MOUNT_PSEUDO},
	{"tracefs", MOUNT_PSEUDO},      {"xenfs", MOUNT_PSEUDO},
};

enum {
	DEVICE_MINOR_BITS = 20,
};

static inline unsigned int device_major(uint32_t device)
{
	return device >> DEVICE_MINOR_BITS;
}

static inline unsigned int device_minor(uint32_t device)
{
	return device & ((1U << DEVICE_MINOR_BITS) - 1);
}

bool mounts_is_anonymous(uint32_t device)
{
	return device_major(device) == 0;
}

void mounts_device_text(uint32_t device, char text[DEVICE_TEXT_BYTES])
{
	snprintf(text, DEVICE_TEXT_BYTES, "%u:%u", device_major(device), device_minor(device));
}

static uint32_t device_encode(dev_t device)
{
	return major(device) << DEVICE_MINOR_BITS | minor(device);
}

/* A type that is not in the table may change elsewhere, unless it lies on a block device. */
static enum mount_class classify(const char *type, uint32_t device)
{
	size_t length = strcspn(type, ".");

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strlen(types[i].name) == length && memcmp(types[i].name, type, length) == 0)
			return types[i].class;
	return device_major(device) ? MOUNT_LOCAL : MOUNT_REMOTE;
}

const char *mount_class_reason(enum mount_class class)
{
	return reasons[class];
}

static bool has_option(const char *options, const char *name)
{
	return options && mnt_optstr_get_option(options, name, NULL, NULL) == 0;
}

static char *copy(const char *text)
{
	return strdup(text ? text : "none");
}

static int mount_fill(struct mount *mount, struct libmnt_fs *fs)
{
	mount->device = device_encode(mnt_fs_get_devno(fs));
	mount->id = mnt_fs_get_id(fs);
	mount->read_only = has_option(mnt_fs_get_vfs_options(fs), "ro") || has_option(mnt_fs_get_fs_options(fs), "ro");
	mount->mount_point = copy(mnt_fs_get_target(fs));
	mount->root = copy(mnt_fs_get_root(fs));
	mount->type = copy(mnt_fs_get_fstype(fs));
	mount->source = copy(mnt_fs_get_source(fs));
	if (!mount->mount_point || !mount->root || !mount->type || !mount->source)
		return -ENOMEM;
	mount->class = classify(mount->type, mount->device);
	return 0;
}

static int mounts_fill(struct mounts *mounts, struct libmnt_table *table)
{
	int lines = mnt_table_get_nents(table);
	struct libmnt_iter *iterator;
	struct libmnt_fs *fs;
	int error = 0;

	mounts->rows = calloc((size_t)lines + 1, sizeof(*mounts->rows));
	iterator = mnt_new_iter(MNT_ITER_FORWARD);
	if (!mounts->rows || !iterator)
		error = -ENOMEM;
	while (!error && mnt_table_next_fs(table, iterator, &fs) == 0)
		error = mount_fill(&mounts->rows[mounts->count++], fs);
	mnt_free_iter(iterator);
	return error;
}

/* A line that is skipped would be a mount that nobody hears of. */
static int refuse_line(struct libmnt_table *table, const char *name, int line)
{
	(void)table, (void)name, (void)line;
	return -EINVAL;
}

int mounts_read(struct mounts *mounts, const char *path)
{
	struct libmnt_table *table = mnt_new_table();
	int error;

	*mounts = (struct mounts){0};
	if (!table)
		return -ENOMEM;
	mnt_table_set_parser_errcb(table, refuse_line);
	errno = 0;
	error = mnt_table_parse_file(table, path ? path : "/proc/self/mountinfo");
	if (error)
		error = error < -1 ? error : errno ? -errno : -EINVAL;
	else
		error = mounts_fill(mounts, table);
	mnt_unref_table(table);
	if (error)
		mounts_free(mounts);
	return error;
}

void mounts_free(struct mounts *mounts)
{
	for (size_t i = 0; i < mounts->count; i++) {
		free(mounts->rows[i].mount_point);
		free(mounts->rows[i].root);
		free(mounts->rows[i].type);
		free(mounts->rows[i].source);
	}
	free(mounts->rows);
	*mounts = (struct mounts){0};
}

static int probe_uuid(const char *name, char **uuid)
{
	blkid_probe probe = blkid_new_probe_from_filename(name);
	const char *value;
	int error = -ENODATA;

	if (!probe)
		return -ENODATA;
	blkid_probe_enable_superblocks(probe, 1);
	blkid_probe_set_superblocks_flags(probe, BLKID_SUBLKS_UUID);
	if (blkid_do_safeprobe(probe) == 0 && blkid_probe_lookup_value(probe, "UUID", &value, NULL) == 0) {
		*uuid = strdup(value);
		error = *uuid ? 0 : -ENOMEM;
	}
	blkid_free_probe(probe);
	return error;
}

/* Names of devices are reused: a filesystem with a device number of its own must lie on the device of that number. */
static bool is_device_of(const struct mount *mount, const char *name)
{
	struct stat stat_buffer;

	if (stat(name, &stat_buffer) < 0 || !S_ISBLK(stat_buffer.st_mode))
		return false;
	return device_major(mount->device) == 0 || device_encode(stat_buffer.st_rdev) == mount->device;
}

static int uuid_of(const struct mount *mount, char **uuid)
{
	char name[64];

	if (is_device_of(mount, mount->source))
		return probe_uuid(mount->source, uuid);
	snprintf(name, sizeof(name), "/dev/block/%u:%u", device_major(mount->device), device_minor(mount->device));
	if (is_device_of(mount, name))
		return probe_uuid(name, uuid);
	return -ENODATA;
}

/*
 * The numbers of filesystems without a device are given again to the next one, so a tmpfs that was mounted anew would
 * pass for the old one. Their f_fsid tells them apart, and that of zfs outlives a boot.
 */
static bool fsid_of(const struct mount *mount, uint64_t *number)
{
	struct stat stat_buffer;
	struct statfs statfs_buffer;
	bool found = false;
	int fd;

	if (mount->class != MOUNT_LOCAL && mount->class != MOUNT_MEMORY)
		return false; /* a dead server must not stop us */
	fd = open(mount->mount_point, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return false;
	if (fstat(fd, &stat_buffer) == 0 && device_encode(stat_buffer.st_dev) == mount->device &&
	    fstatfs(fd, &statfs_buffer) == 0) {
		*number = (uint32_t)statfs_buffer.f_fsid.__val[0] | (uint64_t)(uint32_t)statfs_buffer.f_fsid.__val[1]
									    << 32;
		found = *number > UINT32_MAX; /* smaller: the device number again */
	}
	close(fd);
	return found;
}

int mount_identity(const struct mount *mount, char **identity)
{
	uint64_t number;
	int error = uuid_of(mount, identity);
	int length;

	if (error != -ENODATA)
		return error;
	if (device_major(mount->device) == 0 && fsid_of(mount, &number))
		length = asprintf(identity, "%s:%016" PRIx64, mount->type, number);
	else
		length = asprintf(identity, "%s:%u:%u", mount->type, device_major(mount->device),
				  device_minor(mount->device));
	return length < 0 ? -ENOMEM : 0;
}

int mount_clone_identity(const struct mount *mount, char **identity)
{
	char *clone;
	int length = asprintf(&clone, "%s@%u:%u", *identity, device_major(mount->device), device_minor(mount->device));

	free(*identity);
	*identity = length < 0 ? NULL : clone;
	return length < 0 ? -ENOMEM : 0;
}

bool mount_is_clone(const struct mount *mount, const char *identity)
{
	char *clone = NULL;
	bool same = mount_identity(mount, &clone) == 0 && mount_clone_identity(mount, &clone) == 0 &&
		    strcmp(clone, identity) == 0;

	free(clone);
	return same;
}

bool mount_is(const struct mount *mount, const char *identity)
{
	char *present = NULL;
	bool same = mount_identity(mount, &present) == 0 && strcmp(present, identity) == 0;

	free(present);
	return same || mount_is_clone(mount, identity);
}

bool mount_shows(const struct mount *mount, const char *path, size_t length)
{
	static const char deleted[] = "//deleted";
	size_t root = strlen(mount->root);

	if (root >= sizeof(deleted) - 1 && strcmp(mount->root + root - (sizeof(deleted) - 1), deleted) == 0)
		return false;
	return path_is_below(path, length, mount->root, root);
}

bool mount_is_transient(const struct mount *mount)
{
	static const char *const transient[] = {"/run", "/tmp", "/var/tmp"};
	size_t length = strlen(mount->mount_point);

	for (size_t i = 0; i < sizeof(transient) / sizeof(*transient); i++)
		if (path_is_below(mount->mount_point, length, transient[i], strlen(transient[i])))
			return true;
	return false;
}

const struct mount *mounts_find_device(const struct mounts *mounts, uint32_t device, const char *path)
{
	for (size_t i = 0; i < mounts->count; i++) {
		const struct mount *mount = &mounts->rows[i];

		if (mount->device != device)
			continue;
		if (!path || mount_shows(mount, path, strlen(path)))
			return mount;
	}
	return NULL;
}

const struct mount *mounts_find_path(const struct mounts *mounts, const char *host_path)
{
	size_t length = strlen(host_path), longest = 0;
	const struct mount *found = NULL;

	for (size_t i = 0; i < mounts->count; i++) {
		const struct mount *mount = &mounts->rows[i];
		size_t depth = strlen(mount->mount_point);

		if (depth < longest || !path_is_below(host_path, length, mount->mount_point, depth))
			continue;
		found = mount;
		longest = depth;
	}
	return found;
}

/* `path` with `from` taken off its head and `to` put there. */
static int replace_head(const char *path, size_t length, const char *from, const char *to, char *result, size_t size)
{
	size_t skip = strcmp(from, "/") == 0 ? 0 : strlen(from);
	size_t head = strcmp(to, "/") == 0 ? 0 : strlen(to);
	size_t rest = length - skip;

	if (rest == 1 && path[skip] == '/')
		rest = 0;
	if (head + rest == 0) {
		head = 1;
		to = "/";
	}
	if (head + rest >= size)
		return -ENAMETOOLONG;
	memcpy(result, to, head);
	memcpy(result + head, path + skip, rest);
	result[head + rest] = '\0';
	return (int)(head + rest);
}

int mount_to_host(const struct mount *mount, const char *path, size_t length, char *host_path, size_t size)
{
	if (length == 0 || path[0] != '/' || !mount_shows(mount, path, length))
		return -ENOENT;
	return replace_head(path, length, mount->root, mount->mount_point, host_path, size);
}

int mount_from_host(const struct mount *mount, const char *host_path, char *path, size_t size)
{
	size_t length = strlen(host_path);

	if (host_path[0] != '/' || !mount_shows(mount, mount->root, strlen(mount->root)) ||
	    !path_is_below(host_path, length, mount->mount_point, strlen(mount->mount_point)))
		return -ENOENT;
	return replace_head(host_path, length, mount->mount_point, mount->root, path, size);
}
