// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>
#include <string.h>

#include "oracle.h"

#define ROUNDS 40

static int compare_paths(const void *one, const void *other)
{
	return strcmp(*(char *const *)one, *(char *const *)other);
}

/* The list that the truth demands: what differs. Only what is or was a directory must go before it is copied. */
static void fill(struct list *list, const struct findings *findings, bool deleted)
{
	list->paths = must(calloc(findings->count + 1, sizeof(*list->paths)));
	for (size_t i = 0; i < findings->count; i++) {
		const char *what = findings->entries[i].what;
		bool gone = strstr(what, "only in the replica");
		bool replaced = strncmp(what, "type:", 5) == 0 && strstr(what, "directory");

		if (deleted ? gone || replaced : !gone)
			list->paths[list->count++] = findings->entries[i].path;
	}
	qsort(list->paths, list->count, sizeof(*list->paths), compare_paths);
}

static void unique(struct list *list)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->count; i++)
		if (!kept || strcmp(list->paths[kept - 1], list->paths[i]) != 0)
			list->paths[kept++] = list->paths[i];
	list->count = kept;
}

/* A list that lacks one entry, if there is one. */
static char *take_out(struct random *random, struct list *list)
{
	size_t number = list->count ? random_below(random, (unsigned)list->count) : 0;
	char *path = list->count ? must(strdup(list->paths[number])) : NULL;

	if (path)
		memmove(list->paths + number, list->paths + number + 1,
			(--list->count - number) * sizeof(*list->paths));
	return path;
}

struct repair {
	size_t differences, complaints;
	char *lacks; /* what was taken out */
};

static struct repair repair(struct oracle *oracle, struct node *replica, struct random *random)
{
	struct findings truth = {0}, complaints = {0};
	struct list changed = {0}, deleted = {0};
	struct repair repair = {0};

	replica_compare(replica, oracle->trees, &truth);
	fill(&changed, &truth, false);
	fill(&deleted, &truth, true);
	unique(&changed);
	unique(&deleted);
	repair.differences = truth.all;
	if (random)
		repair.lacks = take_out(random, changed.count && random_percent(random, 70) ? &changed : &deleted);
	replica_apply(replica, oracle->trees, &changed, &deleted, false, &complaints);
	repair.complaints = complaints.all;
	free(changed.paths);
	free(deleted.paths);
	findings_free(&truth);
	findings_free(&complaints);
	return repair;
}

static size_t count_differences(struct oracle *oracle, struct node *replica)
{
	struct findings findings = {0};
	size_t count;

	replica_compare(replica, oracle->trees, &findings);
	count = findings.all;
	findings_free(&findings);
	return count;
}

/* Again until all that is below new directories has been found, too. */
static bool equalize(struct oracle *oracle, struct node *replica)
{
	for (unsigned tries = 0; tries < 2 * PATH_MAX; tries++)
		if (repair(oracle, replica, NULL).differences == 0)
			return true;
	return false;
}

static bool test_round(struct oracle *oracle, struct node *replica, struct random *random)
{
	struct repair first;
	bool seen;

	tasks_allow(&oracle->tasks, 0, 1 + random_below(random, 30), 0, oracle->window);
	if (!tasks_settle(&oracle->tasks))
		return false;
	first = repair(oracle, replica, random);
	seen = !first.lacks || first.complaints || count_differences(oracle, replica);
	if (!seen)
		printf("# round %u: '%s' was taken out of a list and nothing was found\n", oracle->window, first.lacks);
	free(first.lacks);
	return seen && equalize(oracle, replica);
}

bool selftest(struct oracle *oracle)
{
	struct random random = {mix(oracle->settings.seed)};
	struct node *replica;
	bool good = true;

	tasks_start(&oracle->tasks, 1, oracle->settings.seed, oracle->trees, 1, 200, false);
	replica = model_copy(oracle->trees);
	good = replica && count_differences(oracle, replica) == 0;
	while (good && oracle->window++ < ROUNDS)
		good = test_round(oracle, replica, &random);
	node_remove(replica);
	tasks_end(&oracle->tasks);
	printf("%s - every entry that a list lacks is found by the random oracle\n", good ? "ok" : "not ok");
	return good;
}
