// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <ini.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "sentence.h"

enum { K = 1024, M = 1024 * K, G = 1024 * M };

enum config_type {
	CONFIG_PATH, /* absolute */
	CONFIG_NAME,
	CONFIG_PATHS, /* absolute; each value is added */
	CONFIG_NUMBER,
	CONFIG_BYTES,     /* suffix K, M or G */
	CONFIG_SIZE,      /* the same; a power of two */
	CONFIG_SECONDS,   /* suffix s, m, h or d */
	CONFIG_SWITCH,    /* yes or no */
	CONFIG_PRECISION, /* write or open */
};

struct config_option {
	const char *name;
	enum config_type type;
	const char *value; /* the default, NULL: none */
	uint64_t minimum, maximum;
	size_t offset; /* of the member of struct config */
};

static const struct config_option config_options[] = {
	{"state", CONFIG_PATH, "/var/lib/fschanged", 0, 0, offsetof(struct config, state)},
	{"socket", CONFIG_PATH, NULL, 0, 0, offsetof(struct config, socket)},
	{"group", CONFIG_NAME, NULL, 0, 0, offsetof(struct config, group)},
	{"watch", CONFIG_PATHS, NULL, 0, 0, offsetof(struct config, watch)},
	{"ring", CONFIG_SIZE, "32M", 256 * K, G, offsetof(struct config, ring)},
	{"writers", CONFIG_NUMBER, "131072", 1024, 16 * M, offsetof(struct config, writers)},
	{"reported", CONFIG_NUMBER, "131072", 1024, 16 * M, offsetof(struct config, reported)},
	{"operations", CONFIG_NUMBER, "16384", 1024, 4 * M, offsetof(struct config, operations)},
	{"precision", CONFIG_PRECISION, "open", 0, 0, offsetof(struct config, precise)},
	{"batch", CONFIG_NUMBER, "32768", 1024, M, offsetof(struct config, batch)},
	{"keep", CONFIG_SECONDS, "7d", 0, 3650 * 86400ULL, offsetof(struct config, keep)},
	{"limit_age", CONFIG_SECONDS, "0", 0, 3650 * 86400ULL, offsetof(struct config, limit_age)},
	{"limit_size", CONFIG_BYTES, "0", 0, INT64_MAX, offsetof(struct config, limit_size)},
	{"walk", CONFIG_SWITCH, "yes", 0, 0, offsetof(struct config, walk)},
	{.name = NULL},
};

struct suffix {
	char letter;
	uint64_t factor;
};

static const struct suffix size_suffixes[] = {{'K', K}, {'M', M}, {'G', G}, {0, 1}};
static const struct suffix second_suffixes[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {0, 1}};
static const struct suffix no_suffixes[] = {{0, 1}};

/* Digits and at most one of the suffixes. */
static int parse_number(const char *text, const struct suffix *suffix, uint64_t *number)
{
	uint64_t value;
	char *end;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno)
		return -errno;
	while (suffix->letter && suffix->letter != *end)
		suffix++;
	if (end[suffix->letter ? 1 : 0])
		return -EINVAL;
	if (__builtin_mul_overflow(value, suffix->factor, number))
		return -ERANGE;
	return 0;
}

static int set_number(const struct config_option *option, const char *value, uint64_t *member, char **error)
{
	const struct suffix *suffixes = no_suffixes;
	const char *what = "a number";
	uint64_t number = 0;

	if (option->type == CONFIG_SIZE || option->type == CONFIG_BYTES) {
		suffixes = size_suffixes;
		what = "a number of bytes such as 32M";
	} else if (option->type == CONFIG_SECONDS) {
		suffixes = second_suffixes;
		what = "a time such as 90s, 12h or 7d";
	}
	if (parse_number(value, suffixes, &number))
		return sentence(error, -EINVAL, "%s must be %s, not '%s'", option->name, what, value);
	if (number < option->minimum || number > option->maximum)
		return sentence(error, -ERANGE, "%s must be from %" PRIu64 " to %" PRIu64 ", not %s", option->name,
				option->minimum, option->maximum, value);
	if (option->type == CONFIG_SIZE && (number & (number - 1)))
		return sentence(error, -EINVAL, "%s must be a power of two, not %s", option->name, value);
	*member = number;
	return 0;
}

static int set_string(const struct config_option *option, const char *value, char **member, char **error)
{
	char *copy;

	if (!*value)
		return sentence(error, -EINVAL, "%s must not be empty", option->name);
	if (option->type != CONFIG_NAME && *value != '/')
		return sentence(error, -EINVAL, "%s must be an absolute path, not '%s'", option->name, value);
	copy = strdup(value);
	if (!copy)
		return -ENOMEM;
	free(*member);
	*member = copy;
	return 0;
}

static int add_watch(struct config *config, const struct config_option *option, const char *value, char **error)
{
	char **watch = reallocarray(config->watch, config->watch_count + 1, sizeof(*watch));
	int code;

	if (!watch)
		return -ENOMEM;
	config->watch = watch;
	watch[config->watch_count] = NULL;
	code = set_string(option, value, &watch[config->watch_count], error);
	if (code == 0)
		config->watch_count++;
	return code;
}

static const struct {
	const char *off, *on;
} switches[] = {
	[CONFIG_SWITCH] = {"no", "yes"},
	[CONFIG_PRECISION] = {"open", "write"},
};

static int set_switch(const struct config_option *option, const char *value, bool *member, char **error)
{
	const char *on = switches[option->type].on, *off = switches[option->type].off;

	*member = strcmp(value, on) == 0;
	if (!*member && strcmp(value, off) != 0)
		return sentence(error, -EINVAL, "%s must be %s or %s, not '%s'", option->name, on, off, value);
	return 0;
}

static const struct config_option *find_option(const char *name)
{
	for (const struct config_option *option = config_options; option->name; option++) {
		if (strcmp(option->name, name) == 0)
			return option;
	}
	return NULL;
}

int config_set(struct config *config, const char *name, const char *value, char **error)
{
	const struct config_option *option = find_option(name);
	void *member;

	*error = NULL;
	if (!option)
		return sentence(error, -EINVAL, "there is no option '%s'", name);
	member = (char *)config + option->offset;
	switch (option->type) {
	case CONFIG_PATH:
	case CONFIG_NAME:
		return set_string(option, value, member, error);
	case CONFIG_PATHS:
		return add_watch(config, option, value, error);
	case CONFIG_SWITCH:
	case CONFIG_PRECISION:
		return set_switch(option, value, member, error);
	default:
		return set_number(option, value, member, error);
	}
}

int config_init(struct config *config)
{
	char *error;
	int code;

	memset(config, 0, sizeof(*config));
	for (const struct config_option *option = config_options; option->name; option++) {
		if (!option->value)
			continue;
		code = config_set(config, option->name, option->value, &error);
		free(error);
		if (code)
			return code;
	}
	return 0;
}

void config_clear_watch(struct config *config)
{
	for (size_t i = 0; i < config->watch_count; i++)
		free(config->watch[i]);
	free(config->watch);
	config->watch = NULL;
	config->watch_count = 0;
}

void config_free(struct config *config)
{
	config_clear_watch(config);
	free(config->state);
	free(config->socket);
	free(config->group);
	memset(config, 0, sizeof(*config));
}

/* The parser does not tell its handler the line, so the lines are counted as they are read. */
struct reading {
	struct config *config;
	const char *name;
	FILE *file;
	unsigned int line;
	int code;
	char **error;
};

static int fail_line(struct reading *reading, int code, const char *what)
{
	reading->code = code;
	return sentence(reading->error, code, "%s:%u: %s", reading->name, reading->line, what);
}

static char *read_line(char *buffer, int size, void *context)
{
	struct reading *reading = context;
	char *line;

	if (reading->code)
		return NULL;
	line = fgets(buffer, size, reading->file);
	if (!line)
		return NULL;
	reading->line++;
	if (strchr(line, '\n') || feof(reading->file))
		return line;
	fail_line(reading, -E2BIG, "the line is too long");
	return NULL;
}

static int take_value(void *context, const char *section, const char *name, const char *value)
{
	struct reading *reading = context;
	char *what;
	int code;

	if (reading->code)
		return 0;
	if (*section) {
		fail_line(reading, -EINVAL, "sections are not known");
		return 0;
	}
	code = config_set(reading->config, name, value, &what);
	if (code)
		fail_line(reading, code, what ? what : strerror(-code));
	free(what);
	return code == 0;
}

int config_read(struct config *config, const char *file, char **error)
{
	struct reading reading = {.config = config, .name = file, .error = error};
	int line;

	*error = NULL;
	reading.file = fopen(file, "re");
	if (!reading.file)
		return sentence(error, -errno, "%s cannot be read: %s", file, strerror(errno));
	line = ini_parse_stream(read_line, &reading, take_value, &reading);
	if (!reading.code && ferror(reading.file)) {
		reading.code = -EIO;
		sentence(error, -EIO, "%s cannot be read", file);
	} else if (!reading.code && line > 0) {
		reading.line = line;
		fail_line(&reading, -EINVAL, "this is no 'name = value'");
	} else if (!reading.code && line < 0) {
		reading.code = -ENOMEM;
	}
	fclose(reading.file);
	return reading.code;
}
