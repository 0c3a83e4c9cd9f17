// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shown.h"
#include "store_shown.h"

/* As in the store. */
struct kept {
	uint32_t filesystem; /* 0: it is kept no more */
	char *mount_point, *root;
};

struct shown {
	struct store *store;
	struct coverage *coverage;
	const struct mount **seen; /* in the order of their mount points */
	size_t seen_count;
	struct kept *kept; /* the oldest first */
	size_t kept_count;
};

/* What is seen */

static int compare_mounts(const void *left, const void *right)
{
	const struct mount *one = *(const struct mount *const *)left;
	const struct mount *other = *(const struct mount *const *)right;
	int order = strcmp(one->mount_point, other->mount_point);

	return order ? order : (one > other) - (one < other);
}

/* Of several at the same place the last one is seen. */
static int find_seen(struct shown *shown)
{
	const struct mounts *mounts = &shown->coverage->mounts;
	const struct mount **seen = calloc(mounts->count + 1, sizeof(const struct mount *));

	shown->seen = seen;
	if (!seen)
		return -ENOMEM;
	for (size_t i = 0; i < mounts->count; i++)
		seen[i] = &mounts->rows[i];
	qsort(seen, mounts->count, sizeof(*seen), compare_mounts);
	for (size_t i = 0; i < mounts->count; i++)
		if (i + 1 == mounts->count || strcmp(seen[i]->mount_point, seen[i + 1]->mount_point) != 0)
			seen[shown->seen_count++] = seen[i];
	return 0;
}

static int compare_place(const void *mount_point, const void *mount)
{
	return strcmp(mount_point, (*(const struct mount *const *)mount)->mount_point);
}

static const struct mount *seen_at(const struct shown *shown, const char *mount_point)
{
	const struct mount **found =
		bsearch(mount_point, shown->seen, shown->seen_count, sizeof(*shown->seen), compare_place);

	return found ? *found : NULL;
}

static bool is_seen(const struct shown *shown, const struct mount *mount)
{
	return seen_at(shown, mount->mount_point) == mount;
}

/*
 * By which mount the list names a directory: by the first one that shows it and stays (places_enter()), and by nothing
 * that is bound from there: containers bind directories in endless numbers. NULL: by none. transient: of those that do
 * not stay, by which it names what no other one shows.
 */
static const struct mount *naming(const struct shown *shown, uint32_t device, const char *root, bool transient)
{
	const struct mounts *mounts = &shown->coverage->mounts;
	size_t length = strlen(root);

	for (size_t i = 0; i < mounts->count; i++) {
		const struct mount *mount = &mounts->rows[i];

		if (mount->device == device && mount_shows(mount, root, length) &&
		    mount_is_transient(mount) == transient && is_seen(shown, mount))
			return mount;
	}
	return NULL;
}

static bool names_something(const struct shown *shown, const struct mount *mount)
{
	return naming(shown, mount->device, mount->root, false) == mount;
}

/* What is kept */

static int add_kept(const struct store_shown *row, void *context)
{
	struct shown *shown = context;
	struct kept *kept = reallocarray(shown->kept, shown->kept_count + 1, sizeof(*kept));

	if (!kept)
		return -ENOMEM;
	shown->kept = kept;
	kept += shown->kept_count++;
	*kept = (struct kept){row->filesystem, strdup(row->mount_point), strdup(row->root)};
	return kept->mount_point && kept->root ? 0 : -ENOMEM;
}

static bool is_kept(const struct shown *shown, uint32_t filesystem, const char *mount_point)
{
	for (size_t i = 0; i < shown->kept_count; i++)
		if (shown->kept[i].filesystem == filesystem &&
		    (!mount_point || strcmp(shown->kept[i].mount_point, mount_point) == 0))
			return true;
	return false;
}

/* The filesystem, if it is what is seen at the place. */
static struct covered *find_row(const struct shown *shown, const struct kept *kept)
{
	const struct mount *mount = seen_at(shown, kept->mount_point);
	struct covered *row = mount ? coverage_find(shown->coverage, mount->device) : NULL;

	return row && row->id == kept->filesystem ? row : NULL;
}

static int put(const struct shown *shown, uint32_t filesystem, const char *mount_point, const char *root)
{
	return store_put_shown(shown->store, &(struct store_shown){filesystem, mount_point, root});
}

static struct covered *find_filesystem(const struct shown *shown, uint32_t filesystem)
{
	for (size_t i = 0; i < shown->coverage->count; i++)
		if (shown->coverage->rows[i].id == filesystem)
			return &shown->coverage->rows[i];
	return NULL;
}

/* Where another filesystem was, or what is shown elsewhere was named by that, a backup may have that. */
static int compare_root(const struct shown *shown, const struct kept *kept, struct covered *row,
			const struct mount *mount)
{
	bool names = names_something(shown, mount);

	if (!*kept->root && !names)
		return 0;
	row->moved |= *kept->root || !row->told;
	return put(shown, row->id, mount->mount_point, names ? mount->root : "");
}

/*
 * What was named here is named by another place from now on. Here it is not any more, and when it is again, what has
 * changed in between was listed there alone. Below a transient one nobody looks for what he has not seen yet.
 */
static int compare_name(const struct shown *shown, const struct kept *kept)
{
	struct covered *row = *kept->root ? find_filesystem(shown, kept->filesystem) : NULL;
	const struct mount *mount = row ? naming(shown, row->device, kept->root, false) : NULL;

	if (mount ? strcmp(mount->mount_point, kept->mount_point) == 0
		  : !row || !naming(shown, row->device, kept->root, true))
		return 0;
	row->moved |= mount && !row->told;
	return put(shown, kept->filesystem, kept->mount_point, "");
}

/*
 * Where nothing is mounted the next mount is compared with the last one. So it is where the kernel has a filesystem of
 * its own: autofs lies below each mount that it waits for.
 */
static int compare_kept(const struct shown *shown, const struct kept *kept)
{
	const struct mount *mount = seen_at(shown, kept->mount_point);
	struct covered *row = find_row(shown, kept);
	int code;

	if (row && strcmp(mount->root, kept->root) != 0)
		return compare_root(shown, kept, row, mount);
	code = compare_name(shown, kept);
	if (code || row || !mount || mount->class == MOUNT_PSEUDO || !*kept->root)
		return code;
	return put(shown, kept->filesystem, kept->mount_point, "");
}

/* A place that is forgotten is a new one when it shows the filesystem again, which is a gap more. */
static int make_room(const struct shown *shown, uint32_t filesystem)
{
	struct kept *oldest = NULL;
	size_t count = 0;

	for (size_t i = 0; i < shown->kept_count; i++) {
		struct kept *kept = &shown->kept[i];

		if (kept->filesystem != filesystem)
			continue;
		count++;
		if (!oldest && !find_row(shown, kept))
			oldest = kept;
	}
	if (count < SHOWN_MOST || !oldest)
		return 0;
	oldest->filesystem = 0;
	return store_remove_shown(shown->store, filesystem, oldest->mount_point);
}

static int keep_new(struct shown *shown, uint32_t filesystem, const struct mount *mount)
{
	const struct store_shown row = {filesystem, mount->mount_point, mount->root};
	int code = make_room(shown, filesystem);

	if (!code)
		code = add_kept(&row, shown);
	return code ? code : store_put_shown(shown->store, &row);
}

/* Of one of which nothing is kept it is not known what was shown before: it is new, or the store was without this. */
static int keep_row(struct shown *shown, struct covered *row)
{
	const struct mounts *mounts = &shown->coverage->mounts;
	bool is_known = is_kept(shown, row->id, NULL);
	int code = 0;

	for (size_t i = 0; !code && i < mounts->count; i++) {
		const struct mount *mount = &mounts->rows[i];

		if (mount->device != row->device || !names_something(shown, mount) ||
		    is_kept(shown, row->id, mount->mount_point))
			continue;
		row->moved |= is_known && !row->told;
		code = keep_new(shown, row->id, mount);
	}
	return code;
}

static int update(struct shown *shown)
{
	struct coverage *coverage = shown->coverage;
	int code = find_seen(shown);

	if (!code)
		code = store_shown(shown->store, add_kept, shown);
	for (size_t i = 0; !code && i < shown->kept_count; i++)
		code = compare_kept(shown, &shown->kept[i]);
	for (size_t i = 0; !code && i < coverage->count; i++)
		code = keep_row(shown, &coverage->rows[i]);
	return code;
}

int shown_update(struct store *store, struct coverage *coverage)
{
	struct shown shown = {.store = store, .coverage = coverage};
	int code;

	if (coverage->watch_count)
		return 0;
	code = update(&shown);
	for (size_t i = 0; i < shown.kept_count; i++) {
		free(shown.kept[i].mount_point);
		free(shown.kept[i].root);
	}
	free(shown.kept);
	free(shown.seen);
	return code;
}
