// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base64.h"
#include "decode.h"
#include "moment.h"
#include "tail.h"
#include "sentence.h"

enum { HOST_PATH_BYTES = 2 * PATH_MAX, TIME_BYTES = 40 };

static int read_operations(struct tail *tail, const json_t *names, char **error)
{
	const json_t *name;
	size_t index;

	json_array_foreach(names, index, name)
	{
		const char *wanted = json_string_value(name);
		enum operation operation = 0;

		while (operation < OPERATION_COUNT && (!wanted || strcmp(operation_name(operation), wanted) != 0))
			operation++;
		if (operation == OPERATION_COUNT)
			return sentence(error, -EINVAL, "there is no operation '%s'", wanted ? wanted : "");
		tail->operations |= 1U << operation;
	}
	return 0;
}

static char *copy_string(const json_t *request, const char *key)
{
	const char *value = json_string_value(json_object_get(request, key));

	return value ? strdup(value) : NULL;
}

int tail_read(struct tail *tail, const json_t *request, char **error)
{
	*tail = (struct tail){
		.every = json_is_true(json_object_get(request, "every")),
		.path = copy_string(request, "path"),
		.command = copy_string(request, "command"),
		.pid = json_integer_value(json_object_get(request, "pid")),
	};
	return read_operations(tail, json_object_get(request, "operations"), error);
}

void tail_free(struct tail *tail)
{
	free(tail->path);
	free(tail->command);
	*tail = (struct tail){0};
}

static bool is_wanted(const struct tail *tail, const struct event *event, const char *command, const char *path)
{
	if (event->flags & EVENT_REPEATED && !tail->every)
		return false;
	if (tail->operations && !(tail->operations & 1U << event->operation))
		return false;
	if (tail->pid && tail->pid != event->pid && tail->pid != event->tid)
		return false;
	if (tail->command && strncmp(tail->command, command, COMMAND_BYTES - 1) != 0)
		return false;
	return !tail->path || fnmatch(tail->path, path, 0) == 0;
}

static const char *event_time(const struct event *event, char text[TIME_BYTES])
{
	int64_t moment = moment_now() - (moment_of_boot() - (int64_t)event->time);
	time_t seconds = moment / NANOSECONDS;
	struct tm parts;
	size_t length;

	gmtime_r(&seconds, &parts);
	length = strftime(text, TIME_BYTES, "%Y-%m-%dT%H:%M:%S", &parts);
	snprintf(text + length, TIME_BYTES - length, ".%06ldZ", (long)(moment % NANOSECONDS / 1000));
	return text;
}

/* Names are bytes, JSON is UTF-8: what is not goes by the key with _base64. */
static void set_text(json_t *object, const char *key, const char *text, size_t length)
{
	char encoded_key[32];
	char *encoded;

	if (json_object_set_new(object, key, json_stringn(text, length)) == 0)
		return;
	encoded = base64_encode(text, length);
	snprintf(encoded_key, sizeof(encoded_key), "%s_base64", key);
	json_object_set_new(object, encoded_key, json_string(encoded ? encoded : ""));
	free(encoded);
}

static char *finish_line(json_t *object)
{
	char *text = json_dumps(object, JSON_COMPACT);
	char *line = NULL;

	json_decref(object);
	if (text && asprintf(&line, "%s\n", text) < 0)
		line = NULL;
	free(text);
	return line;
}

char *tail_line(const struct tail *tail, const struct coverage *coverage, const struct event *event,
		const char *command, const char *path)
{
	const struct mount *mount = coverage_mount(coverage, event->device, path);
	char host_path[HOST_PATH_BYTES], time[TIME_BYTES];
	json_t *object;

	/* What no mount shows has no path on the host; then its path inside the filesystem says most. */
	if (!mount || mount_to_host(mount, path, strlen(path), host_path, sizeof(host_path)) < 0)
		snprintf(host_path, sizeof(host_path), "%s", path);
	if (!is_wanted(tail, event, command, host_path))
		return NULL;
	object = json_object();
	json_object_set_new(object, "time", json_string(event_time(event, time)));
	json_object_set_new(object, "operation", json_string(operation_name(event->operation)));
	json_object_set_new(object, "pid", json_integer(event->pid));
	json_object_set_new(object, "tid", json_integer(event->tid));
	json_object_set_new(object, "uid", json_integer(event->uid));
	set_text(object, "command", command, strnlen(command, COMMAND_BYTES));
	set_text(object, "path", host_path, strlen(host_path));
	json_object_set_new(object, "window", json_integer(event->epoch));
	json_object_set_new(object, "repeated", json_boolean(event->flags & EVENT_REPEATED));
	json_object_set_new(object, "carried", json_boolean(event->flags & EVENT_CARRIED));
	return finish_line(object);
}

char *tail_dropped_line(uint64_t dropped)
{
	return finish_line(json_pack("{s:I}", "dropped", (json_int_t)dropped));
}
