// SPDX-License-Identifier: GPL-2.0
#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "list_links.h"
#include "moment.h"
#include "sort.h"
#include "store_links.h"

enum {
	FILES_NAMED = 5, /* of those with names that are not known; the rest is counted */
	ROUNDS = 32,
	ROUNDS_OF_MANY = 4,
	FEW = 64,
	PATIENCE = 10, /* seconds for more rounds than those of many */
};

/* A file: what is known of one comes together when it is sorted. Big-endian. Device 0: it is not known. */
struct key {
	uint32_t filesystem;
	uint64_t device;
	uint64_t inode;
} __attribute__((packed));

/* Behind the key stands a name, which begins with '/', or that the file changed: in the order of time, and before. */
struct mark {
	char kind; /* 0 */
	uint64_t serial;
	bool is_later; /* in a window that is not listed */
	bool walked;   /* its names were searched after that */
	bool repeats;  /* other files of the filesystem may have its number */
	char place[];  /* where it was met; not terminated */
} __attribute__((packed));

/* What the records of a file say. */
struct file {
	struct key key;
	uint64_t links, names; /* of the names that are listed */
	bool changed, walked;
	bool settled; /* nothing is lacking of what was met under this number so far; another file may have it since */
	uint64_t unlooked; /* candidates that cannot be looked at */
	struct dirty_facts facts;
	int64_t first, last;
	char *path; /* one of its names, or where it was met */
	size_t length, size;
};

struct links {
	struct links_options options;
	struct sorter *met, *named; /* what is known; every name that leads to its file */
	struct sorter *lacking;     /* files of which a name is missing, to be looked at once more */
	unsigned rounds;            /* in which that may be done */
	int64_t until;              /* by moment_of_boot() */
	struct file file;
	bool takes_single; /* a file of one link may be one that changed through no name: then its name is known after
			      all */
	uint64_t lacking_count, reported;
	char *keyed; /* key and what stands behind */
	size_t keyed_size;
	struct {
		uint32_t filesystem;
		uint64_t device;
		char *path;
		size_t length, size;
	} place; /* whose device was asked for last */
};

int links_new(struct links **result, const struct links_options *options)
{
	struct links *links = calloc(1, sizeof(*links));
	int error;

	*result = links;
	if (!links)
		return -ENOMEM;
	links->options = *options;
	links->rounds = options->settle ? ROUNDS : 0;
	error = sorter_new(&links->met, options->memory, NULL);
	if (!error)
		error = sorter_new(&links->named, options->memory, NULL);
	return error ? error : sorter_new(&links->lacking, options->memory, NULL);
}

void links_free(struct links *links)
{
	if (!links)
		return;
	sorter_free(links->met);
	sorter_free(links->named);
	sorter_free(links->lacking);
	free(links->file.path);
	free(links->place.path);
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

static int keep(char **bytes, size_t *size, size_t *length, const char *from, size_t count)
{
	int error = reserve(bytes, size, count);

	if (error)
		return error;
	if (count)
		memcpy(*bytes, from, count);
	*length = count;
	return 0;
}

/* Puts the key, and what stands behind it, before the record's payload. */
static int put(struct links *links, struct sorter *sorter, const struct key *key, const char *behind, size_t length,
	       struct sorted record)
{
	int error = reserve(&links->keyed, &links->keyed_size, sizeof(*key) + length);

	if (error)
		return error;
	memcpy(links->keyed, key, sizeof(*key));
	if (length)
		memcpy(links->keyed + sizeof(*key), behind, length);
	record.path = links->keyed;
	record.length = sizeof(*key) + length;
	return sorter_add(sorter, &record);
}

static struct key key_of(uint32_t filesystem, uint64_t device, uint64_t inode)
{
	return (struct key){htobe32(filesystem), htobe64(device), htobe64(inode)};
}

/* The link count stands in `last`: of several looks the highest one counts. Those of a directory are no names. */
static struct sorted record_of(const struct looked *looked, struct dirty_facts facts, int64_t first)
{
	return (struct sorted){.last = S_ISDIR(looked->mode) ? 1 : looked->links, .facts = facts, .first = first};
}

int links_begin(struct links *links)
{
	return store_has_unnamed(links->options.store, links->options.first, links->options.last, &links->takes_single);
}

int links_add(struct links *links, uint32_t filesystem, const char *path, size_t length, const struct looked *looked,
	      const struct dirty *row)
{
	const struct key key = key_of(filesystem, looked->device, looked->inode);

	if (S_ISDIR(looked->mode) || (looked->links < 2 && !links->takes_single))
		return 0;
	return put(links, links->met, &key, path, length, record_of(looked, row->facts, row->first));
}

/* What the store knows of changes */

/* 0: it cannot be told. */
static uint64_t device_of(struct links *links, uint32_t filesystem, const char *path, size_t length)
{
	struct place place;
	struct sight sight = {0};
	int error = -ENOENT;

	while (error == -ENOENT && length) {
		const char *slash = memrchr(path, '/', length);

		error = places_find(links->options.places, filesystem, path, length, &place);
		if (error)
			return 0;
		error = places_peek(links->options.places, &place, &sight);
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

/*
 * The device of files in the directory in which the file was met, or in what is left of the way to it: where inode
 * numbers repeat, from subvolume to subvolume, it tells which file it was. Where they do not, all have the
 * filesystem's.
 */
static int device_of_file(struct links *links, const struct store_linked *row, uint64_t *device)
{
	const char *path = row->place ? row->place : "/";
	size_t length = row->place ? row->place_length : 1;
	int error;

	if (links->place.filesystem != row->filesystem || links->place.length != length ||
	    memcmp(links->place.path, path, length) != 0) {
		error = keep(&links->place.path, &links->place.size, &links->place.length, path, length);
		if (error)
			return error;
		links->place.filesystem = row->filesystem;
		links->place.device = device_of(links, row->filesystem, path, length);
	}
	*device = links->place.device;
	if (!row->place && repeats(links, row->filesystem, *device))
		*device = 0;
	return 0;
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
	key = key_of(row->filesystem, device, row->inode);
	mark.mark.repeats = repeats(links, row->filesystem, device);
	if (row->place)
		memcpy(mark.place, row->place, row->place_length);
	return put(links, links->met, &key, (const char *)&mark, sizeof(mark.mark) + row->place_length, record);
}

/* Reports */

static void report_path(struct links *links, const char *format, uint64_t first, uint64_t second)
	__attribute__((format(printf, 2, 0)));

/* The path on the host where it has one. */
static void report_path(struct links *links, const char *format, uint64_t first, uint64_t second)
{
	const struct file *file = &links->file;
	struct sight sight = {.host = file->path, .length = file->length};
	struct place place;

	if (links->reported++ >= FILES_NAMED)
		return;
	if (places_find(links->options.places, be32toh(file->key.filesystem), file->path, file->length, &place) == 0)
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

	if (!file->length && keep(&file->path, &file->size, &file->length, "/", 1))
		file->length = 0;
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
static int lack(struct links *links)
{
	const struct file *file = &links->file;

	if (!file->names && has_only_got_names(file))
		return 0;
	if (links->rounds) {
		links->lacking_count++;
		return put(links, links->lacking, &file->key, file->path, file->length,
			   (struct sorted){.facts = file->facts, .first = file->first, .last = file->last});
	}
	if (file->names && file->key.device)
		report_names(links);
	else
		report_nameless(links);
	return 0;
}

/* Candidates */

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
 * subvolume may have come since. So it is listed as well while the file has no name.
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
	key = key_of(filesystem, sight.looked.device, sight.looked.inode);
	if (key.inode != file->key.inode)
		return 0;
	if (file->key.device && key.device != file->key.device)
		return file->names ? 0 : add_listed(links, &place, &sight);
	file->names++;
	record = record_of(&sight.looked, file->facts, file->first);
	file->links = (uint64_t)record.last > file->links ? (uint64_t)record.last : file->links;
	error = links->named ? put(links, links->named, &key, path, length, record) : 0;
	return error ? error : add_listed(links, &place, &sight);
}

/*
 * A file that changed and of which nothing is left: it is settled; or all its names were searched after the change, and
 * none led to it. Else it lives on under a name that nobody knows.
 */
static int end_met(struct links *links)
{
	struct file *file = &links->file;
	bool none = file->changed && !file->settled && !file->names;
	int error = 0;

	if (none || file->names < file->links)
		error = store_names(links->options.store, be32toh(file->key.filesystem), be64toh(file->key.inode),
				    take_candidate, links);
	if (error || !none || (file->key.device && file->names))
		return error;
	return !file->walked || file->unlooked ? lack(links) : 0;
}

/* Passing by */

static void begin_file(struct links *links, const struct key *key)
{
	struct file *file = &links->file;

	*file = (struct file){
		.key = *key,
		.walked = true,
		.first = INT64_MAX,
		.path = file->path,
		.size = file->size,
	};
}

static void merge_facts(struct file *file, struct dirty_facts facts)
{
	file->facts.operations |= facts.operations;
	file->facts.flags |= facts.flags;
}

/*
 * Nothing is lacking of a file that has ended; or that was moved to its only name, for that is dirty itself, as are
 * those that were made since. If the unlink or the rename has failed, so is the name that it kept. What comes later is
 * another file of the same number, or a name that it got.
 *
 * Where numbers repeat, from subvolume to subvolume, the last row alone counts: what was met in a directory that has
 * gone, or was not moved across their border, may be a file of another one.
 */
static void note_row(struct file *file, const struct store_linked *row, bool is_later, bool repeats)
{
	bool arrived = row->links == 1 && row->place && !(row->facts.flags & DIRTY_UNNAMED);

	if (row->links == 0 || (arrived && !repeats)) {
		file->settled = true;
	} else if (repeats) {
		file->settled = false;
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

static void add_times(struct file *file, int64_t first, int64_t last)
{
	file->first = first < file->first ? first : file->first;
	file->last = last > file->last ? last : file->last;
}

static void add_facts(struct file *file, const struct sorted *record, int64_t last)
{
	merge_facts(file, record->facts);
	add_times(file, record->first, last);
}

static int take_mark(struct links *links, const struct sorted *record)
{
	const struct mark *mark = (const struct mark *)(record->path + sizeof(struct key));
	const size_t place_length = record->length - sizeof(struct key) - sizeof(*mark);
	const struct store_linked row = {
		.links = record->mode,
		.place = place_length ? mark->place : NULL,
		.place_length = place_length,
		.walked = mark->walked,
		.facts = record->facts,
	};
	struct file *file = &links->file;

	note_row(file, &row, mark->is_later, mark->repeats);
	if (mark->is_later)
		return 0;
	add_times(file, record->first, record->last);
	return keep(&file->path, &file->size, &file->length, row.place, row.place_length);
}

static int take_name(struct links *links, const struct sorted *record)
{
	struct file *file = &links->file;
	uint64_t count = (uint64_t)record->last;

	add_facts(file, record, record->first);
	file->links = count > file->links ? count : file->links;
	if (file->names++)
		return 0;
	return keep(&file->path, &file->size, &file->length, record->path + sizeof(struct key),
		    record->length - sizeof(struct key));
}

static int take_met(struct links *links, const struct sorted *record)
{
	const struct key *key = (const struct key *)record->path;
	int error;

	if (!record->path[sizeof(*key)])
		return take_mark(links, record);
	error = put(links, links->named, key, record->path + sizeof(*key), record->length - sizeof(*key), *record);
	return error ? error : take_name(links, record);
}

static int end_named(struct links *links)
{
	return links->file.names < links->file.links ? lack(links) : 0;
}

/* Each record, and the end of each file. */
static int pass(struct links *links, struct sorter *sorter, int (*take)(struct links *, const struct sorted *),
		int (*end)(struct links *))
{
	struct sorted record;
	bool begun = false;
	int more, error = sorter_finish(sorter);

	if (error)
		return error;
	while ((more = sorter_next(sorter, &record)) > 0) {
		const struct key *key = (const struct key *)record.path;

		if (begun && memcmp(&links->file.key, key, sizeof(*key)) != 0) {
			error = end(links);
			begun = false;
		}
		if (!error && !begun)
			begin_file(links, key);
		begun = true;
		if (!error)
			error = take(links, &record);
		if (error)
			return error;
	}
	return more || !begun ? more : end(links);
}

/*
 * Once more
 *
 * A name that was made after the cut is not in the store at once, but counts as a link; one that has gone leaves a
 * change of which the end is not known. So the store is brought up to date, and all names of such a file are looked at
 * in one go. The index has all of them: that of a file which gets a second one as well.
 */

static int take_lacking(struct links *links, const struct sorted *record)
{
	struct file *file = &links->file;

	add_facts(file, record, record->last);
	return keep(&file->path, &file->size, &file->length, record->path + sizeof(struct key),
		    record->length - sizeof(struct key));
}

static int take_row(const struct store_linked *row, void *context)
{
	struct links *links = context;
	struct file *file = &links->file;
	uint64_t device;
	bool is_later = row->window > links->options.last;
	int error = device_of_file(links, row, &device);

	if (error || htobe64(device) != file->key.device)
		return error;
	note_row(file, row, is_later, repeats(links, row->filesystem, device));
	return 0;
}

static int end_lacking(struct links *links)
{
	struct file *file = &links->file;
	uint32_t filesystem = be32toh(file->key.filesystem);
	uint64_t inode = be64toh(file->key.inode);
	int error = store_names(links->options.store, filesystem, inode, take_candidate, links);

	if (error)
		return error;
	if (file->names && file->key.device)
		return file->names < file->links ? lack(links) : 0;
	error = store_linked_of(links->options.store, filesystem, inode, links->options.first, take_row, links);
	if (error || file->settled)
		return error;
	return !file->changed || !file->walked || file->unlooked ? lack(links) : 0;
}

/*
 * A few may be renamed by a busy task again and again; of many, most have names that were never known. Where the
 * answers take long, what is written meanwhile makes them longer.
 */
static void limit_rounds(struct links *links)
{
	bool is_in_vain = links->lacking_count > FEW || moment_of_boot() > links->until;

	if (is_in_vain && links->rounds <= ROUNDS - ROUNDS_OF_MANY + 1)
		links->rounds = 1;
}

static int settle(struct links *links)
{
	struct sorter *lacking = links->lacking;
	int error;

	limit_rounds(links);
	/* Who does not answer need not be asked again. */
	if (links->options.settle(links->options.context))
		links->rounds = 1;
	store_rollback(links->options.store);
	error = store_begin(links->options.store);
	links->rounds--;
	links->lacking_count = 0;
	links->lacking = NULL;
	if (!error)
		error = sorter_new(&links->lacking, links->options.memory, NULL);
	if (!error)
		error = pass(links, lacking, take_lacking, end_lacking);
	sorter_free(lacking);
	return error;
}

int links_check(struct links *links, uint64_t *unnamed)
{
	int error = store_linked(links->options.store, links->options.first, take_change, links);

	if (!error)
		error = pass(links, links->met, take_met, end_met);
	if (!error)
		error = pass(links, links->named, take_name, end_named);
	sorter_free(links->named);
	links->named = NULL;
	links->until = moment_of_boot() + PATIENCE * NANOSECONDS;
	while (!error && links->rounds && links->lacking_count)
		error = settle(links);
	if (error)
		return error;
	reasons_add_rest(links->options.reasons, links->reported, FILES_NAMED, "files have names that are not known");
	*unnamed = links->reported;
	return 0;
}
