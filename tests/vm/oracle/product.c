// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "product.h"

#define WORDS_MAX     16
#define REQUEST_BYTES 4096

extern char **environ;

/* main() of the program */
int fschanged_main(int argc, char **argv);

static char *name_in(const struct product *product, const char *name)
{
	char *path;

	return must(asprintf(&path, "%s/%s", product->directory, name) < 0 ? NULL : path);
}

// ---- linked in

/* A request has the name of the file for what the command says, then its words. */
__attribute__((noreturn)) static void run_here(char *request, size_t size)
{
	char *argv[WORDS_MAX] = {(char *)"fschanged"}, *word = request + strlen(request) + 1;
	int argc = 1, said = open(request, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (said < 0 || dup2(said, STDOUT_FILENO) < 0 || dup2(said, STDERR_FILENO) < 0)
		_exit(ANSWER_FAILED);
	for (; word < request + size && argc + 1 < WORDS_MAX; word += strlen(word) + 1)
		argv[argc++] = word;
	exit(fschanged_main(argc, argv));
}

__attribute__((noreturn)) static void serve(int requests)
{
	char request[REQUEST_BYTES];
	ssize_t size;

	while ((size = recv(requests, request, sizeof(request), 0)) > 0) {
		int status = -1;
		pid_t pid = fork();

		if (pid == 0)
			run_here(request, (size_t)size);
		if (pid < 0 || waitpid(pid, &status, 0) != pid || send(requests, &status, sizeof(status), 0) < 0)
			break;
	}
	_exit(0);
}

void product_serve(struct product *product)
{
	int ends[2];

	fflush(NULL);
	must(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) ? NULL : product);
	if (fork() == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(ends[0]);
		serve(ends[1]);
	}
	close(ends[1]);
	product->server = ends[0];
}

static int ask(const struct product *product, const char *said, const char *const words[])
{
	char request[REQUEST_BYTES];
	size_t size = 0;
	int status = -1;

	for (const char *word = said; word; word = *words++) {
		size_t length = strlen(word) + 1;

		if (length > sizeof(request) - size)
			return -1;
		memcpy(request + size, word, length);
		size += length;
	}
	if (send(product->server, request, size, MSG_NOSIGNAL) < 0 ||
	    recv(product->server, &status, sizeof(status), 0) != sizeof(status))
		return -1;
	return status;
}

// ---- executed

static int execute(const struct product *product, const char *said, const char *const words[])
{
	char *argv[WORDS_MAX] = {(char *)product->program};
	posix_spawn_file_actions_t actions;
	int status = -1;
	pid_t pid;

	for (unsigned i = 0; words[i] && i + 2 < WORDS_MAX; i++)
		argv[i + 1] = (char *)words[i];
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 2, said, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	posix_spawn_file_actions_adddup2(&actions, 2, 1);
	if (posix_spawn(&pid, product->program, &actions, NULL, argv, environ) == 0)
		waitpid(pid, &status, 0);
	posix_spawn_file_actions_destroy(&actions);
	return status;
}

int product_run(const struct product *product, const char *const words[])
{
	char *said = name_in(product, "said");
	int status = product->server < 0 ? execute(product, said, words) : ask(product, said, words);

	free(said);
	return WIFEXITED(status) ? WEXITSTATUS(status) : ANSWER_FAILED;
}

/* options: NULL at the end, or none. */
int product_dump(const struct product *product, const char *job, const char *const options[], struct lists *lists)
{
	char *changed = name_in(product, "changed"), *deleted = name_in(product, "deleted");
	const char *words[WORDS_MAX] = {"dump", "--job", job, "-0", "--changed", changed, "--deleted", deleted};
	int status;

	for (unsigned i = 8; options && *options && i + 1 < WORDS_MAX; i++)
		words[i] = *options++;
	status = product_run(product, words);
	if (status == ANSWER_LISTS || status == ANSWER_INCOMPLETE) {
		if (list_read(&lists->changed, changed, &lists->complaint) ||
		    list_read(&lists->deleted, deleted, &lists->complaint))
			status = ANSWER_FAILED;
	}
	free(changed);
	free(deleted);
	return status;
}

char *product_said(const struct product *product)
{
	char *name = name_in(product, "said"), *text = must(calloc(1, 64 << 10));
	int descriptor = open(name, O_RDONLY | O_CLOEXEC);

	if (descriptor >= 0 && read(descriptor, text, (64 << 10) - 1) < 0)
		*text = '\0';
	if (descriptor >= 0)
		close(descriptor);
	free(name);
	return text;
}

void lists_free(struct lists *lists)
{
	list_free(&lists->changed);
	list_free(&lists->deleted);
}
