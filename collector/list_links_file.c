// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <inttypes.h>
#include <sys/stat.h>

#include "list_links_private.h"

void links_begin_file(struct links *links, const struct key *key)
{
	struct file *file = &links->file;

	*file = (struct file){.key = *key, .walked = true, .first = INT64_MAX, .path = file->path};
	file->path.length = 0;
}

static void merge_facts(struct file *file, struct dirty_facts facts)
{
	file->facts.operations |= facts.operations;
	file->facts.flags |= facts.flags;
}

static void note_directory(struct file *file, int64_t directory)
{
	file->scattered |= file->repeats && file->directory != directory;
	file->directory = directory;
	file->repeats = true;
}

/*
 * Nothing is lacking of a file that has ended; or that was moved to its only name, for that is dirty itself, as are
 * those that were made since. If the unlink or the rename has failed, so is the name that it kept. What comes later is
 * another file of the same number, or a name that it got.
 *
 * Where numbers repeat, from subvolume to subvolume, the last row alone counts, and an end only where the file was met
 * in that directory alone, or in such as are known to be of this subvolume.
 */
void links_note_row(struct file *file, const struct store_linked *row, bool is_later, bool repeats)
{
	bool arrived = row->links == 1 && row->place && !(row->facts.flags & DIRTY_UNNAMED);

	if (repeats) {
		note_directory(file, row->directory);
		file->settled = row->links == 0 && !file->scattered;
	} else if (row->links == 0 || arrived) {
		file->settled = true;
	} else if (!is_later && file->settled) {
		file->settled = false;
		file->walked = true;
		file->facts = (struct dirty_facts){0};
	}
	if (is_later)
		return;
	file->changed = true;
	file->walked &= row->walked;
	merge_facts(file, row->facts);
}

void links_add_times(struct file *file, int64_t first, int64_t last)
{
	file->first = first < file->first ? first : file->first;
	file->last = last > file->last ? last : file->last;
}

void links_add_facts(struct file *file, const struct sorted *record, int64_t last)
{
	merge_facts(file, record->facts);
	links_add_times(file, record->first, last);
}

/* Reports */

static void report_path(struct links *links, const char *format, uint64_t first, uint64_t second)
	__attribute__((format(printf, 2, 0)));

/* The path on the host where it has one. */
static void report_path(struct links *links, const char *format, uint64_t first, uint64_t second)
{
	const struct file *file = &links->file;
	struct sight sight = {.host = file->path.bytes, .length = file->path.length};
	struct place place;

	if (links->reported++ >= LINKS_NAMED)
		return;
	if (!places_find(links->options.places, be32toh(file->key.filesystem), sight.host, sight.length, &place))
		places_peek(links->options.places, &place, &sight);
	reasons_add_path(links->options.reasons, sight.host, sight.length, format, first, second);
}

static void report_names(struct links *links)
{
	const struct file *file = &links->file;

	report_path(links,
		    file->names == 1 ? "has %" PRIu64 " names, of which only %" PRIu64
				       " is known: the others are not listed; 'fschanged scan' finds them"
				     : "has %" PRIu64 " names, of which only %" PRIu64
				       " are known: the others are not listed; 'fschanged scan' finds them",
		    file->links, file->names);
}

static void report_nameless(struct links *links)
{
	struct file *file = &links->file;

	if (!file->path.length)
		links_keep(&file->path, "/", 1);
	report_path(links,
		    "is where the file with inode %" PRIu64 " was changed, of which no name is known (%" PRIu64
		    " cannot be looked at): 'fschanged scan' finds them",
		    be64toh(file->key.inode), file->unlooked);
}

/*
 * A name that a file gets changes nothing of it, and is dirty itself; so is the name to which it is moved. The record
 * of a link may come after that of such a move, with the path of before.
 */
static bool has_only_got_names(const struct file *file)
{
	return (file->facts.operations & ~(1U << OPERATION_CARRIED)) == 1U << OPERATION_LINK;
}

/* Whatever a link count says is told again when the store has what happened meanwhile. */
int links_lack(struct links *links)
{
	const struct file *file = &links->file;

	if (!file->names && has_only_got_names(file))
		return 0;
	if (links->rounds) {
		links->lacking_count++;
		return links_put(links, links->lacking, &file->key, file->path.bytes, file->path.length,
				 (struct sorted){.facts = file->facts, .first = file->first, .last = file->last});
	}
	if (file->names && file->key.device)
		report_names(links);
	else
		report_nameless(links);
	return 0;
}

/* Candidates */

struct sorted links_record(const struct looked *looked, struct dirty_facts facts, int64_t first)
{
	return (struct sorted){.last = S_ISDIR(looked->mode) ? 1 : looked->links, .facts = facts, .first = first};
}

static int add_listed(struct links *links, const struct place *place, const struct sight *sight)
{
	const struct file *file = &links->file;
	const struct sorted entry = {
		.path = sight->host,
		.length = sight->length,
		.mode = sight->looked.mode,
		.facts = file->facts,
		.first = file->first,
		.last = file->last,
	};

	/* The place for a refinement: file->facts are all that is known of the file, under whichever name. */
	if (places_is_unwatched(place))
		return 0;
	return outputs_add(links->options.outputs, LIST_CHANGED, &entry, links->options.error);
}

/*
 * The same number on another device is a file of another subvolume, or the file itself: where it was met another
 * subvolume may have come since. So it is listed as well while the file has no name and has not ended.
 */
static int take_candidate(const char *path, size_t length, void *context)
{
	struct links *links = context;
	struct file *file = &links->file;
	uint32_t filesystem = be32toh(file->key.filesystem);
	struct sorted record;
	struct place place;
	struct sight sight;
	struct key key;
	int error = places_find(links->options.places, filesystem, path, length, &place);

	if (error)
		return error;
	error = places_peek(links->options.places, &place, &sight);
	if (error == -ENOMEM)
		return error;
	if (error) {
		file->unlooked += error != -ENOENT;
		return 0;
	}
	key = links_key(filesystem, sight.looked.device, sight.looked.inode);
	if (key.inode != file->key.inode)
		return 0;
	if (file->key.device && key.device != file->key.device)
		return file->names || file->settled ? 0 : add_listed(links, &place, &sight);
	file->names++;
	record = links_record(&sight.looked, file->facts, file->first);
	file->links = (uint64_t)record.last > file->links ? (uint64_t)record.last : file->links;
	error = links->named ? links_put(links, links->named, &key, path, length, record) : 0;
	return error ? error : add_listed(links, &place, &sight);
}

int links_look(struct links *links)
{
	const struct key *key = &links->file.key;

	return store_names(links->options.store, be32toh(key->filesystem), be64toh(key->inode), take_candidate, links);
}
