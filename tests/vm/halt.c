// SPDX-License-Identifier: GPL-2.0
/*
 * Halts the collector at steps of its next cut.
 *
 *   halt PID STEP MARK GO...
 *
 * A step is one in which the collector goes over what is open or under way in the kernel: it makes an iterator of the
 * kernel's. When it is about to begin the STEPth (from 1), MARK is made, and the collector waits until GO exists; then
 * as many further ones on. Exit status 0: it has waited; 1: it could not be halted. To be killed when the cut is over,
 * if there are no more steps.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAUSE = 10000 /* microseconds */ };

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void make(const char *path)
{
	int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	if (file < 0)
		fail(path);
	close(file);
}

static bool is_step(pid_t program)
{
	struct __ptrace_syscall_info call;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, program, sizeof(call), &call) < 0)
		fail("what it calls");
	return call.op == PTRACE_SYSCALL_INFO_ENTRY && call.entry.nr == SYS_bpf &&
	       call.entry.args[0] == BPF_ITER_CREATE;
}

/* To the next beginning or end of a system call. */
static void go_on(pid_t program)
{
	int status, signal = 0;

	do {
		if (ptrace(PTRACE_SYSCALL, program, NULL, signal) || waitpid(program, &status, __WALL) != program ||
		    !WIFSTOPPED(status))
			fail("going on");
		signal = WSTOPSIG(status) == (SIGTRAP | 0x80) || status >> 16 ? 0 : WSTOPSIG(status);
	} while (WSTOPSIG(status) != (SIGTRAP | 0x80));
}

static void halt(pid_t program, int steps, const char *mark, const char *go)
{
	for (; steps; steps -= is_step(program))
		go_on(program);
	make(mark);
	while (access(go, F_OK))
		usleep(PAUSE);
}

int main(int argc, char **argv)
{
	pid_t program;
	int status;

	if (argc < 5 || argc % 3 != 2)
		return 2;
	program = atoi(argv[1]);
	if (ptrace(PTRACE_SEIZE, program, NULL, PTRACE_O_TRACESYSGOOD) ||
	    ptrace(PTRACE_INTERRUPT, program, NULL, NULL) || waitpid(program, &status, __WALL) != program)
		fail("the collector");
	for (char **at = argv + 2; *at; at += 3)
		halt(program, atoi(at[0]), at[1], at[2]);
	if (ptrace(PTRACE_DETACH, program, NULL, NULL))
		fail("letting it go");
	return 0;
}
