// SPDX-License-Identifier: GPL-2.0
/*
 * Which files the index may have rows of. It has none of most files that are removed or renamed, and to ask the
 * database for each takes longer than all else that is done for its record. Bits are set before rows are put, and never
 * taken away: one too many costs a question. One too few would leave a name or a change in the index that is none,
 * which shows by the link counts. Where there are many rows, all are asked for.
 */
#include "store_private.h"

static size_t bit_of(uint32_t filesystem, uint64_t inode)
{
	return ((inode ^ (uint64_t)filesystem << 40) * 0x9e3779b97f4a7c15) >> (64 - KNOWN_SHIFT);
}

void store_note_known(struct store *store, uint32_t filesystem, uint64_t inode)
{
	size_t bit = bit_of(filesystem, inode);

	store->known.bits[bit / 64] |= UINT64_C(1) << bit % 64;
}

static int read_rows(struct store *store, enum query query, int64_t *room)
{
	auto_rows struct rows *rows = SELECT(store->database, query, NUMBER(*room));
	int result;

	for (; (result = rows_next(rows)) > 0; --*room)
		store_note_known(store, (uint32_t)rows_number(rows, 0), (uint64_t)rows_number(rows, 1));
	return result;
}

/* Those that another process had put, before this one was the collector. */
static int read_known(struct store *store)
{
	int64_t room = KNOWN_MOST;
	int result = read_rows(store, LIST_KNOWN_NAMES, &room);

	if (!result && room)
		result = read_rows(store, LIST_KNOWN_CHANGES, &room);
	if (!result)
		store->known.state = room ? KNOWN_READ : KNOWN_TOO_MANY;
	return result;
}

int store_may_know(struct store *store, uint32_t filesystem, uint64_t inode)
{
	size_t bit = bit_of(filesystem, inode);
	int result = store->known.state == KNOWN_UNREAD ? read_known(store) : 0;

	if (result)
		return result;
	return store->known.state == KNOWN_TOO_MANY || store->known.bits[bit / 64] >> bit % 64 & 1;
}
