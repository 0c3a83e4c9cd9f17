// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "scan_private.h"
#include "sentence.h"

static bool is_asked_for(const struct scan_options *options, const json_t *filesystem)
{
	if (options->gaps_only)
		return json_is_true(json_object_get(filesystem, "gaps"));
	return !options->new_only || !json_is_true(json_object_get(filesystem, "walked"));
}

static bool is_paused(const json_t *filesystem)
{
	return json_is_true(json_object_get(filesystem, "paused"));
}

/* By the scan that was stopped, and no gap has opened since. */
static bool is_done(const struct scan_options *options, const json_t *filesystem)
{
	return !options->anew && json_is_true(json_object_get(filesystem, "scanned")) &&
	       !json_is_true(json_object_get(filesystem, "gaps"));
}

static int scan_each(struct scan *scan, const json_t *filesystems, bool paused)
{
	const json_t *filesystem;
	size_t i;
	int code = 0;

	json_array_foreach(filesystems, i, filesystem)
	{
		if (is_paused(filesystem) != paused || !is_asked_for(scan->options, filesystem))
			continue;
		if (is_done(scan->options, filesystem))
			json_array_append(scan->scanned, json_object_get(filesystem, "id"));
		else
			code = scan_filesystem(scan, filesystem);
		if (code)
			break;
	}
	return code;
}

/* What was stopped first: there is one such walk, and what is stopped after it takes its place. */
static int scan_all(struct scan *scan)
{
	const json_t *filesystems;
	json_t *answer;
	int code = scan_ask(scan, json_pack("{s:s}", "step", "list"), &answer);

	if (code)
		return code;
	filesystems = json_object_get(answer, "filesystems");
	code = scan_each(scan, filesystems, true);
	if (!code)
		code = scan_each(scan, filesystems, false);
	json_decref(answer);
	return code;
}

int scan(const struct scan_options *options, char **error)
{
	struct scan *scan = calloc(1, sizeof(*scan));
	int code = -ENOMEM;

	*error = NULL;
	if (!scan)
		return code;
	scan->options = options;
	scan->error = error;
	scan->view.descriptor = scan->table = -1;
	scan->scanned = json_array();
	if (!scan->scanned || stack_new(&scan->rest))
		goto out;
	scan->table = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	code = scan->table < 0 ? -errno : client_connect(&scan->client, options->socket, error);
	if (!code)
		code = scan_all(scan);
	if (code && !*error)
		sentence(error, code, "the filesystems cannot be walked: %s", strerror(-code));
out:
	scan_close_view(scan);
	client_close(scan->client);
	mounts_free(&scan->mounts);
	if (scan->table >= 0)
		close(scan->table);
	stack_free(scan->rest);
	json_decref(scan->scanned);
	scan_inodes_free(scan->inodes);
	inode_set_free(scan->wanted);
	free(scan);
	return code;
}
