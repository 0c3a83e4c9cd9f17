// SPDX-License-Identifier: GPL-2.0
#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "list_links.h"
#include "sort.h"

enum { FILES_NAMED = 5 }; /* of those with names that are not known; the rest is counted */

/* Sorts the names of a file together. Big-endian; a path inside the filesystem follows. */
struct key {
	uint32_t filesystem;
	uint64_t device;
	uint64_t inode;
} __attribute__((packed));

/* A file, while its names pass by. */
struct file {
	struct key key;
	uint64_t links, names;
	bool settled; /* elsewhere: there is nothing to report */
	char *path;   /* the first of its names */
	size_t length, size;
};

struct links {
	struct places *places;
	struct reasons *reasons;
	struct sorter *sorter;
	struct file file;
	uint64_t lacking; /* files */
	char *keyed;      /* key and path */
	size_t keyed_size;
};

int links_new(struct links **result, size_t memory, struct places *places, struct reasons *reasons)
{
	struct links *links = calloc(1, sizeof(*links));

	*result = links;
	if (!links)
		return -ENOMEM;
	links->places = places;
	links->reasons = reasons;
	return sorter_new(&links->sorter, memory, NULL);
}

void links_free(struct links *links)
{
	if (!links)
		return;
	sorter_free(links->sorter);
	free(links->file.path);
	free(links->keyed);
	free(links);
}

static int reserve(char **bytes, size_t *size, size_t need)
{
	char *larger;

	if (need <= *size)
		return 0;
	larger = realloc(*bytes, 2 * need);
	if (!larger)
		return -ENOMEM;
	*bytes = larger;
	*size = 2 * need;
	return 0;
}

int links_add(struct links *links, uint32_t filesystem, const char *path, size_t length, const struct looked *looked)
{
	const struct key key = {htobe32(filesystem), htobe64(looked->device), htobe64(looked->inode)};
	struct sorted record = {.length = sizeof(key) + length, .last = looked->links};
	int error;

	if (S_ISDIR(looked->mode) || looked->links < 2)
		return 0;
	error = reserve(&links->keyed, &links->keyed_size, record.length);
	if (error)
		return error;
	memcpy(links->keyed, &key, sizeof(key));
	memcpy(links->keyed + sizeof(key), path, length);
	record.path = links->keyed;
	return sorter_add(links->sorter, &record);
}

static void report(struct links *links)
{
	const struct file *file = &links->file;
	struct sight sight = {.host = file->path, .length = file->length};
	struct place place;

	if (links->lacking++ >= FILES_NAMED)
		return;
	if (places_find(links->places, be32toh(file->key.filesystem), file->path, file->length, &place) == 0)
		places_peek(links->places, &place, &sight);
	reasons_add_path(links->reasons, sight.host, sight.length,
			 "has %" PRIu64 " names, of which only %" PRIu64 " %s known: the others are not listed",
			 file->links, file->names, file->names == 1 ? "is" : "are");
}

static void end_file(struct links *links)
{
	if (!links->file.settled && links->file.names < links->file.links)
		report(links);
	links->file.links = 0;
}

/* The next name; those of a file come one after another. */
static int take_name(struct links *links, const struct key *key, const char *path, size_t length, uint64_t count)
{
	struct file *file = &links->file;
	int error;

	if (file->links && memcmp(&file->key, key, sizeof(*key)) == 0) {
		file->links = count > file->links ? count : file->links;
		return 0;
	}
	end_file(links);
	error = reserve(&file->path, &file->size, length);
	if (error)
		return error;
	memcpy(file->path, path, length);
	file->length = length;
	file->key = *key;
	file->links = count;
	file->names = 0;
	file->settled = false;
	return 0;
}

static int check_listed(struct links *links)
{
	struct sorted entry;
	struct key key;
	int more, error = sorter_finish(links->sorter);

	if (error)
		return error;
	while ((more = sorter_next(links->sorter, &entry)) > 0) {
		memcpy(&key, entry.path, sizeof(key));
		error = take_name(links, &key, entry.path + sizeof(key), entry.length - sizeof(key),
				  (uint64_t)entry.last);
		if (error)
			return error;
		links->file.names++;
	}
	end_file(links);
	return more;
}

/* A name under which the file is listed: its link count tells whether others are missing. */
static bool is_listed(struct links *links, const struct place *place, uint64_t inode)
{
	struct sight sight;

	return !places_is_unwatched(place) && places_peek(links->places, place, &sight) == 0 &&
	       sight.looked.inode == inode;
}

/* Of a file that changed and has none of its known names left, others may still be there. */
static int check_gone(const struct store_link *row, void *context)
{
	const struct key key = {.filesystem = htobe32(row->filesystem), .inode = htobe64(row->inode)};
	struct links *links = context;
	struct place place;
	int error = take_name(links, &key, row->path, row->path_length, row->links);

	if (error)
		return error;
	links->file.names += !row->moved;
	if (links->file.settled)
		return 0;
	error = places_find(links->places, row->filesystem, row->path, row->path_length, &place);
	links->file.settled = error || is_listed(links, &place, row->inode);
	return error == -ENODEV ? 0 : error;
}

int links_check(struct links *links, struct store *store, uint64_t first, uint64_t last)
{
	int error = check_listed(links);

	if (!error)
		error = store_links(store, first, last, check_gone, links);
	if (error)
		return error;
	end_file(links);
	reasons_add_rest(links->reasons, links->lacking, FILES_NAMED, "files have names that are not known");
	return 0;
}
