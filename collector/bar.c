// SPDX-License-Identifier: GPL-2.0
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bar.h"
#include "format.h"
#include "moment.h"

enum { WIDTH = 24 };

void bar_init(struct bar *bar)
{
	*bar = (struct bar){.is_wanted = isatty(STDERR_FILENO)};
}

/* The filesystem counts inodes; of files with several names the walk meets each. */
static void show_share(const struct scan_progress *progress, int64_t passed)
{
	uint64_t done = progress->entries, all = progress->expected, now = done - progress->before;
	char left[MOMENT_BYTES];
	int filled;

	if (done >= all)
		return;
	filled = (int)(WIDTH * done / all);
	fprintf(stderr, " [%.*s%*s] %3" PRIu64 " %%", filled, "########################", WIDTH - filled, "",
		100 * done / all);
	if (now && passed > NANOSECONDS)
		fprintf(stderr, ", %s left",
			moment_duration((int64_t)((double)passed * (double)(all - done) / (double)now), left));
}

void bar_show(struct bar *bar, const struct scan_progress *progress)
{
	int64_t passed = moment_now() - progress->started;

	if (!bar->is_wanted)
		return;
	fputs("\r\033[K", stderr);
	format_escaped(stderr, progress->mount_point, strlen(progress->mount_point));
	fprintf(stderr, ": %" PRIu64 " entries", progress->entries);
	if (progress->inodes)
		fprintf(stderr, ", %" PRIu64 " inodes", progress->inodes);
	if (progress->before)
		fputs(" (goes on)", stderr);
	if (passed > 0)
		fprintf(stderr, ", %.0f/s",
			(double)(progress->entries - progress->before) * (double)NANOSECONDS / (double)passed);
	show_share(progress, passed);
	bar->is_shown = true;
}

void bar_clear(struct bar *bar)
{
	if (bar->is_shown)
		fputs("\r\033[K", stderr);
	bar->is_shown = false;
}
