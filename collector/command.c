// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "command.h"
#include "message.h"
#include "new_file.h"

int command_ask(const struct options *options, json_t *request, json_t **answer)
{
	char *error = NULL;
	int status = EXIT_DONE;
	int code = client_ask(options->config.socket, request, answer, &error);

	if (code) {
		status = json_integer_value(json_object_get(*answer, "exit"));
		message(LOG_ERR, "%s", error ? error : strerror(-code));
		json_decref(*answer);
		*answer = NULL;
		status = status ? status : EXIT_FAILED;
	}
	free(error);
	return status;
}

int command_open_store(const struct options *options, struct store **store)
{
	const char *directory = options->config.state;
	int code = store_open(store, directory, STORE_READ);

	if (code == 0)
		return EXIT_DONE;
	if (code == -ENOENT)
		message(LOG_ERR, "there is no database in %s: no collector has run with this state yet", directory);
	else if (code == -EACCES || code == -EPERM)
		message(LOG_ERR, "the database in %s cannot be read: only root may read it", directory);
	else
		message(LOG_ERR, "the database in %s cannot be read: %s", directory,
			*store ? store_error(*store) : strerror(-code));
	store_close(*store);
	*store = NULL;
	return EXIT_FAILED;
}

int command_fail_store(const struct store *store, int code)
{
	message(LOG_ERR, "the database cannot be read: %s (%s)", store_error(store), strerror(-code));
	return EXIT_FAILED;
}

json_t *command_json_text(const char *text)
{
	json_t *string;
	char *copy;

	if (!text)
		return json_string("");
	string = json_string(text);
	if (string)
		return string;
	copy = strdup(text);
	for (char *byte = copy; byte && *byte; byte++)
		*byte = *byte & 0x80 ? '?' : *byte;
	string = json_string(copy);
	free(copy);
	return string;
}

int command_read_base(const char *file, char base[BASE_BYTES])
{
	FILE *stream = fopen(file, "re");

	base[0] = '\0';
	if (!stream && errno == ENOENT)
		return EXIT_DONE;
	if (!stream || (!fgets(base, BASE_BYTES, stream) && ferror(stream))) {
		message(LOG_ERR, "the base of the backup cannot be read from %s: %s", file, strerror(errno));
		if (stream)
			fclose(stream);
		return EXIT_FAILED;
	}
	fclose(stream);
	base[strcspn(base, "\n")] = '\0';
	return EXIT_DONE;
}

int command_write_base(const char *file, const char *base)
{
	struct new_file new = {0};
	char *error = NULL;
	int code = new_file_check(&new, file, &error);

	if (!code)
		code = new_file_open(&new, &error);
	if (!code && fprintf(new.stream, "%s\n", base) < 0)
		code = -errno;
	if (!code)
		code = new_file_sync(&new);
	if (!code)
		code = new_file_publish(&new, &error);
	if (code)
		message(LOG_ERR, "the base of the backup cannot be written to %s: %s", file,
			error ? error : strerror(-code));
	free(error);
	new_file_free(&new, false);
	return code ? EXIT_FAILED : EXIT_DONE;
}

int command_print_json(json_t *document)
{
	int code = document ? json_dumpf(document, stdout, JSON_INDENT(2)) : -1;

	json_decref(document);
	putchar('\n');
	if (code == 0)
		return EXIT_DONE;
	message(LOG_ERR, "the answer cannot be written as JSON");
	return EXIT_FAILED;
}
