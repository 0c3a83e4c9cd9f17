// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <jansson.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "control.h"
#include "jobs.h"
#include "report.h"
#include "sentence.h"
#include "tail.h"
#include "walk.h"

enum {
	BACKLOG = 64,
	REQUEST_BYTES = 64 * 1024,
	CLIENTS = 256,
	ANSWER_TIMEOUT = 5, /* seconds for a client to take its answer */
};

struct peer {
	struct control *control;
	struct peer *next;
	sd_event_source *source;
	int descriptor;
	size_t used;
	bool tails;
	struct tail tail;
	char request[REQUEST_BYTES];
};

struct control {
	struct collector *collector;
	sd_event *loop;
	sd_event_source *source;
	char *path;
	int descriptor;
	size_t count;
	struct peer *peers;
};

/* An answer's members beside "ok"; or NULL with *error (freed by the caller) a sentence. */
typedef json_t *handler(struct peer *peer, const json_t *request, char **error);

static json_t *handle_status(struct peer *peer, const json_t *request, char **error)
{
	(void)request;
	(void)error;
	return json_pack("{s:o}", "status", report_status(peer->control->collector));
}

/* What only people want is there while anybody does. */
static int update_tails(struct control *control)
{
	bool any = false, every = false;

	for (const struct peer *peer = control->peers; peer; peer = peer->next) {
		any |= peer->tails;
		every |= peer->tails && peer->tail.every;
	}
	tracer_show_commands(control->collector->tracer, any);
	return tracer_show_every(control->collector->tracer, every);
}

static json_t *handle_tail(struct peer *peer, const json_t *request, char **error)
{
	if (tail_read(&peer->tail, request, error))
		return NULL;
	peer->tails = true;
	if (update_tails(peer->control))
		sentence(error, 0,
			 "the hooks for every write cannot be attached: this kernel does that once for a set of "
			 "programs; set 'precision = write', or run 'fschanged detach' between two collectors");
	return *error ? NULL : json_object();
}

/* Asks for what is in the ring to be in the store: for lists that include the open window. */
static json_t *handle_flush(struct peer *peer, const json_t *request, char **error)
{
	struct collector *collector = peer->control->collector;

	(void)request;
	if (collector_collect(collector, true)) {
		sentence(error, 0, "the database cannot be written: %s", store_error(collector->store));
		return NULL;
	}
	return json_object();
}

static json_t *handle_walk(struct peer *peer, const json_t *request, char **error)
{
	return walk_answer(peer->control->collector, peer, request, error);
}

static const struct {
	const char *name;
	handler *handle; /* or */
	json_t *(*job)(struct collector *collector, const json_t *request, char **error);
} requests[] = {
	{"status", handle_status, NULL}, {"tail", handle_tail, NULL},   {"flush", handle_flush, NULL},
	{"walk", handle_walk, NULL},     {"mark", NULL, jobs_mark},     {"cut", NULL, jobs_cut},
	{"pend", NULL, jobs_pend},       {"commit", NULL, jobs_commit}, {"drop", NULL, jobs_drop},
};

static json_t *answer(struct peer *peer, const char *line)
{
	json_t *request __attribute__((cleanup(json_decrefp))) = json_loads(line, 0, NULL);
	const char *name = json_string_value(json_object_get(request, "request"));
	char *error = NULL;
	json_t *result = NULL;

	for (size_t i = 0; name && i < sizeof(requests) / sizeof(*requests); i++) {
		if (strcmp(requests[i].name, name) != 0)
			continue;
		if (requests[i].job)
			result = requests[i].job(peer->control->collector, request, &error);
		else
			result = requests[i].handle(peer, request, &error);
		break;
	}
	if (result) {
		json_object_set_new(result, "ok", json_true());
		return result;
	}
	result = json_pack("{s:b, s:s, s:i}", "ok", 0, "error",
			   error ? error : "the collector does not know this request", "exit", 1);
	free(error);
	return result;
}

static void close_peer(struct peer *peer)
{
	struct control *control = peer->control;
	struct peer **link = &control->peers;

	while (*link != peer)
		link = &(*link)->next;
	*link = peer->next;
	control->count--;
	sd_event_source_unref(peer->source);
	close(peer->descriptor);
	if (peer->tails)
		update_tails(control);
	tail_free(&peer->tail);
	walk_abandon(control->collector, peer);
	free(peer);
}

static int send_all(int descriptor, const char *bytes, size_t length, int flags)
{
	while (length > 0) {
		ssize_t sent = send(descriptor, bytes, length, flags | MSG_NOSIGNAL);

		if (sent < 0)
			return -errno;
		bytes += sent;
		length -= sent;
	}
	return 0;
}

static int send_answer(struct peer *peer, json_t *object)
{
	char *text = json_dumps(object, JSON_COMPACT);
	int code = text ? send_all(peer->descriptor, text, strlen(text), 0) : -ENOMEM;

	free(text);
	json_decref(object);
	return code ? code : send_all(peer->descriptor, "\n", 1, 0);
}

static int answer_lines(struct peer *peer)
{
	char *end;

	while ((end = memchr(peer->request, '\n', peer->used))) {
		size_t length = end - peer->request + 1;
		int code;

		*end = '\0';
		code = send_answer(peer, answer(peer, peer->request));
		if (code)
			return code;
		peer->used -= length;
		memmove(peer->request, end + 1, peer->used);
	}
	return peer->used == sizeof(peer->request) ? -EMSGSIZE : 0;
}

static int on_peer(sd_event_source *source, int descriptor, uint32_t events, void *context)
{
	struct peer *peer = context;
	ssize_t bytes;

	(void)source;
	(void)events;
	bytes = recv(descriptor, peer->request + peer->used, sizeof(peer->request) - peer->used, MSG_DONTWAIT);
	if (bytes < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (bytes > 0)
		peer->used += bytes;
	if (bytes <= 0 || answer_lines(peer))
		close_peer(peer);
	return 0;
}

static int on_connection(sd_event_source *source, int descriptor, uint32_t events, void *context)
{
	const struct timeval timeout = {.tv_sec = ANSWER_TIMEOUT};
	struct control *control = context;
	struct peer *peer;
	int connection = accept4(descriptor, NULL, NULL, SOCK_CLOEXEC);

	(void)source;
	(void)events;
	if (connection < 0)
		return 0;
	peer = control->count < CLIENTS ? calloc(1, sizeof(*peer)) : NULL;
	if (!peer || sd_event_add_io(control->loop, &peer->source, connection, EPOLLIN, on_peer, peer) < 0) {
		free(peer);
		close(connection);
		return 0;
	}
	setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	peer->control = control;
	peer->descriptor = connection;
	peer->next = control->peers;
	control->peers = peer;
	control->count++;
	return 0;
}

/* A line goes whole or not at all: half of one would make nonsense of the next. */
static bool send_line(struct peer *peer, const char *line)
{
	size_t length = strlen(line);
	ssize_t sent = send(peer->descriptor, line, length, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (sent < 0)
		return false;
	return send_all(peer->descriptor, line + sent, length - sent, 0) == 0;
}

static void show_dropped(struct peer *peer)
{
	char *line = tail_dropped_line(peer->tail.dropped);

	if (line && send_line(peer, line))
		peer->tail.dropped = 0;
	free(line);
}

static void observe(const struct event *event, const char *command, const char *path, void *context)
{
	struct control *control = context;

	for (struct peer *peer = control->peers; peer; peer = peer->next) {
		char *line;

		/* What has no command happened before anybody asked. */
		if (!peer->tails || !command)
			continue;
		line = tail_line(&peer->tail, &control->collector->coverage, event, command, path);
		if (!line)
			continue;
		if (peer->tail.dropped)
			show_dropped(peer);
		if (peer->tail.dropped || !send_line(peer, line))
			peer->tail.dropped++;
		free(line);
	}
}

static int make_directory(const char *path, char **error)
{
	char *copy = strdup(path);
	const char *directory = copy ? dirname(copy) : NULL;
	int code = 0;

	if (!directory)
		code = -ENOMEM;
	else if (mkdir(directory, 0755) && errno != EEXIST)
		code = sentence(error, -errno, "the directory of the socket, %s, cannot be made: %s", directory,
				strerror(errno));
	free(copy);
	return code;
}

static int set_group(const char *path, const char *name, char **error)
{
	struct group *group;

	if (!name)
		return chmod(path, 0600) ? -errno : 0;
	/* cppcheck-suppress getgrnamCalled ; there is one thread */
	group = getgrnam(name);
	if (!group)
		return sentence(error, -ENOENT, "there is no group %s for the socket", name);
	return chown(path, -1, group->gr_gid) || chmod(path, 0660) ? -errno : 0;
}

static int listen_on(struct control *control, char **error)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int code = make_directory(control->path, error);

	if (code)
		return code;
	if (strlen(control->path) >= sizeof(address.sun_path))
		return sentence(error, -ENAMETOOLONG, "the path of the socket, %s, is longer than %zu bytes",
				control->path, sizeof(address.sun_path) - 1);
	memcpy(address.sun_path, control->path, strlen(control->path));
	control->descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (control->descriptor < 0)
		return -errno;
	/* The lock on the state is ours: nobody else answers here, what is left of another collector may go. */
	unlink(control->path);
	umask(0077);
	if (bind(control->descriptor, (struct sockaddr *)&address, sizeof(address)) ||
	    listen(control->descriptor, BACKLOG))
		return sentence(error, -errno, "the socket %s cannot be opened: %s", control->path, strerror(errno));
	return set_group(control->path, control->collector->config->group, error);
}

int control_open(struct control **result, struct collector *collector, sd_event *loop, char **error)
{
	struct control *control = calloc(1, sizeof(*control));
	int code;

	if (!control)
		return -ENOMEM;
	*result = control;
	control->collector = collector;
	control->loop = loop;
	control->descriptor = -1;
	control->path = strdup(collector->config->socket);
	if (!control->path)
		return -ENOMEM;
	code = listen_on(control, error);
	if (code)
		return code;
	collector->observe = observe;
	collector->observer = control;
	return sd_event_add_io(loop, &control->source, control->descriptor, EPOLLIN, on_connection, control);
}

void control_close(struct control *control)
{
	if (!control)
		return;
	control->collector->observe = NULL;
	for (struct peer *peer = control->peers, *next; peer; peer = next) {
		next = peer->next;
		close_peer(peer);
	}
	sd_event_source_unref(control->source);
	if (control->descriptor >= 0) {
		unlink(control->path);
		close(control->descriptor);
	}
	free(control->path);
	free(control);
}

bool control_is_watched(const struct control *control)
{
	for (const struct peer *peer = control->peers; peer; peer = peer->next)
		if (peer->tails)
			return true;
	return false;
}
