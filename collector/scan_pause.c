// SPDX-License-Identifier: GPL-2.0
/* What is still to be read when a scan is stopped or broken off, for the next one. Why that is safe: pause.c. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base64.h"
#include "moment.h"
#include "records.h"
#include "scan_private.h"

enum {
	SAVE_INTERVAL = 30,     /* seconds */
	SAVE_MAXIMUM = 8 << 20, /* bytes of paths: the collector takes them in one transaction, and must not be kept */
};

static uint64_t hash(uint64_t hash, const void *bytes, size_t size)
{
	const unsigned char *at = bytes;

	/* FNV-1a */
	for (size_t i = 0; i < size; i++)
		hash = (hash ^ at[i]) * 0x100000001b3ULL;
	return hash;
}

uint64_t scan_hash_mounts(const struct mounts *mounts, uint32_t device)
{
	uint64_t all = 0xcbf29ce484222325ULL;

	for (size_t i = 0; i < mounts->count; i++) {
		const struct mount *mount = &mounts->rows[i];

		if (mount->device != device)
			continue;
		all = hash(all, &mount->id, sizeof(mount->id));
		all = hash(all, mount->root, strlen(mount->root) + 1);
		all = hash(all, mount->mount_point, strlen(mount->mount_point) + 1);
	}
	return all ? all : 1;
}

bool scan_is_stopped(const struct scan *scan)
{
	return scan->options->is_stopped && scan->options->is_stopped(scan->options->context);
}

bool scan_must_save(const struct scan *scan, const struct stack *directories)
{
	return scan->saved && !scan->failed && moment_now() - scan->saved > SAVE_INTERVAL * NANOSECONDS &&
	       stack_size(directories) + stack_size(scan->rest) <= SAVE_MAXIMUM;
}

/* Of a path that the store does not take the ancestor is read again. */
int scan_keep(struct scan *scan, const char *path, size_t length)
{
	const struct walked_rest rest = {.length = (uint16_t)scan_fit(path, length)};

	return scan_add(scan, "keep", &scan->kept, &rest, sizeof(rest), path, rest.length);
}

static int keep(const char *path, size_t length, void *context)
{
	return scan_keep(context, path, length);
}

/* What could not be looked at, which is told once, stays to be read in what was saved before that. */
int scan_save(struct scan *scan)
{
	const struct scan_progress *progress = &scan->progress;
	json_t *answer;
	int code;

	if (!scan->saved || scan->failed || stack_size(scan->rest) > SAVE_MAXIMUM)
		return 0;
	code = stack_each(scan->rest, keep, scan);
	if (!code)
		code = scan_send(scan, "keep", &scan->kept);
	if (!code)
		code = scan_send_found(scan);
	if (!code)
		code = scan_ask(scan,
				json_pack("{s:s, s:I, s:I, s:I, s:I, s:O}", "step", "save", "entries",
					  (json_int_t)progress->entries, "changed", (json_int_t)progress->changed,
					  "directories", (json_int_t)progress->directories, "names",
					  (json_int_t)progress->names, "scanned", scan->scanned),
				&answer);
	if (code)
		return code;
	scan->can_go_on = json_is_true(json_object_get(answer, "kept"));
	scan->saved = moment_now();
	json_decref(answer);
	return 0;
}

static int push(const void *header, const char *path, size_t length, void *context)
{
	(void)header;
	return stack_push(context, path, length);
}

/* 1: there may be more. An answer without the member is none. */
static int take_rest(struct scan *scan, json_int_t *last)
{
	const char *encoded;
	size_t size = 0;
	json_t *answer;
	char *bytes;
	int code = scan_ask(scan, json_pack("{s:s, s:I}", "step", "rest", "after", *last), &answer);

	if (code)
		return code;
	encoded = json_string_value(json_object_get(answer, "rest"));
	*last = json_integer_value(json_object_get(answer, "last"));
	bytes = encoded ? base64_decode(encoded, &size) : NULL;
	code = bytes ? records_each(bytes, size, sizeof(struct walked_rest), push, scan->rest) : -EPROTO;
	free(bytes);
	json_decref(answer);
	return code ? code : size > 0;
}

int scan_go_on(struct scan *scan)
{
	json_int_t last = 0;
	int code;

	do {
		code = take_rest(scan, &last);
	} while (code > 0);
	scan->can_go_on = true;
	return code;
}
