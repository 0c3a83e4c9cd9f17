// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "config.h"
#include "options.h"

static int set_up(void **state)
{
	struct config *config = malloc(sizeof(*config));

	*state = config;
	return config ? config_init(config) : -1;
}

static int tear_down(void **state)
{
	config_free(*state);
	free(*state);
	return 0;
}

/* Reads a file of this text; the sentence without the name of the file is compared. */
static void expect_read(struct config *config, const char *text, int code, const char *sentence)
{
	char name[] = "/tmp/test_config.XXXXXX";
	int descriptor = mkstemp(name);
	char *error = NULL;

	assert_true(descriptor >= 0);
	assert_int_equal(write(descriptor, text, strlen(text)), strlen(text));
	close(descriptor);
	assert_int_equal(config_read(config, name, &error), code);
	unlink(name);
	if (sentence) {
		assert_non_null(error);
		assert_string_equal(error + strlen(name), sentence);
	} else {
		assert_null(error);
	}
	free(error);
}

static void expect_refused(struct config *config, const char *name, const char *value, const char *sentence)
{
	char *error = NULL;

	assert_int_not_equal(config_set(config, name, value, &error), 0);
	assert_string_equal(error, sentence);
	free(error);
}

static void expect_set(struct config *config, const char *name, const char *value)
{
	char *error = NULL;

	assert_int_equal(config_set(config, name, value, &error), 0);
	assert_null(error);
}

static void defaults_need_no_file(void **state)
{
	const struct config *config = *state;

	assert_string_equal(config->state, "/var/lib/fschanged");
	assert_null(config->socket);
	assert_null(config->group);
	assert_int_equal(config->watch_count, 0);
	assert_int_equal(config->ring, 32 << 20);
	assert_int_equal(config->writers, 131072);
	assert_int_equal(config->reported, 131072);
	assert_int_equal(config->operations, 16384);
	assert_int_equal(config->batch, 32768);
	assert_int_equal(config->keep, 7 * 86400);
}

static void file_sets_options(void **state)
{
	struct config *config = *state;

	expect_read(config,
		    "# a comment\n"
		    "state = /srv/state\n"
		    "watch = /home\n"
		    "watch = /var/mail of all\n"
		    "ring = 64M\n"
		    "keep = 12h\n"
		    "group = backup",
		    0, NULL);
	assert_string_equal(config->state, "/srv/state");
	assert_string_equal(config->group, "backup");
	assert_int_equal(config->watch_count, 2);
	assert_string_equal(config->watch[0], "/home");
	assert_string_equal(config->watch[1], "/var/mail of all");
	assert_int_equal(config->ring, 64 << 20);
	assert_int_equal(config->keep, 12 * 3600);
}

static void empty_file_is_valid(void **state)
{
	expect_read(*state, "", 0, NULL);
}

static void absent_file_is_told_apart(void **state)
{
	char *error = NULL;

	assert_int_equal(config_read(*state, "/nowhere/fschanged.conf", &error), -ENOENT);
	assert_string_equal(error, "/nowhere/fschanged.conf cannot be read: No such file or directory");
	free(error);
}

static void error_names_file_and_line(void **state)
{
	expect_read(*state, "batch = 1024\n\nwatches = /home\n", -EINVAL, ":3: there is no option 'watches'");
	expect_read(*state, "batch = 1024\nring = 3M\nstate = x\n", -EINVAL, ":2: ring must be a power of two, not 3M");
	expect_read(*state, "batch\n", -EINVAL, ":1: this is no 'name = value'");
	expect_read(*state, "[collect]\nbatch = 1024\n", -EINVAL, ":2: sections are not known");
}

static void too_long_line_is_refused(void **state)
{
	char text[16384] = "watch = /";

	memset(text + strlen(text), 'a', sizeof(text) - strlen(text) - 1);
	expect_read(*state, text, -E2BIG, ":1: the line is too long");
}

static void numbers_have_suffixes_and_limits(void **state)
{
	struct config *config = *state;

	expect_set(config, "ring", "256K");
	assert_int_equal(config->ring, 256 << 10);
	expect_set(config, "ring", "1G");
	assert_int_equal(config->ring, 1 << 30);
	expect_set(config, "keep", "90");
	assert_int_equal(config->keep, 90);
	expect_set(config, "keep", "0");
	assert_int_equal(config->keep, 0);
	expect_refused(config, "ring", "128K", "ring must be from 262144 to 1073741824, not 128K");
	expect_refused(config, "ring", "2G", "ring must be from 262144 to 1073741824, not 2G");
	expect_refused(config, "ring", "-1", "ring must be a number of bytes such as 32M, not '-1'");
	expect_refused(config, "ring", "32MB", "ring must be a number of bytes such as 32M, not '32MB'");
	expect_refused(config, "ring", "99999999999999999999",
		       "ring must be a number of bytes such as 32M, not "
		       "'99999999999999999999'");
	expect_refused(config, "ring", "99999999999999999G",
		       "ring must be a number of bytes such as 32M, not "
		       "'99999999999999999G'");
	expect_refused(config, "keep", "7w", "keep must be a time such as 90s, 12h or 7d, not '7w'");
	expect_refused(config, "batch", "4K", "batch must be a number, not '4K'");
	expect_refused(config, "batch", "", "batch must be a number, not ''");
	assert_int_equal(config->ring, 1 << 30);
}

static void switches_have_two_words(void **state)
{
	struct config config;

	(void)state;
	assert_int_equal(config_init(&config), 0);
	assert_true(config.walk && !config.precise);
	expect_set(&config, "walk", "no");
	expect_set(&config, "precision", "write");
	assert_true(!config.walk && config.precise);
	expect_set(&config, "precision", "open");
	assert_false(config.precise);
	expect_refused(&config, "walk", "write", "walk must be yes or no, not 'write'");
	expect_refused(&config, "precision", "yes", "precision must be write or open, not 'yes'");
	config_free(&config);
}

static void paths_are_absolute(void **state)
{
	expect_refused(*state, "watch", "home", "watch must be an absolute path, not 'home'");
	expect_refused(*state, "state", "", "state must not be empty");
	assert_int_equal(((struct config *)*state)->watch_count, 0);
}

static void watch_can_be_replaced(void **state)
{
	struct config *config = *state;

	expect_set(config, "watch", "/a");
	config_clear_watch(config);
	expect_set(config, "watch", "/b");
	assert_int_equal(config->watch_count, 1);
	assert_string_equal(config->watch[0], "/b");
}

static void job_names(void **state)
{
	char name[130];

	(void)state;
	memset(name, 'a', sizeof(name));
	name[128] = '\0';
	assert_null(options_refuse_job(name));
	name[128] = 'a';
	name[129] = '\0';
	assert_non_null(options_refuse_job(name));
	assert_null(options_refuse_job("nightly tape, Köln"));
	assert_non_null(options_refuse_job(""));
	assert_non_null(options_refuse_job("a/b"));
	assert_non_null(options_refuse_job("a\nb"));
	assert_non_null(options_refuse_job("a\x7f"));
	assert_non_null(options_refuse_job("a\xff"));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(defaults_need_no_file),
		TEST(file_sets_options),
		TEST(empty_file_is_valid),
		TEST(absent_file_is_told_apart),
		TEST(error_names_file_and_line),
		TEST(too_long_line_is_refused),
		TEST(numbers_have_suffixes_and_limits),
		TEST(switches_have_two_words),
		TEST(paths_are_absolute),
		TEST(watch_can_be_replaced),
		cmocka_unit_test(job_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
