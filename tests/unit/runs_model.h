/* SPDX-License-Identifier: GPL-2.0 */
/* A model of dirty sets, which keeps each entry by itself, and the comparison with what a store says. */
#ifndef RUNS_MODEL_H
#define RUNS_MODEL_H

#include <stdlib.h>

#include "block.h"
#include "store.h"

enum {
	ROOM = 400000,
	PATH_ROOM = 240,
	OPENED = 1000, /* seconds */
};

/* The model: all that was put, and how much of it counts. */
static struct {
	struct dirty entries[ROOM];
	char paths[ROOM][PATH_ROOM];
	size_t count;
} model;

static const struct dirty *sorted[ROOM];

static struct dirty *add_to_model(uint64_t window, size_t length)
{
	struct dirty *entry = &model.entries[model.count];
	char *path = model.paths[model.count++];

	assert_true(model.count <= ROOM);
	*entry = (struct dirty){
		.window = window,
		.filesystem = 1 + (uint32_t)random() % 2,
		.path = path,
		.path_length = length,
		.first = OPENED + random() % 100,
		.facts = {.operations = 1U << random() % 5, .was = (uint16_t)(1 << random() % 16)},
	};
	entry->facts.flags = (uint8_t)(1U << random() % 8);
	entry->last = entry->first + random() % 3;
	path[0] = '/';
	return entry;
}

/* One of a few names: it comes again, in this window and others. */
static void add_few(uint64_t window)
{
	struct dirty *entry = add_to_model(window, 3);

	model.paths[model.count - 1][1] = "abcdefgh"[random() % 8];
	model.paths[model.count - 1][2] = (char)('0' + random() % 64);
	if (model.paths[model.count - 1][2] == '/')
		entry->path_length = 2;
}

/* One that takes room. */
static void add_large(uint64_t window)
{
	add_to_model(window, PATH_ROOM);
	for (size_t i = 1; i < PATH_ROOM; i++)
		model.paths[model.count - 1][i] = (char)(128 + random() % 120);
}

static int compare(const void *left, const void *right)
{
	const struct dirty *const *a = left, *const *b = right;

	return block_compare(*a, *b);
}

struct check {
	size_t count, next, found;
};

static int check_entry(const struct dirty *entry, void *context)
{
	struct check *check = context;
	struct dirty wanted;

	assert_true(check->next < check->count);
	wanted = *sorted[check->next];
	wanted.first_window = wanted.window;
	while (++check->next < check->count && !block_compare(&wanted, sorted[check->next])) {
		const struct dirty *other = sorted[check->next];

		block_merge(&wanted, other);
		wanted.window = other->window > wanted.window ? other->window : wanted.window;
		wanted.first_window = other->window < wanted.first_window ? other->window : wanted.first_window;
	}
	assert_int_equal(block_compare(entry, &wanted), 0);
	assert_true(dirty_facts_pack(entry->facts) == dirty_facts_pack(wanted.facts));
	assert_true(entry->first == wanted.first && entry->last == wanted.last);
	assert_true(entry->window == wanted.window && entry->first_window == wanted.first_window);
	check->found++;
	return 0;
}

/* The union of the windows is what the first `count` entries of the model are. */
static size_t is_as_model(struct store *store, uint64_t first, uint64_t last, size_t count)
{
	struct check check = {0};

	for (size_t i = 0; i < count; i++)
		if (model.entries[i].window >= first && model.entries[i].window <= last)
			sorted[check.count++] = &model.entries[i];
	qsort(sorted, check.count, sizeof(*sorted), compare);
	assert_int_equal(store_union(store, first, last, check_entry, &check), 0);
	assert_int_equal(check.next, check.count);
	return check.found;
}

#endif
