// SPDX-License-Identifier: GPL-2.0
/* kernel.ftrace_enabled is watched: what it is, and what was written between two looks. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <cmocka.h>

#include "directory.h"
#include "ftrace.h"

static char directory[DIRECTORY_BYTES];
static char setting[DIRECTORY_BYTES + sizeof("/setting")];

int __real_open(const char *path, int flags, ...);

/* In place of the kernel's setting. */
int __wrap_open(const char *path, int flags, ...)
{
	assert_string_equal(path, "/proc/sys/kernel/ftrace_enabled");
	return __real_open(setting, flags);
}

int __real_inotify_add_watch(int descriptor, const char *path, uint32_t mask);

int __wrap_inotify_add_watch(int descriptor, const char *path, uint32_t mask)
{
	assert_string_equal(path, "/proc/sys/kernel/ftrace_enabled");
	return __real_inotify_add_watch(descriptor, setting, mask);
}

static void set(char value)
{
	int file = __real_open(setting, O_WRONLY);

	assert_true(file >= 0);
	assert_int_equal(write(file, &value, 1), 1);
	close(file);
}

static int set_up(void **state)
{
	static struct ftrace ftrace;

	directory_make(directory, "/tmp");
	snprintf(setting, sizeof(setting), "%s/setting", directory);
	run_command("printf 1 >'%s'", setting);
	assert_int_equal(ftrace_open(&ftrace), 0);
	*state = &ftrace;
	return 0;
}

static int tear_down(void **state)
{
	ftrace_close(*state);
	directory_remove(directory);
	return 0;
}

static void on_all_the_time(void **state)
{
	assert_false(ftrace_was_off(*state));
	assert_false(ftrace_was_off(*state));
}

static void off(void **state)
{
	set('0');
	assert_true(ftrace_was_off(*state));
	assert_true(ftrace_was_off(*state));
	set('1');
	assert_true(ftrace_was_off(*state));
	assert_false(ftrace_was_off(*state));
}

static void off_between_two_looks(void **state)
{
	set('0');
	set('1');
	assert_true(ftrace_was_off(*state));
	assert_false(ftrace_was_off(*state));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(on_all_the_time),
		TEST(off),
		TEST(off_between_two_looks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
