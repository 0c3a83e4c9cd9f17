// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store_runs.h"

enum { NUMBER_BITS = 24 }; /* of a block's id: its number in the run, whose id is above */

struct run run_read(struct rows *rows)
{
	return (struct run){
		.window = (uint64_t)rows_number(rows, 0),
		.id = (uint64_t)rows_number(rows, 1),
		.first = (uint64_t)rows_number(rows, 2),
		.next = (uint64_t)rows_number(rows, 3),
		.entries = (uint64_t)rows_number(rows, 4),
		.target = (uint64_t)rows_number(rows, 5),
	};
}

int run_put(struct database *database, const struct run *run)
{
	return RUN(database, PUT_RUN, NUMBER(run->window), NUMBER(run->id), NUMBER(run->first), NUMBER(run->next),
		   NUMBER(run->entries), NUMBER(run->target));
}

static struct block_place place_of(const struct run *run, uint64_t number)
{
	return (struct block_place){.window = run->window, .id = run->id << NUMBER_BITS | number};
}

int run_remove_blocks(struct database *database, const struct run *run, uint64_t first, uint64_t next)
{
	if (first == next)
		return 0;
	return RUN(database, REMOVE_BLOCKS, NUMBER(place_of(run, first).id), NUMBER(place_of(run, next - 1).id));
}

/* Reading one */

static int damaged(const struct cursor *cursor, uint64_t number)
{
	return database_damaged(cursor->database, "block %llu of run %llu of window %llu is damaged or not there",
				(unsigned long long)number, (unsigned long long)cursor->run.id,
				(unsigned long long)cursor->run.window);
}

static int load(struct cursor *cursor)
{
	uint64_t number = cursor->run.first;
	struct block_place place = place_of(&cursor->run, number);
	auto_rows struct rows *rows = SELECT(cursor->database, GET_BLOCK, NUMBER(place.id));
	int result = rows_first(rows);
	const char *bytes;
	size_t size;

	if (result)
		return result == -ENOENT ? damaged(cursor, number) : result;
	bytes = rows_bytes(rows, 0, &size);
	if (size > sizeof(cursor->bytes))
		return damaged(cursor, number);
	memcpy(cursor->bytes, bytes, size);
	if (block_open(&cursor->block, cursor->bytes, size, place))
		return damaged(cursor, number);
	cursor->removed += cursor->count;
	cursor->count = block_left(&cursor->block);
	cursor->run.first++;
	return 0;
}

/* 1: the block's entry is the next one; 0: there is none. */
static int cursor_read(struct cursor *cursor)
{
	int result;

	while (!(result = block_next(&cursor->block))) {
		if (cursor->run.first == cursor->run.next)
			return 0;
		result = load(cursor);
		if (result)
			return result;
	}
	return result < 0 ? damaged(cursor, cursor->run.first - 1) : result;
}

/* Blocks that the run's row does not name would not be missed. */
static int cursor_next(struct cursor *cursor)
{
	int result = cursor_read(cursor);

	if (result || cursor->removed + cursor->count == cursor->run.entries)
		return result;
	return database_damaged(cursor->database, "run %llu of window %llu has not as many entries as it says",
				(unsigned long long)cursor->run.id, (unsigned long long)cursor->run.window);
}

static void cursor_begin(struct cursor *cursor, struct database *database, const struct run *run)
{
	cursor->database = database;
	cursor->run = *run;
	cursor->removed = 0;
	cursor->count = 0;
	cursor->block.left = 0;
	cursor->block.next = cursor->block.end = cursor->bytes;
}

/* Writing */

/* Where a run goes on, what was put last must be known. */
static int read_last(struct run_writer *writer)
{
	struct cursor *cursor = malloc(sizeof(*cursor));
	struct run last = writer->run;
	int result;

	if (!cursor)
		return -ENOMEM;
	last.first = last.next - 1;
	cursor_begin(cursor, writer->database, &last);
	while ((result = cursor_read(cursor)) > 0)
		continue;
	if (!result) {
		writer->block.last = cursor->block.entry;
		writer->block.last.path =
			memcpy(writer->block.path, cursor->block.path, cursor->block.entry.path_length);
	}
	free(cursor);
	return result;
}

int run_begin(struct run_writer *writer, struct database *database, const struct run *run)
{
	int result = 0;

	writer->database = database;
	writer->run = *run;
	block_reset(&writer->block);
	if (run->next != run->first)
		result = read_last(writer);
	if (result)
		writer->run.id = 0;
	return result;
}

bool run_takes(const struct run_writer *writer, const struct dirty *entry)
{
	return !writer->block.last.path_length || block_compare(&writer->block.last, entry) < 0;
}

static int write_block(struct run_writer *writer)
{
	struct block_place place = place_of(&writer->run, writer->run.next);
	size_t size = block_end(&writer->block, place);
	int result;

	if (writer->run.next >> NUMBER_BITS)
		return database_refuse(writer->database, -EFBIG, "a run has too many blocks");
	result = RUN(writer->database, PUT_BLOCK, NUMBER(place.id), BYTES(writer->block.bytes, size));
	if (result)
		return result;
	writer->run.next++;
	writer->run.entries += writer->block.count;
	block_begin(&writer->block);
	return 0;
}

int run_add(struct run_writer *writer, const struct dirty *entry)
{
	int result = block_put(&writer->block, entry);

	if (result != -ENOSPC)
		return result;
	result = write_block(writer);
	return result ? result : block_put(&writer->block, entry);
}

int run_end(struct run_writer *writer)
{
	int result = writer->block.count ? write_block(writer) : 0;

	if (!result)
		result = run_put(writer->database, &writer->run);
	writer->run.id = 0;
	return result;
}

/* Reading several */

void merger_free(struct merger *merger)
{
	for (size_t i = 0; i < merger->count; i++)
		free(merger->cursors[i]);
	free(merger->cursors);
	free(merger->heap);
}

static int make_room(struct merger *merger)
{
	size_t room = merger->room ? 2 * merger->room : 16;
	struct cursor **cursors;

	if (merger->count < merger->room)
		return 0;
	cursors = reallocarray(merger->cursors, room, sizeof(struct cursor *));
	if (!cursors)
		return -ENOMEM;
	merger->cursors = cursors;
	merger->room = room;
	return 0;
}

int merger_add(struct merger *merger, struct database *database, const struct run *run)
{
	struct cursor *cursor;
	int result = make_room(merger);

	if (result)
		return result;
	cursor = malloc(sizeof(*cursor));
	if (!cursor)
		return -ENOMEM;
	cursor_begin(cursor, database, run);
	merger->cursors[merger->count++] = cursor;
	return 0;
}

static bool is_before(const struct cursor *a, const struct cursor *b)
{
	return block_compare(&a->block.entry, &b->block.entry) < 0;
}

static void sink(struct merger *merger, size_t at)
{
	struct cursor **heap = merger->heap, *moved = heap[at];

	for (size_t child; (child = 2 * at + 1) < merger->heap_count; at = child) {
		if (child + 1 < merger->heap_count && is_before(heap[child + 1], heap[child]))
			child++;
		if (!is_before(heap[child], moved))
			break;
		heap[at] = heap[child];
	}
	heap[at] = moved;
}

int merger_begin(struct merger *merger)
{
	merger->heap = calloc(merger->count + 1, sizeof(struct cursor *));
	if (!merger->heap)
		return -ENOMEM;
	for (size_t i = 0; i < merger->count; i++) {
		int result = cursor_next(merger->cursors[i]);

		if (result < 0)
			return result;
		if (result)
			merger->heap[merger->heap_count++] = merger->cursors[i];
	}
	for (size_t i = merger->heap_count; i-- > 0;)
		sink(merger, i);
	return 0;
}

/* Past the entry on top, which has been taken. */
static int advance(struct merger *merger)
{
	int result = cursor_next(merger->heap[0]);

	if (result < 0)
		return result;
	if (!result)
		merger->heap[0] = merger->heap[--merger->heap_count];
	if (merger->heap_count > 1)
		sink(merger, 0);
	return 0;
}

static void take_windows(struct dirty *entry, uint64_t window)
{
	entry->first_window = window < entry->first_window ? window : entry->first_window;
	entry->window = window > entry->window ? window : entry->window;
}

int merger_next(struct merger *merger)
{
	struct dirty *entry = &merger->entry;
	int result;

	if (!merger->heap_count)
		return 0;
	*entry = merger->heap[0]->block.entry;
	entry->path = memcpy(merger->path, entry->path, entry->path_length);
	entry->first_window = entry->window = merger->heap[0]->run.window;
	result = advance(merger);
	while (!result && merger->heap_count && !block_compare(entry, &merger->heap[0]->block.entry)) {
		block_merge(entry, &merger->heap[0]->block.entry);
		take_windows(entry, merger->heap[0]->run.window);
		result = advance(merger);
	}
	return result ? result : 1;
}
