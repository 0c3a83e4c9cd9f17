// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "list_links_private.h"
#include "moment.h"
#include "priority.h"

enum {
	ROUNDS = 32,
	ROUNDS_OF_MANY = 4,
	FEW = 64,
	PATIENCE = 10, /* seconds for more rounds than those of many */
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
	free(links->file.path.bytes);
	free(links->place.path.bytes);
	free(links->keyed.bytes);
	free(links);
}

static int reserve(struct kept *kept, size_t length)
{
	char *larger;

	if (length > kept->size) {
		larger = realloc(kept->bytes, 2 * length);
		if (!larger)
			return -ENOMEM;
		kept->bytes = larger;
		kept->size = 2 * length;
	}
	kept->length = length;
	return 0;
}

int links_keep(struct kept *kept, const char *bytes, size_t length)
{
	int error = reserve(kept, length);

	if (!error && length)
		memcpy(kept->bytes, bytes, length);
	return error;
}

int links_put(struct links *links, struct sorter *sorter, const struct key *key, const char *behind, size_t length,
	      struct sorted record)
{
	int error = reserve(&links->keyed, sizeof(*key) + length);

	if (error)
		return error;
	memcpy(links->keyed.bytes, key, sizeof(*key));
	if (length)
		memcpy(links->keyed.bytes + sizeof(*key), behind, length);
	record.path = links->keyed.bytes;
	record.length = links->keyed.length;
	return sorter_add(sorter, &record);
}

int links_begin(struct links *links)
{
	int error = store_last_left(links->options.store, &links->last_left);

	if (error)
		return error;
	return store_has_unnamed(links->options.store, links->options.first, links->options.last, &links->takes_single);
}

int links_add(struct links *links, uint32_t filesystem, const char *path, size_t length, const struct looked *looked,
	      const struct dirty *row)
{
	const struct key key = links_key(filesystem, looked->device, looked->inode);

	if (S_ISDIR(looked->mode) || (looked->links < 2 && !links->takes_single))
		return 0;
	return links_put(links, links->met, &key, path, length, links_record(looked, row->facts, row->first));
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
		.directory = mark->directory,
		.facts = record->facts,
	};
	struct file *file = &links->file;

	links_note_row(file, &row, mark->is_later, mark->repeats);
	if (mark->is_later)
		return 0;
	links_add_times(file, record->first, record->last);
	return links_keep(&file->path, row.place, row.place_length);
}

static int keep_path(struct file *file, const struct sorted *record)
{
	return links_keep(&file->path, record->path + sizeof(file->key), record->length - sizeof(file->key));
}

static int take_name(struct links *links, const struct sorted *record)
{
	struct file *file = &links->file;
	uint64_t count = (uint64_t)record->last;

	links_add_facts(file, record, record->first);
	file->links = count > file->links ? count : file->links;
	return file->names++ ? 0 : keep_path(file, record);
}

static int take_met(struct links *links, const struct sorted *record)
{
	const struct key *key = (const struct key *)record->path;
	int error;

	if (!record->path[sizeof(*key)])
		return take_mark(links, record);
	error = links_put(links, links->named, key, record->path + sizeof(*key), record->length - sizeof(*key),
			  *record);
	return error ? error : take_name(links, record);
}

static int end_named(struct links *links)
{
	return links->file.names < links->file.links ? links_lack(links) : 0;
}

/*
 * A file that changed and of which nothing is left: it is settled; or all its names were searched after the change, and
 * none led to it. Else it lives on under a name that nobody knows. Where numbers repeat it may be another one that is
 * settled: the names that are known are looked at.
 */
static int end_met(struct links *links)
{
	struct file *file = &links->file;
	bool none = file->changed && (!file->settled || file->repeats) && !file->names;
	int error = 0;

	if (none || file->names < file->links)
		error = links_look(links);
	if (error || !none || file->settled || (file->key.device && file->names))
		return error;
	return !file->walked || file->unlooked ? links_lack(links) : 0;
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
			links_begin_file(links, key);
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

	links_add_facts(file, record, record->last);
	return keep_path(file, record);
}

static int end_lacking(struct links *links)
{
	struct file *file = &links->file;
	int error = links_look(links);

	if (error)
		return error;
	if (file->names && file->key.device)
		return file->names < file->links ? links_lack(links) : 0;
	error = links_read_changes_of_file(links);
	if (error || file->settled)
		return error;
	return !file->changed || !file->walked || file->unlooked ? links_lack(links) : 0;
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

static int bring_up_to_date(struct links *links, bool *is_told)
{
	*is_told = !links->options.settle(links->options.context);
	store_rollback(links->options.store);
	return store_begin(links->options.store);
}

static int settle(struct links *links)
{
	struct sorter *lacking = links->lacking;
	bool is_told;
	int error;

	limit_rounds(links);
	error = bring_up_to_date(links, &is_told);
	/* Who does not answer need not be asked again. */
	links->rounds = is_told ? links->rounds - 1 : 0;
	links->lacking_count = 0;
	links->lacking = NULL;
	if (!error)
		error = sorter_new(&links->lacking, links->options.memory, NULL);
	if (!error)
		error = pass(links, lacking, take_lacking, end_lacking);
	sorter_free(lacking);
	return error;
}

/* The directories were looked at later than the store was read: in between a subvolume may have gone. */
static int confirm_trust(struct links *links)
{
	int64_t last = 0;
	bool is_told;
	int error;

	if (!links->trusts || !links->options.settle)
		return 0;
	error = bring_up_to_date(links, &is_told);
	if (!error)
		error = store_last_left(links->options.store, &last);
	if (!error && (!is_told || last != links->last_left))
		reasons_add(links->options.reasons, "a subvolume was made, removed or moved while the lists were made: "
						    "of a file that changed other "
						    "names may be missing; make them again");
	return error;
}

int links_check(struct links *links, uint64_t *unnamed)
{
	int priority, error = links_read_changes(links);

	if (!error)
		error = pass(links, links->met, take_met, end_met);
	if (!error)
		error = pass(links, links->named, take_name, end_named);
	sorter_free(links->named);
	links->named = NULL;
	links->until = moment_of_boot() + PATIENCE * NANOSECONDS;
	/* Names are looked at while tasks move them: the more of these run in between, the more often it is in vain. */
	priority = priority_step_forward();
	while (!error && links->rounds && links->lacking_count)
		error = settle(links);
	priority_return(priority);
	if (!error)
		error = confirm_trust(links);
	if (error)
		return error;
	reasons_add_rest(links->options.reasons, links->reported, LINKS_NAMED, "files have names that are not known");
	*unnamed = links->reported;
	return 0;
}
