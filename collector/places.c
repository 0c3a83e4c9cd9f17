// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "path.h"
#include "places_private.h"
#include "sentence.h"

/* Reading the store */

static struct filesystem *find_filesystem(struct places *places, uint32_t id)
{
	for (size_t i = 0; i < places->filesystem_count; i++)
		if (places->filesystems[i].id == id)
			return &places->filesystems[i];
	return NULL;
}

static int take_filesystem(const struct store_filesystem *row, void *context)
{
	struct places *places = context;
	struct filesystem *filesystem, *filesystems;

	filesystems = reallocarray(places->filesystems, places->filesystem_count + 1, sizeof(*filesystems));
	if (!filesystems)
		return -ENOMEM;
	places->filesystems = filesystems;
	filesystem = &filesystems[places->filesystem_count++];
	*filesystem = (struct filesystem){
		.id = row->id,
		.device = row->device,
		.identity = strdup(row->identity),
		.mount_point = strdup(row->mount_point ? row->mount_point : row->identity),
	};
	return filesystem->identity && filesystem->mount_point ? 0 : -ENOMEM;
}

static int take_watch(const struct store_watch *row, void *context)
{
	struct places *places = context;
	struct filesystem *filesystem = find_filesystem(places, row->filesystem);
	struct watch *watch, *watches;

	places->has_watches = true;
	if (!filesystem)
		return -ENOENT;
	watches = reallocarray(filesystem->watches, filesystem->watch_count + 1, sizeof(*watches));
	if (!watches)
		return -ENOMEM;
	filesystem->watches = watches;
	watch = &watches[filesystem->watch_count++];
	*watch = (struct watch){
		.path = strdup(row->path),
		.length = strlen(row->path),
		.host_path = strdup(row->host_path),
	};
	return watch->path && watch->host_path ? 0 : -ENOMEM;
}

/* Which mount shows what */

/* A copy has a row of its own as long as its origin was mounted beside it. */
static bool is_other(const struct places *places, const struct mount *mount, const struct filesystem *filesystem)
{
	for (size_t i = 0; i < places->filesystem_count; i++) {
		const struct filesystem *row = &places->filesystems[i];

		if (row != filesystem && row->device == mount->device && mount_is_clone(mount, row->identity))
			return true;
	}
	return false;
}

static bool has_identity(const struct places *places, const struct mount *mount, const struct filesystem *filesystem)
{
	return mount_is(mount, filesystem->identity) && !is_other(places, mount, filesystem);
}

static bool is_first_of_device(const struct places *places, const struct mount *mount)
{
	return mounts_find_device(&places->mounts, mount->device, NULL) == mount;
}

/* Device numbers change from boot to boot and are reused: the identity decides. */
static void find_device(struct places *places, struct filesystem *filesystem)
{
	const struct mount *mount = mounts_find_device(&places->mounts, filesystem->device, NULL);

	filesystem->mounted = mount && has_identity(places, mount, filesystem);
	for (size_t i = 0; i < places->mounts.count && !filesystem->mounted; i++) {
		mount = &places->mounts.rows[i];
		if (mount->class != MOUNT_LOCAL || !is_first_of_device(places, mount) ||
		    !has_identity(places, mount, filesystem))
			continue;
		filesystem->device = mount->device;
		filesystem->mounted = true;
	}
}

/* False: it is covered by another one. */
static bool enter_mount(struct places *places, const struct mount *mount)
{
	enum mount_state *state = &places->states[mount - places->mounts.rows];

	if (*state == MOUNT_COVERED)
		return false;
	*state = look_set_mount(places->look, mount) ? MOUNT_COVERED : MOUNT_USABLE;
	places->mount = *state == MOUNT_USABLE ? mount : NULL;
	return places->mount;
}

int places_set_host(struct places *places, const struct mount *mount, const char *path, size_t length)
{
	size_t size = strlen(mount->mount_point) + length + 2;
	int host_length;

	if (size > places->host_size) {
		char *host = realloc(places->host, 2 * size);

		if (!host)
			return -ENOMEM;
		places->host = host;
		places->host_size = 2 * size;
	}
	host_length = mount_to_host(mount, path, length, places->host, places->host_size);
	if (host_length < 0)
		return host_length;
	places->host_length = (size_t)host_length;
	return 0;
}

/* Through this mount the place lies in the directory that paths are relative to, or above it. */
static bool is_related(struct places *places, const struct mount *mount, const struct place *place)
{
	const char *relative_to = places->relative_to;

	if (places_set_host(places, mount, place->path, place->length))
		return false;
	return !relative_to || path_is_below(places->host, places->host_length, relative_to, strlen(relative_to)) ||
	       path_is_below(relative_to, strlen(relative_to), places->host, places->host_length);
}

/* The first one that is related; else NULL, and *found is the first one, unless there was one before. */
static const struct mount *find_shown(struct places *places, const struct place *place, bool transient,
				      const struct mount **hidden, const struct mount **found)
{
	for (size_t i = 0; i < places->mounts.count; i++) {
		const struct mount *mount = &places->mounts.rows[i];

		if (mount->device != place->filesystem->device || !mount_shows(mount, place->path, place->length) ||
		    mount_is_transient(mount) != transient)
			continue;
		if (!enter_mount(places, mount)) {
			*hidden = mount;
			continue;
		}
		if (is_related(places, mount, place))
			return mount;
		*found = *found ? *found : mount;
	}
	return NULL;
}

/*
 * The mount of the watch, else the first one that shows the place, before those that are there for a while
 * (mount_is_transient()): so do the places that are kept (shown.c). Where the paths are relative to a directory, a
 * mount that shows it in there comes before all that do not: nothing is dropped that can be seen there.
 */
bool places_enter(struct places *places, const struct place *place, const struct mount **hidden)
{
	const struct mount *watched = place->watch ? place->watch->mount : NULL;
	const struct mount *found = NULL;

	*hidden = NULL;
	if (watched && enter_mount(places, watched)) {
		found = watched;
		if (is_related(places, found, place))
			return true;
	}
	if (find_shown(places, place, false, hidden, &found) || find_shown(places, place, true, hidden, &found))
		return true;
	return found && enter_mount(places, found);
}

bool places_is_root_below(const struct mount *mount, const struct place *place)
{
	size_t length = strlen(mount->root);

	return mount->device == place->filesystem->device && length > place->length &&
	       path_is_below(mount->root, length, place->path, place->length) &&
	       mount_shows(mount, mount->root, length);
}

/* Watches */

/* The administrator's name may lead through a symbolic link: then the mount that his path lies on is the one. */
static const struct mount *mount_of_watch(struct places *places, const struct filesystem *filesystem,
					  const struct watch *watch)
{
	const struct mount *mount;

	for (size_t i = 0; i < places->mounts.count; i++) {
		mount = &places->mounts.rows[i];
		if (mount->device == filesystem->device && mount_shows(mount, watch->path, watch->length) &&
		    places_set_host(places, mount, watch->path, watch->length) == 0 &&
		    strcmp(places->host, watch->host_path) == 0 && enter_mount(places, mount))
			return mount;
	}
	mount = mounts_find_path(&places->mounts, watch->host_path);
	if (mount && mount->device == filesystem->device && mount_shows(mount, watch->path, watch->length))
		return mount;
	return NULL;
}

static void check_watch(struct places *places, struct filesystem *filesystem, struct watch *watch)
{
	const struct place place = {filesystem, watch, watch->path, watch->length};
	struct sight sight;
	int error;

	watch->mount = mount_of_watch(places, filesystem, watch);
	error = places_look(places, &place, &sight);
	watch->usable = !error && S_ISDIR(sight.looked.mode);
	if (!error && !watch->usable)
		reasons_add_path(places->reasons, watch->host_path, strlen(watch->host_path),
				 "is not a directory any more: nothing of what was watched there is in either list");
	else if (!error && !watch->mount)
		reasons_add_path(places->reasons, watch->host_path, strlen(watch->host_path),
				 "is not seen where it is watched: what has changed in it is listed elsewhere");
	else if (error == -ENOENT)
		reasons_add_path(places->reasons, watch->host_path, strlen(watch->host_path),
				 "has vanished: nothing of what was watched there is in either list");
}

static void report_not_mounted(struct places *places, struct filesystem *filesystem)
{
	if (filesystem->reported)
		return;
	filesystem->reported = true;
	reasons_add(places->reasons,
		    "the filesystem %s, last seen at %s, is not mounted: nothing of it is in either list",
		    filesystem->identity, filesystem->mount_point);
}

int places_read(struct places *places, struct store *store)
{
	int error = store_filesystems(store, take_filesystem, places);

	if (!error)
		error = store_watches(store, take_watch, places);
	if (error)
		return error;
	for (size_t i = 0; i < places->filesystem_count; i++) {
		struct filesystem *filesystem = &places->filesystems[i];

		find_device(places, filesystem);
		if (filesystem->watch_count && !filesystem->mounted)
			report_not_mounted(places, filesystem);
		for (size_t j = 0; j < filesystem->watch_count && filesystem->mounted; j++)
			check_watch(places, filesystem, &filesystem->watches[j]);
	}
	return 0;
}

/* The watch nearest above the path; NULL: it is not watched. */
static const struct watch *watch_of(const struct filesystem *filesystem, const char *path, size_t length)
{
	const struct watch *found = NULL;

	for (size_t i = 0; i < filesystem->watch_count; i++) {
		const struct watch *watch = &filesystem->watches[i];

		if (path_is_below(path, length, watch->path, watch->length) &&
		    (!found || watch->length > found->length))
			found = watch;
	}
	return found;
}

bool places_is_unwatched(const struct place *place)
{
	return place->filesystem->watch_count && !(place->watch && place->watch->usable);
}

uint32_t places_filesystem(const struct place *place)
{
	return place->filesystem->id;
}

const char *places_mount_point(struct places *places, uint32_t filesystem)
{
	const struct filesystem *found = find_filesystem(places, filesystem);

	return found ? found->mount_point : NULL;
}

bool places_is_device(struct places *places, uint32_t id, uint64_t device)
{
	const struct filesystem *filesystem = find_filesystem(places, id);

	return filesystem && device == ((uint64_t)(filesystem->device >> 20) << 32 | (filesystem->device & 0xfffff));
}

int places_find(struct places *places, uint32_t id, const char *path, size_t length, struct place *place)
{
	struct filesystem *filesystem = find_filesystem(places, id);

	if (!filesystem)
		return -ENOENT;
	if (!filesystem->mounted) {
		report_not_mounted(places, filesystem);
		return -ENODEV;
	}
	*place = (struct place){filesystem, watch_of(filesystem, path, length), path, length};
	return 0;
}

static int watches_below(const struct place *above, int (*each)(const struct place *, void *), void *context)
{
	struct filesystem *filesystem = above->filesystem;
	int error = 0;

	for (size_t i = 0; i < filesystem->watch_count && !error; i++) {
		const struct watch *watch = &filesystem->watches[i];
		const struct place place = {filesystem, watch, watch->path, watch->length};

		if (watch->usable && watch->length > above->length &&
		    path_is_below(watch->path, watch->length, above->path, above->length))
			error = each(&place, context);
	}
	return error;
}

static int roots_below(struct places *places, const struct place *above, int (*each)(const struct place *, void *),
		       void *context)
{
	const struct mount *hidden, *mount = places_enter(places, above, &hidden) ? places->mount : NULL;
	int error = 0;

	for (size_t i = 0; i < places->mounts.count && !error; i++) {
		const struct mount *other = &places->mounts.rows[i];
		struct place place = {above->filesystem, NULL, other->root, strlen(other->root)};

		if (!places_is_root_below(other, above))
			continue;
		place.watch = watch_of(place.filesystem, place.path, place.length);
		if (places_is_unwatched(&place))
			continue;
		if (!places_enter(places, &place, &hidden) || places->mount != mount)
			error = each(&place, context);
	}
	return error;
}

int places_below(struct places *places, const struct place *place,
		 int (*each)(const struct place *place, void *context), void *context)
{
	int error = watches_below(place, each, context);

	return error ? error : roots_below(places, place, each, context);
}

/* Known, and mounted there. */
static struct filesystem *filesystem_of(const struct places *places, const struct mount *mount)
{
	for (size_t i = 0; i < places->filesystem_count; i++)
		if (places->filesystems[i].mounted && places->filesystems[i].device == mount->device)
			return &places->filesystems[i];
	return NULL;
}

bool places_is_known(const struct places *places, const struct mount *mount)
{
	return filesystem_of(places, mount) != NULL;
}

static bool is_related_to_watch(const struct places *places, const struct filesystem *filesystem, const char *path)
{
	size_t length = strlen(path);

	if (!places->has_watches)
		return true;
	for (size_t i = 0; i < filesystem->watch_count; i++) {
		const struct watch *watch = &filesystem->watches[i];

		if (watch->usable && (path_is_below(path, length, watch->path, watch->length) ||
				      path_is_below(watch->path, watch->length, path, length)))
			return true;
	}
	return false;
}

/* The host's path, which the mount shows. */
static bool covers(const struct places *places, const struct mount *mount, const char *host)
{
	const struct filesystem *filesystem = filesystem_of(places, mount);
	char path[2 * PATH_BYTES];

	return filesystem && mount_from_host(mount, host, path, sizeof(path)) > 0 &&
	       is_related_to_watch(places, filesystem, path);
}

bool places_cover(const struct places *places, const char *directory)
{
	const struct mount *mount = mounts_find_path(&places->mounts, directory);
	size_t length = strlen(directory);

	if (mount && covers(places, mount, directory))
		return true;
	for (size_t i = 0; i < places->mounts.count; i++) {
		mount = &places->mounts.rows[i];
		if (path_is_below(mount->mount_point, strlen(mount->mount_point), directory, length) &&
		    covers(places, mount, mount->mount_point))
			return true;
	}
	return false;
}

static int take_root(struct places *places, const struct mount *mount,
		     int (*each)(const struct place *place, void *context), void *context)
{
	struct place place = {filesystem_of(places, mount), NULL, mount->root, strlen(mount->root)};
	const struct mount *hidden;

	if (!place.filesystem)
		return 0;
	place.watch = watch_of(place.filesystem, place.path, place.length);
	/* What several mounts show is listed by one of them. */
	if (!places_is_unwatched(&place) && places_enter(places, &place, &hidden) && places->mount != mount)
		return 0;
	return each(&place, context);
}

int places_mounted_below(struct places *places, const char *host, size_t length,
			 int (*each)(const struct place *place, void *context), void *context)
{
	int error = 0;

	for (size_t i = 0; i < places->mounts.count && !error; i++) {
		const struct mount *mount = &places->mounts.rows[i];
		size_t depth = strlen(mount->mount_point);

		if (depth > length && path_is_below(mount->mount_point, depth, host, length))
			error = take_root(places, mount, each, context);
	}
	return error;
}

static const struct mount *find_same(const struct mounts *mounts, const struct mount *mount)
{
	for (size_t i = 0; i < mounts->count; i++) {
		const struct mount *row = &mounts->rows[i];

		if (row->id == mount->id && row->device == mount->device && strcmp(row->root, mount->root) == 0 &&
		    strcmp(row->mount_point, mount->mount_point) == 0)
			return row;
	}
	return NULL;
}

static bool has_stayed(const struct places *places, const struct mount *mount, const struct mounts *present)
{
	const struct filesystem *filesystem = filesystem_of(places, mount);
	const struct mount *same = find_same(present, mount);

	return filesystem && same && has_identity(places, same, filesystem);
}

int places_confirm(struct places *places)
{
	struct mounts present;
	int error = mounts_read(&present, places->mountinfo);

	if (error)
		return error;
	for (size_t i = 0; i < places->mounts.count; i++) {
		const struct mount *mount = &places->mounts.rows[i];

		if (places->states[i] == MOUNT_USABLE && !has_stayed(places, mount, &present))
			reasons_add(places->reasons,
				    "what is mounted at %s was replaced, moved or unmounted while the lists were made: "
				    "of files there they may be wrong; make them again",
				    mount->mount_point);
	}
	mounts_free(&present);
	return 0;
}

int places_new(struct places **result, const char *mountinfo, const char *relative_to, struct reasons *reasons,
	       char **error)
{
	struct places *places = calloc(1, sizeof(*places));
	int code;

	*result = places;
	if (!places)
		return -ENOMEM;
	places->reasons = reasons;
	places->mountinfo = mountinfo;
	places->relative_to = relative_to;
	code = look_new(&places->look);
	if (code)
		return code;
	code = mounts_read(&places->mounts, mountinfo);
	if (code)
		return sentence(error, code, "the mount table cannot be read: %s", strerror(-code));
	places->states = calloc(places->mounts.count + 1, sizeof(*places->states));
	places->named = calloc(places->mounts.count + 1, sizeof(*places->named));
	return places->states && places->named ? 0 : -ENOMEM;
}

static void free_filesystem(struct filesystem *filesystem)
{
	for (size_t i = 0; i < filesystem->watch_count; i++) {
		free(filesystem->watches[i].path);
		free(filesystem->watches[i].host_path);
	}
	free(filesystem->watches);
	free(filesystem->identity);
	free(filesystem->mount_point);
}

void places_free(struct places *places)
{
	if (!places)
		return;
	for (size_t i = 0; i < places->filesystem_count; i++)
		free_filesystem(&places->filesystems[i]);
	look_free(places->look);
	mounts_free(&places->mounts);
	free(places->filesystems);
	free(places->states);
	free(places->named);
	free(places->host);
	free(places);
}
