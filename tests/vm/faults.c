// SPDX-License-Identifier: GPL-2.0
/*
 * Runs a program, counts its system calls, and lets one of them fail, or it and all after it, or kills the program
 * there.
 *
 *   faults K|@SITE+K FAULT once|on FIGURES COMMAND [ARG...]
 *
 * The K-th system call (0: none), or before that the first one from that SITE, does not take place, but returns FAULT:
 * EIO, ENOSPC or ENOMEM; with KILL the program dies before it. Threads and children of the program count as well.
 * FIGURES is a file of numbers of 64 bits, in memory that is shared, so that others can follow: the calls so far, the
 * number of the call that failed first, plus 1, whether it was at the SITE, and how many sites there were, of each of
 * which the name and the call follow, in the order in which they were met. A site is a way through the program to a
 * system call: the call, the instruction and how deep the stack is. Its name, whose lower ten bits are the call's
 * number, is the same in each run where addresses are not random, unless the heap or the time decides what comes there.
 * SIGTERM is passed on. Exit status: that of the program, 128 + N where a signal ended it, 125 where this one failed.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define FAILED     125
#define SITES      16384
#define SITE_SHIFT 10
#define THREADS    64
#define OPTIONS                                                                                                        \
	(PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK)

struct figures {
	_Atomic uint64_t calls, failed, at_site, site_count;
	struct {
		uint64_t name, call;
	} sites[SITES];
};

struct stack {
	pid_t thread;
	uint64_t top; /* where its first call was */
};

struct faults {
	uint64_t at, site;
	struct stack stacks[THREADS];
	unsigned threads;          /* that have begun, without the first one */
	uint64_t known[2 * SITES]; /* by their own value; 0: free */
	int error;                 /* 0: kill */
	bool on;
	struct figures *figures;
	pid_t program, failing; /* failing: the thread whose call is being left out */
};

static pid_t program;

static void pass_on(int number)
{
	kill(program, number);
}

/* These cannot fail: their callers do not come back, or do not look. */
static bool cannot_fail(uint64_t call)
{
	return call == SYS_rt_sigreturn || call == SYS_exit || call == SYS_exit_group || call == SYS_restart_syscall;
}

/* The program's first thread keeps its place; of the others the oldest gives way. */
static uint64_t depth(struct faults *faults, pid_t thread, uint64_t pointer)
{
	struct stack *stack = faults->stacks;

	while (stack < faults->stacks + THREADS && stack->thread != thread)
		stack++;
	if (stack == faults->stacks + THREADS) {
		stack = &faults->stacks[thread == faults->program ? 0 : 1 + faults->threads++ % (THREADS - 1)];
		*stack = (struct stack){thread, pointer};
	}
	return stack->top - pointer;
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * 0x9e3779b97f4a7c15;
	return hash ^ hash >> 29;
}

static uint64_t site_of(struct faults *faults, pid_t thread, const struct __ptrace_syscall_info *info)
{
	uint64_t site = mix(mix(thread != faults->program, info->entry.nr), info->instruction_pointer);

	return (mix(site, depth(faults, thread, info->stack_pointer)) | 1) << SITE_SHIFT | info->entry.nr;
}

static void note_site(struct faults *faults, uint64_t site)
{
	struct figures *figures = faults->figures;
	uint64_t *known = &faults->known[(site >> SITE_SHIFT) / 2 % SITES];

	while (*known && *known != site)
		known++;
	if (*known == site || figures->site_count == SITES)
		return;
	*known = site;
	figures->sites[figures->site_count].name = site;
	figures->sites[figures->site_count++].call = figures->calls;
}

static bool is_wanted(const struct faults *faults, uint64_t call, uint64_t site)
{
	const struct figures *figures = faults->figures;

	if (cannot_fail(call))
		return false;
	if (figures->failed)
		return faults->on;
	return site == faults->site || (faults->at && figures->calls >= faults->at);
}

static void enter(struct faults *faults, pid_t thread, const struct __ptrace_syscall_info *info)
{
	uint64_t site;

	/* The stack is still this program's, and as deep as its own arguments are long. */
	if (info->entry.nr == SYS_execve)
		return;
	site = site_of(faults, thread, info);
	faults->figures->calls++;
	note_site(faults, site);
	if (!is_wanted(faults, info->entry.nr, site))
		return;
	if (!faults->figures->failed) {
		faults->figures->failed = info->entry.nr + 1;
		faults->figures->at_site = site == faults->site;
	}
	if (!faults->error) {
		kill(faults->program, SIGKILL);
		return;
	}
	faults->failing = thread;
	ptrace(PTRACE_POKEUSER, thread, offsetof(struct user_regs_struct, orig_rax), -1L);
}

static void leave(struct faults *faults, pid_t thread)
{
	if (faults->failing != thread)
		return;
	faults->failing = 0;
	ptrace(PTRACE_POKEUSER, thread, offsetof(struct user_regs_struct, rax), (long)-faults->error);
}

static void at_call(struct faults *faults, pid_t thread)
{
	struct __ptrace_syscall_info info = {0};

	if (ptrace(PTRACE_GET_SYSCALL_INFO, thread, sizeof(info), &info) <= 0)
		return;
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
		enter(faults, thread, &info);
	else
		leave(faults, thread);
}

/* The signal that a stopped thread goes on with. */
static int stopped(struct faults *faults, pid_t thread, int status)
{
	int number = WSTOPSIG(status);

	if (number == (SIGTRAP | 0x80)) {
		at_call(faults, thread);
		return 0;
	}
	/* Events of ptrace, and the stop with which a new thread begins. */
	return status >> 16 || number == SIGSTOP || number == SIGTRAP ? 0 : number;
}

static int follow(struct faults *faults)
{
	int status, number;
	pid_t thread;

	for (;;) {
		thread = waitpid(-1, &status, __WALL);
		if (thread < 0 && errno == EINTR)
			continue;
		if (thread < 0)
			return FAILED;
		if (WIFSTOPPED(status)) {
			number = stopped(faults, thread, status);
			ptrace(PTRACE_SYSCALL, thread, 0, (long)number);
		} else if (thread == faults->program) {
			return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
		}
	}
}

static bool start(struct faults *faults, char **command)
{
	int status;

	program = faults->program = fork();
	if (program == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		execv(command[0], command);
		_exit(FAILED);
	}
	return program > 0 && waitpid(program, &status, 0) == program && WIFSTOPPED(status) &&
	       !ptrace(PTRACE_SETOPTIONS, program, 0, OPTIONS) && !ptrace(PTRACE_SYSCALL, program, 0, 0);
}

static bool find_error(const char *name, int *error)
{
	static const struct {
		const char *name;
		int error;
	} errors[] = {{"KILL", 0}, {"EIO", EIO}, {"ENOSPC", ENOSPC}, {"ENOMEM", ENOMEM}};

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (strcmp(name, errors[i].name) == 0) {
			*error = errors[i].error;
			return true;
		}
	return false;
}

static struct figures *share(const char *name)
{
	int file = open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	void *figures = MAP_FAILED;

	if (file >= 0 && !ftruncate(file, sizeof(struct figures)))
		figures = mmap(NULL, sizeof(struct figures), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	if (file >= 0)
		close(file);
	return figures == MAP_FAILED ? NULL : figures;
}

int main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = pass_on};
	static struct faults faults;
	char *at = argc > 1 ? argv[1] : NULL;

	if (argc < 6 || !find_error(argv[2], &faults.error)) {
		fprintf(stderr, "usage: faults K|@SITE+K EIO|ENOSPC|ENOMEM|KILL once|on FIGURES COMMAND [ARG...]\n");
		return 2;
	}
	if (*argv[1] == '@')
		faults.site = strtoull(argv[1] + 1, &at, 10);
	faults.at = strtoull(at, NULL, 10);
	faults.on = strcmp(argv[3], "on") == 0;
	faults.figures = share(argv[4]);
	if (!faults.figures || !start(&faults, argv + 5)) {
		perror("faults");
		return FAILED;
	}
	sigaction(SIGTERM, &action, NULL);
	return follow(&faults);
}
