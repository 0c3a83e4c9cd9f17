// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "list_rows.h"
#include "sentence.h"

/* A row while it is applied to one place or several. */
struct change {
	struct rows *rows;
	uint32_t filesystem;
	struct dirty_facts facts;
	int64_t first, last;
	uint64_t first_window;
	bool is_mounted; /* below a directory that is listed anew: all of that is in the lists already */
};

/* All that is below has come in as well. */
static bool is_whole(const struct change *change)
{
	return change->facts.was || change->facts.flags & DIRTY_EXPAND;
}

static int add(const struct change *change, enum list_kind kind, const struct sight *sight)
{
	const struct sorted entry = {
		.path = sight->host,
		.length = sight->length,
		.mode = sight->looked.mode,
		.facts = change->facts,
		.first = change->first,
		.last = change->last,
	};

	return outputs_add(change->rows->outputs, kind, &entry, change->rows->error);
}

static int add_changed(const struct change *change, const char *path, size_t length, const struct sight *sight)
{
	const struct dirty row = {.facts = change->facts, .first = change->first, .last = change->last};
	int error = links_add(change->rows->links, change->filesystem, path, length, &sight->looked, &row);

	return error ? error : add(change, LIST_CHANGED, sight);
}

static int take_below(const char *path, size_t length, const struct sight *sight, void *context)
{
	return add_changed(context, path, length, sight);
}

/* What was a directory and is another one now goes as well: nothing of the old one must be left. */
static bool is_replaced(const struct change *change, uint32_t mode)
{
	if (S_ISDIR(mode))
		return change->facts.was;
	return change->facts.was & ~(1U << ((mode & S_IFMT) >> 12));
}

/* Of a file with several names each is listed or none: what is known of this one does not tell. */
static bool is_unchanged(const struct change *change, const struct sight *sight)
{
	const struct refine *refine = change->rows->refine;

	return refine && sight->looked.links < 2 &&
	       refine_drops(refine, &change->facts, change->first_window, &sight->looked, sight->type);
}

static int take_place(const struct place *place, void *context);

/* Nothing is known to have happened there, but it goes with the directory above. */
static int take_mounted(const struct place *place, void *context)
{
	const struct change *above = context;
	struct change change = *above;
	int error = 0;

	change.facts.was = 0;
	change.facts.flags |= DIRTY_EXPAND;
	change.is_mounted = true;
	change.filesystem = places_filesystem(place);
	if (!places_is_unwatched(place))
		error = take_place(place, &change);
	return error ? error : places_below(change.rows->places, place, take_place, &change);
}

/* The directory that was looked at last. What is mounted below the root of a filesystem stays, unless that goes. */
static int expand(struct change *change, const struct place *place, const struct sight *sight)
{
	struct places *places = change->rows->places;
	char *host = strndup(sight->host, sight->length);
	size_t length = sight->length;
	int error = host ? places_expand(places, place, take_below, change) : -ENOMEM;

	if (!error && !change->is_mounted && (change->facts.was || place->length > 1))
		error = places_mounted_below(places, host, length, take_mounted, change);
	free(host);
	return error;
}

static int take_place(const struct place *place, void *context)
{
	struct change *change = context;
	struct places *places = change->rows->places;
	struct sight sight;
	uint32_t mode;
	int error = places_look(places, place, &sight);

	if (error == -ENOENT)
		return change->is_mounted ? 0 : add(change, LIST_DELETED, &sight);
	if (error)
		return error == -EAGAIN ? 0 : error;
	if (is_unchanged(change, &sight))
		return 0;
	mode = sight.looked.mode;
	if (is_replaced(change, mode))
		error = add(change, LIST_DELETED, &sight);
	if (!error)
		error = add_changed(change, place->path, place->length, &sight);
	if (!error && S_ISDIR(mode) && is_whole(change))
		error = expand(change, place, &sight);
	return error;
}

static int take(struct change *change, const struct dirty *row)
{
	struct places *places = change->rows->places;
	struct place place;
	int error = places_find(places, row->filesystem, row->path, row->path_length, &place);

	if (error == -ENODEV)
		return 0;
	if (error == -ENOENT)
		return sentence(change->rows->error, -EUCLEAN, "the store names a filesystem that it does not know");
	if (!error && !places_is_unwatched(&place))
		error = take_place(&place, change);
	if (error || !is_whole(change))
		return error;
	change->facts.flags |= DIRTY_EXPAND;
	return places_below(places, &place, take_place, change);
}

int rows_take(const struct dirty *row, void *context)
{
	struct rows *rows = context;
	struct change change = {
		.rows = rows,
		.filesystem = row->filesystem,
		.facts = row->facts,
		.first = row->first,
		.last = row->last,
		.first_window = row->first_window,
	};
	int error = take(&change, row);

	if (error && !*rows->error)
		sentence(rows->error, error, "the changed files cannot be looked at: %s", strerror(-error));
	return error;
}
