// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "path.h"
#include "places_private.h"

enum { PATHS_NAMED = 20 }; /* of those that cannot be looked at; the rest is counted */

static void report_unlooked(struct places *places, const char *path, size_t length, const char *why)
{
	if (places->unlooked++ < PATHS_NAMED)
		reasons_add_path(places->reasons, path, length, "cannot be looked at (%s): it is in neither list", why);
}

void places_report_rest(struct places *places)
{
	reasons_add_rest(places->reasons, places->unlooked, PATHS_NAMED, "paths cannot be looked at");
}

/* One sentence for each mount that hides something. */
static void report_hidden(struct places *places)
{
	const struct mount *mount = mounts_find_path(&places->mounts, places->host);
	bool *named = mount ? &places->named[mount - places->mounts.rows] : NULL;

	if (!mount) {
		report_unlooked(places, places->host, places->host_length, "hidden below another mount");
		return;
	}
	if (*named)
		return;
	*named = true;
	reasons_add_path(places->reasons, places->host, places->host_length,
			 "cannot be looked at: hidden below the mount at %s; nothing there is in either list",
			 mount->mount_point);
}

/* Of the present path on the host. */
static void report(struct places *places, int error)
{
	if (error == -EXDEV)
		report_hidden(places);
	else
		report_unlooked(places, places->host, places->host_length, strerror(-error));
}

static bool is_above_a_root(const struct places *places, const struct place *place)
{
	for (size_t i = 0; i < places->mounts.count; i++)
		if (places_is_root_below(&places->mounts.rows[i], place))
			return true;
	return false;
}

/*
 * What only leads to the roots of mounts, such as the top of a btrfs of which subvolumes are mounted, has no path on
 * the host and needs none.
 */
static void report_not_shown(struct places *places, const struct place *place, const struct mount *hidden)
{
	int error;

	if (!hidden) {
		if (!is_above_a_root(places, place))
			report_unlooked(places, place->path, place->length, "no mount of its filesystem shows it");
		return;
	}
	error = places_set_host(places, hidden, place->path, place->length);
	if (error)
		report_unlooked(places, place->path, place->length, strerror(-error));
	else
		report_hidden(places);
}

/* Through the mount that was entered. */
static int look(struct places *places, const struct place *place, struct sight *sight)
{
	int error = places_set_host(places, places->mount, place->path, place->length);

	if (error)
		return error;
	*sight = (struct sight){.host = places->host, .length = places->host_length, .type = places->mount->type};
	return look_at(places->look, place->path, place->length, &sight->looked);
}

int places_look(struct places *places, const struct place *place, struct sight *sight)
{
	const struct mount *hidden;
	int error;

	if (!places_enter(places, place, &hidden)) {
		report_not_shown(places, place, hidden);
		return -EAGAIN;
	}
	error = look(places, place, sight);
	if (!error || error == -ENOENT || error == -ENOMEM)
		return error;
	report(places, error);
	return -EAGAIN;
}

int places_peek(struct places *places, const struct place *place, struct sight *sight)
{
	const struct mount *hidden;

	return places_enter(places, place, &hidden) ? look(places, place, sight) : -EXDEV;
}

/* Expansion */

struct expansion {
	struct places *places;
	int (*each)(const char *path, size_t length, const struct sight *sight, void *context);
	void *context;
	bool holds_mounts;
	bool is_root; /* of the filesystem: nothing was moved, so what is mounted below it stays where it was */
};

static const struct mount *mounted_here(const struct places *places)
{
	const struct mount *found = NULL;

	for (size_t i = 0; i < places->mounts.count; i++)
		if (strcmp(places->mounts.rows[i].mount_point, places->host) == 0)
			found = &places->mounts.rows[i];
	return found;
}

static bool holds_mounts(const struct places *places)
{
	for (size_t i = 0; i < places->mounts.count; i++) {
		const char *mount_point = places->mounts.rows[i].mount_point;
		size_t depth = strlen(mount_point);

		if (depth > places->host_length && path_is_below(mount_point, depth, places->host, places->host_length))
			return true;
	}
	return false;
}

/* A directory that moved took along what is mounted below it. */
static void report_moved_mount(const struct expansion *expansion, const struct mount *mount)
{
	struct places *places = expansion->places;
	bool *named = &places->named[mount - places->mounts.rows];

	if (expansion->is_root || mount->class != MOUNT_LOCAL || places_is_known(places, mount) || *named)
		return;
	*named = true;
	reasons_add(places->reasons,
		    "what is mounted at %s lies below a directory that was moved or replaced: its files are not listed",
		    mount->mount_point);
}

static int expand_entry(const char *path, size_t length, const struct looked *looked, void *context)
{
	const struct expansion *expansion = context;
	struct places *places = expansion->places;
	struct sight sight = {.looked = *looked};
	const struct mount *covering = NULL;
	int error = places_set_host(places, places->mount, path, length);

	if (error)
		return error;
	if (expansion->holds_mounts)
		covering = mounted_here(places);
	if (covering)
		report_moved_mount(expansion, covering);
	sight.host = places->host;
	sight.length = places->host_length;
	error = expansion->each(path, length, &sight, expansion->context);
	return error ? error : covering != NULL;
}

static int expand_failed(const char *path, size_t length, int failure, void *context)
{
	const struct expansion *expansion = context;
	int error = places_set_host(expansion->places, expansion->places->mount, path, length);

	if (!error)
		report(expansion->places, failure);
	return error;
}

int places_expand(struct places *places, const struct place *place,
		  int (*each)(const char *path, size_t length, const struct sight *sight, void *context), void *context)
{
	struct expansion expansion = {
		.places = places,
		.each = each,
		.context = context,
		.holds_mounts = holds_mounts(places),
		.is_root = place->length == 1,
	};
	const struct look_visitor visitor = {.entry = expand_entry, .failed = expand_failed, .context = &expansion};

	return look_below(places->look, place->path, place->length, &visitor);
}
