// SPDX-License-Identifier: GPL-2.0
/*
 * Why a walk misses no name. A name that is there when the walk begins and stays is met, unless a directory above it
 * moves from what is still to be walked to what was: such directories are noted as their records come, from the begin
 * on, and walked again at their new place. What gets a name meanwhile tells so by its own record.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base64.h"
#include "pause.h"
#include "records.h"
#include "sentence.h"
#include "store_links.h"
#include "store_paused.h"
#include "store_walk.h"
#include "walk.h"

typedef json_t *step(struct collector *collector, const void *owner, const json_t *request, char **error);

static json_t *fail_store(struct collector *collector, char **error)
{
	sentence(error, 0, "the database cannot be written: %s", store_error(collector->store));
	return NULL;
}

static json_t *text(const char *bytes)
{
	json_t *string = json_string(bytes);

	return string ? string : json_string("(a name that is not UTF-8)");
}

static json_t *list(struct collector *collector, const void *owner, const json_t *request, char **error)
{
	json_t *array = json_array();
	uint32_t paused = 0;

	(void)owner;
	(void)request;
	(void)error;
	store_find_paused(collector->store, &paused);
	for (size_t i = 0; i < collector->coverage.count; i++) {
		const struct covered *row = &collector->coverage.rows[i];
		bool walked = false, gaps = false, scanned = false;

		store_is_walked(collector->store, row->id, &walked);
		store_has_gaps(collector->store, row->id, &gaps);
		store_is_scanned(collector->store, row->id, &scanned);
		json_array_append_new(array, json_pack("{s:I, s:I, s:o, s:b, s:b, s:b, s:b}", "id", (json_int_t)row->id,
						       "device", (json_int_t)row->device, "mount_point",
						       text(row->mount_point), "walked", walked, "gaps", gaps, "paused",
						       paused == row->id, "scanned", scanned));
	}
	return json_pack("{s:o}", "filesystems", array);
}

/* A device may be another one's since it was listed. */
static bool is_covered(const struct collector *collector, uint32_t filesystem, uint32_t device)
{
	for (size_t i = 0; i < collector->coverage.count; i++)
		if (collector->coverage.rows[i].id == filesystem)
			return collector->coverage.rows[i].device == device;
	return false;
}

/* What waits in the ring was before. */
static json_t *begin(struct collector *collector, const void *owner, const json_t *request, char **error)
{
	uint32_t filesystem = (uint32_t)json_integer_value(json_object_get(request, "filesystem"));
	uint32_t device = (uint32_t)json_integer_value(json_object_get(request, "device"));
	struct store_paused paused;
	bool goes_on;

	if (collector->walking)
		return json_pack("{s:b}", "busy", 1);
	/* Of a walk that has not come to its end, or was not begun. */
	cover_forget(collector);
	if (!filesystem || !is_covered(collector, filesystem, device)) {
		sentence(error, 0, "the filesystem to be walked is not traced");
		return NULL;
	}
	if (json_is_true(json_object_get(request, "gaps")) && cover_begin(collector, filesystem, error))
		return NULL;
	collector->cover.mounts = (uint64_t)json_integer_value(json_object_get(request, "mounts"));
	if (collector_collect(collector, true) || pause_find(collector, filesystem, &paused, &goes_on) ||
	    (!goes_on && store_begin_walk(collector->store, filesystem)))
		return fail_store(collector, error);
	collector->walking = filesystem;
	collector->walker = owner;
	return json_pack("{s:I, s:I, s:b, s:I, s:I, s:I, s:I}", "gaps", (json_int_t)collector->cover.count, "since",
			 (json_int_t)collector->cover.since, "goes_on", goes_on, "entries", (json_int_t)paused.entries,
			 "changed", (json_int_t)paused.changed, "directories", (json_int_t)paused.directories, "names",
			 (json_int_t)paused.names);
}

static json_t *wanted(struct collector *collector, const void *owner, const json_t *request, char **error)
{
	uint64_t after = (uint64_t)json_integer_value(json_object_get(request, "after"));
	uint64_t inodes[WALK_WANTED];
	size_t count = 0;
	json_t *array;

	(void)owner;
	if (store_wanted(collector->store, collector->walking, after, WALK_WANTED, inodes, &count))
		return fail_store(collector, error);
	array = json_array();
	for (size_t i = 0; i < count; i++)
		json_array_append_new(array, json_integer((json_int_t)inodes[i]));
	return json_pack("{s:o}", "inodes", array);
}

static int put_name(const void *header, const char *path, size_t length, void *context)
{
	const struct walked_name *name = header;
	const struct collector *collector = context;

	return store_put_walked(collector->store, collector->walking, name->inode, name->links, path, length);
}

static int put_names(struct collector *collector, const char *bytes, size_t size)
{
	return records_each(bytes, size, sizeof(struct walked_name), put_name, collector);
}

static json_t *take_bytes(struct collector *collector, const json_t *request, const char *key,
			  int (*take)(struct collector *, const char *, size_t), char **error)
{
	const char *encoded = json_string_value(json_object_get(request, key));
	size_t size = 0;
	char *bytes = encoded ? base64_decode(encoded, &size) : NULL;
	int code = bytes ? store_begin(collector->store) : -EINVAL;

	if (!code)
		code = take(collector, bytes, size);
	code = store_end(collector->store, code);
	free(bytes);
	return code ? fail_store(collector, error) : json_object();
}

static json_t *take_names(struct collector *collector, const void *owner, const json_t *request, char **error)
{
	(void)owner;
	return take_bytes(collector, request, "names", put_names, error);
}

static json_t *take_changed(struct collector *collector, const void *owner, const json_t *request, char **error)
{
	json_t *answer = take_bytes(collector, request, "changed", cover_take, error);

	(void)owner;
	if (answer)
		collector_merge(collector, MERGE_BLOCKS);
	return answer;
}

static json_t *keep(struct collector *collector, const void *owner, const json_t *request, char **error)
{
	(void)owner;
	return take_bytes(collector, request, "keep", pause_keep, error);
}

static json_t *save(struct collector *collector, const void *owner, const json_t *request, char **error)
{
	bool kept;

	(void)owner;
	return pause_save(collector, request, &kept) ? fail_store(collector, error) : json_pack("{s:b}", "kept", kept);
}

static json_t *rest(struct collector *collector, const void *owner, const json_t *request, char **error)
{
	uint64_t last = (uint64_t)json_integer_value(json_object_get(request, "after"));
	char bytes[WALK_NAMES_BYTES];
	char *encoded = NULL;
	size_t size = 0;
	json_t *answer;

	(void)owner;
	if (!pause_rest(collector, &last, bytes, &size))
		encoded = base64_encode(bytes, size);
	if (!encoded)
		return fail_store(collector, error);
	answer = json_pack("{s:s, s:I}", "rest", encoded, "last", (json_int_t)last);
	free(encoded);
	return answer;
}

/* It is not noted any more: a walk that is broken off now cannot go on from what was kept before. */
static int hand_out(struct collector *collector, const struct store_moved *moved)
{
	int code = store_begin(collector->store);

	if (!code)
		code = store_forget_paused(collector->store, collector->walking);
	if (!code)
		code = store_forget_moved(collector->store, moved->id);
	return store_end(collector->store, code);
}

static json_t *next_moved(struct collector *collector, const void *owner, const json_t *request, char **error)
{
	struct store_moved moved;
	char *path;
	json_t *answer;
	int code = collector_collect(collector, true);

	(void)owner;
	(void)request;
	if (!code)
		code = store_next_moved(collector->store, collector->walking, &moved);
	if (code == -ENOENT)
		return json_object();
	path = code ? NULL : base64_encode(moved.path, moved.length);
	if (!path || hand_out(collector, &moved))
		answer = fail_store(collector, error);
	else
		answer = json_pack("{s:s, s:I, s:b}", "path", path, "inode", (json_int_t)moved.inode, "settled",
				   moved.settled);
	free(path);
	return answer;
}

/* What was sent before is no later than this. */
static int end_all(struct collector *collector)
{
	int code = store_begin_durable(collector->store);

	if (!code)
		code = store_end_walk(collector->store, collector->walking);
	if (!code)
		code = cover_end(collector);
	return store_end(collector->store, code);
}

/* Nothing comes between the look for moved directories and the end: there is one thread. */
static json_t *end(struct collector *collector, const void *owner, const json_t *request, char **error)
{
	struct store_moved moved;
	int code = collector_collect(collector, true);

	(void)request;
	if (!code)
		code = store_next_moved(collector->store, collector->walking, &moved);
	if (!code)
		return json_pack("{s:b}", "more", 1);
	if (code == -ENOENT)
		code = end_all(collector);
	if (code)
		return fail_store(collector, error);
	walk_abandon(collector, owner);
	return json_object();
}

static json_t *abandon(struct collector *collector, const void *owner, const json_t *request, char **error)
{
	(void)request;
	(void)error;
	walk_abandon(collector, owner);
	return json_object();
}

static const struct {
	const char *name;
	step *take;
	bool within; /* a walk that has begun */
} steps[] = {
	{"list", list, false},       {"begin", begin, false},
	{"wanted", wanted, true},    {"names", take_names, true},
	{"moved", next_moved, true}, {"end", end, true},
	{"abandon", abandon, true},  {"changed", take_changed, true},
	{"keep", keep, true},        {"save", save, true},
	{"rest", rest, true},
};

json_t *walk_answer(struct collector *collector, const void *owner, const json_t *request, char **error)
{
	const char *name = json_string_value(json_object_get(request, "step"));

	for (size_t i = 0; name && i < sizeof(steps) / sizeof(*steps); i++) {
		if (strcmp(steps[i].name, name) != 0)
			continue;
		if (!steps[i].within || (collector->walking && collector->walker == owner))
			return steps[i].take(collector, owner, request, error);
		sentence(error, 0, "the filesystem is not traced any more");
		return NULL;
	}
	sentence(error, 0, "the collector does not know this step of a walk");
	return NULL;
}

void walk_abandon(struct collector *collector, const void *owner)
{
	if (collector->walker != owner)
		return;
	collector->walking = 0;
	collector->walker = NULL;
	cover_forget(collector);
}
