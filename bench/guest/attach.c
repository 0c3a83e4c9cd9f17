// SPDX-License-Identifier: GPL-2.0
/*
 * Attaches all programs of an object, says so by a line, and keeps them until it is killed.
 *
 *   attach OBJECT
 */
#include <bpf/libbpf.h>
#include <stdio.h>
#include <unistd.h>

static int attach(struct bpf_object *object)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, object) if (!bpf_program__attach(program)) return -1;
	return 0;
}

int main(int argc, char **argv)
{
	struct bpf_object *object;

	if (argc != 2) {
		fprintf(stderr, "usage: attach OBJECT\n");
		return 2;
	}
	libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
	object = bpf_object__open_file(argv[1], NULL);
	if (!object || bpf_object__load(object) || attach(object)) {
		perror(argv[1]);
		return 1;
	}
	puts("attached");
	fflush(stdout);
	pause();
	return 0;
}
