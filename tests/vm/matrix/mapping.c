// SPDX-License-Identifier: GPL-2.0
/* Stores through mappings: no call tells of them. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "matrix.h"

/* Shared; the descriptor is closed. */
static int map(int protection, char **memory)
{
	autofd fd = opened("file", O_RDWR);

	if (fd < 0)
		return fd;
	*memory = mmap(NULL, SIZE, protection, MAP_SHARED, fd, 0);
	return *memory == MAP_FAILED ? -errno : 0;
}

static int unmap(char *memory)
{
	return result(munmap(memory, SIZE));
}

static int store_before_close(void)
{
	autofd fd = opened("file", O_RDWR);
	char *memory;

	if (fd < 0)
		return fd;
	memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		return -errno;
	memory[0] = 'b';
	return unmap(memory);
}

static int store_after_close(void)
{
	char *memory;
	int error = map(PROT_READ | PROT_WRITE, &memory);

	if (error)
		return error;
	memory[0] = 'b';
	return result(msync(memory, SIZE, MS_SYNC)) ?: unmap(memory);
}

static int store_through_mprotect(void)
{
	char *memory;
	int error = map(PROT_READ, &memory) ?: result(mprotect(memory, SIZE, PROT_READ | PROT_WRITE));

	if (error)
		return error;
	memory[0] = 'b';
	return unmap(memory);
}

static char *inherited;

static int store(void)
{
	inherited[0] = 'b';
	return 0;
}

static int store_in_child(void)
{
	int error = map(PROT_READ | PROT_WRITE, &inherited);

	return error ? error : in_child(store) ?: unmap(inherited);
}

/* The kernel stores: what it reads from another file goes straight into the mapping's pages. */
static int read_into(int flags)
{
	autofd other = opened("other", O_RDONLY | flags);
	char *memory;
	int error = other < 0 ? other : map(PROT_READ | PROT_WRITE, &memory);

	if (error)
		return error;
	return result(pread(other, memory, PIECE, 0)) ?: unmap(memory);
}

static int read_into_mapping(void)
{
	return read_into(0);
}

static int read_into_mapping_directly(void)
{
	return read_into(O_DIRECT);
}

/* ---- over a cut: stored to in the first window, so that its page can be written to without a fault in the second */

static char *stored, *untouched, *protected;

static int map_and_store(void)
{
	int error = map(PROT_READ | PROT_WRITE, &stored);

	if (error)
		return error;
	stored[0] = 'b';
	return 0;
}

static int store_again(void)
{
	stored[0] = 'c';
	return unmap(stored);
}

static int map_only(void)
{
	return map(PROT_READ | PROT_WRITE, &untouched);
}

static int store_first(void)
{
	untouched[0] = 'c';
	return unmap(untouched);
}

static int map_reading(void)
{
	return map(PROT_READ, &protected);
}

static int unprotect_and_store(void)
{
	int error = result(mprotect(protected, SIZE, PROT_READ | PROT_WRITE));

	if (error)
		return error;
	protected[0] = 'c';
	return unmap(protected);
}

const struct operation mapping_operations[] = {
	{"map-store-before-close", make_file, store_before_close, .listed = "changed file"},
	{"map-store-after-close", make_file, store_after_close, .listed = "changed file"},
	{"map-store-through-mprotect", make_file, store_through_mprotect, .listed = "changed file"},
	{"map-store-in-child", make_file, store_in_child, .listed = "changed file"},
	{"map-read-into", make_two, read_into_mapping, .listed = "changed file, absent other"},
	{"map-read-into-directly", make_two, read_into_mapping_directly, .listed = "changed file, absent other"},
	{"map-store-after-cut", make_file, map_and_store, store_again, .listed = "changed file",
	 .listed_again = "changed file"},
	{"map-first-store-after-cut", make_file, map_only, store_first, .listed = "", .listed_again = "changed file"},
	{"map-mprotect-after-cut", make_file, map_reading, unprotect_and_store, .listed = "",
	 .listed_again = "changed file"},
	{NULL},
};
