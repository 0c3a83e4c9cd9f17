// SPDX-License-Identifier: GPL-2.0
/*
 * Runs a program, counts its system calls, and lets one of them fail, or it and all after it, or kills the program
 * there.
 *
 *   faults FIGURES COMMAND [ARG...]
 *
 * FIGURES is a file in memory that is shared with who says what is to happen: struct figures. Where a fault is wanted,
 * the first call that can have it does not take place, but returns the error; with no error the program dies before it.
 * That is the first call from a site that has not had this fault, or from the one site that is wanted. Threads and
 * children of the program count as well. The sites stay from one program to the next.
 *
 * A site is a way through the program to a system call: the call, the instruction and how deep the stack is. Its name,
 * whose lower ten bits are the call's number, is the same in each run where addresses are not random, unless the heap
 * or the time decides what comes there.
 *
 * SIGTERM is passed on. Exit status: that of the program, 128 + N where a signal ended it, 125 where this one failed.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define FAILED     125
#define SITES      32768 /* half of them are used at most */
#define SITE_SHIFT 10
#define THREADS    64
#define OPTIONS                                                                                                        \
	(PTRACE_O_TRACESECCOMP | PTRACE_O_EXITKILL | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK)

/* faults.py knows it as well. */
struct figures {
	_Atomic uint64_t fault;        /* wanted: 1 and up, by which sites remember that they had it; 0: none */
	uint64_t error;                /* 0: kill */
	uint64_t on;                   /* that call and all after it, until none is wanted */
	uint64_t pass;                 /* so many calls that could have it are let pass */
	uint64_t site;                 /* 0: any that has not had it */
	_Atomic uint64_t thrown, call; /* at which site, 0: nowhere; and at which call of the program */
	_Atomic uint64_t calls;        /* of this program */
	uint64_t site_count;
	struct site {
		uint64_t name, had; /* had: a bit for each fault */
	} sites[SITES];
};

struct stack {
	pid_t thread;
	uint64_t top; /* where its first call was */
};

struct faults {
	struct stack stacks[THREADS];
	unsigned threads; /* that have begun, without the first one */
	struct figures *figures;
	pid_t program;
};

static pid_t program;

static void pass_on(int number)
{
	kill(program, number);
}

/*
 * These cannot fail: their callers do not come back, or do not look. A futex of one process's own fails with none of
 * these errors (futex(2)); one who waits would wait for ever. At execve() the stack is still this program's, and as
 * deep as its own arguments are long.
 */
static const uint32_t CANNOT_FAIL[] = {SYS_rt_sigreturn,    SYS_exit,  SYS_exit_group,
				       SYS_restart_syscall, SYS_futex, SYS_execve};
enum { CANNOT_FAIL_COUNT = sizeof(CANNOT_FAIL) / sizeof(*CANNOT_FAIL) };

/* Lets this process, and whatever it becomes, stop for its tracer before each call but these. */
static bool stop_at_calls(void)
{
	struct sock_filter code[CANNOT_FAIL_COUNT + 3] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))};
	struct sock_fprog filter = {CANNOT_FAIL_COUNT + 3, code};

	for (uint8_t i = 0; i < CANNOT_FAIL_COUNT; i++)
		code[1 + i] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, CANNOT_FAIL[i],
							   CANNOT_FAIL_COUNT - i, 0);
	code[1 + CANNOT_FAIL_COUNT] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
	code[2 + CANNOT_FAIL_COUNT] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	return !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter);
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

static uint64_t name_of(struct faults *faults, pid_t thread, const struct __ptrace_syscall_info *info)
{
	uint64_t name = mix(mix(thread != faults->program, info->seccomp.nr), info->instruction_pointer);

	return (mix(name, depth(faults, thread, info->stack_pointer)) | 1) << SITE_SHIFT | info->seccomp.nr;
}

/* NULL: there are too many. */
static struct site *find_site(struct figures *figures, uint64_t name)
{
	struct site *site = &figures->sites[(name >> SITE_SHIFT) % SITES];

	while (site->name && site->name != name)
		site = site + 1 < figures->sites + SITES ? site + 1 : figures->sites;
	if (site->name)
		return site;
	if (figures->site_count >= SITES / 2)
		return NULL;
	figures->site_count++;
	site->name = name;
	return site;
}

static bool is_wanted(struct figures *figures, const struct site *site)
{
	if (!figures->fault || !site)
		return false;
	if (figures->thrown)
		return figures->on;
	if (figures->site ? site->name != figures->site : site->had >> figures->fault & 1)
		return false;
	return !figures->pass || !figures->pass--;
}

/* The kernel leaves a call out whose number is -1 by now, and returns what stands there as its result (seccomp(2)). */
static void fail(pid_t thread, uint64_t error)
{
	ptrace(PTRACE_POKEUSER, thread, offsetof(struct user_regs_struct, orig_rax), -1L);
	ptrace(PTRACE_POKEUSER, thread, offsetof(struct user_regs_struct, rax), -(long)error);
}

static void at_call(struct faults *faults, pid_t thread)
{
	struct figures *figures = faults->figures;
	struct __ptrace_syscall_info info = {0};
	struct site *site;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, thread, sizeof(info), &info) <= 0)
		return;
	site = find_site(figures, name_of(faults, thread, &info));
	figures->calls++;
	if (!is_wanted(figures, site))
		return;
	if (!figures->thrown) {
		site->had |= 1ULL << figures->fault;
		figures->call = figures->calls;
		figures->thrown = site->name;
	}
	if (figures->error)
		fail(thread, figures->error);
	else
		kill(faults->program, SIGKILL);
}

/* The signal that a stopped thread goes on with: none after events of ptrace, and the stop of a new thread. */
static int stopped(struct faults *faults, pid_t thread, int status)
{
	int number = WSTOPSIG(status);

	if (status >> 8 == (SIGTRAP | PTRACE_EVENT_SECCOMP << 8))
		at_call(faults, thread);
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
			ptrace(PTRACE_CONT, thread, 0, (long)number);
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
		if (stop_at_calls())
			execv(command[0], command);
		_exit(FAILED);
	}
	return program > 0 && waitpid(program, &status, 0) == program && WIFSTOPPED(status) &&
	       !ptrace(PTRACE_SETOPTIONS, program, 0, OPTIONS) && !ptrace(PTRACE_CONT, program, 0, 0);
}

static struct figures *share(const char *name)
{
	int file = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
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

	if (argc < 3) {
		fprintf(stderr, "usage: faults FIGURES COMMAND [ARG...]\n");
		return 2;
	}
	faults.figures = share(argv[1]);
	if (faults.figures)
		faults.figures->calls = 0;
	if (!faults.figures || !start(&faults, argv + 2)) {
		perror("faults");
		return FAILED;
	}
	sigaction(SIGTERM, &action, NULL);
	return follow(&faults);
}
