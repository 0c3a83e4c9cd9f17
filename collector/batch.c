// SPDX-License-Identifier: GPL-2.0
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
	batch->changes = reserve(changes * sizeof(*batch->changes));
	batch->bytes = reserve(bytes);
	if (batch->entries && batch->changes && batch->bytes)
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

static int compare_numbers(uint64_t left, uint64_t right)
{
	return (left > right) - (left < right);
}

static int compare(const void *left, const void *right)
{
	const struct dirty *a = left, *b = right;
	size_t shorter = a->path_length < b->path_length ? a->path_length : b->path_length;
	int order = compare_numbers(a->window, b->window);

	if (!order)
		order = compare_numbers(a->filesystem, b->filesystem);
	if (!order)
		order = memcmp(a->path, b->path, shorter);
	return order ? order : compare_numbers(a->path_length, b->path_length);
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

	if (*recent && compare(&batch->entries[*recent - 1], entry) == 0) {
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

static void sort_and_merge(struct batch *batch)
{
	size_t kept = 0;

	memset(batch->recent, 0, sizeof(batch->recent));
	qsort(batch->entries, batch->count, sizeof(*batch->entries), compare);
	for (size_t i = 1; i < batch->count; i++) {
		if (compare(&batch->entries[kept], &batch->entries[i]) == 0)
			merge(&batch->entries[kept], &batch->entries[i]);
		else
			batch->entries[++kept] = batch->entries[i];
	}
	batch->count = batch->count ? kept + 1 : 0;
}

int batch_write(struct batch *batch, struct store *store)
{
	int code = 0;

	sort_and_merge(batch);
	for (size_t i = 0; !code && i < batch->count; i++)
		code = store_put_dirty(store, &batch->entries[i]);
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
