// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <string.h>

#include "list_links_private.h"

/* 0: it cannot be told. *is_gone: it is that of a directory above. */
static uint64_t device_of(struct links *links, uint32_t filesystem, const char *path, size_t length, bool *is_gone)
{
	struct place place;
	struct sight sight = {0};
	const size_t whole = length;
	int error = -ENOENT;

	*is_gone = false;
	while (error == -ENOENT && length) {
		const char *slash = memrchr(path, '/', length);

		error = places_find(links->options.places, filesystem, path, length, &place);
		if (error)
			return 0;
		error = places_peek(links->options.places, &place, &sight);
		*is_gone = length < whole;
		if (length == 1)
			break;
		length = slash == path ? 1 : (size_t)(slash - path);
	}
	return error ? 0 : sight.looked.device;
}

/* The numbers of inodes, in other subvolumes. */
static bool repeats(struct links *links, uint32_t filesystem, uint64_t device)
{
	return !places_is_device(links->options.places, filesystem, device);
}

static int ask_whether_left(struct links *links, const struct store_linked *row)
{
	int error = store_has_left(links->options.store, row->filesystem, row->directory, &links->place.is_doubtful);

	links->trusts |= !links->place.is_doubtful;
	return error;
}

/*
 * The device of files in the directory in which the file was met, or in what is left of the way to it: where inode
 * numbers repeat, from subvolume to subvolume, it tells which file it was. Where they do not, all have the
 * filesystem's.
 */
static int device_of_file(struct links *links, const struct store_linked *row, uint64_t *device)
{
	const char *path = row->place ? row->place : "/";
	size_t length = row->place ? row->place_length : 1;
	int error = 0;

	if (links->place.filesystem != row->filesystem || links->place.path.length != length ||
	    memcmp(links->place.path.bytes, path, length) != 0) {
		error = links_keep(&links->place.path, path, length);
		if (error)
			return error;
		links->place.filesystem = row->filesystem;
		links->place.device = device_of(links, row->filesystem, path, length, &links->place.is_doubtful);
		if (links->place.is_doubtful && repeats(links, row->filesystem, links->place.device))
			error = ask_whether_left(links, row);
	}
	*device = links->place.device;
	if (!row->place && repeats(links, row->filesystem, *device))
		*device = 0;
	return error;
}

/*
 * In which the file was met; 0: its files are known to be of this subvolume. No directory but the root of one is in
 * another subvolume than the directory above it.
 */
static int64_t doubtful_directory(const struct links *links, const struct store_linked *row)
{
	return links->place.is_doubtful ? row->directory : 0;
}

static int take_change(const struct store_linked *row, void *context)
{
	struct links *links = context;
	const struct sorted record = {.mode = row->links, .facts = row->facts, .first = row->first, .last = row->last};
	struct {
		struct mark mark;
		char place[PATH_BYTES];
	} __attribute__((packed)) mark = {
		.mark =
			{
				.serial = htobe64(row->serial),
				.is_later = row->window > links->options.last,
				.walked = row->walked,
			},
	};
	struct place place;
	struct key key;
	uint64_t device;
	int error = places_find(links->options.places, row->filesystem, "/", 1, &place);

	if (error == -ENODEV)
		return 0;
	if (!error)
		error = device_of_file(links, row, &device);
	if (error)
		return error;
	key = links_key(row->filesystem, device, row->inode);
	mark.mark.directory = doubtful_directory(links, row);
	mark.mark.repeats = repeats(links, row->filesystem, device);
	if (row->place)
		memcpy(mark.place, row->place, row->place_length);
	return links_put(links, links->met, &key, (const char *)&mark, sizeof(mark.mark) + row->place_length, record);
}

int links_read_changes(struct links *links)
{
	return store_linked(links->options.store, links->options.first, take_change, links);
}

static int take_row(const struct store_linked *row, void *context)
{
	struct links *links = context;
	struct file *file = &links->file;
	struct store_linked met = *row;
	uint64_t device;
	bool is_later = row->window > links->options.last;
	int error = device_of_file(links, row, &device);

	if (error || htobe64(device) != file->key.device)
		return error;
	met.directory = doubtful_directory(links, row);
	links_note_row(file, &met, is_later, repeats(links, row->filesystem, device));
	return 0;
}

int links_read_changes_of_file(struct links *links)
{
	const struct key *key = &links->file.key;

	return store_linked_of(links->options.store, be32toh(key->filesystem), be64toh(key->inode),
			       links->options.first, take_row, links);
}
