// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "product.h"

#define WORDS_MAX 16

extern char **environ;

static char *name_in(const struct product *product, const char *name)
{
	char *path;

	return must(asprintf(&path, "%s/%s", product->directory, name) < 0 ? NULL : path);
}

int product_run(const struct product *product, const char *const words[])
{
	char *said = name_in(product, "said"), *argv[WORDS_MAX] = {(char *)product->program};
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
	free(said);
	return WIFEXITED(status) ? WEXITSTATUS(status) : ANSWER_FAILED;
}

int product_dump(const struct product *product, const char *job, bool pending, struct lists *lists)
{
	char *changed = name_in(product, "changed"), *deleted = name_in(product, "deleted");
	const char *const words[] = {
		"dump", "--job", job, "-0", "--changed", changed, "--deleted", deleted, pending ? "--pending" : NULL,
		NULL};
	int status = product_run(product, words);

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
