// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sort.h"
#include "sort_runs.h"

enum {
	MEMORY_LEAST = 64 << 10,
	CHUNK_LEAST = 4 << 10, /* of a run in memory while runs are merged */
	FAN_MOST = 64,         /* runs that are merged at a time */
};

struct sorter {
	char *directory;
	size_t memory;
	size_t arena_size;
	char *arena; /* records from the front, the index of their places from the back */
	size_t used, count;
	struct level level;
	struct reader readers[FAN_MOST];
	struct reader *heap[FAN_MOST];
	size_t heap_count;
	char *current; /* of the merge: the record that is being put together */
	size_t current_size;
	size_t position; /* in the index, where everything fitted into memory */
	bool finished;
	int error;
};

static int record_compare(const struct record *a, const struct record *b)
{
	size_t length = a->length < b->length ? a->length : b->length;
	int order = memcmp(a->path, b->path, length);

	if (order)
		return order;
	return (a->length > b->length) - (a->length < b->length);
}

static int index_compare(const void *a, const void *b)
{
	return record_compare(*(struct record *const *)a, *(struct record *const *)b);
}

static void record_merge(struct record *into, const struct record *from)
{
	into->facts |= from->facts;
	if (from->first < into->first)
		into->first = from->first;
	if (from->last >= into->last) {
		into->last = from->last;
		into->mode = from->mode ? from->mode : into->mode;
	}
	if (!into->mode)
		into->mode = from->mode;
}

static struct sorted record_show(const struct record *record)
{
	return (struct sorted){
		.path = record->path,
		.length = record->length,
		.mode = record->mode,
		.facts = dirty_facts_unpack(record->facts),
		.first = record->first,
		.last = record->last,
	};
}

/* Runs in memory */

static struct record **index_of(const struct sorter *sorter)
{
	return (struct record **)(sorter->arena + sorter->arena_size) - sorter->count;
}

/* The index grows from the back. */
static void reverse(struct record **index, size_t count)
{
	for (size_t i = 0; i < count / 2; i++) {
		struct record *first = index[i];

		index[i] = index[count - 1 - i];
		index[count - 1 - i] = first;
	}
}

static bool is_sorted(const struct sorter *sorter, struct record **index)
{
	for (size_t i = 1; i < sorter->count; i++)
		if (record_compare(index[i - 1], index[i]) > 0)
			return false;
	return true;
}

/* Sorts what is in memory; of equal paths one record is left. The store's rows come in order. */
static void sort_memory(struct sorter *sorter)
{
	struct record **index = index_of(sorter);
	size_t kept = 0;

	if (!sorter->count)
		return;
	reverse(index, sorter->count);
	if (!is_sorted(sorter, index))
		qsort(index, sorter->count, sizeof(*index), index_compare);
	for (size_t i = 1; i < sorter->count; i++) {
		if (record_compare(index[kept], index[i]) == 0)
			record_merge(index[kept], index[i]);
		else
			index[++kept] = index[i];
	}
	kept++;
	memmove(index + (sorter->count - kept), index, kept * sizeof(*index));
	sorter->count = kept;
}

static size_t write_buffer_size(const struct sorter *sorter)
{
	return sorter->memory / 16;
}

static int set_current(struct sorter *sorter, const struct record *record)
{
	size_t size = record_size(record->length);

	if (size > sorter->current_size) {
		char *current = realloc(sorter->current, 2 * size);

		if (!current)
			return -ENOMEM;
		sorter->current = current;
		sorter->current_size = 2 * size;
	}
	memcpy(sorter->current, record, size);
	return 0;
}

/* What comes after all of the run before makes that longer. Its last record is the current one. */
static int begin_run(struct sorter *sorter, const struct record *first)
{
	if (sorter->level.count && record_compare((const struct record *)sorter->current, first) <= 0)
		return 0;
	return level_new_run(&sorter->level);
}

static int spill(struct sorter *sorter)
{
	struct writer_buffer writer = {.level = &sorter->level};
	struct record **index;
	int error = 0;

	if (sorter->level.fd < 0)
		error = level_open(&sorter->level, sorter->directory);
	if (error)
		return error;
	sort_memory(sorter);
	index = index_of(sorter);
	error = begin_run(sorter, index[0]);
	if (!error)
		error = set_current(sorter, index[sorter->count - 1]);
	writer.buffer = (unsigned char *)sorter->arena + sorter->arena_size;
	writer.size = write_buffer_size(sorter);
	for (size_t i = 0; i < sorter->count && !error; i++)
		error = writer_put(&writer, index[i], i ? index[i - 1] : NULL);
	if (!error)
		error = writer_flush(&writer);
	sorter->used = 0;
	sorter->count = 0;
	return error;
}

static bool fits(const struct sorter *sorter, size_t size)
{
	return sorter->used + size + (sorter->count + 1) * sizeof(struct record *) <= sorter->arena_size;
}

/* The memory is what the caller gave, or what the longest record needs. */
static int arena_resize(struct sorter *sorter, size_t memory)
{
	char *arena = realloc(sorter->arena, memory);

	if (!arena)
		return -ENOMEM;
	sorter->arena = arena;
	sorter->memory = memory;
	sorter->arena_size = (memory - memory / 16) & ~(size_t)(RECORD_ALIGNMENT - 1);
	return 0;
}

static int make_room(struct sorter *sorter, size_t size)
{
	int error = 0;

	if (fits(sorter, size))
		return 0;
	if (sorter->count)
		error = spill(sorter);
	if (error || fits(sorter, size))
		return error;
	return arena_resize(sorter, 2 * (size + sizeof(struct record *)));
}

static void put(struct sorter *sorter, const struct sorted *sorted, size_t size)
{
	struct record *record = (struct record *)(sorter->arena + sorter->used);

	*record = (struct record){
		.facts = dirty_facts_pack(sorted->facts),
		.first = sorted->first,
		.last = sorted->last,
		.length = (uint32_t)sorted->length,
		.mode = sorted->mode,
	};
	memcpy(record->path, sorted->path, sorted->length);
	memset(record->path + sorted->length, 0, size - sizeof(*record) - sorted->length);
	sorter->used += size;
	sorter->count++;
	index_of(sorter)[0] = record;
}

int sorter_add(struct sorter *sorter, const struct sorted *sorted)
{
	size_t size = record_size(sorted->length);

	if (sorter->finished || sorted->length > UINT32_MAX)
		return -EINVAL;
	if (!sorter->error)
		sorter->error = make_room(sorter, size);
	if (!sorter->error)
		put(sorter, sorted, size);
	return sorter->error;
}

/* Merging */

static void heap_sink(struct sorter *sorter, size_t at)
{
	struct reader **heap = sorter->heap;

	for (;;) {
		size_t child = 2 * at + 1;
		struct reader *moved;

		if (child >= sorter->heap_count)
			return;
		if (child + 1 < sorter->heap_count && record_compare(heap[child + 1]->head, heap[child]->head) < 0)
			child++;
		if (record_compare(heap[at]->head, heap[child]->head) <= 0)
			return;
		moved = heap[at];
		heap[at] = heap[child];
		heap[child] = moved;
		at = child;
	}
}

static int heap_advance(struct sorter *sorter)
{
	int error = reader_next(sorter->heap[0]);

	if (error)
		return error;
	if (!sorter->heap[0]->head)
		sorter->heap[0] = sorter->heap[--sorter->heap_count];
	if (sorter->heap_count)
		heap_sink(sorter, 0);
	return 0;
}

static void readers_free(struct sorter *sorter)
{
	for (size_t i = 0; i < FAN_MOST; i++)
		reader_free(&sorter->readers[i]);
	sorter->heap_count = 0;
}

/* One share of the memory for each run and one for what is written. */
static size_t fan_of(const struct sorter *sorter)
{
	size_t fan = sorter->memory / CHUNK_LEAST - 1;

	return fan < FAN_MOST ? fan : FAN_MOST;
}

static int merge_begin(struct sorter *sorter, const struct level *level, size_t first, size_t count)
{
	size_t chunk = (sorter->memory / (count + 1)) & ~(size_t)(RECORD_ALIGNMENT - 1);
	int error;

	readers_free(sorter);
	for (size_t i = 0; i < count; i++) {
		struct reader *reader = &sorter->readers[i];

		*reader = (struct reader){
			.fd = level->fd,
			.next = level->runs[first + i].start,
			.end = level->runs[first + i].end,
			.buffer = (unsigned char *)sorter->arena + i * chunk,
			.size = chunk,
		};
		error = reader_next(reader);
		if (error)
			return error;
		if (reader->head)
			sorter->heap[sorter->heap_count++] = reader;
	}
	for (size_t i = sorter->heap_count; i-- > 0;)
		heap_sink(sorter, i);
	return 0;
}

/* 1: *merged is the next record, 0: the end. */
static int merge_next(struct sorter *sorter, struct record **merged)
{
	int error;

	if (!sorter->heap_count)
		return 0;
	error = set_current(sorter, sorter->heap[0]->head);
	if (error)
		return error;
	*merged = (struct record *)sorter->current;
	error = heap_advance(sorter);
	while (!error && sorter->heap_count && record_compare(*merged, sorter->heap[0]->head) == 0) {
		record_merge(*merged, sorter->heap[0]->head);
		error = heap_advance(sorter);
	}
	return error ? error : 1;
}

static int merge_group(struct sorter *sorter, size_t first, size_t count, struct level *to)
{
	size_t chunk = (sorter->memory / (count + 1)) & ~(size_t)(RECORD_ALIGNMENT - 1);
	struct writer_buffer writer = {
		.level = to, .buffer = (unsigned char *)sorter->arena + count * chunk, .size = chunk};
	struct record *record;
	int more = level_new_run(to);

	if (!more)
		more = merge_begin(sorter, &sorter->level, first, count);
	if (more)
		return more;
	while ((more = merge_next(sorter, &record)) > 0) {
		int error = writer_put(&writer, record, NULL);

		if (error)
			return error;
	}
	return more ? more : writer_flush(&writer);
}

static int merge_pass(struct sorter *sorter)
{
	size_t fan = fan_of(sorter);
	struct level next;
	int error = level_open(&next, sorter->directory);

	if (error)
		return error;
	for (size_t first = 0; first < sorter->level.count && !error; first += fan) {
		size_t left = sorter->level.count - first;

		error = merge_group(sorter, first, left < fan ? left : fan, &next);
	}
	if (error) {
		level_close(&next);
		return error;
	}
	level_close(&sorter->level);
	sorter->level = next;
	return 0;
}

int sorter_finish(struct sorter *sorter)
{
	if (sorter->finished)
		return -EINVAL;
	sorter->finished = true;
	if (sorter->error)
		return sorter->error;
	if (sorter->level.fd < 0) {
		sort_memory(sorter);
		return 0;
	}
	if (sorter->count)
		sorter->error = spill(sorter);
	while (!sorter->error && sorter->level.count > fan_of(sorter))
		sorter->error = merge_pass(sorter);
	if (!sorter->error)
		sorter->error = merge_begin(sorter, &sorter->level, 0, sorter->level.count);
	return sorter->error;
}

int sorter_next(struct sorter *sorter, struct sorted *sorted)
{
	struct record *record;
	int more;

	if (!sorter->finished)
		return -EINVAL;
	if (sorter->error)
		return sorter->error;
	if (sorter->level.fd < 0) {
		if (sorter->position == sorter->count)
			return 0;
		*sorted = record_show(index_of(sorter)[sorter->position++]);
		return 1;
	}
	more = merge_next(sorter, &record);
	if (more > 0)
		*sorted = record_show(record);
	else
		sorter->error = more;
	return more;
}

int sorter_new(struct sorter **result, size_t memory, const char *directory)
{
	struct sorter *sorter = calloc(1, sizeof(*sorter));
	int error;

	if (!sorter)
		return -ENOMEM;
	sorter->level.fd = -1;
	error = arena_resize(sorter, memory > MEMORY_LEAST ? memory : MEMORY_LEAST);
	if (!error && directory) {
		sorter->directory = strdup(directory);
		error = sorter->directory ? 0 : -ENOMEM;
	}
	if (error)
		sorter_free(sorter);
	else
		*result = sorter;
	return error;
}

void sorter_free(struct sorter *sorter)
{
	if (!sorter)
		return;
	readers_free(sorter);
	level_close(&sorter->level);
	free(sorter->current);
	free(sorter->directory);
	free(sorter->arena);
	free(sorter);
}
