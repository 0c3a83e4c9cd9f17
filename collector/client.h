/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The commands' side of the control socket. A request is one JSON object on a line, {"request": NAME, …}; its answer is
 * {"ok": true, …} or {"ok": false, "error": SENTENCE, "exit": STATUS}. Some requests go on with a stream of objects.
 *
 * Where a function takes `error` and fails, *error (caller frees) is a sentence, or NULL where memory has run out.
 */
#ifndef FSCHANGED_CLIENT_H
#define FSCHANGED_CLIENT_H

#include <jansson.h>

struct client;

enum {
	CLIENT_TIMEOUT = 60 * 1000, /* milliseconds; a cut takes one second, or twenty where a processor rests */
	CLIENT_FOREVER = -1,
};

/* The path may be longer than a socket's address can be. */
int client_connect(struct client **client, const char *path, char **error);
void client_close(struct client *client);

/*
 * Sends the request, whose reference it takes, and waits for the answer. 0: *answer (caller decrefs) is {"ok": true,
 * …}. -EREMOTEIO: the collector refuses; *answer is set, *error is what it says. Else -errno, *answer is NULL.
 */
int client_request(struct client *client, json_t *request, int timeout, json_t **answer, char **error);
/* The same of one request, over a connection of its own. */
int client_ask(const char *path, json_t *request, json_t **answer, char **error);

/* The next object of a stream. 1: *object is set; 0: the collector has closed it; -EINTR after a signal; -errno. */
int client_next(struct client *client, int timeout, json_t **object);

#endif
