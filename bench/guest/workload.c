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
	REPEATS = 2000,    /* of reads and writes */
	MAILS = 500,
	NAME_MAX_BYTES = 512,
	IDLE_SECONDS = 20,          /* so that what happens every few seconds counts */
	IDLE_ENOUGH = 50000,        /* ns in the time of --settle */
	KERNEL_THREAD = 0x00200000, /* PF_KTHREAD */
};

static const char *consumer, *begin, *archive, *repository, *only, *label = "";
static long settle_ms = 100, rounds = 5;
static int round_number, open_file;
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
	char path[NAME_MAX_BYTES];
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

static const char *name(const char *directory, int number, const char *suffix)
{
	static char buffers[2][NAME_MAX_BYTES];
	static int turn;
	char *buffer = buffers[turn ^= 1];

	snprintf(buffer, NAME_MAX_BYTES, USER "/%s/%d.M%06dP4711.mx1%s", directory, 1764300000 + number, number,
		 suffix);
	return buffer;
}

static int message(int number)
{
	return round_number * MAILS + number;
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

static void make_files(void)
{
	for (int i = 0; i < FILES; i++)
		write_file(name("files", i, ""), O_CREAT | O_TRUNC);
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
		CHECK(stat(name("files", i % FILES, ""), &unused));
}

static void run_read(void)
{
	for (int i = 0; i < FILES * 3; i++) {
		int file = CHECK(open(name("files", i % FILES, ""), O_RDONLY | O_CLOEXEC));

		CHECK(read(file, block, BLOCK));
		close(file);
	}
}

static void run_write(void)
{
	for (int i = 0; i < FILES; i++)
		write_file(name("files", i, ""), 0);
}

static void run_chmod(void)
{
	for (int i = 0; i < FILES; i++)
		CHECK(chmod(name("files", i, ""), round_number % 2 ? 0600 : 0644));
}

static void run_deliver(void)
{
	for (int i = 0; i < MAILS; i++) {
		write_file(name("tmp", message(i), ""), O_CREAT | O_EXCL);
		CHECK(rename(name("tmp", message(i), ""), name("new", message(i), "")));
	}
}

static void run_rename(void)
{
	for (int i = 0; i < MAILS; i++)
		CHECK(rename(name("new", message(i), ""), name("cur", message(i), ":2,S")));
}

static void run_unlink(void)
{
	for (int i = 0; i < MAILS; i++)
		CHECK(unlink(name("cur", message(i), ":2,S")));
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

static void prepare_checkout(void)
{
	if (access("git/.git", F_OK))
		RUN("tar", "-xf", (char *)repository, "-C", "git");
	RUN("git", "-C", "git", "update-index", "-q", "--refresh");
}

static void run_checkout(void)
{
	RUN("git", "-C", "git", "checkout", "-q", round_number % 2 ? "before" : "after");
}

/*
 * In this order, as the mails of a round are made by the first of those workloads that work on them. Those without a
 * number of operations are measured as a whole.
 */
static const struct workload {
	const char *name;
	int operations;
	bool clean; /* its files have not been reported before */
	void (*run)(void);
	void (*prepare)(void);
} workloads[] = {
	{"pread", REPEATS, false, run_pread, NULL},
	{"pwrite", REPEATS, false, run_pwrite, NULL},
	{"stat", REPEATS, false, run_stat, NULL},
	{"open-read-close", FILES * 3, false, run_read, NULL},
	{"open-write-close-dirty", FILES, false, run_write, run_write},
	{"open-write-close-clean", FILES, true, run_write, NULL},
	{"deliver", MAILS, true, run_deliver, NULL},
	{"rename", MAILS, true, run_rename, NULL},
	{"unlink", MAILS, true, run_unlink, NULL},
	{"chmod", FILES, true, run_chmod, NULL},
	{"untar", 1, true, run_untar, prepare_untar},
	{"checkout", 1, true, run_checkout, prepare_checkout},
};

/* ---- measuring */

struct moment {
	int64_t elapsed, own, consumer, kernel;
};

static double idle_rate; /* of the consumer's processor time */

static void look(struct moment *moment)
{
	moment->elapsed = elapsed_time();
	moment->consumer = consumer_time();
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

static void measure_idle(void)
{
	struct moment before, after;

	if (!consumer)
		return;
	wait_ms(3 * settle_ms);
	look(&before);
	wait_ms(IDLE_SECONDS * 1000L);
	look(&after);
	idle_rate = (double)(after.consumer - before.consumer) / (double)(after.elapsed - before.elapsed);
	printf("{%s\"workload\": \"idle\", \"round\": 1, \"operations\": %d, \"own\": 0, \"consumer\": %lld, "
	       "\"kernel\": %lld}\n",
	       label, IDLE_SECONDS, (long long)(after.consumer - before.consumer),
	       (long long)(after.kernel - before.kernel));
}

static void show(const struct workload *workload, int64_t own, const struct moment *before, const struct moment *after)
{
	int64_t idle = (int64_t)(idle_rate * (double)(after->elapsed - before->elapsed));

	printf("{%s\"workload\": \"%s\", \"round\": %d, \"operations\": %d, \"own\": %lld, \"consumer\": %lld, "
	       "\"kernel\": %lld}\n",
	       label, workload->name, round_number, workload->operations, (long long)own,
	       (long long)(after->consumer - before->consumer - idle), (long long)(after->kernel - before->kernel));
}

/* What waits to be written is written before, so that each round finds the same. */
static void run_round(const struct workload *workload)
{
	struct moment before, after;
	int64_t own;

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
		show(workload, own, &before, &after);
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
	{"consumer", &consumer, NULL}, {"begin", &begin, NULL},           {"settle", NULL, &settle_ms},
	{"archive", &archive, NULL},   {"repository", &repository, NULL}, {"rounds", NULL, &rounds},
	{"only", &only, NULL},         {"label", &label, NULL},
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

int main(int count, char **arguments)
{
	const char *directory;

	setvbuf(stdout, NULL, _IOLBF, 0);
	directory = parse(count, arguments);
	if (chdir(directory))
		fail(directory);
	memset(block, 'x', sizeof(block));
	make_directories();
	make_files();
	measure_idle();
	for (size_t i = 0; i < sizeof(workloads) / sizeof(*workloads); i++) {
		for (round_number = 0; is_wanted(workloads[i].name) && round_number <= rounds; round_number++)
			run_round(&workloads[i]);
	}
	return 0;
}
