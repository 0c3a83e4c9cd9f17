// SPDX-License-Identifier: GPL-2.0
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "paths.h"

#define DEPTH_MAX 8

static const char *const odd_names[] = {
	"new\nline", "x (deleted)", "gr\xc3\xbc\xc3\x9f", "latin1 \xe9\xff", " leading", "#comment",
	"-rf",       "a'b",         "\x01\x1f\x7f",
};
#define ODD_NAMES (sizeof(odd_names) / sizeof(odd_names[0]))

static uint64_t hash_name(const char *name)
{
	uint64_t hash = 0xcbf29ce484222325;

	while (*name)
		hash = (hash ^ (unsigned char)*name++) * 0x100000001b3;
	return hash;
}

/* One of the entries, whatever their order: that differs with filesystem and history. */
static bool choose_entry(struct task *task, const char *directory, char *name, bool *is_directory)
{
	uint64_t salt = random_next(&task->random), best = 0;
	DIR *stream = opendir(directory);
	const struct dirent *entry;
	bool found = false;

	while (stream && (entry = readdir(stream))) {
		uint64_t rank = mix(hash_name(entry->d_name) ^ salt);

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 || (found && rank <= best))
			continue;
		found = true;
		best = rank;
		*is_directory = entry->d_type == DT_DIR;
		memcpy(name, entry->d_name, strlen(entry->d_name) + 1);
	}
	if (stream)
		closedir(stream);
	return found;
}

static const struct tree *tree_of(const struct task *task)
{
	return &task->forest->trees[task->tree];
}

static size_t start(const struct task *task, char *path)
{
	memcpy(path, tree_of(task)->path, tree_of(task)->length + 1);
	return tree_of(task)->length;
}

/* Goes down from the top at random. */
static bool walk(struct task *task, enum want want, char *path)
{
	size_t length = start(task, path);
	bool is_directory;
	char name[NAME_MAX + 1];

	for (unsigned depth = 0; depth < DEPTH_MAX && choose_entry(task, path, name, &is_directory); depth++) {
		if (!is_directory && !(want & FILES))
			return depth > 0;
		length += (size_t)snprintf(path + length, PATH_MAX - length, "/%s", name);
		if (!is_directory)
			return true;
		if (want & DIRECTORIES && random_percent(&task->random, want == DIRECTORIES ? 40 : 15))
			return true;
	}
	return want & DIRECTORIES && length > tree_of(task)->length;
}

static void remember(struct task *task, const char *path)
{
	memcpy(task->recent[task->tree][task->next_recent++ % RECENT], path, strlen(path) + 1);
}

void choose(struct task *task, enum want want, char *path)
{
	const char *recent = task->recent[task->tree][random_below(&task->random, RECENT)];

	if (*recent && random_percent(&task->random, 25)) {
		memcpy(path, recent, strlen(recent) + 1);
		return;
	}
	for (unsigned tries = 0; tries < 3; tries++)
		if (walk(task, want, path)) {
			remember(task, path);
			return;
		}
	choose_new(task, path);
}

void choose_directory(struct task *task, char *path)
{
	if (random_percent(&task->random, 10) || !walk(task, DIRECTORIES, path))
		start(task, path);
}

void add_name(struct task *task, char *path)
{
	size_t length = strlen(path);

	if (random_percent(&task->random, 4))
		snprintf(path + length, PATH_MAX - length, "/%s", odd_names[random_below(&task->random, ODD_NAMES)]);
	else
		snprintf(path + length, PATH_MAX - length, "/%c%u", 'a' + random_below(&task->random, 4),
			 random_below(&task->random, 100));
}

void choose_new(struct task *task, char *path)
{
	choose_directory(task, path);
	add_name(task, path);
	remember(task, path);
}
