// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "list.h"
#include "look.h"
#include "mounts.h"
#include "path.h"

enum {
	MEMORY_DEFAULT = 32 << 20,
	PATHS_NAMED = 20, /* of those that cannot be looked at; the rest is counted */
	LINKS_NAMED = 5,
	STREAM_BUFFER = 64 << 10,
};

struct watch {
	char *path; /* inside the filesystem */
	size_t length;
	char *host_path;
	const struct mount *mount; /* through which it was named; NULL: not known */
	bool usable;
};

struct filesystem {
	uint32_t id;
	char *identity;
	char *mount_point;
	uint32_t device; /* where it is mounted now */
	bool mounted, reported;
	struct watch *watches;
	size_t watch_count;
};

enum mount_state { MOUNT_NOT_TRIED, MOUNT_USABLE, MOUNT_COVERED };

struct output {
	const char *target; /* NULL: not wanted */
	char *temporary;    /* NULL: no file of its own */
	char *directory;
	FILE *stream;
	struct sorter *sorter;
	uint64_t written;
	bool whole; /* the directory that paths are relative to stands in it */
	bool renamed;
};

struct maker {
	struct store *store;
	const struct list_options *options;
	char *relative_to;
	size_t relative_length;
	struct list_result *result;
	list_report *report;
	void *context;
	struct mounts mounts;
	enum mount_state *states; /* of each mount */
	bool *named;		  /* each mount: reported as hiding something */
	struct filesystem *filesystems;
	size_t filesystem_count;
	struct look *look;
	struct output outputs[2]; /* by enum list_kind */
	char *host;		  /* the present path on the host */
	size_t host_size;
	uint64_t unlooked;
	uint64_t unknown_links;
	uint64_t expected; /* the window that comes next */
	char *error;
};

/* What a path of the dirty set says, whichever path it is applied to. */
struct change {
	struct dirty_facts facts;
	int64_t first, last;
};

struct place {
	struct filesystem *filesystem;
	struct watch *watch; /* NULL: any mount will do */
	const char *path;    /* inside the filesystem */
	size_t length;
};

static void free_text(char **text)
{
	free(*text);
}

#define TEXT __attribute__((cleanup(free_text))) char *

/* The reason why nothing was written. */
__attribute__((format(printf, 3, 4))) static int fail(struct maker *maker, int error, const char *format, ...)
{
	va_list arguments;

	free(maker->error);
	va_start(arguments, format);
	if (vasprintf(&maker->error, format, arguments) < 0)
		maker->error = NULL;
	va_end(arguments);
	return error;
}

__attribute__((format(printf, 3, 4))) static void incomplete(struct maker *maker, uint64_t places, const char *format,
							     ...)
{
	TEXT sentence = NULL;
	va_list arguments;

	maker->result->incomplete += places;
	va_start(arguments, format);
	if (vasprintf(&sentence, format, arguments) < 0)
		sentence = NULL;
	va_end(arguments);
	if (maker->report)
		maker->report(sentence ? sentence : "there is no memory to say why the list is incomplete",
			      maker->context);
}

/* For sentences: NULL where there is no memory. */
static char *printable(const char *name, size_t length)
{
	char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	if (!stream)
		return NULL;
	format_escaped(stream, name, length);
	fclose(stream);
	return text;
}

static const char *shown(const char *text)
{
	return text ? text : "(a name for which there is no memory)";
}

/* Reading the store */

static struct filesystem *find_filesystem(struct maker *maker, uint32_t id)
{
	for (size_t i = 0; i < maker->filesystem_count; i++)
		if (maker->filesystems[i].id == id)
			return &maker->filesystems[i];
	return NULL;
}

static int take_filesystem(const struct store_filesystem *row, void *context)
{
	struct maker *maker = context;
	struct filesystem *filesystem, *filesystems;

	filesystems = reallocarray(maker->filesystems, maker->filesystem_count + 1, sizeof(*filesystems));
	if (!filesystems)
		return -ENOMEM;
	maker->filesystems = filesystems;
	filesystem = &filesystems[maker->filesystem_count++];
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
	struct filesystem *filesystem = find_filesystem(context, row->filesystem);
	struct watch *watch, *watches;

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

static void report_missing_windows(struct maker *maker, uint64_t last)
{
	if (maker->expected == last)
		incomplete(maker, 1, "window %" PRIu64 " is not in the store", last);
	else if (maker->expected < last)
		incomplete(maker, 1, "windows %" PRIu64 " to %" PRIu64 " are not in the store", maker->expected, last);
}

static int check_window(const struct store_window *window, void *context)
{
	struct maker *maker = context;

	report_missing_windows(maker, window->number - 1);
	maker->expected = window->number + 1;
	if (!window->closed)
		incomplete(maker, 1, "window %" PRIu64 " is still open", window->number);
	return 0;
}

static const char *time_text(int64_t nanoseconds, char *text, size_t size)
{
	time_t seconds = (time_t)(nanoseconds / 1000000000);
	struct tm parts;

	if (!nanoseconds || !gmtime_r(&seconds, &parts))
		return "now";
	strftime(text, size, "%Y-%m-%dT%H:%M:%SZ", &parts);
	return text;
}

static int check_gap(const struct store_gap *gap, void *context)
{
	struct maker *maker = context;
	struct filesystem *filesystem = find_filesystem(maker, gap->filesystem);
	const char *where = "all filesystems";
	char started[64], ended[64];

	if (gap->repaired)
		return 0;
	if (gap->filesystem != STORE_ALL_FILESYSTEMS)
		where = filesystem ? filesystem->mount_point : "a filesystem that the store does not know";
	incomplete(maker, 1, "changes between %s and %s on %s may be missing: %s",
		   time_text(gap->started, started, sizeof(started)), time_text(gap->ended, ended, sizeof(ended)),
		   where, gap->detail ? gap->detail : gap->reason);
	return 0;
}

/* Which mount shows what */

static bool shows(const struct mount *mount, const char *path, size_t length)
{
	return mount_to_host(mount, path, length, NULL, 0) != -ENOENT;
}

static bool has_identity(const struct mount *mount, const char *expected)
{
	TEXT identity = NULL;

	return mount_identity(mount, &identity) == 0 && strcmp(identity, expected) == 0;
}

static bool is_first_of_device(const struct maker *maker, const struct mount *mount)
{
	return mounts_find_device(&maker->mounts, mount->device, NULL) == mount;
}

/* Device numbers change from boot to boot and are reused: the identity decides. */
static void find_device(struct maker *maker, struct filesystem *filesystem)
{
	const struct mount *mount = mounts_find_device(&maker->mounts, filesystem->device, NULL);

	filesystem->mounted = mount && has_identity(mount, filesystem->identity);
	for (size_t i = 0; i < maker->mounts.count && !filesystem->mounted; i++) {
		mount = &maker->mounts.rows[i];
		if (mount->class != MOUNT_LOCAL || !is_first_of_device(maker, mount) ||
		    !has_identity(mount, filesystem->identity))
			continue;
		filesystem->device = mount->device;
		filesystem->mounted = true;
	}
}

/* Enters the mount, unless it is known to be covered by another one. */
static bool enter_mount(struct maker *maker, const struct mount *mount)
{
	enum mount_state *state = &maker->states[mount - maker->mounts.rows];

	if (*state == MOUNT_COVERED)
		return false;
	*state = look_set_mount(maker->look, mount) ? MOUNT_COVERED : MOUNT_USABLE;
	return *state == MOUNT_USABLE;
}

static int set_host(struct maker *maker, const struct mount *mount, const char *path, size_t length)
{
	size_t size = strlen(mount->mount_point) + length + 2;

	if (size > maker->host_size) {
		char *host = realloc(maker->host, 2 * size);

		if (!host)
			return -ENOMEM;
		maker->host = host;
		maker->host_size = 2 * size;
	}
	return mount_to_host(mount, path, length, maker->host, maker->host_size);
}

/* Through this mount the path lies in the directory that paths are relative to, or above it. */
static bool is_related(struct maker *maker, const struct mount *mount, const struct place *place)
{
	int length = set_host(maker, mount, place->path, place->length);

	if (length < 0 || !maker->relative_to)
		return length > 0;
	return path_is_below(maker->host, (size_t)length, maker->relative_to, maker->relative_length) ||
	       path_is_below(maker->relative_to, maker->relative_length, maker->host, (size_t)length);
}

/*
 * The mount of the watch, else the first one that shows the place. Where the paths are relative to a directory, a mount
 * that shows it in there comes before all that do not: nothing is dropped that can be seen there.
 * *hidden: there are mounts that show it, but they are covered.
 */
static const struct mount *choose_mount(struct maker *maker, const struct place *place, const struct mount **hidden)
{
	const struct mount *watched = place->watch ? place->watch->mount : NULL;
	const struct mount *found = NULL;

	*hidden = NULL;
	if (watched && enter_mount(maker, watched)) {
		found = watched;
		if (is_related(maker, found, place))
			return found;
	}
	for (size_t i = 0; i < maker->mounts.count; i++) {
		const struct mount *mount = &maker->mounts.rows[i];

		if (mount->device != place->filesystem->device || !shows(mount, place->path, place->length))
			continue;
		if (!enter_mount(maker, mount)) {
			*hidden = mount;
			continue;
		}
		if (is_related(maker, mount, place))
			return mount;
		found = found ? found : mount;
	}
	return found && enter_mount(maker, found) ? found : NULL;
}

/* Saying what cannot be looked at */

static void report_unlooked(struct maker *maker, const char *path, size_t length, const char *why)
{
	TEXT name = NULL;

	if (maker->unlooked++ >= PATHS_NAMED)
		return;
	name = printable(path, length);
	incomplete(maker, 1, "%s cannot be looked at (%s): it is in neither list", shown(name), why);
}

/* One sentence for each mount that hides something. */
static void report_hidden(struct maker *maker, const char *host, size_t length)
{
	const struct mount *mount = mounts_find_path(&maker->mounts, host);
	TEXT name = NULL;

	if (!mount) {
		report_unlooked(maker, host, length, "hidden below another mount");
		return;
	}
	if (maker->named[mount - maker->mounts.rows])
		return;
	maker->named[mount - maker->mounts.rows] = true;
	name = printable(host, length);
	incomplete(maker, 1, "%s cannot be looked at: hidden below the mount at %s; nothing there is in either list",
		   shown(name), mount->mount_point);
}

static void report_not_mounted(struct maker *maker, struct filesystem *filesystem)
{
	if (filesystem->reported)
		return;
	filesystem->reported = true;
	incomplete(maker, 1, "the filesystem %s, last seen at %s, is not mounted: nothing of it is in either list",
		   filesystem->identity, filesystem->mount_point);
}

/* Strictly. */
static bool is_root_below(const struct mount *mount, const struct place *place)
{
	size_t length = strlen(mount->root);

	return mount->device == place->filesystem->device && length > place->length &&
	       path_is_below(mount->root, length, place->path, place->length) && shows(mount, mount->root, length);
}

static bool is_above_a_root(const struct maker *maker, const struct place *place)
{
	for (size_t i = 0; i < maker->mounts.count; i++)
		if (is_root_below(&maker->mounts.rows[i], place))
			return true;
	return false;
}

/*
 * The mount that shows the place; NULL: reported. What only leads to the roots of mounts, such as the top of a btrfs of
 * which subvolumes are mounted, has no path on the host and needs none.
 */
static const struct mount *mount_of(struct maker *maker, const struct place *place)
{
	const struct mount *hidden;
	const struct mount *mount = choose_mount(maker, place, &hidden);
	int length;

	if (mount)
		return mount;
	if (!hidden && is_above_a_root(maker, place))
		return NULL;
	if (!hidden) {
		report_unlooked(maker, place->path, place->length, "no mount of its filesystem shows it");
		return NULL;
	}
	length = set_host(maker, hidden, place->path, place->length);
	if (length > 0)
		report_hidden(maker, maker->host, (size_t)length);
	else
		report_unlooked(maker, place->path, place->length, strerror(-length));
	return NULL;
}

static void report_links(struct maker *maker, const struct store_link *link, struct filesystem *filesystem)
{
	const struct place place = {.filesystem = filesystem, .path = link->path, .length = link->path_length};
	const struct mount *mount = NULL, *hidden;
	TEXT name = NULL;
	int length;

	if (filesystem && filesystem->mounted)
		mount = choose_mount(maker, &place, &hidden);
	length = mount ? set_host(maker, mount, link->path, link->path_length) : -ENOENT;
	name = length > 0 ? printable(maker->host, (size_t)length) : printable(link->path, link->path_length);
	incomplete(maker, 1, "%s%s%s has %" PRIu32 " names, of which %" PRIu32 " are known", shown(name),
		   length > 0 ? "" : " on ",
		   length > 0	? ""
		   : filesystem ? filesystem->mount_point
				: "an unknown filesystem",
		   link->links, link->names);
}

static int check_link(const struct store_link *link, void *context)
{
	struct maker *maker = context;

	if (maker->unknown_links++ < LINKS_NAMED)
		report_links(maker, link, find_filesystem(maker, link->filesystem));
	return 0;
}

/* Watches */

/* The administrator's name may lead through a symbolic link: then the mount that his path lies on is the one. */
static const struct mount *mount_of_watch(struct maker *maker, const struct filesystem *filesystem,
					  const struct watch *watch)
{
	const struct mount *mount;

	for (size_t i = 0; i < maker->mounts.count; i++) {
		int length;

		mount = &maker->mounts.rows[i];
		if (mount->device != filesystem->device || !shows(mount, watch->path, watch->length))
			continue;
		length = set_host(maker, mount, watch->path, watch->length);
		if (length > 0 && strcmp(maker->host, watch->host_path) == 0 && enter_mount(maker, mount))
			return mount;
	}
	mount = mounts_find_path(&maker->mounts, watch->host_path);
	if (mount && mount->device == filesystem->device && shows(mount, watch->path, watch->length))
		return mount;
	return NULL;
}

static void check_watch(struct maker *maker, struct filesystem *filesystem, struct watch *watch)
{
	const struct place place = {filesystem, watch, watch->path, watch->length};
	TEXT name = NULL;
	uint32_t mode;
	int error;

	watch->mount = mount_of_watch(maker, filesystem, watch);
	if (!mount_of(maker, &place))
		return;
	error = look_at(maker->look, watch->path, watch->length, &mode);
	if (!error && S_ISDIR(mode)) {
		watch->usable = true;
		return;
	}
	if (error == -EXDEV) {
		report_hidden(maker, watch->host_path, strlen(watch->host_path));
		return;
	}
	name = printable(watch->host_path, strlen(watch->host_path));
	if (error && error != -ENOENT)
		incomplete(maker, 1,
			   "the watched directory %s cannot be looked at (%s): nothing of it is in either list",
			   shown(name), strerror(-error));
	else
		incomplete(maker, 1, "the watched directory %s %s: nothing of it is in either list", shown(name),
			   error ? "has vanished" : "is not a directory any more");
}

static void check_watches(struct maker *maker)
{
	for (size_t i = 0; i < maker->filesystem_count; i++) {
		struct filesystem *filesystem = &maker->filesystems[i];

		if (filesystem->watch_count && !filesystem->mounted)
			report_not_mounted(maker, filesystem);
		for (size_t j = 0; j < filesystem->watch_count && filesystem->mounted; j++)
			check_watch(maker, filesystem, &filesystem->watches[j]);
	}
}

/* Entering paths into the lists */

/*
 * Makes the path relative. False: it is outside. What goes away together with the directory's ancestor takes the
 * directory with it.
 */
static bool make_relative(const struct maker *maker, enum list_kind kind, const char **path, size_t *length)
{
	const char *directory = maker->relative_to;
	size_t skip = maker->relative_length == 1 ? 1 : maker->relative_length + 1;

	if (!directory)
		return true;
	if (path_is_below(*path, *length, directory, maker->relative_length) && *length > maker->relative_length) {
		*path += skip;
		*length -= skip;
		return true;
	}
	if (*length != maker->relative_length && kind != LIST_DELETED)
		return false;
	if (!path_is_below(directory, maker->relative_length, *path, *length))
		return false;
	*path = ".";
	*length = 1;
	return true;
}

static int add(struct maker *maker, enum list_kind kind, const char *path, size_t length, uint32_t mode,
	       const struct change *change)
{
	struct output *output = &maker->outputs[kind];
	struct sorted record = {.mode = mode, .facts = change->facts, .first = change->first, .last = change->last};
	int error;

	if (!output->target || !make_relative(maker, kind, &path, &length))
		return 0;
	if (length == 1 && *path == '.')
		output->whole = true;
	record.path = path;
	record.length = length;
	error = sorter_add(output->sorter, &record);
	return error ? fail(maker, error, "the lists cannot be sorted: %s", strerror(-error)) : 0;
}

/* Expansion */

struct expansion {
	struct maker *maker;
	const struct mount *mount;
	const struct change *change;
	bool holds_mounts;
	bool is_root; /* of the filesystem: nothing was moved, so what is mounted below it stays where it was */
};

static const struct mount *mounted_at(const struct maker *maker, const char *host)
{
	const struct mount *found = NULL;

	for (size_t i = 0; i < maker->mounts.count; i++)
		if (strcmp(maker->mounts.rows[i].mount_point, host) == 0)
			found = &maker->mounts.rows[i];
	return found;
}

static bool holds_mounts(const struct maker *maker, const char *host, size_t length)
{
	for (size_t i = 0; i < maker->mounts.count; i++) {
		const char *mount_point = maker->mounts.rows[i].mount_point;
		size_t depth = strlen(mount_point);

		if (depth > length && path_is_below(mount_point, depth, host, length))
			return true;
	}
	return false;
}

/* A directory that moved took along what is mounted below it. */
static void report_moved_mount(struct expansion *expansion, const struct mount *mount)
{
	struct maker *maker = expansion->maker;
	bool *named = &maker->named[mount - maker->mounts.rows];

	if (expansion->is_root || mount->class != MOUNT_LOCAL || mount->device == expansion->mount->device || *named)
		return;
	*named = true;
	incomplete(maker, 1,
		   "what is mounted at %s lies below a directory that was moved or replaced: its files are not listed",
		   mount->mount_point);
}

static int expand_entry(const char *path, size_t length, uint32_t mode, void *context)
{
	struct expansion *expansion = context;
	struct maker *maker = expansion->maker;
	const struct mount *covering = NULL;
	int host_length = set_host(maker, expansion->mount, path, length);
	int error;

	if (host_length < 0)
		return host_length;
	if (expansion->holds_mounts)
		covering = mounted_at(maker, maker->host);
	if (covering)
		report_moved_mount(expansion, covering);
	error = add(maker, LIST_CHANGED, maker->host, (size_t)host_length, mode, expansion->change);
	return error ? error : covering != NULL;
}

static int expand_failed(const char *path, size_t length, int error, void *context)
{
	struct expansion *expansion = context;
	struct maker *maker = expansion->maker;
	int host_length = set_host(maker, expansion->mount, path, length);

	if (host_length < 0)
		return host_length;
	if (error == -EXDEV)
		report_hidden(maker, maker->host, (size_t)host_length);
	else
		report_unlooked(maker, maker->host, (size_t)host_length, strerror(-error));
	return 0;
}

/* The host's path of the directory is in maker->host. */
static int expand(struct maker *maker, const struct place *place, const struct mount *mount,
		  const struct change *change)
{
	struct expansion expansion = {
		.maker = maker,
		.mount = mount,
		.change = change,
		.holds_mounts = holds_mounts(maker, maker->host, strlen(maker->host)),
		.is_root = place->length == 1,
	};
	const struct look_visitor visitor = {expand_entry, expand_failed, &expansion};

	return look_below(maker->look, place->path, place->length, &visitor);
}

/* One path of the dirty set */

static int take_directory(struct maker *maker, const struct place *place, const struct mount *mount, size_t host_length,
			  uint32_t mode, const struct change *change)
{
	int error = 0;

	if (change->facts.was)
		error = add(maker, LIST_DELETED, maker->host, host_length, mode, change);
	if (!error)
		error = add(maker, LIST_CHANGED, maker->host, host_length, mode, change);
	if (!error && (change->facts.was || change->facts.flags & DIRTY_EXPAND))
		error = expand(maker, place, mount, change);
	return error;
}

static int take_other(struct maker *maker, size_t host_length, uint32_t mode, const struct change *change)
{
	int error = 0;

	if (change->facts.was & ~(1U << ((mode & S_IFMT) >> 12)))
		error = add(maker, LIST_DELETED, maker->host, host_length, mode, change);
	return error ? error : add(maker, LIST_CHANGED, maker->host, host_length, mode, change);
}

static int take_place(struct maker *maker, const struct place *place, const struct change *change)
{
	const struct mount *mount = mount_of(maker, place);
	uint32_t mode = 0;
	int error, length;

	if (!mount)
		return 0;
	length = set_host(maker, mount, place->path, place->length);
	if (length < 0)
		return length;
	error = look_at(maker->look, place->path, place->length, &mode);
	if (error == -ENOENT)
		return add(maker, LIST_DELETED, maker->host, (size_t)length, 0, change);
	if (error == -EXDEV)
		report_hidden(maker, maker->host, (size_t)length);
	else if (error)
		report_unlooked(maker, maker->host, (size_t)length, strerror(-error));
	if (error)
		return 0;
	if (S_ISDIR(mode))
		return take_directory(maker, place, mount, (size_t)length, mode, change);
	return take_other(maker, (size_t)length, mode, change);
}

/* The watch nearest above the path; NULL: it is not watched. */
static struct watch *watch_of(struct filesystem *filesystem, const char *path, size_t length)
{
	struct watch *found = NULL;

	for (size_t i = 0; i < filesystem->watch_count; i++) {
		struct watch *watch = &filesystem->watches[i];

		if (path_is_below(path, length, watch->path, watch->length) &&
		    (!found || watch->length > found->length))
			found = watch;
	}
	return found;
}

/* A directory above a watched one that came in or was replaced brought the watched one with it. */
static int take_watches_below(struct maker *maker, struct filesystem *filesystem, const struct dirty *row,
			      const struct change *change)
{
	struct change whole = *change;
	int error = 0;

	if (!(change->facts.was || change->facts.flags & DIRTY_EXPAND))
		return 0;
	whole.facts.flags |= DIRTY_EXPAND;
	for (size_t i = 0; i < filesystem->watch_count && !error; i++) {
		struct watch *watch = &filesystem->watches[i];
		const struct place place = {filesystem, watch, watch->path, watch->length};

		if (!watch->usable || watch->length <= row->path_length ||
		    !path_is_below(watch->path, watch->length, row->path, row->path_length))
			continue;
		error = take_place(maker, &place, &whole);
	}
	return error;
}

/* What is below the path may be shown by another mount than the path itself. */
static int take_roots_below(struct maker *maker, const struct place *above, const struct change *change)
{
	const struct mount *hidden, *mount;
	struct change whole = *change;
	int error = 0;

	if (!(change->facts.was || change->facts.flags & DIRTY_EXPAND))
		return 0;
	mount = choose_mount(maker, above, &hidden);
	whole.facts.flags |= DIRTY_EXPAND;
	for (size_t i = 0; i < maker->mounts.count && !error; i++) {
		const struct mount *other = &maker->mounts.rows[i];
		struct place place = {above->filesystem, NULL, other->root, strlen(other->root)};

		if (!is_root_below(other, above))
			continue;
		place.watch = watch_of(place.filesystem, place.path, place.length);
		if (place.filesystem->watch_count && !(place.watch && place.watch->usable))
			continue;
		if (choose_mount(maker, &place, &hidden) != mount)
			error = take_place(maker, &place, &whole);
	}
	return error;
}

static int take_row(const struct dirty *row, void *context)
{
	struct maker *maker = context;
	struct filesystem *filesystem = find_filesystem(maker, row->filesystem);
	struct place place = {filesystem, NULL, row->path, row->path_length};
	const struct change change = {row->facts, row->first, row->last};
	int error = 0;

	if (!filesystem)
		return fail(maker, -EUCLEAN, "the store names a filesystem that it does not know");
	if (!filesystem->mounted) {
		report_not_mounted(maker, filesystem);
		return 0;
	}
	place.watch = watch_of(filesystem, place.path, place.length);
	if (!filesystem->watch_count || (place.watch && place.watch->usable))
		error = take_place(maker, &place, &change);
	if (!error)
		error = take_watches_below(maker, filesystem, row, &change);
	if (!error)
		error = take_roots_below(maker, &place, &change);
	return error;
}

/* Below an entry of the deleted list nothing else is listed there */

/*
 * Bytewise, "/a-b" stands between "/a" and "/a/x". But all strings that begin with "/a" stand together behind it. So
 * the entries that may still have something below them are those that the present string begins with: each of them
 * begins the next, and the last one and their lengths are all that must be kept.
 */
struct pruner {
	char *last;
	size_t last_length, last_size;
	size_t *lengths;
	size_t count, room;
};

static void pruner_free(struct pruner *pruner)
{
	free(pruner->last);
	free(pruner->lengths);
}

static size_t common_length(const char *a, size_t a_length, const char *b, size_t b_length)
{
	size_t length = a_length < b_length ? a_length : b_length, i = 0;

	while (i < length && a[i] == b[i])
		i++;
	return i;
}

/* The paths may be relative. */
static bool stands_for(const char *directory, size_t directory_length, const char *path, size_t length)
{
	if (directory_length == 1 && *directory == '/')
		return true;
	return length == directory_length || path[directory_length] == '/';
}

static bool pruner_drops(struct pruner *pruner, const char *path, size_t length)
{
	size_t common = common_length(pruner->last, pruner->last_length, path, length);

	while (pruner->count && pruner->lengths[pruner->count - 1] > common)
		pruner->count--;
	for (size_t i = 0; i < pruner->count; i++)
		if (stands_for(pruner->last, pruner->lengths[i], path, length))
			return true;
	return false;
}

static int pruner_keep(struct pruner *pruner, const char *path, size_t length)
{
	if (length >= pruner->last_size) {
		char *last = realloc(pruner->last, 2 * length + 1);

		if (!last)
			return -ENOMEM;
		pruner->last = last;
		pruner->last_size = 2 * length + 1;
	}
	if (pruner->count == pruner->room) {
		size_t room = 2 * pruner->room + 16;
		size_t *lengths = reallocarray(pruner->lengths, room, sizeof(*lengths));

		if (!lengths)
			return -ENOMEM;
		pruner->lengths = lengths;
		pruner->room = room;
	}
	memcpy(pruner->last, path, length);
	pruner->last_length = length;
	pruner->lengths[pruner->count++] = length;
	return 0;
}

/* 1: it is listed; 0: something above it is; -errno. */
static int keeps(struct pruner *pruner, const struct output *output, const struct sorted *entry)
{
	int error;

	if (output->whole && !(entry->length == 1 && *entry->path == '.'))
		return 0;
	if (pruner_drops(pruner, entry->path, entry->length))
		return 0;
	error = pruner_keep(pruner, entry->path, entry->length);
	return error ? error : 1;
}

/* Output */

static bool is_standard_output(const struct output *output)
{
	return strcmp(output->target, "-") == 0;
}

static int check_target(struct maker *maker, const struct output *output)
{
	struct stat found;

	if (is_standard_output(output))
		return 0;
	if (lstat(output->target, &found) < 0)
		return errno == ENOENT ? 0 : fail(maker, -errno, "%s: %s", output->target, strerror(errno));
	if (S_ISLNK(found.st_mode))
		return fail(maker, -ELOOP, "%s is a symbolic link: a list is never written through one",
			    output->target);
	if (!S_ISREG(found.st_mode))
		return fail(maker, -EINVAL, "%s is not a regular file", output->target);
	return 0;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static char *directory_name(const char *path)
{
	size_t length = (size_t)(base_name(path) - path);

	return length ? strndup(path, length) : strdup("./");
}

static bool are_one_file(const struct output *a, const struct output *b)
{
	struct stat a_directory, b_directory;

	if (is_standard_output(a) || is_standard_output(b))
		return is_standard_output(a) && is_standard_output(b);
	return strcmp(base_name(a->target), base_name(b->target)) == 0 && stat(a->directory, &a_directory) == 0 &&
	       stat(b->directory, &b_directory) == 0 && a_directory.st_dev == b_directory.st_dev &&
	       a_directory.st_ino == b_directory.st_ino;
}

static int check_targets(struct maker *maker)
{
	struct output *outputs = maker->outputs;
	int error = 0;

	for (int kind = LIST_CHANGED; kind <= LIST_DELETED && !error; kind++) {
		if (!outputs[kind].target)
			continue;
		if (!*base_name(outputs[kind].target))
			return fail(maker, -EINVAL, "\"%s\" is not the name of a file", outputs[kind].target);
		outputs[kind].directory = directory_name(outputs[kind].target);
		error = outputs[kind].directory ? check_target(maker, &outputs[kind]) : -ENOMEM;
	}
	if (error || !outputs[LIST_CHANGED].target || !outputs[LIST_DELETED].target)
		return error;
	if (!are_one_file(&outputs[LIST_CHANGED], &outputs[LIST_DELETED]))
		return 0;
	if (is_standard_output(&outputs[LIST_CHANGED]) && maker->options->format->names_list)
		return 0;
	return fail(maker, -EINVAL, "the lists of changed and of deleted paths cannot both go to %s",
		    is_standard_output(&outputs[LIST_CHANGED]) ? "standard output in this format"
							       : outputs[LIST_CHANGED].target);
}

/* What goes to standard output is collected as well: nothing is printed before all of it can be. */
static int open_output(struct maker *maker, struct output *output)
{
	int fd;

	if (is_standard_output(output)) {
		fd = temporary_file(NULL);
	} else {
		if (asprintf(&output->temporary, "%s.fschanged-XXXXXX", output->directory) < 0) {
			output->temporary = NULL;
			return -ENOMEM;
		}
		fd = mkostemp(output->temporary, O_CLOEXEC);
		if (fd < 0) {
			fd = -errno;
			free(output->temporary);
			output->temporary = NULL;
		}
	}
	if (fd < 0)
		return fail(maker, fd, "a file for the list cannot be made in %s: %s",
			    is_standard_output(output) ? "the directory for temporary files" : output->directory,
			    strerror(-fd));
	output->stream = fdopen(fd, "w+");
	if (!output->stream) {
		close(fd);
		return -ENOMEM;
	}
	setvbuf(output->stream, NULL, _IOFBF, STREAM_BUFFER);
	return 0;
}

static int write_entry(struct maker *maker, struct output *output, enum list_kind kind, const struct sorted *entry)
{
	const struct format *format = maker->options->format;
	TEXT name = NULL;
	int error;

	errno = 0;
	error = format->write(output->stream, entry, kind, maker->options->escape);
	if (!error)
		output->written++;
	if (error != -EILSEQ)
		return error;
	name = printable(entry->path, entry->length);
	return fail(maker, error,
		    "the format \"%s\" cannot express the name \"%s\" (shown with escapes): use --escape, --format nul "
		    "(-0) or --format json",
		    format->name, shown(name));
}

static int write_entries(struct maker *maker, struct output *output, enum list_kind kind)
{
	__attribute__((cleanup(pruner_free))) struct pruner pruner = {0};
	struct sorted entry;
	int more;

	while ((more = sorter_next(output->sorter, &entry)) > 0) {
		int error = kind == LIST_DELETED ? keeps(&pruner, output, &entry) : 1;

		if (error > 0)
			error = write_entry(maker, output, kind, &entry);
		if (error)
			return error;
	}
	return more;
}

static int write_output(struct maker *maker, enum list_kind kind)
{
	struct output *output = &maker->outputs[kind];
	int error = sorter_finish(output->sorter);

	if (!error)
		error = write_entries(maker, output, kind);
	if (!error && fflush(output->stream) != 0)
		error = -errno;
	if (!error && output->temporary && fsync(fileno(output->stream)) < 0)
		error = -errno;
	if (error && !maker->error)
		fail(maker, error, "the list for %s cannot be written: %s", output->target, strerror(-error));
	return error;
}

static int write_standard_output(const char *bytes, size_t count)
{
	while (count) {
		ssize_t done = write(STDOUT_FILENO, bytes, count);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		bytes += done;
		count -= (size_t)done;
	}
	return 0;
}

static int copy_out(struct maker *maker, struct output *output)
{
	char buffer[16 << 10];
	size_t count;
	int error = 0;

	rewind(output->stream);
	fflush(stdout);
	while (!error && (count = fread(buffer, 1, sizeof(buffer), output->stream)) > 0)
		error = write_standard_output(buffer, count);
	if (!error && ferror(output->stream))
		error = -EIO;
	return error ? fail(maker, error, "standard output: %s", strerror(-error)) : 0;
}

static int sync_directory(const char *name)
{
	int fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int error = 0;

	if (fd < 0)
		return -errno;
	if (fsync(fd) < 0)
		error = -errno;
	close(fd);
	return error;
}

static int rename_output(struct maker *maker, struct output *output)
{
	int error = 0;

	if (rename(output->temporary, output->target) < 0)
		return fail(maker, -errno, "%s: %s", output->target, strerror(errno));
	output->renamed = true;
	error = sync_directory(output->directory);
	return error ? fail(maker, error, "%s: %s", output->directory, strerror(-error)) : 0;
}

static bool is_wanted(const struct output *output, bool standard_output)
{
	return output->target && is_standard_output(output) == standard_output;
}

/* Standard output first: it can fail where a rename would succeed. */
static int publish(struct maker *maker)
{
	struct output *outputs = maker->outputs;
	int error = 0;

	for (int kind = LIST_DELETED; kind >= LIST_CHANGED && !error; kind--)
		if (is_wanted(&outputs[kind], true))
			error = copy_out(maker, &outputs[kind]);
	for (int kind = LIST_DELETED; kind >= LIST_CHANGED && !error; kind--)
		if (is_wanted(&outputs[kind], false))
			error = rename_output(maker, &outputs[kind]);
	return error;
}

static int write_outputs(struct maker *maker)
{
	struct output *outputs = maker->outputs;
	int error = 0;

	for (int kind = LIST_CHANGED; kind <= LIST_DELETED && !error; kind++)
		if (outputs[kind].target)
			error = open_output(maker, &outputs[kind]);
	for (int kind = LIST_CHANGED; kind <= LIST_DELETED && !error; kind++)
		if (outputs[kind].target)
			error = write_output(maker, kind);
	if (!error)
		error = publish(maker);
	maker->result->changed = outputs[LIST_CHANGED].written;
	maker->result->deleted = outputs[LIST_DELETED].written;
	return error;
}

/* After a failure one list alone must not be taken for the whole. */
static void output_free(struct output *output, bool failed)
{
	if (output->stream)
		fclose(output->stream);
	if (output->temporary && !output->renamed)
		unlink(output->temporary);
	if (output->renamed && failed)
		unlink(output->target);
	free(output->temporary);
	free(output->directory);
	sorter_free(output->sorter);
}

/* All of it */

static int set_relative(struct maker *maker)
{
	const char *directory = maker->options->relative_to;
	size_t length;

	if (!directory)
		return 0;
	if (*directory != '/')
		return fail(maker, -EINVAL, "%s is not an absolute path", directory);
	length = strlen(directory);
	while (length > 1 && directory[length - 1] == '/')
		length--;
	maker->relative_to = strndup(directory, length);
	maker->relative_length = length;
	return maker->relative_to ? 0 : -ENOMEM;
}

static int make_sorters(struct maker *maker)
{
	size_t memory = maker->options->memory ? maker->options->memory : MEMORY_DEFAULT;
	bool both = maker->outputs[LIST_CHANGED].target && maker->outputs[LIST_DELETED].target;
	int error = 0;

	for (int kind = LIST_CHANGED; kind <= LIST_DELETED && !error; kind++)
		if (maker->outputs[kind].target)
			error = sorter_new(&maker->outputs[kind].sorter, both ? memory / 2 : memory, NULL);
	return error;
}

static int prepare(struct maker *maker)
{
	int error = set_relative(maker);

	if (!error)
		error = check_targets(maker);
	if (!error)
		error = make_sorters(maker);
	if (!error)
		error = look_new(&maker->look);
	if (error)
		return error;
	error = mounts_read(&maker->mounts, maker->options->mountinfo);
	if (error)
		return fail(maker, error, "the mount table cannot be read: %s", strerror(-error));
	maker->states = calloc(maker->mounts.count + 1, sizeof(*maker->states));
	maker->named = calloc(maker->mounts.count + 1, sizeof(*maker->named));
	return maker->states && maker->named ? 0 : -ENOMEM;
}

static int read_windows(struct maker *maker)
{
	const struct list_options *options = maker->options;
	int error;

	maker->expected = options->first;
	error = store_windows(maker->store, options->first, options->last, check_window, maker);
	if (!error)
		report_missing_windows(maker, options->last);
	if (!error)
		error = store_gaps(maker->store, options->first, options->last, check_gap, maker);
	if (!error)
		error = store_unknown_links(maker->store, options->first, options->last, check_link, maker);
	if (!error && maker->unknown_links > LINKS_NAMED)
		incomplete(maker, maker->unknown_links - LINKS_NAMED,
			   "and %" PRIu64 " more files have names that are not known",
			   maker->unknown_links - LINKS_NAMED);
	if (!error)
		error = store_union(maker->store, options->first, options->last, take_row, maker);
	if (!error && maker->unlooked > PATHS_NAMED)
		incomplete(maker, maker->unlooked - PATHS_NAMED, "and %" PRIu64 " more paths cannot be looked at",
			   maker->unlooked - PATHS_NAMED);
	return error;
}

/* All that is read belongs to one state of the store: a gap that is repaired meanwhile is not missed. */
static int read_store(struct maker *maker)
{
	int error = store_begin(maker->store);

	if (error)
		return error;
	error = store_filesystems(maker->store, take_filesystem, maker);
	if (!error)
		error = store_watches(maker->store, take_watch, maker);
	for (size_t i = 0; i < maker->filesystem_count && !error; i++)
		find_device(maker, &maker->filesystems[i]);
	if (!error)
		check_watches(maker);
	if (!error && maker->options->first <= maker->options->last)
		error = read_windows(maker);
	store_rollback(maker->store);
	if (error && !maker->error)
		fail(maker, error, "the store cannot be read: %s (%s)", strerror(-error), store_error(maker->store));
	return error;
}

static void filesystem_free(struct filesystem *filesystem)
{
	for (size_t i = 0; i < filesystem->watch_count; i++) {
		free(filesystem->watches[i].path);
		free(filesystem->watches[i].host_path);
	}
	free(filesystem->watches);
	free(filesystem->identity);
	free(filesystem->mount_point);
}

static void maker_free(struct maker *maker, bool failed)
{
	for (int kind = LIST_CHANGED; kind <= LIST_DELETED; kind++)
		output_free(&maker->outputs[kind], failed);
	for (size_t i = 0; i < maker->filesystem_count; i++)
		filesystem_free(&maker->filesystems[i]);
	look_free(maker->look);
	mounts_free(&maker->mounts);
	free(maker->filesystems);
	free(maker->relative_to);
	free(maker->states);
	free(maker->named);
	free(maker->host);
}

int list_make(struct store *store, const struct list_options *options, struct list_result *result, list_report *report,
	      void *context, char **error_text)
{
	struct maker maker = {
		.store = store,
		.options = options,
		.result = result,
		.report = report,
		.context = context,
		.outputs =
			{
				[LIST_CHANGED] = {.target = options->changed},
				[LIST_DELETED] = {.target = options->deleted},
			},
	};
	int error;

	*result = (struct list_result){0};
	*error_text = NULL;
	error = prepare(&maker);
	if (!error)
		error = read_store(&maker);
	if (!error)
		error = write_outputs(&maker);
	if (error && !maker.error)
		fail(&maker, error, "the lists cannot be made: %s", strerror(-error));
	*error_text = maker.error;
	maker_free(&maker, error != 0);
	return error;
}
