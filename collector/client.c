// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "client.h"
#include "sentence.h"

enum {
	READ_BYTES = 1 << 16,
	LINE_BYTES = 1 << 24, /* more is no answer */
};

struct client {
	int descriptor;
	char *path;
	char *buffer;
	size_t size, start, end; /* what is read but not taken: start to end */
};

static int64_t milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static int connect_address(int descriptor, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t length = strlen(path);

	if (length >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, length);
	return connect(descriptor, (struct sockaddr *)&address, sizeof(address)) ? -errno : 0;
}

/* A long path is reached through a descriptor of its directory. */
static int connect_long(int descriptor, const char *path)
{
	char *copy = strdup(path), *base = copy ? strrchr(copy, '/') : NULL, *name = NULL;
	int directory = -1, code = -ENOMEM;

	if (!copy)
		goto out;
	code = -ENAMETOOLONG;
	if (!base)
		goto out;
	*base++ = '\0';
	directory = open(*copy ? copy : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	code = -errno;
	if (directory < 0)
		goto out;
	code = -ENOMEM;
	if (asprintf(&name, "/proc/self/fd/%d/%s", directory, base) < 0) {
		name = NULL;
		goto out;
	}
	code = connect_address(descriptor, name);
out:
	if (directory >= 0)
		close(directory);
	free(name);
	free(copy);
	return code;
}

static int explain_connect(const char *path, int code, char **error)
{
	switch (code) {
	case -ENOENT:
	case -ENOTDIR:
	case -ECONNREFUSED:
		return sentence(
			error, code,
			"no collector answers at %s; start it with 'systemctl start fschanged' or 'fschanged collect'",
			path);
	case -EACCES:
	case -EPERM:
		return sentence(error, code,
				"%s cannot be used: only root and the group of the socket may talk to the collector",
				path);
	default:
		return sentence(error, code, "the collector at %s cannot be reached: %s", path, strerror(-code));
	}
}

int client_connect(struct client **result, const char *path, char **error)
{
	struct client *client = calloc(1, sizeof(*client));
	int code = -ENOMEM;

	*result = NULL;
	*error = NULL;
	if (!client)
		return code;
	client->descriptor = -1;
	client->path = strdup(path);
	if (!client->path)
		goto out;
	client->descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	code = client->descriptor < 0 ? -errno : connect_address(client->descriptor, path);
	if (code == -ENAMETOOLONG)
		code = connect_long(client->descriptor, path);
	if (code)
		explain_connect(path, code, error);
out:
	if (code)
		client_close(client);
	else
		*result = client;
	return code;
}

void client_close(struct client *client)
{
	if (!client)
		return;
	if (client->descriptor >= 0)
		close(client->descriptor);
	free(client->path);
	free(client->buffer);
	free(client);
}

/* Makes room for READ_BYTES behind what is there. */
static int make_room(struct client *client)
{
	size_t size;
	char *buffer;

	if (client->start)
		memmove(client->buffer, client->buffer + client->start, client->end - client->start);
	client->end -= client->start;
	client->start = 0;
	if (client->size - client->end >= READ_BYTES)
		return 0;
	size = client->end + READ_BYTES;
	if (size > LINE_BYTES)
		return -EPROTO;
	buffer = realloc(client->buffer, size * 2);
	if (!buffer)
		return -ENOMEM;
	client->buffer = buffer;
	client->size = size * 2;
	return 0;
}

static int wait_readable(struct client *client, int64_t deadline)
{
	struct pollfd descriptor = {.fd = client->descriptor, .events = POLLIN};
	int64_t left = CLIENT_FOREVER;
	int ready;

	if (deadline != CLIENT_FOREVER) {
		left = deadline - milliseconds();
		left = left < 0 ? 0 : left;
	}
	ready = poll(&descriptor, 1, left);
	if (ready < 0)
		return -errno;
	return ready ? 0 : -ETIMEDOUT;
}

/* Reads what is there: bytes, 0 at the end, -errno. */
static ssize_t fill(struct client *client, int64_t deadline)
{
	ssize_t bytes;
	int code = client->buffer ? 0 : make_room(client);

	if (code == 0)
		code = wait_readable(client, deadline);
	if (code == 0 && client->size == client->end)
		code = make_room(client);
	if (code)
		return code;
	bytes = read(client->descriptor, client->buffer + client->end, client->size - client->end);
	if (bytes < 0)
		return errno == ECONNRESET ? 0 : -errno;
	client->end += bytes;
	return bytes;
}

int client_next(struct client *client, int timeout, json_t **object)
{
	int64_t deadline = timeout == CLIENT_FOREVER ? CLIENT_FOREVER : milliseconds() + timeout;
	size_t searched = 0;
	ssize_t bytes;
	char *line, *newline;

	*object = NULL;
	for (;;) {
		line = client->buffer + client->start;
		newline = client->end - client->start > searched
				  ? memchr(line + searched, '\n', client->end - client->start - searched)
				  : NULL;
		if (newline)
			break;
		searched = client->end - client->start;
		bytes = fill(client, deadline);
		if (bytes <= 0)
			return bytes;
	}
	client->start += newline + 1 - line;
	*object = json_loadb(line, newline - line, JSON_REJECT_DUPLICATES, NULL);
	if (json_is_object(*object))
		return 1;
	json_decref(*object);
	*object = NULL;
	return -EPROTO;
}

static int send_line(struct client *client, const json_t *request)
{
	char *text = json_dumps(request, JSON_COMPACT);
	size_t length, sent = 0;
	ssize_t bytes = 0;

	if (!text)
		return -ENOMEM;
	length = strlen(text);
	text[length++] = '\n'; /* in place of the NUL: length counts */
	while (sent < length) {
		bytes = send(client->descriptor, text + sent, length - sent, MSG_NOSIGNAL);
		if (bytes < 0 && errno != EINTR)
			break;
		sent += bytes < 0 ? 0 : bytes;
	}
	bytes = sent < length ? -errno : 0;
	free(text);
	return bytes;
}

static int explain_answer(const struct client *client, int code, int timeout, char **error)
{
	switch (code) {
	case 0:
	case -EPIPE:
	case -ECONNRESET:
		return sentence(error, -ECONNRESET, "the collector at %s went away before it answered", client->path);
	case -ETIMEDOUT:
		return sentence(error, code, "the collector at %s has not answered within %d s", client->path,
				(timeout + 999) / 1000);
	case -EPROTO:
		return sentence(error, code, "what answers at %s is not a collector of this version", client->path);
	default:
		return sentence(error, code, "the collector at %s: %s", client->path, strerror(-code));
	}
}

/* What the answer itself says. */
static int judge(const struct client *client, const json_t *answer, int timeout, char **error)
{
	const json_t *ok = json_object_get(answer, "ok");
	const char *refusal = json_string_value(json_object_get(answer, "error"));

	if (json_is_true(ok))
		return 0;
	if (json_is_false(ok) && refusal)
		return sentence(error, -EREMOTEIO, "%s", refusal);
	return explain_answer(client, -EPROTO, timeout, error);
}

int client_request(struct client *client, json_t *request, int timeout, json_t **answer, char **error)
{
	int code = request ? send_line(client, request) : -ENOMEM;

	json_decref(request);
	*answer = NULL;
	*error = NULL;
	if (code == 0)
		code = client_next(client, timeout, answer);
	if (code <= 0)
		return explain_answer(client, code, timeout, error);
	code = judge(client, *answer, timeout, error);
	if (code && code != -EREMOTEIO) {
		json_decref(*answer);
		*answer = NULL;
	}
	return code;
}

int client_ask(const char *path, json_t *request, json_t **answer, char **error)
{
	struct client *client = NULL;
	int code = client_connect(&client, path, error);

	*answer = NULL;
	if (code)
		json_decref(request);
	else
		code = client_request(client, request, CLIENT_TIMEOUT, answer, error);
	client_close(client);
	return code;
}
