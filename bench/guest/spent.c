// SPDX-License-Identifier: GPL-2.0
/*
 * What a command costs: its own processor time, that of another process meanwhile, and how long it takes.
 *
 *   spent PID COMMAND [ARGUMENT...]
 *
 * Prints three numbers, in ns: own, the other's, elapsed. Ends as the command does.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long elapsed_time(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static long long task_time(const char *pid)
{
	char path[64];
	long long time = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%s/schedstat", pid);
	file = fopen(path, "r");
	if (!file || fscanf(file, "%lld", &time) != 1)
		perror(path);
	if (file)
		fclose(file);
	return time;
}

int main(int count, char **arguments)
{
	long long elapsed = elapsed_time(), other;
	struct rusage used;
	int status;
	pid_t child;

	if (count < 3)
		return 2;
	other = task_time(arguments[1]);
	child = fork();
	if (child == 0) {
		execvp(arguments[2], arguments + 2);
		_exit(127);
	}
	if (child < 0 || wait4(child, &status, 0, &used) < 0)
		return 1;
	elapsed = elapsed_time() - elapsed;
	other = task_time(arguments[1]) - other;
	printf("%lld %lld %lld\n",
	       (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000000LL +
		       (used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1000LL,
	       other, elapsed);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
