// SPDX-License-Identifier: GPL-2.0
/*
 * The random oracle: tasks change directory trees at random, windows are cut at random moments, and after each of them
 * the replica rule is checked: who applies the lists has what the source has. See --help.
 */
#include <argp.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "oracle.h"

enum {
	KEY_SEED = 256,
	KEY_WINDOWS,
	KEY_FILES,
	KEY_TASKS,
	KEY_JOBS,
	KEY_OPERATIONS,
	KEY_BUSY,
	KEY_PROGRAM,
	KEY_LINKED_IN,
	KEY_NO_LINKS,
	KEY_ACCEPT,
	KEY_DROP,
	KEY_DISTURB,
	KEY_FAULTS,
	KEY_SELFTEST,
	KEY_TRAFFIC,
	KEY_VERBOSE,
};

struct arguments {
	struct oracle oracle;
	const char *places[TREES_MAX];
	unsigned place_count;
	bool selftest, traffic;
};

static const struct argp_option options[] = {
	{"seed", KEY_SEED, "N", 0, "Of all random numbers (1)", 0},
	{"windows", KEY_WINDOWS, "N", 0, "How many cuts (20)", 0},
	{"files", KEY_FILES, "N", 0, "Names in each tree, about (1000)", 0},
	{"tasks", KEY_TASKS, "N", 0,
	 "Processes that change the trees (3); with one, a seed does exactly the same again", 0},
	{"jobs", KEY_JOBS, "N", 0, "Jobs at different paces, with replicas of their own, 1 or 2 (2)", 0},
	{"operations", KEY_OPERATIONS, "N", 0, "Of a task in a window that settles, at most (100)", 0},
	{"busy", KEY_BUSY, "PERCENT", 0, "Of the windows that do not settle (40)", 0},
	{"program", KEY_PROGRAM, "FILE", 0, "The program to be tested, whose collector runs (build/fschanged)", 0},
	{"linked-in", KEY_LINKED_IN, NULL, 0, "Commands of the program that is linked in: nothing is loaded for each",
	 0},
	{"no-links", KEY_NO_LINKS, NULL, 0, "No new names for old files", 0},
	{"accept-unknown-links", KEY_ACCEPT, NULL, 0,
	 "Where names of hard links are not known, a full copy is made instead of a scan", 0},
	{"drop", KEY_DROP, NULL, 0, "Take an entry out of each list: that must be found", 0},
	{"disturb", KEY_DISTURB, "FILE", 0, "A program that throws faults in", 0},
	{"faults", KEY_FAULTS, "PERCENT", 0, "Of the windows that get one (60)", 0},
	{"selftest", KEY_SELFTEST, NULL, 0, "Without the program: lists that lack something are found", 0},
	{"traffic", KEY_TRAFFIC, NULL, 0, "Only change the trees, from where they are, until SIGTERM", 0},
	{"verbose", KEY_VERBOSE, NULL, 0, "Say why lists are incomplete, and where the time goes", 0},
	{0},
};

static unsigned number(struct argp_state *state, const char *text)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || value > UINT32_MAX)
		argp_error(state, "'%s' is no number", text);
	return (unsigned)value;
}

static void add_place(struct arguments *arguments, const char *place, struct argp_state *state)
{
	if (arguments->place_count == TREES_MAX)
		argp_error(state, "more than %d directories", TREES_MAX);
	else
		arguments->places[arguments->place_count++] = place;
}

static error_t parse(int key, char *value, struct argp_state *state)
{
	struct arguments *arguments = state->input;
	struct settings *settings = &arguments->oracle.settings;

	switch (key) {
	case KEY_SEED:
		settings->seed = number(state, value);
		break;
	case KEY_WINDOWS:
		settings->windows = number(state, value);
		break;
	case KEY_FILES:
		settings->names = number(state, value);
		break;
	case KEY_TASKS:
		settings->tasks = number(state, value);
		break;
	case KEY_JOBS:
		settings->jobs = number(state, value);
		break;
	case KEY_OPERATIONS:
		settings->operations = number(state, value);
		break;
	case KEY_BUSY:
		settings->busy = number(state, value);
		break;
	case KEY_PROGRAM:
		arguments->oracle.product.program = value;
		break;
	case KEY_LINKED_IN:
		arguments->oracle.settings.linked_in = true;
		break;
	case KEY_NO_LINKS:
		settings->links = false;
		break;
	case KEY_ACCEPT:
		settings->accept_unknown_links = true;
		break;
	case KEY_DROP:
		settings->drop = true;
		break;
	case KEY_DISTURB:
		settings->disturb = value;
		break;
	case KEY_FAULTS:
		settings->faults = number(state, value);
		break;
	case KEY_SELFTEST:
		arguments->selftest = true;
		break;
	case KEY_TRAFFIC:
		arguments->traffic = true;
		break;
	case KEY_VERBOSE:
		settings->verbose = true;
		break;
	case ARGP_KEY_ARG:
		add_place(arguments, value, state);
		break;
	case ARGP_KEY_END:
		if (!arguments->place_count || !settings->tasks || !settings->operations ||
		    settings->jobs - 1 >= JOBS_MAX)
			argp_error(state, "a directory is missing, or a number makes no sense");
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "DIRECTORY[=LISTED]...",
	.doc = "Changes a tree in each directory (on a filesystem of its own) at random, cuts windows, applies the "
	       "lists to replicas in memory and compares. LISTED is the directory that lists show instead: of an "
	       "overlay, that of its upper side.\vExit status: 0 nothing was missed, 1 something was, 2 usage.",
};

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)status, (void)type, (void)walk;
	remove(path);
	return 0;
}

static void remove_tree(const char *path)
{
	nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* The tree's directory in this one, whose name has so many bytes. NULL: that has been told. Ownership passes. */
static char *name_tree(const struct oracle *oracle, const char *place, size_t length)
{
	char *name = must(strndup(place, length)), *absolute = realpath(name, NULL), *path = NULL;

	if (!absolute || asprintf(&path, "%s/oracle-%" PRIu64, absolute, oracle->settings.seed) < 0)
		fprintf(stderr, "oracle: %s: %s\n", name, strerror(errno));
	free(absolute);
	free(name);
	return path;
}

static bool make_tree(struct oracle *oracle, const char *place, bool keep)
{
	struct tree *tree = &oracle->trees[oracle->tree_count++];
	const char *end = strchrnul(place, '='), *listed = *end ? end + 1 : place;

	tree->path = name_tree(oracle, place, (size_t)(end - place));
	tree->listed = name_tree(oracle, listed, strlen(listed));
	if (!tree->path || !tree->listed)
		return false;
	tree->length = strlen(tree->path);
	tree->listed_length = strlen(tree->listed);
	if (!keep)
		remove_tree(tree->path);
	tree->descriptor = mkdir(tree->path, 0755) && !(keep && errno == EEXIST)
				   ? -1
				   : open(tree->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (tree->descriptor < 0)
		fprintf(stderr, "oracle: %s: %s\n", tree->path, strerror(errno));
	return tree->descriptor >= 0;
}

static const char *filesystem(int descriptor)
{
	static const struct {
		unsigned long type;
		const char *name;
	} known[] = {
		{EXT4_SUPER_MAGIC, "ext4"}, {XFS_SUPER_MAGIC, "xfs"},           {BTRFS_SUPER_MAGIC, "btrfs"},
		{TMPFS_MAGIC, "tmpfs"},     {OVERLAYFS_SUPER_MAGIC, "overlay"},
	};
	struct statfs status = {0};

	fstatfs(descriptor, &status);
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].type == (unsigned long)status.f_type)
			return known[i].name;
	return "other";
}

static void print_figures(const struct oracle *oracle)
{
	const struct figures *figures = &oracle->figures;
	uint64_t operations = 0;

	for (unsigned i = 0; i < oracle->tree_count; i++)
		operations += figures->operations[i];
	printf("seed %" PRIu64 ": %u windows, %u settled, %u not copied, %" PRIu64 " operations, %" PRIu64
	       " listed paths, %u incomplete windows, %.1f s",
	       oracle->settings.seed, figures->windows, figures->settled, figures->failed, operations, figures->listed,
	       figures->incomplete, figures->seconds);
	if (oracle->settings.verbose)
		printf(" (dump %.1f, commit %.1f, tasks %.1f, copy %.1f, compare %.1f)", figures->in_dump,
		       figures->in_commit, figures->in_tasks, figures->in_copy, figures->in_compare);
	printf("; operations:");
	for (unsigned i = 0; i < oracle->tree_count; i++)
		printf(" %s %" PRIu64, filesystem(oracle->trees[i].descriptor), figures->operations[i]);
	putchar('\n');
}

static bool run(struct arguments *arguments)
{
	struct oracle *oracle = &arguments->oracle;
	char directory[] = "/tmp/oracle-XXXXXX";
	bool good = true;

	umask(0);
	if (oracle->settings.linked_in)
		product_serve(&oracle->product);
	for (unsigned i = 0; good && i < arguments->place_count; i++)
		good = make_tree(oracle, arguments->places[i], arguments->traffic);
	if (!good)
		return false;
	if (arguments->traffic) {
		traffic(oracle);
		return true;
	}
	oracle->product.directory = must(mkdtemp(directory));
	good = arguments->selftest ? selftest(oracle) : oracle_run(oracle);
	if (!arguments->selftest)
		print_figures(oracle);
	if (oracle->settings.disturb)
		chaos_print(oracle);
	if (chdir("/") == 0)
		remove_tree(directory);
	for (unsigned i = 0; good && i < oracle->tree_count; i++)
		remove_tree(oracle->trees[i].path);
	return good;
}

int main(int argc, char **argv)
{
	static struct arguments arguments = {
		.oracle = {.settings = {.seed = 1,
					.windows = 20,
					.names = 1000,
					.tasks = 3,
					.jobs = 2,
					.operations = 100,
					.busy = 40,
					.faults = 60,
					.links = true},
			   .product = {.program = "build/fschanged", .server = -1}},
	};

	arguments.oracle.argc = argc;
	arguments.oracle.argv = argv;
	argp_err_exit_status = 2;
	argp_parse(&argp, argc, argv, 0, NULL, &arguments);
	return run(&arguments) ? 0 : 1;
}
