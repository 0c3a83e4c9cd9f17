// SPDX-License-Identifier: GPL-2.0
/*
 * Why a gap is covered. Of a filesystem whose ctimes are believed (refine.c) every change moves the ctime of the inode,
 * or of the directory that lost or got an entry, to the time of the change: a file whose ctime is not older than the
 * gap's start is dirty; a directory may have lost entries whose names nobody knows, so it is deleted and listed anew
 * with all that is below. There is no upper bound: what changed in the gap may have changed again.
 *
 * One change moves no ctime: a store into a page that a mapping had made writable before. The file was open then, and
 * is in the window in which the gap begins by the record of its opening, or as it was carried into it. But a record
 * that carries it over a cut within the gap may be among those that were lost: a gap of more than one window is covered
 * by listing all. So is one during which, or after which, the clock was set.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "collector.h"
#include "moment.h"
#include "records.h"
#include "refine.h"
#include "sentence.h"

/* The clock behind ctimes is a tick late, some inodes keep whole seconds, and a cut may wait a while for the ring. */
#define COVER_MARGIN (10 * NANOSECONDS)

enum { FOUND_ENTRIES = 2048, FOUND_BYTES = 256 * 1024 };

struct search {
	struct collector *collector;
	bool is_trusted; /* ctimes are */
};

/* Finding them */

static int add_gap(const struct store_gap *gap, void *context)
{
	struct search *search = context;
	struct cover *cover = &search->collector->cover;
	struct cover_gap *gaps;
	bool steady = false, is_whole;
	int code;

	if (gap->last >= search->collector->window) {
		cover->others = true;
		return 0;
	}
	code = store_is_steady(search->collector->store, gap->first, &steady);
	gaps = code ? NULL : reallocarray(cover->gaps, cover->count + 1, sizeof(*gaps));
	if (!gaps)
		return code ? code : -ENOMEM;
	is_whole = !search->is_trusted || !steady || gap->first < gap->last || gap_cover(gap->reason) == GAP_BY_WHOLE;
	cover->gaps = gaps;
	gaps[cover->count++] = (struct cover_gap){
		.id = gap->id,
		.first = gap->first,
		.last = gap->last,
		.since = is_whole ? INT64_MAX : gap->started - COVER_MARGIN,
		.ended = gap->ended,
	};
	if (gaps[cover->count - 1].since < cover->since)
		cover->since = gaps[cover->count - 1].since;
	return 0;
}

static const struct covered *find_covered(const struct collector *collector, uint32_t filesystem)
{
	for (size_t i = 0; i < collector->coverage.count; i++)
		if (collector->coverage.rows[i].id == filesystem)
			return &collector->coverage.rows[i];
	return NULL;
}

static bool is_trusted(const struct collector *collector, const struct covered *covered)
{
	const struct mount *mount = mounts_find_device(&collector->coverage.mounts, covered->device, NULL);
	struct refine refine;

	refine_init(&refine, 0);
	return mount && refine_is_trusted(&refine, mount->type);
}

/* Files that were opened while nobody saw it go on being written: from the cut on they are known. */
static int cut(struct collector *collector, char **error)
{
	uint64_t window;
	int code = window_cut(collector, NULL, &window, error);

	if (!code)
		code = tracer_enter_open_files(collector->tracer);
	if (!code)
		code = collector_enter_loops(collector);
	return code ? code : collector_collect(collector, true);
}

int cover_begin(struct collector *collector, uint32_t filesystem, char **error)
{
	const struct covered *covered;
	struct search search = {.collector = collector};
	bool any = false;
	int code;

	cover_forget(collector);
	code = store_has_gaps(collector->store, filesystem, &any);
	if (!code && !any)
		return 0;
	if (!code)
		code = cut(collector, error);
	collector->cover.opened = collector->gaps;
	/* The cut may have found it gone. */
	covered = find_covered(collector, filesystem);
	if (!code && covered) {
		search.is_trusted = is_trusted(collector, covered);
		code = store_gaps_of(collector->store, filesystem, add_gap, &search);
	}
	if (code)
		cover_forget(collector);
	if (code && !*error)
		sentence(error, 0, "the gaps cannot be covered: %s (%s)", store_error(collector->store),
			 strerror(-code));
	return code;
}

void cover_forget(struct collector *collector)
{
	free(collector->cover.gaps);
	collector->cover = (struct cover){.since = INT64_MAX, .opened = collector->gaps};
}

/* Entering what was found: sorted, as the store likes it */

struct found {
	struct collector *collector;
	struct batch *batch;
};

static int write_found(struct found *found)
{
	int code = batch_write(found->batch, found->collector->store);

	batch_clear(found->batch);
	return code;
}

static int put(const struct dirty *entry, void *context)
{
	struct found *found = context;
	int code = batch_add(found->batch, entry);

	if (code != -ENOSPC)
		return code;
	code = write_found(found);
	return code ? code : batch_add(found->batch, entry);
}

/* A window that was pruned is no loss: every job has committed it. */
static int put_into_windows(struct found *found, const struct covered *covered, const struct cover_gap *gap,
			    struct dirty entry)
{
	struct collector *collector = found->collector;
	int code = 0;

	for (entry.window = gap->first; !code && entry.window <= gap->last; entry.window++) {
		bool has = false;

		code = store_has_window(collector->store, entry.window, &has);
		if (!code && has)
			code = coverage_apply(&collector->coverage, &entry, covered->device, put, found);
	}
	return code;
}

static int enter_found(struct collector *collector, int (*enter)(struct found *found, const void *what),
		       const void *what)
{
	struct found found = {.collector = collector, .batch = batch_new(FOUND_ENTRIES, 1, FOUND_BYTES)};
	int code = found.batch ? enter(&found, what) : -ENOMEM;

	if (!code)
		code = write_found(&found);
	batch_free(found.batch);
	return code;
}

static struct dirty make_entry(uint32_t filesystem, const char *path, size_t length, uint32_t mode)
{
	int64_t now = moment_now() / NANOSECONDS;
	struct dirty entry = {
		.filesystem = filesystem,
		.path = path,
		.path_length = length,
		.first = now,
		.last = now,
		.facts.flags = DIRTY_FOUND,
	};

	if (S_ISDIR(mode)) {
		entry.facts.flags |= DIRTY_EXPAND;
		entry.facts.was = 1U << (S_IFDIR >> 12);
	}
	return entry;
}

static int take_entry(const void *header, const char *path, size_t length, void *context)
{
	const struct covered_entry *changed = header;
	struct found *found = context;
	struct collector *collector = found->collector;
	const struct covered *covered = find_covered(collector, collector->walking);
	const struct cover *cover = &collector->cover;
	const struct dirty entry = make_entry(covered->id, path, length, changed->mode);
	int code = 0;

	for (size_t i = 0; !code && i < cover->count; i++)
		if (changed->changed >= cover->gaps[i].since)
			code = put_into_windows(found, covered, &cover->gaps[i], entry);
	return code;
}

struct records {
	const char *bytes;
	size_t size;
};

static int take_entries(struct found *found, const void *what)
{
	const struct records *records = what;

	return records_each(records->bytes, records->size, sizeof(struct covered_entry), take_entry, found);
}

int cover_take(struct collector *collector, const char *bytes, size_t size)
{
	const struct records records = {.bytes = bytes, .size = size};

	if (!find_covered(collector, collector->walking))
		return -ENODEV;
	return enter_found(collector, take_entries, &records);
}

/* One that is there no more was pruned with its windows. */
static int cover_gap(struct store *store, const struct cover_gap *covered, uint32_t filesystem)
{
	const struct store_gap gap = {.id = covered->id, .first = covered->first, .last = covered->last};
	int code = store_cover_gap(store, &gap, filesystem);

	return code == -ENOENT ? 0 : code;
}

static int end_gaps(struct found *found, const void *what)
{
	struct collector *collector = found->collector;
	const struct covered *covered = what;
	const struct cover *cover = &collector->cover;
	int code = 0;

	for (size_t i = 0; !code && i < cover->count; i++) {
		if (cover->gaps[i].since == INT64_MAX)
			code = put_into_windows(found, covered, &cover->gaps[i],
						make_entry(covered->id, "/", 1, S_IFDIR));
		if (!code)
			code = cover_gap(collector->store, &cover->gaps[i], covered->id);
	}
	return code;
}

int cover_end(struct collector *collector)
{
	const struct covered *covered = find_covered(collector, collector->walking);

	return covered ? enter_found(collector, end_gaps, covered) : -ENODEV;
}
