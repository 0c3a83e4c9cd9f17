// SPDX-License-Identifier: GPL-2.0
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "batch.h"

/* Entries by a hash of their paths: names come in twos (a file is made, then renamed), directories again and again. */
enum { RECENT = 1024 };

struct batch {
	uint32_t recent[RECENT]; /* the number of the last one + 1; 0: none */
	struct dirty *entries;
	uint64_t *order;
	size_t count, capacity;
	struct link_change *changes;
	size_t change_count, change_capacity;
	char *bytes;
	size_t used, size;
};

/* Touched at once: what the batch takes is known at the start and does not depend on what it holds. */
static void *reserve(size_t bytes)
{
	/* cppcheck-suppress invalidFunctionArg ; anonymous memory has no file */
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	/* cppcheck-suppress memleak ; the caller owns it */
	return memory == MAP_FAILED ? NULL : memory;
}

struct batch *batch_new(size_t entries, size_t changes, size_t bytes)
{
	struct batch *batch = calloc(1, sizeof(*batch));

	if (!batch)
		return NULL;
	batch->capacity = entries;
	batch->change_capacity = changes;
	batch->size = bytes;
	batch->entries = reserve(entries * sizeof(*batch->entries));
	batch->order = reserve(entries * sizeof(*batch->order));
	batch->changes = reserve(changes * sizeof(*batch->changes));
	batch->bytes = reserve(bytes);
	if (batch->entries && batch->order && batch->changes && batch->bytes)
		return batch;
	batch_free(batch);
	return NULL;
}

void batch_free(struct batch *batch)
{
	if (!batch)
		return;
	if (batch->entries)
		munmap(batch->entries, batch->capacity * sizeof(*batch->entries));
	if (batch->order)
		munmap(batch->order, batch->capacity * sizeof(*batch->order));
	if (batch->changes)
		munmap(batch->changes, batch->change_capacity * sizeof(*batch->changes));
	if (batch->bytes)
		munmap(batch->bytes, batch->size);
	free(batch);
}

static const char *keep(struct batch *batch, const char *path, size_t length)
{
	char *copy = length ? memcpy(batch->bytes + batch->used, path, length) : NULL;

	batch->used += length;
	return copy;
}

static bool is_same(const struct dirty *left, const struct dirty *right)
{
	return left->window == right->window && left->filesystem == right->filesystem &&
	       left->path_length == right->path_length && memcmp(left->path, right->path, left->path_length) == 0;
}

static void merge(struct dirty *into, const struct dirty *from)
{
	into->facts.operations |= from->facts.operations;
	into->facts.was |= from->facts.was;
	into->facts.flags |= from->facts.flags;
	into->first = from->first < into->first ? from->first : into->first;
	into->last = from->last > into->last ? from->last : into->last;
}

/* By the end of the path, in which neighbours differ. */
static uint32_t *recent_slot(struct batch *batch, const struct dirty *entry)
{
	size_t length = entry->path_length < sizeof(uint64_t) ? entry->path_length : sizeof(uint64_t);
	uint64_t end = 0;

	memcpy(&end, entry->path + entry->path_length - length, length);
	end = (end ^ entry->path_length) * 0x9e3779b97f4a7c15;
	return &batch->recent[end >> 32 & (RECENT - 1)];
}

int batch_add(struct batch *batch, const struct dirty *entry)
{
	struct dirty *copy = &batch->entries[batch->count];
	uint32_t *recent = recent_slot(batch, entry);

	if (*recent && is_same(&batch->entries[*recent - 1], entry)) {
		merge(&batch->entries[*recent - 1], entry);
		return 0;
	}
	if (batch->count == batch->capacity || batch->size - batch->used < entry->path_length)
		return -ENOSPC;
	*copy = *entry;
	copy->path = keep(batch, entry->path, entry->path_length);
	*recent = (uint32_t)++batch->count;
	return 0;
}

int batch_add_link(struct batch *batch, const struct link_change *change)
{
	struct link_change *copy = &batch->changes[batch->change_count];

	if (batch->change_count == batch->change_capacity || batch->size - batch->used < change->path_length)
		return -ENOSPC;
	*copy = *change;
	copy->path = keep(batch, change->path, change->path_length);
	batch->change_count++;
	return 0;
}

bool batch_is_empty(const struct batch *batch)
{
	return batch->count == 0 && batch->change_count == 0;
}

/*
 * Entries are sorted by numbers, level by level: window, filesystem, and five bytes of the path at a time, which
 * compare as numbers as they do as bytes. So what the paths of a directory have in common is looked at once for each,
 * and not in each comparison. A number stands above that of its entry, of which a batch has less than 16 million.
 */
enum { WINDOW_LEVEL, FILESYSTEM_LEVEL, PATH_LEVEL };
enum { KEY_BYTES = 5, NUMBER_BITS = 24 };
#define NUMBER_MASK ((1U << NUMBER_BITS) - 1)

static struct dirty *entry_of(const struct batch *batch, uint64_t place)
{
	return &batch->entries[place & NUMBER_MASK];
}

/* No two windows of a batch are so far from each other that the lower 40 bits would not tell them apart. */
static uint64_t key_of(const struct dirty *entry, size_t level)
{
	size_t from = (level - PATH_LEVEL) * KEY_BYTES;
	uint64_t bytes = 0;

	if (level == WINDOW_LEVEL)
		return entry->window << NUMBER_BITS;
	if (level == FILESYSTEM_LEVEL)
		return (uint64_t)entry->filesystem << NUMBER_BITS;
	if (from + sizeof(bytes) <= entry->path_length)
		memcpy(&bytes, entry->path + from, sizeof(bytes));
	else if (from < entry->path_length)
		memcpy(&bytes, entry->path + from, entry->path_length - from);
	return be64toh(bytes) & ~(uint64_t)NUMBER_MASK;
}

/* No name has a NUL: behind it there is no more. */
static bool is_end(uint64_t place, size_t level)
{
	return level >= PATH_LEVEL && !(place >> NUMBER_BITS & 0xff);
}

/* Whether all have the same one. *ordered: they are in order as they stand; names often come so. */
static bool read_keys(const struct batch *batch, uint64_t *order, size_t count, size_t level, bool *ordered)
{
	uint64_t differ = 0;

	*ordered = true;
	for (size_t i = 0; i < count; i++) {
		order[i] = key_of(entry_of(batch, order[i]), level) | (order[i] & NUMBER_MASK);
		differ |= order[i] ^ order[0];
		*ordered &= i == 0 || order[i - 1] < order[i];
	}
	return !(differ >> NUMBER_BITS);
}

static int compare(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return (a > b) - (a < b);
}

/* Of those that are the same in all levels before. It is within itself no more often than a path has levels. */
static void sort_from(const struct batch *batch, uint64_t *order, size_t count, size_t level)
{
	bool ordered;

	for (; read_keys(batch, order, count, level, &ordered); level++)
		if (is_end(order[0], level))
			return;
	if (!ordered)
		qsort(order, count, sizeof(*order), compare);
	for (size_t i = 0, next; i < count; i = next) {
		for (next = i + 1; next < count && order[next] >> NUMBER_BITS == order[i] >> NUMBER_BITS;)
			next++;
		if (next > i + 1 && !is_end(order[i], level))
			sort_from(batch, order + i, next - i, level + 1);
	}
}

/* Entries stay where they are: after an error they are sorted again, with what has come since. Returns how many are
 * left. */
static size_t sort_and_merge(struct batch *batch)
{
	size_t kept = 0;

	for (size_t i = 0; i < batch->count; i++)
		batch->order[i] = i;
	if (batch->count)
		sort_from(batch, batch->order, batch->count, WINDOW_LEVEL);
	for (size_t i = 0; i < batch->count; i++) {
		struct dirty *entry = entry_of(batch, batch->order[i]);
		struct dirty *before = kept ? entry_of(batch, batch->order[kept - 1]) : NULL;

		if (before && is_same(before, entry))
			merge(before, entry);
		else
			batch->order[kept++] = batch->order[i];
	}
	return kept;
}

int batch_write(struct batch *batch, struct store *store)
{
	size_t count = sort_and_merge(batch);
	int code = 0;

	for (size_t i = 0; !code && i < count; i++)
		code = store_put_dirty(store, entry_of(batch, batch->order[i]));
	for (size_t i = 0; !code && i < batch->change_count; i++)
		code = store_put_link(store, &batch->changes[i]);
	return code;
}

void batch_clear(struct batch *batch)
{
	memset(batch->recent, 0, sizeof(batch->recent));
	batch->count = 0;
	batch->change_count = 0;
	batch->used = 0;
}
