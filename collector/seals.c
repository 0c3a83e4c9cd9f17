// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "blocks.h"
#include "collector.h"
#include "filesystems.h"
#include "moment.h"
#include "seals.h"
#include "stays.h"
#include "store_seals.h"

enum {
	READS = 3, /* a second apart */
	KEY_BYTES = 32,
};

static struct sealed *find(struct seals *seals, uint32_t filesystem)
{
	for (size_t i = 0; i < seals->count; i++)
		if (seals->rows[i].filesystem == filesystem)
			return &seals->rows[i];
	return NULL;
}

static struct sealed *add(struct seals *seals, uint32_t filesystem)
{
	struct sealed *rows = reallocarray(seals->rows, seals->count + 1, sizeof(*rows));

	if (!rows)
		return NULL;
	seals->rows = rows;
	rows[seals->count] = (struct sealed){.filesystem = filesystem};
	return &rows[seals->count++];
}

static void take_out(struct seals *seals, struct sealed *row)
{
	free(row->devices);
	*row = seals->rows[--seals->count];
}

void seals_free(struct seals *seals)
{
	for (size_t i = 0; i < seals->count; i++)
		free(seals->rows[i].devices);
	free(seals->rows);
	*seals = (struct seals){0};
}

/* How often devices were written past filesystems; *last: the last one who did so, or who has mapped one for it. */
static uint64_t count_writes(const struct collector *collector, const uint32_t *devices, size_t count,
			     struct raw_write *last)
{
	uint64_t writes = 0;

	*last = (struct raw_write){0};
	for (size_t i = 0; i < count; i++) {
		struct raw_write entry;

		tracer_raw_write(collector->tracer, devices[i], &entry);
		writes += entry.writes;
		if (entry.writes && entry.mapped >= last->mapped)
			*last = entry;
	}
	return writes;
}

uint64_t seals_count_writes(const struct collector *collector, const uint32_t *devices, size_t count)
{
	struct raw_write last;

	return count_writes(collector, devices, count, &last);
}

static int load_one(const struct store_seal *stored, void *context)
{
	struct collector *collector = context;
	struct sealed *row;

	/* Of another build: as if there were none. */
	if (stored->size != sizeof(row->seal))
		return 0;
	row = add(&collector->seals, stored->filesystem);
	if (!row)
		return -ENOMEM;
	memcpy(&row->seal, stored->bytes, sizeof(row->seal));
	row->is_anonymous = seal_is_anonymous(&row->seal);
	row->writes = stored->writes;
	row->has_seal = true;
	return 0;
}

int seals_load(struct collector *collector)
{
	return store_seals(collector->store, load_one, collector);
}

/* ---- looking for filesystems that are not mounted */

/* Of btrfs the superblock has a number of its own, which is not known before it is mounted. */
static bool is_live(const struct collector *collector, uint32_t superblock, const struct seal *seal)
{
	char path[sizeof("/sys/fs/btrfs/") + SEAL_UUID_BYTES];
	struct superblock entry;

	snprintf(path, sizeof(path), "/sys/fs/btrfs/%s", seal->uuid);
	if (seal->uuid[0] && access(path, F_OK) == 0)
		return true;
	return !tracer_superblock(collector->tracer, superblock, &entry) && entry.came != entry.ended;
}

static int watch(struct collector *collector, struct sealed *row, uint32_t device)
{
	struct raw_write last;
	uint64_t writes;
	int code;

	free(row->devices);
	row->devices = NULL;
	code = blocks_below(device, "", &row->devices, &row->device_count);
	if (code)
		return code;
	writes = count_writes(collector, row->devices, row->device_count, &last);
	row->superblock = row->is_anonymous ? 0 : device;
	row->instance = blocks_instance(device);
	/* The programs may have stayed, and have counted meanwhile. */
	row->watched = row->instance && (!writes || writes == row->writes);
	row->writes = writes;
	row->difference[0] = '\0';
	return 0;
}

static int is_mounted(uint32_t device)
{
	struct mounts mounts;
	int result = mounts_read(&mounts, NULL);

	if (result)
		return result;
	result = mounts_find_device(&mounts, device, NULL) != NULL;
	mounts_free(&mounts);
	return result;
}

/* The mounts are looked at before the seal is read, the kernel's entries after it: a mount in between shows there. */
static int look_at(uint32_t device, void *context)
{
	struct collector *collector = context;
	char name[BLOCK_NAME_BYTES];
	struct seal seal;
	int code = is_mounted(device);

	if (code)
		return code < 0 ? code : 0;
	if (blocks_name(device, name) || seal_read(name, &seal))
		return 0;
	for (size_t i = 0; i < collector->seals.count; i++) {
		struct sealed *row = &collector->seals.rows[i];

		if (row->watched || !row->has_seal || strcmp(row->seal.uuid, seal.uuid) != 0)
			continue;
		if (!seal_holds(&row->seal, &seal)) {
			seal_difference(&row->seal, &seal, row->difference);
			continue;
		}
		code = watch(collector, row, device);
		if (code)
			return code;
		if (is_live(collector, device, &seal))
			row->watched = false;
	}
	return 0;
}

/* One that is under way has counted before the hook sees it; when it is there compare_mounted() asks for no more. */
static bool may_be_our_mount(const struct seal *before, const struct seal *now)
{
	return seal_counts_mounts(before) && seal_fits_mounted(before, now, 1);
}

/*
 * What its device shows may be something else by now, without a write that passes a hook: a volume that is set back to
 * a snapshot, say, which the kernel tells of as of a device that has changed. In the order of look_at().
 */
static int look_again(const struct collector *collector, struct sealed *row)
{
	char name[BLOCK_NAME_BYTES];
	struct seal now;
	int code = is_mounted(row->devices[0]);

	if (code)
		return code < 0 ? code : 0;
	if (blocks_name(row->devices[0], name) || seal_read(name, &now) || seal_holds(&row->seal, &now) ||
	    is_live(collector, row->devices[0], &now) || may_be_our_mount(&row->seal, &now))
		return 0;
	seal_difference(&row->seal, &now, row->difference);
	row->watched = false;
	return 0;
}

int seals_look(struct collector *collector)
{
	bool is_missing = false;
	int code = 0;

	for (size_t i = 0; !code && i < collector->seals.count; i++) {
		struct sealed *row = &collector->seals.rows[i];

		if (!row->watched)
			is_missing = true;
		else if (row->has_seal && !row->reads && row->device_count)
			code = look_again(collector, row);
	}
	return !code && is_missing ? blocks_each(look_at, collector) : code;
}

/* ---- filesystems that come and go */

int seals_went(struct collector *collector, struct covered *row)
{
	struct sealed *sealed = find(&collector->seals, row->id);

	if (!sealed)
		sealed = add(&collector->seals, row->id);
	if (!sealed)
		return -ENOMEM;
	free(sealed->devices);
	*sealed = (struct sealed){
		.filesystem = row->id,
		.superblock = row->device,
		.is_anonymous = mounts_is_anonymous(row->device),
		.came = row->came,
		.devices = row->devices,
		.device_count = row->device_count,
		.instance = row->device_count ? blocks_instance(row->devices[0]) : 0,
		.writes = row->writes,
		.reads = READS,
	};
	/* It was the same one all the time. */
	sealed->watched = sealed->instance && sealed->instance == row->instance;
	row->devices = NULL;
	row->device_count = 0;
	return 0;
}

static void compare_mounted(struct sealed *sealed, const struct covered *row, const struct mount *mount)
{
	char name[BLOCK_NAME_BYTES];
	struct seal now;
	/* The mount itself: of more than one, which came and went unseen, it is not known how many were for writing. */
	unsigned int most = row->came > sealed->came ? row->came - sealed->came : row->came;
	unsigned int more = most == 1 && !mount->read_only ? 1 : 0;

	if (mount->read_only && most == 1)
		most = 0;
	if (!sealed->has_seal || !row->device_count || blocks_name(row->devices[0], name) || seal_read(name, &now))
		return;
	while (more < most && !seal_fits_mounted(&sealed->seal, &now, more))
		more++;
	if (seal_fits_mounted(&sealed->seal, &now, more))
		return;
	sealed->watched = false;
	now.clean = true;
	seal_difference(&sealed->seal, &now, sealed->difference);
}

/* In the store: the collector may be another one when the backup ends. */
static void make_key(char key[KEY_BYTES], uint32_t filesystem)
{
	snprintf(key, KEY_BYTES, "back:%u", filesystem);
}

static int note_back(struct collector *collector, uint32_t filesystem, uint64_t window)
{
	char key[KEY_BYTES];

	make_key(key, filesystem);
	return store_set_meta(collector->store, key, (int64_t)window);
}

int seals_came(struct collector *collector, const struct covered *row, const struct mount *mount, bool is_whole,
	       char difference[SEAL_DIFFERENCE_BYTES])
{
	struct sealed *sealed = find(&collector->seals, row->id);
	bool goes_on;
	int code;

	difference[0] = '\0';
	/* One that could not be removed may be left in the store. */
	if (!sealed)
		return store_remove_seal(collector->store, row->id);
	if (is_whole && !sealed->difference[0])
		compare_mounted(sealed, row, mount);
	goes_on = is_whole && sealed->watched && row->device_count == sealed->device_count && row->device_count &&
		  memcmp(row->devices, sealed->devices, row->device_count * sizeof(*row->devices)) == 0 &&
		  row->instance == sealed->instance && row->writes == sealed->writes;
	memcpy(difference, sealed->difference, SEAL_DIFFERENCE_BYTES);
	take_out(&collector->seals, sealed);
	code = store_remove_seal(collector->store, row->id);
	if (!code)
		code = note_back(collector, row->id, goes_on ? collector->window : 0);
	return code ? code : goes_on;
}

/* An anonymous number is that of the filesystem until another superblock has come by it. */
static bool is_owner(const struct collector *collector, const struct sealed *row, uint32_t superblock)
{
	struct superblock entry;

	if (row->superblock != superblock || !row->watched)
		return false;
	return !row->is_anonymous || tracer_superblock(collector->tracer, superblock, &entry) ||
	       entry.came == row->came;
}

uint32_t seals_owner(const struct collector *collector, uint32_t superblock)
{
	const struct seals *seals = &collector->seals;

	for (size_t i = 0; i < seals->count; i++)
		if (is_owner(collector, &seals->rows[i], superblock))
			return seals->rows[i].filesystem;
	return 0;
}

static bool lies_on(const struct sealed *row, uint32_t device)
{
	for (size_t i = 0; i < row->device_count; i++)
		if (row->devices[i] == device)
			return true;
	return row->superblock == device || (row->is_anonymous && mounts_is_anonymous(device));
}

/* In the store whether or not there are rows: a transaction may have been taken back meanwhile. */
static int spoil_all(struct collector *collector)
{
	seals_free(&collector->seals);
	return store_remove_seal(collector->store, 0);
}

int seals_spoil(struct collector *collector, uint32_t device)
{
	struct seals *seals = &collector->seals;
	int code = 0;

	if (!device)
		return spoil_all(collector);
	for (size_t i = seals->count; !code && i-- > 0;) {
		if (!lies_on(&seals->rows[i], device))
			continue;
		code = store_remove_seal(collector->store, seals->rows[i].filesystem);
		take_out(seals, &seals->rows[i]);
	}
	return code;
}

/* What it had may be in no backup from now on, although nothing has touched it. */
static int leave_out(struct collector *collector, struct sealed *row)
{
	snprintf(row->difference, sizeof(row->difference), "a full backup was made while it was not mounted");
	row->watched = row->has_seal = false;
	return store_remove_seal(collector->store, row->filesystem);
}

static int leave_out_mounted(struct collector *collector, const struct covered *row, uint64_t window)
{
	char key[KEY_BYTES];
	int64_t back = 0;
	int code;

	make_key(key, row->id);
	code = store_get_meta(collector->store, key, &back);
	if (code || (uint64_t)back <= window)
		return code == -ENOENT ? 0 : code;
	return collector_add_gap(collector, collector->closing, collector->window, row, collector->flushed, GAP_MOUNTED,
				 "it was not mounted at some time of a full backup");
}

int seals_leave_out(struct collector *collector, uint64_t window)
{
	int code = 0;

	for (size_t i = 0; !code && i < collector->seals.count; i++)
		code = leave_out(collector, &collector->seals.rows[i]);
	for (size_t i = 0; !code && i < collector->coverage.count; i++)
		code = leave_out_mounted(collector, &collector->coverage.rows[i], window);
	return code;
}

void seals_refresh(struct seals *seals, uint32_t superblock)
{
	for (size_t i = 0; i < seals->count; i++)
		if (seals->rows[i].superblock == superblock ||
		    (seals->rows[i].is_anonymous && mounts_is_anonymous(superblock))) {
			seals->rows[i].reads = READS;
			seals->rows[i].position = 0;
		}
}

/* ---- regularly */

static void describe_write(const struct raw_write *last, char *text, size_t size)
{
	snprintf(text, size, "the filesystem's block device was written past it, last by %.*s (%u)", COMMAND_BYTES,
		 last->command, last->pid);
}

static int add_raw_gap(struct collector *collector, uint64_t first, uint32_t filesystem, const struct raw_write *last)
{
	const struct covered row = {.id = filesystem};
	char detail[128];

	describe_write(last, detail, sizeof(detail));
	return collector_add_gap(collector, first, collector->window, &row, collector->flushed, GAP_RAW_WRITE, detail);
}

/*
 * The write may come after it was counted, so it counts at the next look as well. What is mapped may be stored into at
 * any time.
 */
static int check_writes(struct collector *collector, uint64_t first, uint32_t filesystem, const uint32_t *devices,
			size_t count, uint64_t *known, bool *again)
{
	struct raw_write last;
	uint64_t writes = count_writes(collector, devices, count, &last);
	bool moved = writes != *known;
	int code;

	if (!moved && !*again && !last.mapped)
		return 0;
	code = add_raw_gap(collector, first, filesystem, &last);
	if (code)
		return code;
	*again = moved;
	*known = writes;
	return 0;
}

static int keep(struct collector *collector, struct sealed *row)
{
	const struct store_seal stored = {
		.filesystem = row->filesystem,
		.writes = row->writes,
		.bytes = &row->seal,
		.size = sizeof(row->seal),
	};

	return store_put_seal(collector->store, &stored);
}

/* It has ended (its last mount goes before), and all that it reported is in the store. */
static bool is_settled(struct collector *collector, struct sealed *row)
{
	if (is_live(collector, row->superblock, &row->seal))
		row->position = 0;
	else if (!row->position)
		row->position = tracer_produced(collector->tracer);
	return row->position && tracer_consumed(collector->tracer) >= row->position && !collector->held;
}

static int take_seal(struct collector *collector, struct sealed *row, const struct seal *seal)
{
	struct superblock entry;

	if (!seal->clean) {
		row->has_seal = false;
		return store_remove_seal(collector->store, row->filesystem);
	}
	row->reads--;
	if (row->has_seal && memcmp(seal, &row->seal, sizeof(*seal)) == 0)
		return 0;
	row->seal = *seal;
	row->has_seal = true;
	row->came = tracer_superblock(collector->tracer, row->superblock, &entry) ? 0 : entry.came;
	return keep(collector, row);
}

/*
 * Kept only when nothing more can come of the filesystem, and only if it was not mounted meanwhile. A filesystem that
 * ends writes its superblock last, so that is read some more times.
 */
static int read_seal(struct collector *collector, struct sealed *row)
{
	char name[BLOCK_NAME_BYTES];
	uint32_t superblock = row->superblock;
	size_t count = collector->seals.count;
	struct seal seal;
	int code = 0;

	if (!row->reads || !row->watched || !is_settled(collector, row))
		return 0;
	/* Whatever reports under its number from now on is another one. */
	if (row->is_anonymous && superblock) {
		row->superblock = 0;
		code = filesystems_forget_ended(collector, superblock);
	}
	/* Another one may have come by that number unseen: then seals are gone, and this row with them. */
	if (code || collector->seals.count != count)
		return code;
	if (blocks_name(row->devices[0], name) || seal_read(name, &seal) || is_live(collector, row->superblock, &seal))
		return 0;
	return take_seal(collector, row, &seal);
}

/*
 * Of what is not mounted nothing can be listed, and its number may be another device's by now: the gap is that of its
 * next mount.
 */
static int spoil_if_written(struct collector *collector, struct sealed *row)
{
	struct raw_write last;
	uint64_t writes = count_writes(collector, row->devices, row->device_count, &last);

	if (!row->watched || (writes == row->writes && !last.mapped))
		return 0;
	describe_write(&last, row->difference, sizeof(row->difference));
	row->writes = writes;
	row->watched = row->has_seal = false;
	return store_remove_seal(collector->store, row->filesystem);
}

int seals_check(struct collector *collector, uint64_t first)
{
	int code = 0;

	for (size_t i = 0; !code && i < collector->coverage.count; i++) {
		struct covered *row = &collector->coverage.rows[i];
		uint64_t before = row->writes;

		code = check_writes(collector, first, row->id, row->devices, row->device_count, &row->writes,
				    &row->written);
		if (!code && row->writes != before)
			code = stays_note(collector, row);
	}
	for (size_t i = 0; !code && i < collector->seals.count; i++) {
		struct sealed *row = &collector->seals.rows[i];

		code = spoil_if_written(collector, row);
		if (!code)
			code = read_seal(collector, row);
	}
	return code;
}
