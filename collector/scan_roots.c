// SPDX-License-Identifier: GPL-2.0
/* By which of its mounts a filesystem is seen. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "path.h"
#include "scan_private.h"
#include "sentence.h"

void scan_close_view(struct scan *scan)
{
	look_free(scan->look);
	scan->look = NULL;
	if (scan->view.descriptor >= 0)
		close(scan->view.descriptor);
	scan->view.descriptor = -1;
}

static int mount_number(int at, const char *path)
{
	struct statx found;

	if (statx(at, path, AT_EMPTY_PATH | AT_NO_AUTOMOUNT, STATX_MNT_ID, &found))
		return -errno;
	return found.stx_mask & STATX_MNT_ID ? (int)found.stx_mnt_id : -EOPNOTSUPP;
}

/* A look keeps the directory of the last path: after a rename it is another one. */
int scan_look_anew(struct scan *scan)
{
	int code;

	look_free(scan->look);
	scan->look = NULL;
	code = look_new(&scan->look);
	return code ? code : look_set_mount(scan->look, &scan->view.mount);
}

/* -EXDEV: another mount lies over all of it. */
static int open_view(struct scan *scan, const struct mount *mount)
{
	struct view *view = &scan->view;
	struct statfs counts;
	int id = mount_number(AT_FDCWD, mount->mount_point);

	if (id != mount->id)
		return id < 0 ? id : -EXDEV;
	view->descriptor =
		(int)syscall(SYS_open_tree, AT_FDCWD, mount->mount_point, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (view->descriptor < 0)
		return -errno;
	id = mount_number(view->descriptor, "");
	if (id < 0)
		return id;
	snprintf(view->path, sizeof(view->path), "/proc/self/fd/%d/.", view->descriptor);
	view->mount = *mount;
	view->mount.mount_point = view->path;
	view->mount.id = id;
	scan->mount = mount;
	if (fstatfs(view->descriptor, &counts) == 0)
		scan->progress.expected = counts.f_files - counts.f_ffree;
	return scan_look_anew(scan);
}

static bool is_shown_by(const struct mount *mount, const char *root)
{
	return path_is_below(root, strlen(root), mount->root, strlen(mount->root));
}

/* Of several mounts of the same directory the first one counts; a directory below another one needs none. */
bool scan_is_root(const struct scan *scan, size_t index)
{
	const struct mount *mount = &scan->mounts.rows[index];

	for (size_t i = 0; i < scan->mounts.count; i++) {
		const struct mount *other = &scan->mounts.rows[i];

		if (other->device != mount->device || !is_shown_by(other, mount->root))
			continue;
		if (!is_shown_by(mount, other->root) || i < index)
			return false;
	}
	return true;
}

/* By the first of its mounts that is not covered. */
static int open_root(struct scan *scan, size_t first)
{
	const struct mount *mount = &scan->mounts.rows[first];
	int code = -EXDEV;

	for (size_t i = first; code == -EXDEV && i < scan->mounts.count; i++) {
		const struct mount *other = &scan->mounts.rows[i];

		if (other->device == mount->device && strcmp(other->root, mount->root) == 0)
			code = open_view(scan, other);
		if (code == -EXDEV)
			scan_close_view(scan);
	}
	return code;
}

/* Calls for each part of the filesystem that has a mount; usually that is one. */
int scan_each_root(struct scan *scan, uint32_t device, int (*each)(struct scan *, const void *), const void *context)
{
	int code = 0;

	for (size_t i = 0; !code && i < scan->mounts.count; i++) {
		const struct mount *mount = &scan->mounts.rows[i];

		if (mount->device != device || !scan_is_root(scan, i))
			continue;
		code = open_root(scan, i);
		if (code == -EXDEV)
			scan_fail(scan, mount->root, strlen(mount->root), code);
		else if (code == -EPERM)
			sentence(scan->error, code, "%s cannot be walked: open_tree needs CAP_SYS_ADMIN",
				 scan->progress.mount_point);
		else if (!code)
			code = each(scan, context);
		scan_close_view(scan);
		if (code == -EXDEV)
			code = 0;
	}
	return code;
}
