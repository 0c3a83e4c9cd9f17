// SPDX-License-Identifier: GPL-2.0
/* The table of operations, and those on names and attributes. Many fail, as they shall: the name is gone, or taken. */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "operations.h"

static const char *const attribute_names[] = {"user.a", "user.b", "trusted.c", "security.capability"};
static const char *const acl_names[] = {"system.posix_acl_access", "system.posix_acl_default"};
#define ATTRIBUTE_NAMES (sizeof(attribute_names) / sizeof(attribute_names[0]))

void say(struct task *task, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(task->said, sizeof(task->said), format, arguments);
	va_end(arguments);
}

static int result(int failed)
{
	return failed ? -errno : 0;
}

static mode_t some_mode(struct task *task)
{
	return random_below(&task->random, random_percent(&task->random, 20) ? 010000 : 01000);
}

// ---- new names

static int op_mkdir(struct task *task)
{
	char path[PATH_MAX];

	choose_new(task, path);
	say(task, "mkdir '%s'", path);
	return result(mkdir(path, 0700 | some_mode(task)));
}

static int op_mknod(struct task *task)
{
	const struct {
		const char *name;
		mode_t type;
		dev_t device;
	} nodes[] = {
		{"mkfifo", S_IFIFO, 0},
		{"mknod of a character device", S_IFCHR, makedev(1, 3)},
		{"mknod of a block device", S_IFBLK, makedev(7, 99)},
		{"mknod of a socket", S_IFSOCK, 0},
		{"mknod of a file", S_IFREG, 0},
	};
	unsigned choice = random_below(&task->random, sizeof(nodes) / sizeof(nodes[0]));
	char path[PATH_MAX];

	choose_new(task, path);
	say(task, "%s '%s'", nodes[choice].name, path);
	return result(mknod(path, nodes[choice].type | 0600, nodes[choice].device));
}

static int op_symlink(struct task *task)
{
	char path[PATH_MAX], target[PATH_MAX] = "..";

	choose_new(task, path);
	add_name(task, target);
	say(task, "symlink '%s'", path);
	return result(symlink(target, path));
}

static int op_link(struct task *task)
{
	char from[PATH_MAX], to[PATH_MAX];

	choose(task, FILES, from);
	choose_new(task, to);
	say(task, "link '%s' to '%s'", from, to);
	return task->forest->links ? result(link(from, to)) : -EPERM;
}

// ---- names that go

static int op_unlink(struct task *task)
{
	char path[PATH_MAX];

	choose(task, FILES, path);
	say(task, "unlink '%s'", path);
	return result(unlink(path));
}

static int op_rmdir(struct task *task)
{
	char path[PATH_MAX];

	choose(task, DIRECTORIES, path);
	say(task, "rmdir '%s'", path);
	return result(rmdir(path));
}

struct removal {
	int directory;
	unsigned left;
};

static int remove_tree(int directory, const char *name, unsigned left);

static int remove_below(const char *name, size_t length, void *context)
{
	struct removal *removal = context;

	(void)length;
	if (removal->left-- == 0)
		return -ECANCELED;
	if (unlinkat(removal->directory, name, 0) && errno == EISDIR)
		remove_tree(removal->directory, name, removal->left / 2);
	return 0;
}

/* Not more names than so many of a directory: what is left makes rmdir fail. */
static int remove_tree(int directory, const char *name, unsigned left)
{
	struct removal removal = {openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), left};

	if (removal.directory < 0)
		return -errno;
	visit_directory(removal.directory, remove_below, &removal);
	close(removal.directory);
	return result(unlinkat(directory, name, AT_REMOVEDIR));
}

static int op_remove_tree(struct task *task)
{
	char path[PATH_MAX];

	choose(task, DIRECTORIES, path);
	say(task, "remove the tree '%s'", path);
	return remove_tree(AT_FDCWD, path, 30);
}

// ---- names that move

static int op_rename(struct task *task)
{
	char from[PATH_MAX], to[PATH_MAX];

	choose(task, FILES, from);
	choose_new(task, to);
	say(task, "rename '%s' to '%s'", from, to);
	return result(rename(from, to));
}

static int op_rename_over(struct task *task)
{
	char from[PATH_MAX], to[PATH_MAX];

	choose(task, ANYTHING, from);
	choose(task, ANYTHING, to);
	say(task, "rename '%s' over '%s'", from, to);
	return result(rename(from, to));
}

static int op_rename_directory(struct task *task)
{
	char from[PATH_MAX], to[PATH_MAX];

	choose(task, DIRECTORIES, from);
	choose_new(task, to);
	say(task, "rename directory '%s' to '%s'", from, to);
	return result(rename(from, to));
}

static int op_rename_flags(struct task *task)
{
	bool exchange = random_percent(&task->random, 70);
	char from[PATH_MAX], to[PATH_MAX];

	choose(task, ANYTHING, from);
	choose(task, ANYTHING, to);
	say(task, "%s '%s' and '%s'", exchange ? "exchange" : "rename without replacing", from, to);
	return result(renameat2(AT_FDCWD, from, AT_FDCWD, to, exchange ? RENAME_EXCHANGE : RENAME_NOREPLACE));
}

/* As programs replace a file: a new one is written and renamed over it. */
static int op_replace(struct task *task)
{
	char path[PATH_MAX], new[PATH_MAX];
	int descriptor;

	choose(task, FILES, path);
	choose_new(task, new);
	say(task, "replace '%s' by the new '%s'", path, new);
	descriptor = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (descriptor < 0)
		return -errno;
	if (write(descriptor, some_bytes(task, 100), 100) < 0)
		say(task, "write '%s' in vain", new);
	close(descriptor);
	return result(rename(new, path));
}

// ---- attributes

static int op_chmod(struct task *task)
{
	char path[PATH_MAX];

	choose(task, ANYTHING, path);
	say(task, "chmod '%s'", path);
	return result(chmod(path, some_mode(task)));
}

static int op_chown(struct task *task)
{
	char path[PATH_MAX];

	choose(task, ANYTHING, path);
	say(task, "lchown '%s'", path);
	return result(lchown(path, random_below(&task->random, 5), random_below(&task->random, 5)));
}

static int op_utimes(struct task *task)
{
	struct timespec times[2] = {
		{.tv_sec = random_below(&task->random, 2000000000), .tv_nsec = random_below(&task->random, 1000000000)},
		{.tv_sec = random_below(&task->random, 2000000000), .tv_nsec = random_below(&task->random, 1000000000)},
	};
	char path[PATH_MAX];

	choose(task, ANYTHING, path);
	say(task, "utimensat '%s'", path);
	return result(utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW));
}

/* As the kernel stores it: version 2, no inheritance, cap_net_raw or others. */
static void make_capability(struct task *task, uint32_t value[5])
{
	value[0] = htole32(0x02000000);
	value[1] = htole32(1 << random_below(&task->random, 20));
	value[2] = value[3] = value[4] = 0;
}

static int op_set_attribute(struct task *task)
{
	unsigned choice = random_below(&task->random, ATTRIBUTE_NAMES);
	size_t size = random_below(&task->random, 40);
	char path[PATH_MAX];
	uint32_t capability[5];

	choose(task, ANYTHING, path);
	say(task, "setxattr %s of '%s'", attribute_names[choice], path);
	if (choice + 1 < ATTRIBUTE_NAMES)
		return result(lsetxattr(path, attribute_names[choice], some_bytes(task, size), size, 0));
	make_capability(task, capability);
	return result(lsetxattr(path, attribute_names[choice], capability, sizeof(capability), 0));
}

static int op_remove_attribute(struct task *task)
{
	unsigned choice = random_below(&task->random, ATTRIBUTE_NAMES);
	char path[PATH_MAX];

	choose(task, ANYTHING, path);
	say(task, "removexattr %s of '%s'", attribute_names[choice], path);
	return result(lremovexattr(path, attribute_names[choice]));
}

static int op_set_acl(struct task *task)
{
	const char *name = acl_names[random_percent(&task->random, 25)];
	struct {
		uint32_t version;
		struct {
			uint16_t tag, permissions;
			uint32_t id;
		} entries[5];
	} acl = {htole32(2),
		 {{0x01, 6, UINT32_MAX},
		  {0x02, (uint16_t)random_below(&task->random, 8), random_below(&task->random, 5)},
		  {0x04, 4, UINT32_MAX},
		  {0x10, (uint16_t)random_below(&task->random, 8), UINT32_MAX},
		  {0x20, 0, UINT32_MAX}}};
	char path[PATH_MAX];

	choose(task, ANYTHING, path);
	say(task, "setxattr %s of '%s'", name, path);
	return result(lsetxattr(path, name, &acl, sizeof(acl), 0));
}

static int op_remove_acl(struct task *task)
{
	const char *name = acl_names[random_percent(&task->random, 25)];
	char path[PATH_MAX];

	choose(task, ANYTHING, path);
	say(task, "removexattr %s of '%s'", name, path);
	return result(lremovexattr(path, name));
}

// ---- the table

enum trend {
	SAME,
	GROWS,
	SHRINKS,
};

static const struct {
	operation *run;
	unsigned weight;
	enum trend trend;
} operations[] = {
	{op_write, 10, GROWS},
	{op_append, 6, SAME},
	{op_overwrite, 6, SAME},
	{op_truncate, 4, SAME},
	{op_truncating_open, 3, SAME},
	{op_map, 4, SAME},
	{op_direct, 2, SAME},
	{op_copy_range, 3, SAME},
	{op_clone, 2, SAME},
	{op_allocate, 4, SAME},
	{op_mkdir, 5, GROWS},
	{op_mknod, 4, GROWS},
	{op_symlink, 3, GROWS},
	{op_link, 5, GROWS},
	{op_unlink, 10, SHRINKS},
	{op_rmdir, 3, SHRINKS},
	{op_remove_tree, 1, SHRINKS},
	{op_rename, 7, SAME},
	{op_rename_over, 5, SHRINKS},
	{op_rename_directory, 5, SAME},
	{op_rename_flags, 5, SAME},
	{op_replace, 5, SAME},
	{op_chmod, 4, SAME},
	{op_chown, 4, SAME},
	{op_utimes, 4, SAME},
	{op_set_attribute, 5, SAME},
	{op_remove_attribute, 4, SAME},
	{op_set_acl, 3, SAME},
	{op_remove_acl, 2, SAME},
	{hold_open, 5, SAME},
	{hold_map, 3, SAME},
	{hold_nameless, 2, SAME},
	{hold_name, 2, GROWS},
	{hold_write, 5, SAME},
	{hold_append, 3, SAME},
	{hold_truncate, 2, SAME},
	{hold_chmod, 2, SAME},
	{hold_store, 5, SAME},
	{hold_close, 3, SAME},
};
#define OPERATIONS (sizeof(operations) / sizeof(operations[0]))

/* What makes the tree larger or smaller than it is meant to be happens less often. */
static unsigned weight(const struct task *task, unsigned number)
{
	unsigned names = task->forest->names[task->tree], wanted = task->forest->wanted;
	enum trend unwanted = names > wanted + wanted / 10 ? GROWS : names < wanted - wanted / 10 ? SHRINKS : SAME;

	return operations[number].trend != SAME && operations[number].trend == unwanted
		       ? (operations[number].weight + 2) / 3
		       : operations[number].weight;
}

static unsigned choose_operation(struct task *task)
{
	unsigned sum = 0, number = 0, chosen;

	for (unsigned i = 0; i < OPERATIONS; i++)
		sum += weight(task, i);
	chosen = random_below(&task->random, sum);
	while (chosen >= weight(task, number))
		chosen -= weight(task, number++);
	return number;
}

static void say_result(struct task *task, int code)
{
	size_t length = strlen(task->said);

	if (code)
		snprintf(task->said + length, sizeof(task->said) - length, ": %s", strerrorname_np(-code));
}

void operate(struct task *task)
{
	task->tree = random_below(&task->random, task->forest->count);
	say_result(task, operations[choose_operation(task)].run(task));
}

/* A third of the names are directories, at first; most of the rest are files. */
void populate(struct task *task)
{
	for (unsigned i = 0; i < task->forest->wanted; i++)
		(i % 12 == 0 ? op_mkdir : i % 40 == 1 ? op_mknod : i % 40 == 2 ? op_symlink : op_write)(task);
	task->forest->names[task->tree] = task->forest->wanted;
}
