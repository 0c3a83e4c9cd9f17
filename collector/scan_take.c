// SPDX-License-Identifier: GPL-2.0
/* What a scan takes of what it meets. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>

#include "event.h"
#include "scan_private.h"
#include "sentence.h"

enum {
	WANTED_ORDER = 23, /* of the set of inodes that are wanted */
	BETWEEN = 1024,    /* entries and inodes between looks at the mount table */
};

static int add_name(struct scan *scan, const char *path, size_t length, const struct looked *looked)
{
	const struct walked_name name = {
		.inode = looked->inode,
		.links = S_ISDIR(looked->mode) ? 1 : looked->links,
		.length = (uint16_t)length,
	};

	/* The index has no use for it: the file's link count shows that there is one more. */
	if (length > PATH_BYTES)
		return 0;
	scan->progress.names++;
	return scan_add(scan, "names", &scan->names, &name, sizeof(name), path, length);
}

/* What is wanted */

/* Or one of a few that nobody asked for. */
static bool is_wanted(const struct scan *scan, uint64_t inode)
{
	return scan->any_wanted && inode_set_has(scan->wanted, inode);
}

static uint64_t want(struct scan *scan, const json_t *inodes)
{
	uint64_t last = 0;
	const json_t *inode;
	size_t i;

	json_array_foreach(inodes, i, inode)
	{
		last = (uint64_t)json_integer_value(inode);
		inode_set_add(scan->wanted, last);
		scan->any_wanted = true;
	}
	return last;
}

int scan_learn_wanted(struct scan *scan)
{
	uint64_t last = 0;
	json_t *answer;
	int code;

	inode_set_free(scan->wanted);
	scan->wanted = inode_set_new(WANTED_ORDER);
	scan->any_wanted = false;
	if (!scan->wanted)
		return -ENOMEM;
	do {
		code = scan_ask(scan, json_pack("{s:s, s:I}", "step", "wanted", "after", (json_int_t)last), &answer);
		if (code)
			return code;
		last = want(scan, json_object_get(answer, "inodes"));
		json_decref(answer);
	} while (last);
	return 0;
}

/* Looking */

void scan_fail(struct scan *scan, const char *path, size_t length, int error)
{
	scan->failed = true;
	reasons_add_path(scan->options->reasons, path, length, "on the filesystem at %s cannot be looked at: %s",
			 scan->progress.mount_point, strerror(-error));
}

/* The clone of its mount holds an unmounted filesystem, which its administrator does not expect. */
static int check_mounted(struct scan *scan)
{
	struct pollfd table = {.fd = scan->table, .events = POLLPRI};
	struct mounts now;
	bool found = false;

	if (poll(&table, 1, 0) <= 0)
		return 0;
	if (mounts_read(&now, NULL))
		return -ENOMEM;
	for (size_t i = 0; i < now.count; i++)
		found |= now.rows[i].id == scan->mount->id && now.rows[i].device == scan->mount->device;
	mounts_free(&now);
	return found ? 0
		     : sentence(scan->error, -ENODEV, "the filesystem at %s was unmounted while it was walked",
				scan->progress.mount_point);
}

int scan_count(struct scan *scan, uint64_t entries, uint64_t inodes)
{
	uint64_t before = scan->progress.entries + scan->progress.inodes;
	uint64_t now = before + entries + inodes;

	scan->progress.entries += entries;
	scan->progress.inodes += inodes;
	if (before / BETWEEN == now / BETWEEN)
		return 0;
	if (scan->options->progress)
		scan->options->progress(&scan->progress, scan->options->context);
	return check_mounted(scan);
}

bool scan_wants_file(const struct scan *scan, uint64_t inode, uint32_t links, int64_t changed)
{
	return changed >= scan->since || links > 1 || is_wanted(scan, inode);
}

bool scan_wants_directories(const struct scan *scan)
{
	return scan->any_wanted || scan->since != INT64_MAX;
}

int scan_take(struct scan *scan, const char *path, size_t length, const struct looked *looked)
{
	int code = scan_count(scan, 1, 0);

	if (code || (S_ISDIR(looked->mode) && !scan_wants_directories(scan)))
		return code;
	code = scan_gap_take(scan, path, length, looked);
	if (code)
		return code;
	if (!is_wanted(scan, looked->inode) && (S_ISDIR(looked->mode) || looked->links < 2))
		return 0;
	return add_name(scan, path, length, looked);
}
