// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>

#include "store_private.h"

/* Directories */

static struct level *top(struct chain *chain)
{
	return &chain->levels[chain->depth - 1];
}

/* Takes off what is not above the directory path[0..length), which path continues with a '/'. */
static void pop_to(struct chain *chain, uint32_t filesystem, const char *path, size_t length)
{
	size_t common = 0;

	if (!chain->depth || chain->filesystem != filesystem) {
		chain->depth = 0;
		chain->filesystem = filesystem;
		return;
	}
	while (common < length && common < top(chain)->end && path[common] == chain->path[common])
		common++;
	while (top(chain)->end > common || path[top(chain)->end] != '/')
		chain->depth--;
}

static int find_directory(struct store *store, int64_t parent, const char *name, size_t length, struct level *level)
{
	auto_rows struct rows *rows = SELECT(store->database, FIND_DIRECTORY, NUMBER(parent), BYTES(name, length));
	int result = rows_first(rows);

	if (result)
		return result;
	level->id = rows_number(rows, 0);
	level->used = (uint64_t)rows_number(rows, 1);
	return 0;
}

static int add_directory(struct store *store, int64_t parent, const char *name, size_t length, struct level *level)
{
	int result = RUN(store->database, ADD_DIRECTORY, NUMBER(parent), BYTES(name, length), NUMBER(store->window));

	level->id = database_last_id(store->database);
	level->used = store->window;
	return result;
}

/* The directory path[0..end), whose name begins at start, comes on top of the chain. */
static int descend(struct store *store, const char *path, size_t start, size_t end)
{
	struct chain *chain = &store->chain;
	int64_t parent = chain->depth ? top(chain)->id : -(int64_t)chain->filesystem;
	struct level level = {.end = end};
	int result = find_directory(store, parent, path + start, end - start, &level);

	if (result == -ENOENT)
		result = add_directory(store, parent, path + start, end - start, &level);
	if (result)
		return result;
	memcpy(chain->path + start, path + start, end - start);
	chain->path[end] = '/';
	chain->levels[chain->depth++] = level;
	return 0;
}

/* Leaves the directory path[0..length) on top of the chain; path continues with a '/'. */
static int resolve(struct store *store, uint32_t filesystem, const char *path, size_t length)
{
	struct chain *chain = &store->chain;
	int result = 0;

	pop_to(chain, filesystem, path, length);
	if (!chain->depth)
		result = descend(store, path, 0, 0);
	while (!result && top(chain)->end < length) {
		size_t start = top(chain)->end + 1;
		const char *end = memchr(path + start, '/', length + 1 - start);

		if (end == path + start)
			return database_refuse(store->database, -EINVAL, "a path has an empty component");
		result = descend(store, path, start, (size_t)(end - path));
	}
	return result;
}

static int use_directory(struct store *store)
{
	struct level *level = top(&store->chain);

	if (level->used >= store->window)
		return 0;
	level->used = store->window;
	return RUN(store->database, USE_DIRECTORY, NUMBER(level->id), NUMBER(store->window));
}

/* Writing */

static int enter_window(struct store *store, uint64_t window)
{
	int64_t opened = 0;
	int result;

	if (store->window == window && window)
		return 0;
	result = GET_NUMBER(store->database, &opened, GET_OPENED, NUMBER(window));
	if (result == -ENOENT)
		return database_refuse(store->database, -ENOENT, "window %llu was never opened",
				       (unsigned long long)window);
	if (result)
		return result;
	store->window = window;
	store->opened = opened / NANOSECONDS_PER_SECOND;
	return 0;
}

static int64_t since(int64_t start, int64_t time)
{
	return time > start ? time - start : 0;
}

static int put_row(struct store *store, const struct dirty *entry, const char *name, size_t length)
{
	int64_t directory = top(&store->chain)->id;
	int64_t first = since(store->opened, entry->first);

	return RUN(store->database, PUT_DIRTY, NUMBER(entry->window), NUMBER(directory), BYTES(name, length),
		   NUMBER(dirty_facts_pack(entry->facts)), NUMBER(first),
		   NUMBER(since(store->opened + first, entry->last)));
}

int store_put_dirty(struct store *store, const struct dirty *entry)
{
	size_t directory_length, length;
	const char *name;
	int result;

	if (!entry->filesystem || !entry->path_length || entry->path[0] != '/')
		return database_refuse(store->database, -EINVAL, "a dirty path needs a filesystem and begins with '/'");
	if (entry->path_length > PATH_BYTES)
		return database_refuse(store->database, -ENAMETOOLONG, "a path has more than %d bytes", PATH_BYTES);
	name = (const char *)memrchr(entry->path, '/', entry->path_length) + 1;
	directory_length = (size_t)(name - 1 - entry->path);
	length = entry->path_length - directory_length - 1;
	if (!length && entry->path_length > 1)
		return database_refuse(store->database, -EINVAL, "a path has an empty component");
	result = enter_window(store, entry->window);
	if (!result)
		result = resolve(store, entry->filesystem, entry->path, directory_length);
	if (!result)
		result = use_directory(store);
	return result ? result : put_row(store, entry, name, length);
}

/* Reading */

static int damaged(struct store *store, int64_t directory)
{
	return database_refuse(store->database, -EUCLEAN, "the database is damaged: directory %lld has no path",
			       (long long)directory);
}

/* Puts the directory's name before the path; *id is the parent's then. The root has no name, it ends the way. */
static int climb(struct store *store, int64_t *id)
{
	auto_rows struct rows *rows = SELECT(store->database, GET_DIRECTORY, NUMBER(*id));
	struct place *place = &store->place;
	int result = rows_first(rows);
	const char *name;
	size_t length;

	if (result)
		return result == -ENOENT ? damaged(store, *id) : result;
	name = rows_bytes(rows, 1, &length);
	if (length >= place->start)
		return damaged(store, *id);
	*id = rows_number(rows, 0);
	if (*id < 0)
		return 0;
	place->start -= length + 1;
	place->path[place->start] = '/';
	memcpy(place->path + place->start + 1, name, length);
	return 0;
}

static int read_directory(struct store *store, int64_t directory)
{
	struct place *place = &store->place;
	int64_t id = directory;
	int result = 0;

	if (place->directory == directory)
		return 0;
	place->directory = 0;
	place->start = PATH_BYTES;
	while (!result && id > 0)
		result = climb(store, &id);
	if (result)
		return result;
	place->directory = directory;
	place->filesystem = (uint32_t)-id;
	return 0;
}

/* Directory and name are the first two columns. */
static int read_place(struct store *store, struct rows *rows)
{
	struct place *place = &store->place;
	size_t length;
	int result = read_directory(store, rows_number(rows, 0));
	const char *name = rows_bytes(rows, 1, &length);

	if (result)
		return result;
	if (length >= place->start)
		return damaged(store, place->directory);
	place->path[PATH_BYTES] = '/';
	memcpy(place->path + PATH_BYTES + 1, name, length);
	place->end = PATH_BYTES + 1 + length;
	return 0;
}

static bool is_at(const struct place *place, struct rows *rows)
{
	size_t length;
	const char *name = rows_bytes(rows, 1, &length);

	return place->directory == rows_number(rows, 0) && place->end == PATH_BYTES + 1 + length &&
	       !memcmp(place->path + PATH_BYTES + 1, name, length);
}

static void merge(struct dirty *entry, struct rows *rows)
{
	uint64_t facts = dirty_facts_pack(entry->facts) | (uint64_t)rows_number(rows, 3);
	int64_t first = rows_number(rows, 4);
	int64_t last = rows_number(rows, 5);

	entry->window = (uint64_t)rows_number(rows, 2);
	entry->facts = dirty_facts_unpack(facts);
	entry->first = first < entry->first ? first : entry->first;
	entry->last = last > entry->last ? last : entry->last;
}

static int begin_entry(struct store *store, struct dirty *entry, struct rows *rows)
{
	struct place *place = &store->place;
	int result = read_place(store, rows);

	if (result)
		return result;
	*entry = (struct dirty){
		.filesystem = place->filesystem,
		.path = place->path + place->start,
		.path_length = place->end - place->start,
		.first = INT64_MAX,
		.first_window = (uint64_t)rows_number(rows, 2),
	};
	merge(entry, rows);
	return 0;
}

/*
 * Rows of one path follow each other. Rows under way hold a read transaction, so that the directories looked up
 * meanwhile are of the same state.
 */
int store_union(struct store *store, uint64_t first, uint64_t last, int (*each)(const struct dirty *, void *),
		void *context)
{
	auto_rows struct rows *rows =
		SELECT(store->database, first == last ? UNION_ONE : UNION_MANY, NUMBER(first), NUMBER(last));
	struct dirty entry = {};
	int result;

	store->place.directory = 0;
	while ((result = rows_next(rows)) > 0) {
		if (entry.window && is_at(&store->place, rows)) {
			merge(&entry, rows);
			continue;
		}
		result = entry.window ? each(&entry, context) : 0;
		if (!result)
			result = begin_entry(store, &entry, rows);
		if (result)
			return result;
	}
	return result || !entry.window ? result : each(&entry, context);
}
