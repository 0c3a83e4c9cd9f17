// SPDX-License-Identifier: GPL-2.0
/* Changes made from elsewhere: other mounts, roots, namespaces, tasks; and by the kernel itself. */
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/acct.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "matrix.h"

/* ---- mounts and roots, each in a child */

static int new_mount_namespace(void)
{
	return result(unshare(CLONE_NEWNS)) ?: result(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
}

/* A directory outside of the filesystem, for mounts. */
static const char *elsewhere(void)
{
	static char name[] = "/run/matrix-XXXXXX";

	return mkdtemp(name) ? name : "/nowhere";
}

static int change_all_below(const char *directory)
{
	return result(chdir(directory)) ?: put_name("one") ?: result(rename("below/two", "moved")) ?:
	       result(mkdir("new", 0755)) ?: result(chmod("below", 0700));
}

#define CHANGED_ALL_BELOW                                                                                              \
	"changed directory/one, deleted directory/below/two, changed directory/moved, changed directory/new, "         \
	"changed directory/below"

static int bind_body(void)
{
	const char *place = elsewhere();

	return new_mount_namespace() ?: result(mount("directory", place, NULL, MS_BIND, NULL)) ?:
	       change_all_below(place);
}

static int through_bind_mount(void)
{
	return in_child(bind_body);
}

static int chroot_body(void)
{
	return result(chroot("directory")) ?: change_all_below("/");
}

static int through_chroot(void)
{
	return in_child(chroot_body);
}

/* A mount that no mount table ever shows. */
static int detached_body(void)
{
	int tree = (int)syscall(SYS_open_tree, AT_FDCWD, "directory", OPEN_TREE_CLONE);

	return result(tree) ?: result(fchdir(tree)) ?: change_all_below(".");
}

static int through_detached_mount(void)
{
	return in_child(detached_body);
}

static int map_ids(const char *directory, const char *map)
{
	char name[64];
	int error = 0;

	for (const char *const *file = (const char *const[]){"setgroups", "uid_map", "gid_map", NULL}; *file; file++) {
		snprintf(name, sizeof(name), "%s/%s", directory, *file);
		error = error ?: write_text(name, **file == 's' ? "deny" : map);
	}
	return error;
}

/* Root there, and nobody outside. */
static int user_namespace_body(void)
{
	const char *place = elsewhere();

	return result(unshare(CLONE_NEWUSER | CLONE_NEWNS)) ?: map_ids("/proc/self", "0 0 1") ?:
	       result(mount("directory", place, NULL, MS_BIND, NULL)) ?: change_all_below(place);
}

static int through_user_namespace(void)
{
	return in_child(user_namespace_body);
}

static int wait_in_namespace(void *ready)
{
	(void)ready;
	pause();
	return 0;
}

/* A descriptor of a user namespace in which the first 1000 owners are those from 0 on. */
static int user_namespace(void)
{
	static char stack[65536] __attribute__((aligned(16)));
	pid_t child = clone(wait_in_namespace, stack + sizeof(stack), CLONE_NEWUSER | SIGCHLD, NULL);
	char name[64];
	int fd;

	if (child < 0)
		return -errno;
	snprintf(name, sizeof(name), "/proc/%d", child);
	fd = map_ids(name, "0 0 1000");
	strcat(name, "/ns/user");
	if (!fd)
		fd = opened(name, O_RDONLY);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	return fd;
}

static int idmapped_body(void)
{
	autofd owners = user_namespace();
	struct mount_attr attributes = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (unsigned int)owners};
	int tree = (int)syscall(SYS_open_tree, AT_FDCWD, "directory", OPEN_TREE_CLONE);

	if (owners < 0 || tree < 0)
		return owners < 0 ? owners : -errno;
	return result(syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attributes, sizeof(attributes))) ?:
	       result(fchdir(tree)) ?: change_all_below(".");
}

static int through_idmapped_mount(void)
{
	return in_child(idmapped_body);
}

/* ---- file handles */

struct handle {
	struct file_handle handle;
	unsigned char bytes[MAX_HANDLE_SZ];
};

static int handle_of(const char *name, struct handle *handle)
{
	int mount;

	*handle = (struct handle){.handle.handle_bytes = MAX_HANDLE_SZ};
	return result(name_to_handle_at(AT_FDCWD, name, &handle->handle, &mount, 0));
}

static int put_handle(struct handle *handle)
{
	autofd place = opened(".", O_RDONLY | O_DIRECTORY);
	autofd fd = place < 0 ? -1 : open_by_handle_at(place, &handle->handle, O_WRONLY | O_CLOEXEC);

	return fd < 0 ? -errno : put(fd);
}

static int through_handle(void)
{
	struct handle handle;

	return handle_of("file", &handle) ?: put_handle(&handle);
}

/* Nothing in the kernel's cache knows a name of the file any more. */
static int through_cold_handle(void)
{
	struct handle handle;
	int error = handle_of("file", &handle);

	sync();
	return error ? error : write_text("/proc/sys/vm/drop_caches", "3") ?: put_handle(&handle);
}

static int make_in_directory(void)
{
	return make_directory() ?: make_file();
}

/* Of what is changed by its handle the directory is not even known. */
static int through_cold_handle_below(void)
{
	struct handle handle;
	int error = handle_of("directory/below/two", &handle);

	sync();
	return error ? error : write_text("/proc/sys/vm/drop_caches", "3") ?: put_handle(&handle);
}

static int directory_through_cold_handle(void)
{
	autofd place = opened(".", O_RDONLY | O_DIRECTORY);
	struct handle handle;
	int error = handle_of("directory/below", &handle);
	int fd;

	sync();
	error = error ? error : write_text("/proc/sys/vm/drop_caches", "3");
	if (error)
		return error;
	fd = open_by_handle_at(place, &handle.handle, O_RDONLY | O_DIRECTORY);
	error = fd < 0 ? -errno : result(mkdirat(fd, "new", 0755)) ?: result(unlinkat(fd, "two", 0));
	if (fd >= 0)
		close(fd);
	return error;
}

/* ---- other tasks */

static int pair[2];

static int receive_and_write(void)
{
	char control[CMSG_SPACE(sizeof(int))], byte;
	struct iovec part = {&byte, 1};
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
	int fd;

	if (recvmsg(pair[1], &message, 0) < 0)
		return -errno;
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	return put(fd) ?: result(close(fd));
}

/* The descriptor is closed here: only the message has the file. */
static int send_descriptor(void)
{
	char control[CMSG_SPACE(sizeof(int))] = {0}, byte = 0;
	struct iovec part = {&byte, 1};
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	autofd fd = opened("file", O_WRONLY);

	if (fd < 0)
		return fd;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
		return -errno;
	*header = (struct cmsghdr){CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	return result(sendmsg(pair[0], &message, 0));
}

static int close_pair(void)
{
	return result(close(pair[0])) ?: result(close(pair[1]));
}

static int through_socket(void)
{
	return send_descriptor() ?: in_child(receive_and_write) ?: close_pair();
}

static int receive_after_cut(void)
{
	return receive_and_write() ?: close_pair();
}

/* ---- what the kernel writes by itself */

static int die(void)
{
	struct rlimit limit = {SIZE, SIZE};

	if (setrlimit(RLIMIT_CORE, &limit) < 0 || prctl(PR_SET_DUMPABLE, 1) < 0)
		return -errno;
	abort();
}

static int dump_core(void)
{
	struct stat status;
	int error = write_text("/proc/sys/kernel/core_pattern", "file")
			    ?: write_text("/proc/sys/kernel/core_uses_pid", "0");

	if (error)
		return error;
	in_child(die);
	return result(stat("file", &status));
}

static int nothing(void)
{
	return 0;
}

/* Accounts belong to a pid namespace. */
static int account_in_namespace(void)
{
	return result(acct("file")) ?: in_child(nothing) ?: result(acct(NULL));
}

static int account_body(void)
{
	return result(unshare(CLONE_NEWPID)) ?: in_child(account_in_namespace);
}

static int account(void)
{
	struct stat status;

	return in_child(account_body) ?: result(stat("file", &status)) ?: (status.st_size > SIZE ? 0 : -EIO);
}

/* The kernel holds the file, no process; each end of a process writes to it. There is one of a namespace. */
static int begin_accounts(void)
{
	return result(acct("file")) ?: in_child(nothing);
}

static int go_on_with_accounts(void)
{
	return in_child(nothing);
}

static int end_accounts(void)
{
	return result(acct(NULL));
}

const struct operation place_operations[] = {
	{"bind-mount", make_directory, through_bind_mount, .listed = CHANGED_ALL_BELOW},
	{"chroot", make_directory, through_chroot, .listed = CHANGED_ALL_BELOW},
	{"detached-mount", make_directory, through_detached_mount, .listed = CHANGED_ALL_BELOW},
	{"user-namespace", make_directory, through_user_namespace, .listed = CHANGED_ALL_BELOW},
	{"idmapped-mount", make_directory, through_idmapped_mount, .listed = CHANGED_ALL_BELOW},
	{"handle", make_file, through_handle, .listed = "changed file"},
	{"handle-cold", make_file, through_cold_handle, .listed = "changed file"},
	{"handle-cold-below", make_in_directory, through_cold_handle_below,
	 .listed = "changed directory/below/two, absent file"},
	{"handle-cold-directory", make_directory, directory_through_cold_handle,
	 .listed = "changed directory/below/new, changed directory/below, deleted directory/below/two"},
	{"socket", make_file, through_socket, .listed = "changed file"},
	{"socket-after-cut", make_file, send_descriptor, receive_after_cut, .listed = "",
	 .listed_again = "changed file"},
	{"core-dump", NULL, dump_core, .listed = "changed file"},
	{"acct", make_file, account, .listed = "changed file"},
	{"acct-after-cut", make_file, begin_accounts, go_on_with_accounts, end_accounts, .listed = "changed file",
	 .listed_again = "changed file", .listed_last = "changed file", .only = "ext4"},
	{NULL},
};
