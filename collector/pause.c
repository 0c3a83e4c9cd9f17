// SPDX-License-Identifier: GPL-2.0
/*
 * Why a walk may go on. One that was stopped is no other than one that takes long, if all is true on which a walk
 * relies while it runs: what it has read or found before a certain moment is in the store, every directory that it has
 * not read to its end is kept, or lies below one that is, and the collector has noted each directory that has moved
 * since the walk began (walk.c), which is walked again at its new place. So a directory that was to be read is read
 * where it is kept, or where it moved to, or is gone; whatever else has its path by now is read for nothing. A path
 * with a symbolic link in it leads nowhere: then what was there has moved.
 *
 * It begins anew where any of this may not be true:
 * - a gap of the filesystem was added since it began, in which a move may have been missed: store_add_gap() forgets it,
 *   and what comes between the begin and the first save shows in the collector's count of gaps;
 * - the gaps are not exactly those that it covers, with the same times: repaired, pruned or extended ones, a clock that
 *   was set;
 * - it was unmounted, or mounted since, or the collector that starts cannot tell that the kernel side has traced it all
 *   along: filesystems.c forgets it. So no walk goes on after a boot;
 * - any of its mounts is another one, or at another place: what they show may be more or less;
 * - another walk of it has begun: that counts anew what has a name;
 * - a directory that had moved was handed out to be walked, and the client was killed then (walk.c);
 * - something could not be looked at: the client does not save;
 * - another build of the program would go on;
 * - too many directories have moved meanwhile.
 *
 * The files' names need nothing more: names that were met have the walk's number, and those that come and go meanwhile
 * tell so by their own records. Inodes that are wanted since the walk began are of changes after it, which it does not
 * settle.
 */
#include <errno.h>
#include <string.h>

#include "pause.h"
#include "records.h"
#include "store_walk.h"
#include "walk.h"

enum { MOVED_MAXIMUM = 10000 };

int pause_load(struct collector *collector)
{
	return store_find_paused(collector->store, &collector->paused);
}

int pause_check(struct collector *collector)
{
	uint64_t count = 0;
	int code;

	if (!collector->paused || collector->walking)
		return 0;
	code = pause_load(collector);
	if (!code && collector->paused)
		code = store_count_moved(collector->store, collector->paused, &count);
	return !code && count > MOVED_MAXIMUM ? store_forget_paused(collector->store, collector->paused) : code;
}

static struct store_paused paused_by(const struct collector *collector, uint32_t filesystem)
{
	const struct cover *cover = &collector->cover;

	return (struct store_paused){
		.filesystem = filesystem,
		.mounts = cover->mounts,
		.version = FSCHANGED_VERSION,
		.gaps = cover->count ? (const void *)cover->gaps : "",
		.size = cover->count * sizeof(*cover->gaps),
	};
}

/* Gaps that the walk does not cover are none that were there when it was saved. */
static bool may_pause(const struct cover *cover)
{
	return cover->mounts && !cover->others;
}

int pause_find(struct collector *collector, uint32_t filesystem, struct store_paused *paused, bool *goes_on)
{
	int code = store_drop_rest(collector->store);

	*paused = paused_by(collector, filesystem);
	*goes_on = false;
	if (code || !may_pause(&collector->cover) || collector->paused != filesystem)
		return code;
	code = store_get_paused(collector->store, paused);
	if (code)
		return code == -ENOENT ? 0 : code;
	*goes_on = true;
	return store_settle_moved(collector->store, filesystem);
}

struct answer {
	uint64_t last;
	char *bytes;
	size_t size;
};

static int add_rest(uint64_t id, const char *path, size_t length, void *context)
{
	const struct walked_rest rest = {.length = (uint16_t)length};
	struct answer *answer = context;

	if (answer->size + sizeof(rest) + length > WALK_NAMES_BYTES)
		return 1;
	memcpy(answer->bytes + answer->size, &rest, sizeof(rest));
	memcpy(answer->bytes + answer->size + sizeof(rest), path, length);
	answer->size += sizeof(rest) + length;
	answer->last = id;
	return 0;
}

int pause_rest(struct collector *collector, uint64_t *last, char *bytes, size_t *size)
{
	struct answer answer = {.last = *last, .bytes = bytes};
	int code = store_rest(collector->store, *last, add_rest, &answer);

	*last = answer.last;
	*size = answer.size;
	return code < 0 ? code : 0;
}

static int keep(const void *header, const char *path, size_t length, void *context)
{
	const struct collector *collector = context;

	(void)header;
	return length > PATH_BYTES ? -EINVAL : store_keep_rest(collector->store, path, length);
}

int pause_keep(struct collector *collector, const char *bytes, size_t size)
{
	return records_each(bytes, size, sizeof(struct walked_rest), keep, collector);
}

static uint64_t found(const json_t *request, const char *what)
{
	return (uint64_t)json_integer_value(json_object_get(request, what));
}

static int put_paused(struct collector *collector, const json_t *request)
{
	struct store_paused paused = paused_by(collector, collector->walking);
	const json_t *id;
	size_t i;
	int code;

	paused.entries = found(request, "entries");
	paused.changed = found(request, "changed");
	paused.directories = found(request, "directories");
	paused.names = found(request, "names");
	code = store_pause(collector->store, &paused);
	json_array_foreach(json_object_get(request, "scanned"), i, id)
	{
		if (!code)
			code = store_set_scanned(collector->store, (uint32_t)json_integer_value(id));
	}
	return code;
}

/* While it is walked its moves are noted anyway. */
int pause_save(struct collector *collector, const json_t *request, bool *kept)
{
	int code = collector_collect(collector, true);

	*kept = may_pause(&collector->cover) && collector->gaps == collector->cover.opened;
	if (code || !*kept)
		return code ? code : store_drop_rest(collector->store);
	code = store_begin(collector->store);
	if (!code)
		code = put_paused(collector, request);
	code = store_end(collector->store, code);
	if (!code)
		collector->paused = collector->walking;
	return code;
}
