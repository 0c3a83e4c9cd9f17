// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base64.h"
#include "client.h"
#include "directory.h"

/* A server that takes one connection, reads a line and answers with fixed bytes. */
struct server {
	char directory[DIRECTORY_BYTES], path[128];
	const char *answer; /* NULL: never answers */
	char request[256];
	int listener;
	bool one_by_one; /* bytes of the answer */
	pthread_t thread;
};

static void read_request(struct server *server, int connection)
{
	size_t length = 0;

	while (length < sizeof(server->request) - 1 && read(connection, server->request + length, 1) == 1) {
		if (server->request[length++] == '\n')
			break;
	}
	server->request[length] = '\0';
}

static void send_answer(const struct server *server, int connection)
{
	size_t length = strlen(server->answer), step = server->one_by_one ? 1 : length;

	for (size_t sent = 0; sent < length; sent += step)
		assert_int_equal(send(connection, server->answer + sent, step, MSG_NOSIGNAL), step);
}

static void *serve(void *context)
{
	struct server *server = context;
	int connection = accept(server->listener, NULL, NULL);
	char byte;

	read_request(server, connection);
	if (server->answer)
		send_answer(server, connection);
	else
		while (read(connection, &byte, 1) > 0)
			;
	close(connection);
	return NULL;
}

static int set_up(void **state)
{
	struct server *server = calloc(1, sizeof(*server));
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	directory_make(server->directory, "/tmp");
	snprintf(server->path, sizeof(server->path), "%s/control.sock", server->directory);
	strcpy(address.sun_path, server->path);
	server->listener = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(server->listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(server->listener, 1), 0);
	*state = server;
	return 0;
}

static int tear_down(void **state)
{
	struct server *server = *state;

	close(server->listener);
	directory_remove(server->directory);
	free(server);
	return 0;
}

static struct client *start(struct server *server, const char *answer)
{
	struct client *client = NULL;
	char *error = NULL;

	server->answer = answer;
	assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
	assert_int_equal(client_connect(&client, server->path, &error), 0);
	assert_null(error);
	return client;
}

static void stop(struct server *server, struct client *client)
{
	client_close(client);
	pthread_join(server->thread, NULL);
}

static json_t *request(void)
{
	return json_pack("{s:s}", "request", "status");
}

/* The answer is an error with this code; the sentence contains `part`. */
static void expect_error(struct server *server, const char *text, int timeout, int code, const char *part)
{
	struct client *client = start(server, text);
	json_t *answer = NULL;
	char *error = NULL;

	assert_int_equal(client_request(client, request(), timeout, &answer, &error), code);
	assert_non_null(strstr(error, part));
	if (code == -EREMOTEIO)
		assert_int_equal(json_integer_value(json_object_get(answer, "exit")), 4);
	else
		assert_null(answer);
	json_decref(answer);
	free(error);
	stop(server, client);
}

static void answer_is_read(void **state)
{
	struct server *server = *state;
	struct client *client;
	json_t *answer = NULL;
	char *error = NULL;

	server->one_by_one = true;
	client = start(server, "{\"ok\":true,\"window\":7}\n");
	assert_int_equal(client_request(client, request(), 5000, &answer, &error), 0);
	assert_null(error);
	assert_int_equal(json_integer_value(json_object_get(answer, "window")), 7);
	json_decref(answer);
	stop(server, client);
	assert_string_equal(server->request, "{\"request\":\"status\"}\n");
}

static void one_request_has_a_connection_of_its_own(void **state)
{
	struct server *server = *state;
	json_t *answer;
	char *error = NULL;

	server->answer = "{\"ok\":true,\"window\":7}\n";
	assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
	assert_int_equal(client_ask(server->path, request(), &answer, &error), 0);
	pthread_join(server->thread, NULL);
	assert_string_equal(server->request, "{\"request\":\"status\"}\n");
	assert_int_equal(json_integer_value(json_object_get(answer, "window")), 7);
	json_decref(answer);
	unlink(server->path);
	assert_int_equal(client_ask(server->path, request(), &answer, &error), -ENOENT);
	assert_null(answer);
	assert_non_null(error);
	free(error);
}

static void stream_follows_the_answer(void **state)
{
	struct client *client = start(*state, "{\"ok\":true}\n{\"event\":1}\n{\"event\":2}\n");
	json_t *object = NULL;
	char *error = NULL;

	assert_int_equal(client_request(client, request(), 5000, &object, &error), 0);
	json_decref(object);
	for (int i = 1; i <= 2; i++) {
		assert_int_equal(client_next(client, 5000, &object), 1);
		assert_int_equal(json_integer_value(json_object_get(object, "event")), i);
		json_decref(object);
	}
	assert_int_equal(client_next(client, 5000, &object), 0);
	assert_null(object);
	stop(*state, client);
}

static void long_answer_is_read(void **state)
{
	enum { BYTES = 1 << 20 };
	char *text = malloc(BYTES + 64);
	struct client *client;
	json_t *answer = NULL;
	char *error = NULL;
	size_t length = sprintf(text, "{\"ok\":true,\"text\":\"");

	memset(text + length, 'x', BYTES);
	strcpy(text + length + BYTES, "\"}\n");
	client = start(*state, text);
	assert_int_equal(client_request(client, request(), 5000, &answer, &error), 0);
	assert_int_equal(json_string_length(json_object_get(answer, "text")), BYTES);
	json_decref(answer);
	stop(*state, client);
	free(text);
}

static void refusal_carries_sentence_and_status(void **state)
{
	expect_error(*state, "{\"ok\":false,\"error\":\"there is no job x\",\"exit\":4}\n", 5000, -EREMOTEIO,
		     "there is no job x");
}

static void closed_before_the_answer(void **state)
{
	expect_error(*state, "", 5000, -ECONNRESET, "went away before it answered");
}

static void half_an_answer(void **state)
{
	expect_error(*state, "{\"ok\":true", 5000, -ECONNRESET, "went away before it answered");
}

static void no_json(void **state)
{
	expect_error(*state, "220 mail ready\n", 5000, -EPROTO, "not a collector of this version");
}

static void no_object(void **state)
{
	expect_error(*state, "[1]\n", 5000, -EPROTO, "not a collector of this version");
}

static void object_without_ok(void **state)
{
	expect_error(*state, "{\"window\":1}\n", 5000, -EPROTO, "not a collector of this version");
}

static void no_answer_in_time(void **state)
{
	expect_error(*state, NULL, 100, -ETIMEDOUT, "has not answered within 1 s");
}

static void expect_no_connection(const char *path, int code, const char *part)
{
	struct client *client;
	char *error = NULL;

	assert_int_equal(client_connect(&client, path, &error), code);
	assert_null(client);
	assert_non_null(strstr(error, part));
	free(error);
}

static void nobody_listens(void **state)
{
	struct server *server = *state;

	close(server->listener);
	expect_no_connection(server->path, -ECONNREFUSED, "no collector answers at ");
	unlink(server->path);
	expect_no_connection(server->path, -ENOENT, "start it with 'systemctl start fschanged'");
	server->listener = -1;
}

static void path_longer_than_an_address(void **state)
{
	struct server *server = *state;
	char path[512], name[101];
	struct client *client = NULL;
	char *error = NULL;

	memset(name, 'd', 100);
	name[100] = '\0';
	snprintf(path, sizeof(path), "%s/%s", server->directory, name);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/%s/../control.sock", server->directory, name);
	assert_int_equal(client_connect(&client, path, &error), 0);
	client_close(client);
	snprintf(path, sizeof(path), "%s/%s", server->directory, name);
	rmdir(path);
}

static void expect_base64(const char *bytes, size_t length, const char *text)
{
	char *encoded = base64_encode(bytes, length), *decoded;
	size_t decoded_length;

	assert_string_equal(encoded, text);
	decoded = base64_decode(text, &decoded_length);
	assert_int_equal(decoded_length, length);
	assert_memory_equal(decoded, bytes, length);
	free(encoded);
	free(decoded);
}

static void base64_there_and_back(void **state)
{
	size_t length;

	(void)state;
	expect_base64("", 0, "");
	expect_base64("f", 1, "Zg==");
	expect_base64("fo", 2, "Zm8=");
	expect_base64("foo", 3, "Zm9v");
	expect_base64("\xff\x00\x80\xfe", 4, "/wCA/g==");
	assert_null(base64_decode("Zg=", &length));
	assert_null(base64_decode("Z!==", &length));
	assert_null(base64_decode("Zg==Zg==", &length));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(answer_is_read),
		TEST(one_request_has_a_connection_of_its_own),
		TEST(stream_follows_the_answer),
		TEST(long_answer_is_read),
		TEST(refusal_carries_sentence_and_status),
		TEST(closed_before_the_answer),
		TEST(half_an_answer),
		TEST(no_json),
		TEST(no_object),
		TEST(object_without_ok),
		TEST(no_answer_in_time),
		TEST(nobody_listens),
		TEST(path_longer_than_an_address),
		cmocka_unit_test(base64_there_and_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
