// SPDX-License-Identifier: GPL-2.0
/*
 * Changes files in every way there is, so that a test can look for them in the lists.
 *
 *   matrix FILESYSTEM PREPARED DIRECTORY RESULTS [PATTERN]
 *
 * Each line of standard input is a phase, answered with "done" when it is over: "prepare" makes the files below
 * PREPARED, before the first cut; "run", "again" and "last" change them below DIRECTORY, in a window each. The two
 * directories are the same but for an overlay whose lower side is prepared. RESULTS gets a line for each operation and
 * phase:
 *
 *   PHASE NAME ok|skip|failed REASON LISTED        (between tabs)
 *
 * An operation that this filesystem has no notion of has no line. One is skipped only for a reason in the table of
 * skips below: whatever else goes wrong has failed.
 */
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "matrix.h"

const char *filesystem;

enum {
	ANY_KERNEL = 0,
	LONGEST = 60, /* seconds that an operation may take */
};

/*
 * In this order. A task that waits after an ioctl may still be in it, so that what it named is carried into the next
 * window: the last operation that counts has to be another one.
 */
static const struct operation *const tables[] = {
	content_operations, uring_operations,  mapping_operations, attribute_operations,
	place_operations,   holder_operations, btrfs_operations,   xfs_operations,
	ext4_operations,    name_operations,   quiet_operations,
};

/* What a filesystem, or a kernel before this version, cannot do, and how it says so. */
static const struct {
	const char *operations; /* a pattern */
	const char *filesystems;
	int before;
	int error;
} skips[] = {
	{"ficlone*", "ext4 tmpfs overlay copyup", ANY_KERNEL, EOPNOTSUPP},
	{"fallocate-collapse", "btrfs tmpfs", ANY_KERNEL, EOPNOTSUPP},
	{"fallocate-insert", "btrfs tmpfs", ANY_KERNEL, EOPNOTSUPP},
	{"fallocate-unshare", "ext4 btrfs tmpfs overlay copyup", ANY_KERNEL, EOPNOTSUPP},
	{"fallocate-zero*", "tmpfs", ANY_KERNEL, EOPNOTSUPP},
	{"direct", "tmpfs", 606, EINVAL},
	{"*-direct", "tmpfs", 606, EINVAL},
	{"*-directly", "tmpfs", 606, EINVAL},
	{"*setxattr", "tmpfs", 606, EOPNOTSUPP},
	{"tmpfile-*", "overlay copyup", 603, EOPNOTSUPP},
	{"*xattrat", "ext4 xfs btrfs tmpfs overlay copyup", 613, ENOSYS},
	{"fchmodat2", "ext4 xfs btrfs tmpfs overlay copyup", 606, ENOSYS},
	{"chattr-file_setattr", "ext4 xfs btrfs tmpfs overlay copyup", 617, ENOSYS},
	{"uring-mkdir", "ext4 xfs btrfs tmpfs overlay copyup", 515, EINVAL},
	{"uring-*link", "ext4 xfs btrfs tmpfs overlay copyup", 515, EINVAL},
	{"uring-setxattr", "ext4 xfs btrfs tmpfs overlay copyup", 519, EINVAL},
	{"chattr*", "tmpfs", 606, ENOTTY},
	{"quiet-flags", "tmpfs", 606, ENOTTY},
	{"verity", "btrfs", 515, ENOTTY},
	{"chattr-generation", "ext4", ANY_KERNEL, ENOTTY}, /* its sums cover the generation */
	{"btrfs-encoded-write", "btrfs", 518, ENOTTY},
	{"idmapped-mount", "overlay copyup", ANY_KERNEL, EINVAL},
	{"idmapped-mount", "ext4 xfs btrfs tmpfs overlay copyup", 512, ENOSYS},
	{"idmapped-mount", "tmpfs", 603, EINVAL},
	{"handle*", "overlay copyup", ANY_KERNEL, EOPNOTSUPP},
	{"swap-in-use", "tmpfs overlay copyup", ANY_KERNEL, EINVAL},
	{"exchange-range*", "xfs", 610, ENOTTY},
	{"commit-range", "xfs", 612, ENOTTY},
	{"rename-whiteout", "overlay copyup", ANY_KERNEL, EINVAL},
	{"rename-directory", "copyup", ANY_KERNEL, EXDEV},
	{"rename-exchange-directory", "copyup", ANY_KERNEL, EXDEV},
};

static bool has_word(const char *words, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = words; (at = strstr(at, word)); at += length)
		if ((at == words || at[-1] == ' ') && (at[length] == ' ' || !at[length]))
			return true;
	return false;
}

/* 612 for 6.12 */
static int kernel_version(void)
{
	struct utsname name;
	int major, minor;

	if (uname(&name) < 0 || sscanf(name.release, "%d.%d", &major, &minor) != 2)
		return INT_MAX;
	return major * 100 + minor;
}

static bool may_skip(const char *operation, int error)
{
	for (size_t i = 0; i < sizeof(skips) / sizeof(skips[0]); i++)
		if (skips[i].error == -error && fnmatch(skips[i].operations, operation, 0) == 0 &&
		    has_word(skips[i].filesystems, filesystem) &&
		    (skips[i].before == ANY_KERNEL || kernel_version() < skips[i].before))
			return true;
	return false;
}

/* What cannot be done in one phase is left out of the next ones. */
struct progress {
	const struct operation *operation;
	bool over;
};

struct phase {
	const char *name;
	int (*(*function)(const struct operation *operation))(void);
	const char *(*listed)(const struct operation *operation);
};

static int (*prepare_of(const struct operation *operation))(void)
{
	return operation->prepare;
}

static int (*run_of(const struct operation *operation))(void)
{
	return operation->run;
}

static int (*again_of(const struct operation *operation))(void)
{
	return operation->again;
}

static const char *nothing_of(const struct operation *operation)
{
	(void)operation;
	return "";
}

static const char *listed_of(const struct operation *operation)
{
	return operation->listed ? operation->listed : "quiet";
}

static const char *listed_again_of(const struct operation *operation)
{
	return operation->listed_again ? operation->listed_again : "quiet";
}

static int (*last_of(const struct operation *operation))(void)
{
	return operation->last;
}

static const char *listed_last_of(const struct operation *operation)
{
	return operation->listed_last ? operation->listed_last : "";
}

static const struct phase phases[] = {
	{"prepare", prepare_of, nothing_of},
	{"run", run_of, listed_of},
	{"again", again_of, listed_again_of},
	{"last", last_of, listed_last_of},
};

static int enter(const char *directory, const struct operation *operation, bool new)
{
	if (chdir(directory) < 0)
		return -errno;
	if (new &&mkdir(operation->name, 0755) < 0)
		return -errno;
	return result(chdir(operation->name));
}

static void perform(const struct phase *phase, struct progress *progress, const char *directory, FILE *results)
{
	const struct operation *operation = progress->operation;
	int (*function)(void) = phase->function(operation);
	const char *state = "ok";
	int error;

	if (progress->over)
		return;
	alarm(LONGEST);
	error = enter(directory, operation, phase == phases);
	if (!error && function)
		error = function();
	alarm(0);
	if (error) {
		progress->over = true;
		state = may_skip(operation->name, error) ? "skip" : "failed";
	}
	fprintf(results, "%s\t%s\t%s\t%s\t%s\n", phase->name, operation->name, state,
		error ? strerrorname_np(-error) ?: "unknown" : "", phase->listed(operation));
	fflush(results);
}

static const struct phase *find_phase(const char *line)
{
	for (size_t i = 0; i < sizeof(phases) / sizeof(phases[0]); i++)
		if (strncmp(line, phases[i].name, strlen(phases[i].name)) == 0)
			return &phases[i];
	return NULL;
}

static size_t select_operations(struct progress *all, size_t size, const char *pattern)
{
	size_t count = 0;

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		for (const struct operation *operation = tables[i]; operation->name && count < size; operation++)
			if ((!operation->only || has_word(operation->only, filesystem)) &&
			    fnmatch(pattern, operation->name, 0) == 0)
				all[count++].operation = operation;
	return count;
}

int main(int argc, char **argv)
{
	static struct progress all[1000];
	size_t count;
	FILE *results;
	char line[64];

	if (argc < 5 || !(results = fopen(argv[4], "we"))) {
		fprintf(stderr, "matrix FILESYSTEM PREPARED DIRECTORY RESULTS [PATTERN]\n");
		return 2;
	}
	filesystem = argv[1];
	umask(022);
	count = select_operations(all, sizeof(all) / sizeof(all[0]), argc > 5 ? argv[5] : "*");
	while (fgets(line, sizeof(line), stdin)) {
		const struct phase *phase = find_phase(line);

		if (!phase)
			break;
		for (size_t i = 0; i < count; i++)
			perform(phase, &all[i], argv[phase == phases ? 2 : 3], results);
		printf("done\n");
		fflush(stdout);
	}
	return 0;
}
