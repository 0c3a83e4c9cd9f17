// SPDX-License-Identifier: GPL-2.0
#include <string.h>
#include <sys/stat.h>

#include "cover.h"
#include "event.h"
#include "scan_private.h"

size_t scan_fit(const char *path, size_t length)
{
	while (length > PATH_BYTES) {
		const char *slash = memrchr(path, '/', length);

		length = slash == path ? 1 : (size_t)(slash - path);
	}
	return length;
}

int scan_gap_take(struct scan *scan, const char *path, size_t length, const struct looked *looked)
{
	struct covered_entry entry = {.changed = looked->changed};
	size_t whole = length;
	uint32_t mode = looked->mode;

	if (looked->changed < scan->since)
		return 0;
	length = scan_fit(path, whole);
	if (length < whole)
		mode = S_IFDIR;
	entry.mode = mode;
	entry.length = (uint16_t)length;
	scan->progress.changed++;
	scan->progress.directories += S_ISDIR(mode);
	return scan_add(scan, "changed", &scan->changed, &entry, sizeof(entry), path, length);
}
