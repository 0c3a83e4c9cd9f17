// SPDX-License-Identifier: GPL-2.0
/* The least that can stand at each opening and each end of a file: what it costs that there is a program at all. */
#include <vmlinux.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

SEC("lsm/file_open")
int at_opening(void *context)
{
	(void)context;
	return 0;
}

SEC("lsm/file_free_security")
int at_end(void *context)
{
	(void)context;
	return 0;
}
