// SPDX-License-Identifier: GPL-2.0
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "encryption.h"
#include "look.h"
#include "moment.h"
#include "stack.h"

struct look {
	const struct mount *mount;
	int root;      /* the mount's root directory */
	bool encrypts; /* names on this filesystem may be encrypted */
	int directory; /* the one of the last path: paths come grouped by directory */
	struct bytes directory_name;
	size_t directory_length;
	struct stack *pending; /* directories to be walked */
	bool descends;
	struct bytes walked, entry;
};

static void close_descriptor(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* ELOOP: a component is a symbolic link. */
static bool is_not_there(int error)
{
	return error == -ENOENT || error == -ENOTDIR || error == -ELOOP;
}

static int open_short(int at, const char *name, size_t length, uint64_t flags)
{
	char path[PATH_MAX];
	struct open_how how = {
		.flags = flags | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	long fd;

	memcpy(path, name, length);
	path[length] = '\0';
	fd = syscall(SYS_openat2, at, length ? path : ".", &how, sizeof(how));
	return fd < 0 ? -errno : (int)fd;
}

static const char *last_slash(const char *path, size_t length)
{
	return memrchr(path, '/', length);
}

/* Opens a directory below another one; the path is relative and may be longer than PATH_MAX. */
static int open_directory(int at, const char *path, size_t length, uint64_t flags)
{
	int fd, start = -1;

	while (length >= PATH_MAX) {
		const char *slash = last_slash(path, PATH_MAX - 1);
		int next;

		if (!slash)
			next = -ENAMETOOLONG;
		else
			next = open_short(start < 0 ? at : start, path, (size_t)(slash - path), O_PATH | O_DIRECTORY);
		close_descriptor(&start);
		if (next < 0)
			return next;
		start = next;
		length -= (size_t)(slash + 1 - path);
		path = slash + 1;
	}
	fd = open_short(start < 0 ? at : start, path, length, flags | O_DIRECTORY);
	close_descriptor(&start);
	return fd;
}

static int open_to_read(int at, const char *path, size_t length)
{
	int fd = open_directory(at, path, length, O_RDONLY | O_NOATIME);

	return fd == -EPERM ? open_directory(at, path, length, O_RDONLY) : fd;
}

int look_new(struct look **result)
{
	struct look *look = calloc(1, sizeof(*look));

	if (!look)
		return -ENOMEM;
	look->root = look->directory = -1;
	*result = look;
	return 0;
}

void look_free(struct look *look)
{
	if (!look)
		return;
	close_descriptor(&look->directory);
	close_descriptor(&look->root);
	stack_free(look->pending);
	free(look->directory_name.at);
	free(look->walked.at);
	free(look->entry.at);
	free(look);
}

enum { LOOKED_FOR = STATX_TYPE | STATX_MODE | STATX_NLINK | STATX_INO | STATX_CTIME | STATX_MNT_ID };

/* What another mount covers has the other mount's id. *looked is set then as well. */
static int look_within(const struct mount *mount, int at, const char *name, struct looked *looked)
{
	int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | (*name ? 0 : AT_EMPTY_PATH);
	struct statx found;

	if (statx(at, name, flags, LOOKED_FOR, &found) < 0)
		return is_not_there(-errno) ? -ENOENT : -errno;
	if (!(found.stx_mask & STATX_MNT_ID))
		return -EOPNOTSUPP;
	*looked = (struct looked){
		.mode = found.stx_mode,
		.links = found.stx_nlink,
		.inode = found.stx_ino,
		.device = (uint64_t)found.stx_dev_major << 32 | found.stx_dev_minor,
		.changed = found.stx_ctime.tv_sec * NANOSECONDS + found.stx_ctime.tv_nsec,
	};
	return found.stx_mnt_id == (uint64_t)mount->id ? 0 : -EXDEV;
}

int look_set_mount(struct look *look, const struct mount *mount)
{
	struct looked looked = {0};
	int error;

	if (look->mount == mount)
		return 0;
	close_descriptor(&look->directory);
	close_descriptor(&look->root);
	look->mount = NULL;
	look->root = open(mount->mount_point, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (look->root < 0)
		return -errno;
	error = look_within(mount, look->root, "", &looked);
	if (error)
		return error;
	look->mount = mount;
	look->encrypts = S_ISDIR(looked.mode) && encryption_is_possible(look->root);
	return 0;
}

/* The part of the path below the mount's root: without '/' in front. */
static int below_root(const struct look *look, const char **path, size_t *length)
{
	size_t root = look->mount ? strlen(look->mount->root) : 0;

	if (!look->mount || mount_to_host(look->mount, *path, *length, NULL, 0) == -ENOENT)
		return -EINVAL;
	*path += root;
	*length -= root;
	while (*length && **path == '/') {
		(*path)++;
		(*length)--;
	}
	return 0;
}

static bool is_locked_at(int at, const char *name)
{
	int fd = openat(at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	bool locked;

	if (fd < 0)
		return !is_not_there(-errno);
	locked = encryption_is_locked(fd);
	close(fd);
	return locked;
}

/* The nearest directory above that is there: what was not found may be there under its encrypted name. */
static bool is_locked_above(struct look *look, const char *path, size_t length)
{
	bool locked;
	int fd = -ENOENT;

	while (is_not_there(fd) && length) {
		const char *slash = last_slash(path, length);

		length = slash ? (size_t)(slash - path) : 0;
		fd = open_directory(look->root, path, length, O_PATH);
	}
	if (fd < 0)
		return true;
	locked = encryption_is_locked(fd);
	close(fd);
	return locked;
}

/* What was not found in an encrypted directory without its key may be there. */
static int not_found(struct look *look, const char *path, size_t length)
{
	return look->encrypts && is_locked_above(look, path, length) ? -ENOKEY : -ENOENT;
}

static int enter_directory(struct look *look, const char *path, size_t length)
{
	int error, fd;

	if (look->directory >= 0 && look->directory_length == length &&
	    memcmp(look->directory_name.at, path, length) == 0)
		return 0;
	close_descriptor(&look->directory);
	error = bytes_need(&look->directory_name, length + 1);
	if (error)
		return error;
	fd = open_directory(look->root, path, length, O_PATH);
	if (fd < 0)
		return is_not_there(fd) ? not_found(look, path, length) : fd;
	memcpy(look->directory_name.at, path, length);
	look->directory_length = length;
	look->directory = fd;
	return 0;
}

int look_at(struct look *look, const char *path, size_t length, struct looked *looked)
{
	char name[NAME_MAX + 1];
	const char *slash;
	size_t directory;
	int error = below_root(look, &path, &length);

	if (error)
		return error;
	if (length == 0)
		return look_within(look->mount, look->root, "", looked);
	slash = last_slash(path, length);
	directory = slash ? (size_t)(slash - path) : 0;
	error = enter_directory(look, path, directory);
	if (error)
		return error;
	if (slash) {
		path += directory + 1;
		length -= directory + 1;
	}
	if (length == 0 || length > NAME_MAX)
		return length ? -ENAMETOOLONG : -EINVAL;
	memcpy(name, path, length);
	name[length] = '\0';
	error = look_within(look->mount, look->directory, name, looked);
	if (look->encrypts && (error == -ENOENT || (!error && S_ISDIR(looked->mode))) &&
	    is_locked_at(look->directory, error ? "." : name))
		return -ENOKEY;
	return error;
}

/* The walk */

/* A directory is never hidden here: the visitor knows what is mounted where. */
static int look_at_entry(struct look *look, int directory, const struct dirent *entry, struct looked *looked)
{
	int error;

	*looked = (struct looked){.mode = DTTOIF(entry->d_type)};
	if (entry->d_type == DT_DIR)
		return 0;
	error = look_within(look->mount, directory, entry->d_name, looked);
	return error == -EXDEV && S_ISDIR(looked->mode) ? 0 : error;
}

static int visit(struct look *look, size_t directory_length, int directory, const struct dirent *entry,
		 const struct look_visitor *visitor)
{
	size_t name = strlen(entry->d_name);
	size_t length = directory_length + 1 + name;
	struct looked looked;
	int error = bytes_need(&look->entry, length + 1);

	if (error)
		return error;
	memcpy(look->entry.at, look->walked.at, directory_length);
	look->entry.at[directory_length] = '/';
	memcpy(look->entry.at + directory_length + 1, entry->d_name, name);
	error = look_at_entry(look, directory, entry, &looked);
	if (error == -ENOENT)
		return 0;
	if (error)
		return visitor->failed(look->entry.at, length, error, visitor->context);
	error = visitor->entry(look->entry.at, length, &looked, visitor->context);
	if (error < 0)
		return error;
	return look->descends && error == 0 && S_ISDIR(looked.mode) ? stack_push(look->pending, look->entry.at, length)
								    : 0;
}

static bool is_dot(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* A filesystem need not tell the type. */
static bool is_passed_over(const struct dirent *entry, const struct look_visitor *visitor)
{
	if (is_dot(entry->d_name))
		return true;
	if (!visitor->passes || entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN)
		return false;
	return visitor->passes(entry->d_ino, visitor->context);
}

static int read_entries(struct look *look, size_t length, DIR *stream, const struct look_visitor *visitor)
{
	/* The root alone ends in '/'. */
	size_t directory_length = length == 1 ? 0 : length;
	struct dirent *entry;
	int error = visitor->enters ? visitor->enters(dirfd(stream), visitor->context) : 0;

	for (errno = 0; !error && (entry = readdir(stream)); errno = 0)
		if (!is_passed_over(entry, visitor))
			error = visit(look, directory_length, dirfd(stream), entry, visitor);
	if (error || !errno || is_not_there(-errno))
		return error;
	return visitor->failed(look->walked.at, length, -errno, visitor->context);
}

/* The directory whose path is in `walked`. */
static int walk_directory(struct look *look, size_t length, const struct look_visitor *visitor)
{
	const char *rest = look->walked.at;
	size_t rest_length = length;
	DIR *stream;
	int fd, error;

	error = below_root(look, &rest, &rest_length);
	if (error)
		return error;
	fd = open_to_read(look->root, rest, rest_length);
	if (is_not_there(fd))
		return 0;
	if (fd < 0)
		return visitor->failed(look->walked.at, length, fd, visitor->context);
	if (look->encrypts && encryption_is_locked(fd)) {
		close(fd);
		return visitor->failed(look->walked.at, length, -ENOKEY, visitor->context);
	}
	stream = fdopendir(fd);
	if (!stream) {
		error = -errno;
		close(fd);
		return error;
	}
	error = read_entries(look, length, stream, visitor);
	closedir(stream);
	return error;
}

int look_into(struct look *look, const char *path, size_t length, const struct look_visitor *visitor)
{
	int error = bytes_need(&look->walked, length + 1);

	if (error)
		return error;
	memmove(look->walked.at, path, length);
	return walk_directory(look, length, visitor);
}

int look_below(struct look *look, const char *path, size_t length, const struct look_visitor *visitor)
{
	int error = 0, more;

	if (!look->pending)
		error = stack_new(&look->pending);
	if (error)
		return error;
	stack_clear(look->pending);
	look->descends = true;
	error = stack_push(look->pending, path, length);
	while (!error && (more = stack_pop(look->pending, &look->walked, &length)))
		error = more < 0 ? more : walk_directory(look, length, visitor);
	look->descends = false;
	return error;
}
