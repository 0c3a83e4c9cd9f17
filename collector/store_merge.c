// SPDX-License-Identifier: GPL-2.0
/*
 * Runs are merged so that few are left to be read. Each step is a transaction: it writes blocks of the run into which
 * others are merged, and removes those of the others that were read to their end. The set is the same before, after and
 * between: what is in two runs for a while is merged when it is read. So no step has to be undone or finished, and what
 * goes on is told by the rows of the runs alone.
 */
#include <errno.h>
#include <stdlib.h>

#include "store_private.h"

enum {
	SMALL_BLOCKS = 16, /* runs below are merged when there are so many: */
	SMALL_MOST = 8,    /* all are written again each time. Of a window that gets no more, two */
	FAN = 32,          /* others when there are so many of about one size, which this is the ratio of */
	CLOSED_MOST = 8,   /* runs of a window that gets no more: lists read all runs of all their windows at once */
	LEVELS = 8,
};

struct group {
	struct run runs[FAN];
	size_t count;
};

struct choice {
	uint64_t window;
	bool is_closed;
	size_t count; /* of all that are at rest */
	struct group levels[LEVELS], under_way;
	struct run target; /* of what is under way; .id 0: nothing is */
};

static unsigned level_of(const struct run *run)
{
	unsigned level = 0;

	for (uint64_t blocks = run->next - run->first; blocks >= SMALL_BLOCKS && level + 1 < LEVELS; blocks /= FAN)
		level++;
	return level;
}

static void group_add(struct group *group, const struct run *run)
{
	if (group->count < FAN)
		group->runs[group->count++] = *run;
}

static void choice_add(struct choice *choice, const struct run *run)
{
	choice->count += !run->target;
	if (!run->target)
		group_add(&choice->levels[level_of(run)], run);
	else if (run->target == run->id)
		choice->target = *run;
	else
		group_add(&choice->under_way, run);
}

/* The small ones first. */
static struct group *gather(struct choice *choice)
{
	struct group *all = &choice->under_way;

	for (unsigned level = 0; level < LEVELS; level++)
		for (size_t i = 0; i < choice->levels[level].count; i++)
			group_add(all, &choice->levels[level].runs[i]);
	return all;
}

static bool is_enough(const struct choice *choice, unsigned level)
{
	size_t small = choice->is_closed ? 2 : SMALL_MOST;

	return choice->levels[level].count >= (level ? FAN : small);
}

/* What is to be merged; NULL: nothing. */
static struct group *choose(struct choice *choice)
{
	if (choice->target.id)
		return &choice->under_way;
	if (choice->is_closed && choice->count > CLOSED_MOST)
		return gather(choice);
	for (unsigned level = 0; level < LEVELS; level++)
		if (is_enough(choice, level))
			return &choice->levels[level];
	return NULL;
}

/* Of the first window from store->unmerged on in which there is something to be done. */
static int find_work(struct store *store, struct choice *choice, struct group **group)
{
	auto_rows struct rows *rows = SELECT(store->database, LIST_RUNS_TO_MERGE, NUMBER(store->unmerged));
	int result;

	*choice = (struct choice){0};
	while ((result = rows_next(rows)) > 0) {
		struct run run = run_read(rows);

		if (run.window != choice->window && (*group = choose(choice)))
			return 0;
		if (run.window != choice->window)
			*choice = (struct choice){.window = run.window, .is_closed = rows_number(rows, 6)};
		choice_add(choice, &run);
	}
	*group = result ? NULL : choose(choice);
	return result;
}

/* The inputs are those that say so from now on: one that comes later is none. */
static int begin(struct store *store, struct choice *choice, const struct group *group)
{
	int result = store_new_run(store, group->runs[0].window, &choice->target);

	choice->target.target = choice->target.id;
	for (size_t i = 0; !result && i < group->count; i++) {
		struct run run = group->runs[i];

		run.target = choice->target.id;
		result = run_put(store->database, &run);
	}
	return result ? result : run_put(store->database, &choice->target);
}

/* What is in the target already was merged from all inputs: it is passed over. */
static int copy(struct merger *merger, struct run_writer *writer, uint64_t blocks)
{
	uint64_t end = writer->run.next + blocks;
	int result;

	while ((result = merger_next(merger)) > 0) {
		if (!run_takes(writer, &merger->entry))
			continue;
		result = run_add(writer, &merger->entry);
		if (result)
			return result;
		if (writer->run.next >= end)
			return 1;
	}
	return result;
}

/* Blocks before the one in memory were read to their end; of that one the rest is still to come. */
static int shorten(struct database *database, const struct cursor *cursor, const struct run *run, uint64_t target,
		   bool ended)
{
	struct run left = *run;
	int result;

	left.target = target;
	left.first = ended || cursor->run.first == run->first ? cursor->run.first : cursor->run.first - 1;
	left.entries -= ended ? 0 : cursor->removed;
	result = run_remove_blocks(database, run, run->first, ended ? run->next : left.first);
	if (result)
		return result;
	return ended ? RUN(database, REMOVE_RUN, NUMBER(run->window), NUMBER(run->id)) : run_put(database, &left);
}

static int step(struct store *store, struct merger *merger, struct run_writer *writer, struct choice *choice,
		const struct group *group, uint64_t blocks)
{
	uint64_t target;
	int more, result = choice->target.id ? 0 : begin(store, choice, group);

	target = choice->target.id;
	for (size_t i = 0; !result && i < group->count; i++)
		result = merger_add(merger, store->database, &group->runs[i]);
	if (!result)
		result = run_begin(writer, store->database, &choice->target);
	if (!result)
		result = merger_begin(merger);
	if (result)
		return result;
	more = copy(merger, writer, blocks);
	if (more < 0)
		return more;
	writer->run.target = more ? target : 0;
	result = run_end(writer);
	for (size_t i = 0; !result && i < group->count; i++)
		result = shorten(store->database, merger->cursors[i], &group->runs[i], target, !more);
	return result;
}

static int merge_with(struct run_writer *writer, struct store *store, struct choice *choice, const struct group *group,
		      uint64_t blocks, uint64_t *made)
{
	auto_merger struct merger merger = {0};
	int result = store_begin(store);

	if (result)
		return result;
	result = step(store, &merger, writer, choice, group, blocks);
	if (!result)
		result = store_commit(store);
	if (result)
		store_rollback(store);
	else
		*made = writer->run.next - choice->target.next;
	return result;
}

static int merge(struct store *store, struct choice *choice, const struct group *group, uint64_t blocks, uint64_t *made)
{
	struct run_writer *writer = malloc(sizeof(*writer));
	int result = writer ? merge_with(writer, store, choice, group, blocks, made) : -ENOMEM;

	free(writer);
	return result;
}

int store_merge(struct store *store, uint64_t blocks, uint64_t *made, bool *more)
{
	struct choice choice;
	struct group *group;
	int result = 0;

	*made = 0;
	*more = store->unmerged != UINT64_MAX;
	if (!*more)
		return 0;
	result = find_work(store, &choice, &group);
	if (!result && group)
		return merge(store, &choice, group, blocks, made);
	if (!result)
		store->unmerged = UINT64_MAX;
	*more = false;
	return result;
}
