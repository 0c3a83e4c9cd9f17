// SPDX-License-Identifier: GPL-2.0
/*
 * Works with files as a mail store, a build or an administrator does, and measures what that costs: processor time of
 * its own and of the consumer that watches it. Under counted instructions, 1 ns is 1 instruction.
 *
 *   workload [OPTION...] DIRECTORY
 *
 *   --consumer PID      whoever watches
 *   --begin COMMAND     run before each round of which the files shall not have been reported yet
 *   --settle MS         how long the consumer may need after a round until it has taken all in (100)
 *   --archive FILE      a tree, for tar
 *   --repository FILE   an archive of a git repository with the tags "before" and "after"
 *   --rounds N          that count (5); one before them warms up
 *   --scale N           so many times the number of files
 *   --only NAME,...     these workloads
 *   --label JSON        members that each line of the output begins with
 *
 * Prints a line of JSON for each round: nanoseconds of the workload, of the consumer and of all threads of the kernel.
 * What the consumer uses up when nothing happens is measured first, and taken off.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	BLOCK = 4096,
	FILE_BLOCKS = 256, /* of the one that is read and written at random */
	FILES = 200,       /* on which the operations by name work */
	REPEATS = 10000,   /* of reads and writes */
	MAILS = 500,
	NAME_BYTES = 256,
	IDLE_SECONDS = 20,          /* so that what happens every few seconds counts */
	IDLE_ENOUGH = 50000,        /* ns in the time of --settle */
	KERNEL_THREAD = 0x00200000, /* PF_KTHREAD */
};

static const char *consumer, *begin, *archive, *repository, *only, *label = "";
static long settle_ms = 100, rounds = 5, scale = 1;
static int round_number, open_file, files, mails;
static char block[BLOCK];

static void fail(const char *what)
{
	fprintf(stderr, "workload: %s: %s\n", what, strerror(errno));
	exit(1);
}

#define CHECK(call)                                                                                                    \
	({                                                                                                             \
		__typeof__(call) result_ = (call);                                                                     \
		if (result_ < 0)                                                                                       \
			fail(#call);                                                                                   \
		result_;                                                                                               \
	})

/* ---- clocks */

static int64_t own_time(void)
{
	struct timespec now;
	struct rusage children;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	getrusage(RUSAGE_CHILDREN, &children);
	return now.tv_sec * 1000000000LL + now.tv_nsec +
	       (children.ru_utime.tv_sec + children.ru_stime.tv_sec) * 1000000000LL +
	       (children.ru_utime.tv_usec + children.ru_stime.tv_usec) * 1000LL;
}

static int64_t elapsed_time(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static bool read_text(const char *pid, const char *name, char *text, size_t bytes)
{
	char path[NAME_BYTES];
	ssize_t length;
	int file;

	snprintf(path, sizeof(path), "/proc/%s/%s", pid, name);
	file = open(path, O_RDONLY | O_CLOEXEC);
	if (file < 0)
		return false;
	length = read(file, text, bytes - 1);
	close(file);
	if (length <= 0)
		return false;
	text[length] = '\0';
	return true;
}

/* The scheduler's count, in ns; that of a task that sleeps is exact. */
static int64_t task_time(const char *pid)
{
	char text[128];

	return read_text(pid, "schedstat", text, sizeof(text)) ? strtoll(text, NULL, 10) : 0;
}

static int64_t consumer_time(void)
{
	if (!consumer)
		return 0;
	if (kill(atoi(consumer), 0))
		fail("the consumer");
	return task_time(consumer);
}

/* In user space. */
static int64_t consumer_ticks(void)
{
	char text[1024], *behind_name;
	long long ticks = 0;

	if (!consumer || !read_text(consumer, "stat", text, sizeof(text)))
		return 0;
	behind_name = strrchr(text, ')');
	if (behind_name)
		sscanf(behind_name, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lld", &ticks);
	return ticks * (1000000000 / sysconf(_SC_CLK_TCK));
}

static bool is_kernel_thread(const char *pid)
{
	char text[1024], *behind_name;
	unsigned long flags = 0;

	if (!read_text(pid, "stat", text, sizeof(text)))
		return false;
	behind_name = strrchr(text, ')');
	if (behind_name)
		sscanf(behind_name, ") %*c %*d %*d %*d %*d %*d %lu", &flags);
	return flags & KERNEL_THREAD;
}

static int64_t kernel_time(void)
{
	DIR *processes = opendir("/proc");
	struct dirent *entry;
	int64_t sum = 0;

	if (!processes)
		fail("/proc");
	while ((entry = readdir(processes))) {
		if (entry->d_name[0] >= '0' && entry->d_name[0] <= '9' && is_kernel_thread(entry->d_name))
			sum += task_time(entry->d_name);
	}
	closedir(processes);
	return sum;
}

static void wait_ms(long ms)
{
	struct timespec rest = {ms / 1000, ms % 1000 * 1000000};

	while (nanosleep(&rest, &rest))
		;
}

/* ---- what the workloads consist of */

/* As deep as in a mail store. */
#define USER "mail/example.org/users/j/jane.doe"

/* Under which names a round finds its files, and which they get: made before, as that is not what is measured. */
struct names {
	const char *directory, *suffix;
};

static char (*from)[NAME_BYTES], (*to)[NAME_BYTES];

static void make_names(char (*names)[NAME_BYTES], const struct names *of, int first, int count)
{
	for (int i = 0; of->directory && i < count; i++)
		snprintf(names[i], NAME_BYTES, USER "/%s/%d.M%06dP4711.mx1%s", of->directory, 1764300000 + first + i,
			 first + i, of->suffix);
}

static void write_file(const char *path, int flags)
{
	int file = CHECK(open(path, flags | O_WRONLY | O_CLOEXEC, 0644));

	CHECK(write(file, block, BLOCK));
	close(file);
}

static void run_program(char *const arguments[])
{
	int status;
	pid_t child = CHECK(fork());

	if (child == 0) {
		execvp(arguments[0], arguments);
		_exit(127);
	}
	CHECK(waitpid(child, &status, 0));
	if (status) {
		fprintf(stderr, "workload: %s ended with status %d\n", arguments[0], status);
		exit(1);
	}
}

#define RUN(...) run_program((char *const[]){__VA_ARGS__, NULL})

static void make_directories(void)
{
	static const char *const directories[] = {"mail",
						  "mail/example.org",
						  "mail/example.org/users",
						  "mail/example.org/users/j",
						  USER,
						  USER "/tmp",
						  USER "/new",
						  USER "/cur",
						  USER "/files",
						  "git",
						  "trees"};

	for (size_t i = 0; i < sizeof(directories) / sizeof(*directories); i++) {
		if (mkdir(directories[i], 0755) && errno != EEXIST)
			fail(directories[i]);
	}
}

static const struct names in_files = {"files", ""}, in_tmp = {"tmp", ""}, in_new = {"new", ""},
			  in_cur = {"cur", ":2,S"};

static void make_files(void)
{
	make_names(from, &in_files, 0, files);
	for (int i = 0; i < files; i++)
		write_file(from[i], O_CREAT | O_TRUNC);
	open_file = CHECK(open(USER "/open", O_RDWR | O_CREAT | O_CLOEXEC, 0644));
	for (int i = 0; i < FILE_BLOCKS; i++)
		CHECK(pwrite(open_file, block, BLOCK, (off_t)i * BLOCK));
}

static off_t offset(int i)
{
	return (off_t)(i * 37 % FILE_BLOCKS) * BLOCK;
}

static void run_pread(void)
{
	for (int i = 0; i < REPEATS; i++)
		CHECK(pread(open_file, block, BLOCK, offset(i)));
}

static void run_pwrite(void)
{
	for (int i = 0; i < REPEATS; i++)
		CHECK(pwrite(open_file, block, BLOCK, offset(i)));
}

static void run_stat(void)
{
	struct stat unused;

	for (int i = 0; i < REPEATS; i++)
		CHECK(stat(from[i % files], &unused));
}

static void run_read(void)
{
	for (int i = 0; i < REPEATS; i++) {
		int file = CHECK(open(from[i % files], O_RDONLY | O_CLOEXEC));

		CHECK(read(file, block, BLOCK));
		close(file);
	}
}

static void run_write(void)
{
	for (int i = 0; i < files; i++)
		write_file(from[i], 0);
}

static void run_chmod(void)
{
	for (int i = 0; i < files; i++)
		CHECK(chmod(from[i], round_number % 2 ? 0600 : 0644));
}

static void run_deliver(void)
{
	for (int i = 0; i < mails; i++) {
		write_file(from[i], O_CREAT | O_EXCL);
		CHECK(rename(from[i], to[i]));
	}
}

static void run_rename(void)
{
	for (int i = 0; i < mails; i++)
		CHECK(rename(from[i], to[i]));
}

static void run_unlink(void)
{
	for (int i = 0; i < mails; i++)
		CHECK(unlink(from[i]));
}

/* Each round makes a new tree; those of before stay. */
static void prepare_untar(void)
{
	char tree[64];

	snprintf(tree, sizeof(tree), "trees/%d", round_number);
	CHECK(mkdir(tree, 0755));
}

static void run_untar(void)
{
	char tree[64];

	snprintf(tree, sizeof(tree), "trees/%d", round_number);
	RUN("tar", "-xf", (char *)archive, "-C", tree);
}

/* Git reads all files anew whose times are not older than the index's, to the second. */
static void prepare_checkout(void)
{
	if (access("git/.git", F_OK))
		RUN("tar", "-xf", (char *)repository, "-C", "git");
	RUN("git", "-C", "git", "update-index", "-q", "--refresh");
	wait_ms(2000);
	CHECK(utimensat(AT_FDCWD, "git/.git/index", NULL, 0));
}

static void run_checkout(void)
{
	RUN("git", "-C", "git", "checkout", "-q", round_number % 2 ? "before" : "after");
}

enum amount { ONCE, REPEATED, OF_FILES, OF_MAILS };

/* In this order, as each mail goes through several. Those that are done once are measured as a whole. */
static const struct workload {
	const char *name;
	enum amount amount;
	bool clean; /* its files have not been reported before */
	void (*run)(void);
	void (*prepare)(void);
	struct names from, to;
} workloads[] = {
	{"pread", REPEATED, false, run_pread, NULL, {0}, {0}},
	{"pwrite", REPEATED, false, run_pwrite, NULL, {0}, {0}},
	{"stat", REPEATED, false, run_stat, NULL, in_files, {0}},
	{"open-read-close", REPEATED, false, run_read, NULL, in_files, {0}},
	{"open-write-close-dirty", OF_FILES, false, run_write, run_write, in_files, {0}},
	{"open-write-close-clean", OF_FILES, true, run_write, NULL, in_files, {0}},
	{"deliver", OF_MAILS, true, run_deliver, NULL, in_tmp, in_new},
	{"rename", OF_MAILS, true, run_rename, NULL, in_new, in_cur},
	{"unlink", OF_MAILS, true, run_unlink, NULL, in_cur, {0}},
	{"chmod", OF_FILES, true, run_chmod, NULL, in_files, {0}},
	{"untar", ONCE, true, run_untar, prepare_untar, {0}, {0}},
	{"checkout", ONCE, true, run_checkout, prepare_checkout, {0}, {0}},
};

static int operations(const struct workload *workload)
{
	const int amounts[] = {[ONCE] = 1, [REPEATED] = REPEATS, [OF_FILES] = files, [OF_MAILS] = mails};

	return amounts[workload->amount];
}

static void name_files(const struct workload *workload)
{
	int count = operations(workload), first = workload->amount == OF_MAILS ? round_number * mails : 0;

	if (workload->amount == REPEATED)
		count = files;
	make_names(from, &workload->from, first, count);
	make_names(to, &workload->to, first, count);
}

/* ---- measuring */

struct moment {
	int64_t elapsed, consumer, user, kernel; /* user: of the consumer, by the ticks that met it there */
};

static double idle_rate; /* of the consumer's processor time */

static void look(struct moment *moment)
{
	moment->elapsed = elapsed_time();
	moment->consumer = consumer_time();
	moment->user = consumer_ticks();
	moment->kernel = kernel_time();
}

/* Neither about to use the processor nor waiting for a disk. */
static bool consumer_sleeps(void)
{
	char text[1024], *behind_name;

	if (!read_text(consumer, "stat", text, sizeof(text)))
		return false;
	behind_name = strrchr(text, ')');
	return behind_name && behind_name[2] == 'S';
}

/*
 * Until the consumer has taken all in. While it waits for a disk the clock of counted instructions leaps, so time alone
 * does not tell.
 */
static void settle(void)
{
	struct moment before, after;

	do {
		before.elapsed = elapsed_time();
		before.consumer = consumer_time();
		wait_ms(settle_ms);
		after.elapsed = elapsed_time();
		after.consumer = consumer_time();
	} while (consumer && (!consumer_sleeps() ||
			      (double)(after.consumer - before.consumer) >
				      2 * idle_rate * (double)(after.elapsed - before.elapsed) + IDLE_ENOUGH));
}

static void show(const char *workload, int count, int64_t own, const struct moment *before, const struct moment *after)
{
	int64_t idle = (int64_t)(idle_rate * (double)(after->elapsed - before->elapsed));

	printf("{%s\"workload\": \"%s\", \"round\": %d, \"operations\": %d, \"own\": %lld, ", label, workload,
	       round_number, count, (long long)own);
	printf("\"consumer\": %lld, \"user\": %lld, \"kernel\": %lld}\n",
	       (long long)(after->consumer - before->consumer - idle), (long long)(after->user - before->user),
	       (long long)(after->kernel - before->kernel));
}

static void measure_idle(void)
{
	struct moment before, after;

	if (!consumer)
		return;
	wait_ms(3 * settle_ms);
	look(&before);
	wait_ms(IDLE_SECONDS * 1000L);
	look(&after);
	show("idle", IDLE_SECONDS, 0, &before, &after);
	idle_rate = (double)(after.consumer - before.consumer) / (double)(after.elapsed - before.elapsed);
}

/* What waits to be written is written before, so that each round finds the same. */
static void run_round(const struct workload *workload)
{
	struct moment before, after;
	int64_t own;

	name_files(workload);
	if (workload->prepare)
		workload->prepare();
	if (workload->clean && begin && system(begin))
		fail(begin);
	sync();
	settle();
	look(&before);
	own = own_time();
	workload->run();
	own = own_time() - own;
	settle();
	look(&after);
	if (round_number > 0)
		show(workload->name, operations(workload), own, &before, &after);
}

static bool is_wanted(const char *workload)
{
	size_t length = strlen(workload);

	if (!only)
		return true;
	for (const char *at = only; (at = strstr(at, workload)); at += length) {
		if ((at == only || at[-1] == ',') && (at[length] == ',' || at[length] == '\0'))
			return true;
	}
	return false;
}

static const struct {
	const char *name;
	const char **text;
	long *number;
} settings[] = {
	{"consumer", &consumer, NULL},     {"begin", &begin, NULL},
	{"settle", NULL, &settle_ms},      {"archive", &archive, NULL},
	{"repository", &repository, NULL}, {"rounds", NULL, &rounds},
	{"scale", NULL, &scale},           {"only", &only, NULL},
	{"label", &label, NULL},
};

static bool set(const char *option, const char *value)
{
	for (size_t i = 0; i < sizeof(settings) / sizeof(*settings); i++) {
		if (strncmp(option, "--", 2) || strcmp(option + 2, settings[i].name))
			continue;
		if (settings[i].text)
			*settings[i].text = value;
		else
			*settings[i].number = atol(value);
		return true;
	}
	return false;
}

/* Returns the directory. */
static const char *parse(int count, char **arguments)
{
	int at = 1;

	while (at + 2 < count && set(arguments[at], arguments[at + 1]))
		at += 2;
	if (at + 1 == count && archive && repository)
		return arguments[at];
	fprintf(stderr, "usage: workload --archive FILE --repository FILE [OPTION...] DIRECTORY\n");
	exit(2);
}

static void prepare(void)
{
	files = FILES * (int)scale;
	mails = MAILS * (int)scale;
	from = malloc((size_t)mails * sizeof(*from));
	to = malloc((size_t)mails * sizeof(*to));
	if (!from || !to)
		fail("memory");
	memset(block, 'x', sizeof(block));
	make_directories();
	make_files();
}

int main(int count, char **arguments)
{
	const char *directory;

	setvbuf(stdout, NULL, _IOLBF, 0);
	directory = parse(count, arguments);
	if (chdir(directory))
		fail(directory);
	prepare();
	measure_idle();
	for (size_t i = 0; i < sizeof(workloads) / sizeof(*workloads); i++) {
		for (round_number = 0; is_wanted(workloads[i].name) && round_number <= rounds; round_number++)
			run_round(&workloads[i]);
	}
	return 0;
}
