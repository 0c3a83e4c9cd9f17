// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "coverage.h"
#include "path.h"
#include "sentence.h"

static void free_watch(struct watch *watch)
{
	free(watch->host_path);
	free(watch->path);
}

struct recalled {
	const struct mounts *mounts;
	const char *directory;
	struct store_watch watch; /* host_path NULL: it is not known */
	char *mount_point;
};

static int recall_watch(const struct store_watch *watch, void *context)
{
	struct recalled *recalled = context;

	if (!watch->filesystem || strcmp(watch->host_path, recalled->directory) != 0)
		return 0;
	free((char *)recalled->watch.path);
	recalled->watch = *watch;
	recalled->watch.path = strdup(watch->path);
	return recalled->watch.path ? 0 : -ENOMEM;
}

static int recall_mount_point(const struct store_filesystem *filesystem, void *context)
{
	struct recalled *recalled = context;

	if (filesystem->id != recalled->watch.filesystem)
		return 0;
	recalled->mount_point = strdup(filesystem->mount_point);
	return recalled->mount_point ? 0 : -ENOMEM;
}

static int resolve_watch(const struct mounts *mounts, const char *directory, struct watch *watch, char **error)
{
	char path[PATH_MAX];
	const struct mount *mount;
	struct stat status;

	watch->host_path = realpath(directory, NULL);
	if (!watch->host_path || stat(watch->host_path, &status))
		return sentence(error, -errno, "%s cannot be watched: %s", directory, strerror(errno));
	if (!S_ISDIR(status.st_mode))
		return sentence(error, -ENOTDIR, "%s cannot be watched: it is not a directory", directory);
	mount = mounts_find_path(mounts, watch->host_path);
	if (!mount || mount_from_host(mount, watch->host_path, path, sizeof(path)) < 0)
		return sentence(error, -ENOENT, "%s cannot be watched: it is on no known mount", directory);
	if (mount->class != MOUNT_LOCAL && mount->class != MOUNT_MEMORY)
		return sentence(error, -EOPNOTSUPP, "%s cannot be watched: its filesystem is %s: %s", directory,
				mount->type, mount_class_reason(mount->class));
	watch->device = mount->device;
	watch->depth = strlen(mount->mount_point);
	watch->path = strdup(path);
	return watch->path ? 0 : -ENOMEM;
}

/* 1: what the store knows of it is on a mount that is not there now. */
static int await_directory(const struct mounts *mounts, struct store *store, const char *directory, struct watch *watch)
{
	struct recalled recalled = {.directory = directory};
	const struct mount *mount = mounts_find_path(mounts, directory);
	int code = store_watches(store, recall_watch, &recalled);

	if (!code && recalled.watch.path)
		code = store_filesystems(store, recall_mount_point, &recalled);
	if (!code && recalled.mount_point && mount && strlen(mount->mount_point) < strlen(recalled.mount_point)) {
		watch->host_path = strdup(directory);
		watch->path = (char *)recalled.watch.path;
		watch->filesystem = recalled.watch.filesystem;
		watch->depth = strlen(recalled.mount_point);
		recalled.watch.path = NULL;
		code = watch->host_path ? 1 : -ENOMEM;
	}
	free((char *)recalled.watch.path);
	free(recalled.mount_point);
	return code;
}

static int await_watch(const struct mounts *mounts, struct store *store, const char *directory, struct watch *watch)
{
	char *resolved = realpath(directory, NULL);
	int code = await_directory(mounts, store, resolved ? resolved : directory, watch);

	free(resolved);
	return code;
}

/* The state is there by now. On a filesystem that is not traced nothing needs to be left out. */
static void resolve_excluded(struct coverage *coverage, const char *state)
{
	char *error = NULL;

	if (resolve_watch(&coverage->mounts, state, &coverage->excluded, &error))
		coverage->excluded.device = 0;
	free(error);
}

int coverage_open(struct coverage *coverage, struct store *store, char *const *watch, size_t count, const char *state,
		  char **error)
{
	int code;

	*coverage = (struct coverage){0};
	code = mounts_read(&coverage->mounts, NULL);
	if (code)
		return sentence(error, code, "the mount table cannot be read: %s", strerror(-code));
	coverage->watches = calloc(count + 1, sizeof(*coverage->watches));
	if (!coverage->watches)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		coverage->watch_count++;
		code = await_watch(&coverage->mounts, store, watch[i], &coverage->watches[i]);
		if (!code)
			code = resolve_watch(&coverage->mounts, watch[i], &coverage->watches[i], error);
		if (code > 0)
			continue;
		if (code)
			return code;
	}
	resolve_excluded(coverage, state);
	return 0;
}

static void free_row(struct covered *row)
{
	free(row->mount_point);
	free(row->identity);
	free(row->devices);
}

void coverage_close(struct coverage *coverage)
{
	for (size_t i = 0; i < coverage->watch_count; i++)
		free_watch(&coverage->watches[i]);
	for (size_t i = 0; i < coverage->count; i++)
		free_row(&coverage->rows[i]);
	free_watch(&coverage->excluded);
	free(coverage->watches);
	free(coverage->rows);
	mounts_free(&coverage->mounts);
	*coverage = (struct coverage){0};
}

bool coverage_has_identity(const struct coverage *coverage, const char *identity)
{
	for (size_t i = 0; i < coverage->count; i++)
		if (coverage->rows[i].identity && strcmp(coverage->rows[i].identity, identity) == 0)
			return true;
	return false;
}

struct covered *coverage_find(struct coverage *coverage, uint32_t device)
{
	for (size_t i = 0; i < coverage->count; i++)
		if (coverage->rows[i].device == device)
			return &coverage->rows[i];
	return NULL;
}

bool coverage_wants(const struct coverage *coverage, const struct mount *mount)
{
	if (coverage->watch_count == 0)
		return mount->class == MOUNT_LOCAL;
	for (size_t i = 0; i < coverage->watch_count; i++)
		if (coverage->watches[i].device == mount->device)
			return true;
	return false;
}

static const struct mount *find_mount(const struct mounts *mounts, int id, uint32_t device)
{
	for (size_t i = 0; i < mounts->count; i++)
		if (mounts->rows[i].id == id && mounts->rows[i].device == device)
			return &mounts->rows[i];
	return NULL;
}

/* Its mount may have been moved, or another one of it has taken its place. */
static int follow_mount(struct covered *row, const struct mount *mount)
{
	char *mount_point = strdup(mount->mount_point);

	if (!mount_point)
		return -ENOMEM;
	free(row->mount_point);
	row->mount_point = mount_point;
	row->mount_id = mount->id;
	return 0;
}

/*
 * A filesystem has stayed as long as one of its mounts has. By the mounts' numbers and not by its device alone: that is
 * the same after it was unmounted, changed elsewhere, and mounted again. The kernel uses both numbers again, so the one
 * that ended has not stayed in any case.
 */
static const struct mount *mount_that_stayed(const struct mounts *before, const struct mounts *now,
					     const struct covered *row)
{
	const struct mount *found;

	if (row->ended)
		return NULL;
	found = find_mount(now, row->mount_id, row->device);
	for (size_t i = 0; i < before->count && !found; i++)
		if (before->rows[i].device == row->device)
			found = find_mount(now, before->rows[i].id, row->device);
	return found;
}

/* Of several at the same place the last one is seen. */
static const struct mount *find_place(const struct mounts *mounts, const char *mount_point)
{
	const struct mount *found = NULL;

	for (size_t i = 0; i < mounts->count; i++)
		if (strcmp(mounts->rows[i].mount_point, mount_point) == 0)
			found = &mounts->rows[i];
	return found;
}

static bool shows_the_same(const struct mount *before, const struct mount *now)
{
	return !before || !now || before->device != now->device || strcmp(before->root, now->root) == 0;
}

/*
 * The filesystem has stayed; what is seen of it, and where, may be something else: another subvolume or directory is
 * mounted in the place of one, or the mount by which its paths are named was moved. Not where that has gone, and none
 * of the others shows what it did.
 */
static bool is_seen_otherwise(const struct mounts *before, const struct mounts *now, uint32_t device)
{
	const struct mount *first = mounts_find_device(before, device, NULL);
	const struct mount *present = first ? mounts_find_device(now, device, first->root) : NULL;

	if (present && strcmp(first->mount_point, present->mount_point) != 0)
		return true;
	for (size_t i = 0; i < before->count; i++) {
		const struct mount *mount = &before->rows[i];

		if (mount->device == device && find_place(before, mount->mount_point) == mount &&
		    !shows_the_same(mount, find_place(now, mount->mount_point)))
			return true;
	}
	return false;
}

static int remove_absent(struct coverage *coverage, const struct mounts *before,
			 int (*changed)(struct covered *, bool, void *), void *context)
{
	size_t kept = 0;
	int code = 0;

	for (size_t i = 0; i < coverage->count; i++) {
		struct covered *row = &coverage->rows[i];
		const struct mount *mount = mount_that_stayed(before, &coverage->mounts, row);

		if (!code && !mount) {
			code = changed(row, false, context);
			free_row(row);
			continue;
		}
		if (!code)
			code = follow_mount(row, mount);
		/* After an error, too: the table of before is not looked at again. */
		row->moved |= is_seen_otherwise(before, &coverage->mounts, row->device);
		coverage->rows[kept++] = *row;
	}
	coverage->count = kept;
	return code;
}

static int add_row(struct coverage *coverage, const struct mount *mount, struct covered **result)
{
	struct covered *rows = realloc(coverage->rows, (coverage->count + 1) * sizeof(*rows));

	if (!rows)
		return -ENOMEM;
	coverage->rows = rows;
	*result = &rows[coverage->count];
	**result = (struct covered){
		.device = mount->device,
		.mount_id = mount->id,
		.mount_point = strdup(mount->mount_point),
	};
	if (!(*result)->mount_point)
		return -ENOMEM;
	coverage->count++;
	return 0;
}

static int add_present(struct coverage *coverage, int (*changed)(struct covered *, bool, void *), void *context)
{
	for (size_t i = 0; i < coverage->mounts.count; i++) {
		const struct mount *mount = &coverage->mounts.rows[i];
		struct covered *row;
		int code;

		if (!coverage_wants(coverage, mount) || coverage_find(coverage, mount->device))
			continue;
		code = add_row(coverage, mount, &row);
		if (code)
			return code;
		code = changed(row, true, context);
		if (code)
			free_row(&coverage->rows[--coverage->count]);
		if (code < 0)
			return code;
	}
	return 0;
}

/* A mount above shows another directory of that name. */
static bool is_absent(const struct watch *watch, const struct mount *mount)
{
	return mount && strlen(mount->mount_point) < watch->depth;
}

/* What is mounted at a watched directory now may be another filesystem than before, or none. */
static int follow_watch(const struct mounts *mounts, struct watch *watch)
{
	const struct mount *mount = mounts_find_path(mounts, watch->host_path);
	char path[PATH_MAX], *copy;

	if (!mount || is_absent(watch, mount) || mount_from_host(mount, watch->host_path, path, sizeof(path)) < 0 ||
	    (mount->device == watch->device && strcmp(path, watch->path) == 0))
		return 0;
	copy = strdup(path);
	if (!copy)
		return -ENOMEM;
	free(watch->path);
	watch->path = copy;
	watch->device = mount->device;
	watch->depth = strlen(mount->mount_point);
	return 0;
}

/*
 * A directory that is not seen where it is watched, but may be elsewhere, goes on being watched while its filesystem
 * stays: it may be seen there again.
 */
static void await_watches(struct coverage *coverage)
{
	for (size_t i = 0; i < coverage->watch_count; i++) {
		struct watch *watch = &coverage->watches[i];

		if (is_absent(watch, mounts_find_path(&coverage->mounts, watch->host_path)) &&
		    !coverage_find(coverage, watch->device))
			watch->device = 0;
	}
}

/*
 * In this order: what has ended is not in a table that is read afterwards, so what has its numbers there is another
 * one. What ends in between is told by the next look, for which the kernel has a reason then.
 */
static int read_mounts(struct coverage *coverage, bool (*has_ended)(const struct covered *, void *), void *context,
		       struct mounts *mounts)
{
	for (size_t i = 0; i < coverage->count; i++)
		coverage->rows[i].ended = has_ended(&coverage->rows[i], context);
	return mounts_read(mounts, NULL);
}

int coverage_update(struct coverage *coverage, bool (*has_ended)(const struct covered *row, void *context),
		    int (*changed)(struct covered *row, bool came, void *context), void *context)
{
	struct mounts before = coverage->mounts, now;
	int code = read_mounts(coverage, has_ended, context, &now), followed = 0;

	if (code)
		return code;
	coverage->mounts = now;
	for (size_t i = 0; !followed && i < coverage->watch_count; i++)
		followed = follow_watch(&coverage->mounts, &coverage->watches[i]);
	code = remove_absent(coverage, &before, changed, context);
	mounts_free(&before);
	await_watches(coverage);
	if (!code)
		code = followed;
	return code ? code : add_present(coverage, changed, context);
}

const struct mount *coverage_mount(const struct coverage *coverage, uint32_t device, const char *path)
{
	for (size_t i = 0; i < coverage->watch_count; i++) {
		const struct watch *watch = &coverage->watches[i];
		const struct mount *mount = mounts_find_path(&coverage->mounts, watch->host_path);

		if (watch->device == device && mount && mount->device == device &&
		    path_is_below(path, strlen(path), watch->path, strlen(watch->path)))
			return mount;
	}
	return mounts_find_device(&coverage->mounts, device, path);
}

static bool is_below(const struct dirty *entry, const struct watch *watch)
{
	return path_is_below(entry->path, entry->path_length, watch->path, strlen(watch->path));
}

static bool is_above(const struct dirty *entry, const struct watch *watch)
{
	return path_is_below(watch->path, strlen(watch->path), entry->path, entry->path_length);
}

static int apply_to_watch(const struct watch *watch, const struct dirty *entry,
			  int (*each)(const struct dirty *entry, void *context), void *context)
{
	struct dirty whole = *entry;

	if (is_below(entry, watch))
		return each(entry, context);
	if (!is_above(entry, watch) || (!entry->facts.was && !(entry->facts.flags & DIRTY_EXPAND)))
		return 0;
	whole.path = watch->path;
	whole.path_length = strlen(watch->path);
	whole.facts.was |= 1U << (S_IFDIR >> 12);
	whole.facts.flags |= DIRTY_EXPAND;
	return each(&whole, context);
}

int coverage_apply(const struct coverage *coverage, const struct dirty *entry, uint32_t device,
		   int (*each)(const struct dirty *entry, void *context), void *context)
{
	if (coverage->excluded.device == device && is_below(entry, &coverage->excluded))
		return 0;
	if (coverage->watch_count == 0)
		return each(entry, context);
	for (size_t i = 0; i < coverage->watch_count; i++) {
		int code = 0;

		if (coverage->watches[i].device == device)
			code = apply_to_watch(&coverage->watches[i], entry, each, context);
		if (code)
			return code;
	}
	return 0;
}
