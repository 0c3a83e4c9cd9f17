// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "certificate.h"
#include "host.h"
#include "fresh.h"
#include "gap.h"
#include "moment.h"
#include "new_file.h"
#include "sentence.h"

enum { CERTIFICATE_FORMAT = 1 };

struct certificate {
	const struct list_options *options;
	struct new_file file;
	json_t *windows;
	json_t *coverage; /* what was traced, each for the windows in a row that have it */
	char *traced;     /* the last of these, as the store has it */
	json_t *gaps;
	json_t *reasons;
};

/* Details and paths may have any bytes. */
static json_t *text(const char *bytes)
{
	json_t *string;
	char *copy;

	if (!bytes)
		return json_null();
	string = json_string(bytes);
	if (string)
		return string;
	copy = strdup(bytes);
	for (char *byte = copy; byte && *byte; byte++)
		*byte = *byte & 0x80 ? '?' : *byte;
	string = copy ? json_string(copy) : NULL;
	free(copy);
	return string;
}

static json_t *moment(int64_t nanoseconds)
{
	char iso[MOMENT_BYTES];

	return nanoseconds ? json_string(moment_iso(nanoseconds, iso)) : json_null();
}

int certificate_new(struct certificate **result, const struct list_options *options, char **error)
{
	struct certificate *certificate = calloc(1, sizeof(*certificate));

	*result = certificate;
	if (!certificate)
		return -ENOMEM;
	certificate->options = options;
	certificate->windows = json_array();
	certificate->coverage = json_array();
	certificate->gaps = json_array();
	certificate->reasons = json_array();
	return new_file_check(&certificate->file, options->certificate, error);
}

void certificate_free(struct certificate *certificate, bool failed)
{
	if (!certificate)
		return;
	new_file_free(&certificate->file, failed);
	json_decref(certificate->windows);
	json_decref(certificate->coverage);
	json_decref(certificate->gaps);
	json_decref(certificate->reasons);
	free(certificate->traced);
	free(certificate);
}

static void add_coverage(struct certificate *certificate, const struct store_window *window)
{
	size_t count = json_array_size(certificate->coverage);
	json_t *last = count ? json_array_get(certificate->coverage, count - 1) : NULL, *row;
	json_int_t number = (json_int_t)window->number;

	if (last && strcmp(certificate->traced, window->coverage) == 0) {
		json_object_set_new(last, "last", json_integer(number));
		return;
	}
	row = json_loads(window->coverage, 0, NULL);
	if (!row)
		return;
	free(certificate->traced);
	certificate->traced = strdup(window->coverage);
	json_object_set_new(row, "first", json_integer(number));
	json_object_set_new(row, "last", json_integer(number));
	json_array_append_new(certificate->coverage, row);
}

void certificate_add_window(struct certificate *certificate, const struct store_window *window)
{
	json_array_append_new(certificate->windows,
			      json_pack("{s:I, s:o, s:o, s:b, s:{s:I, s:I}}", "window", (json_int_t)window->number,
					"opened", moment(window->opened), "closed", moment(window->closed),
					"clock_steady", window->steady, "events", "kernel",
					(json_int_t)window->submitted, "committed", (json_int_t)window->events));
	if (window->coverage)
		add_coverage(certificate, window);
}

static const char *repaired_by(const struct store_gap *gap)
{
	if (!gap->repaired)
		return NULL;
	return gap_cover(gap->reason) == GAP_COVERED ? "nothing was missed" : "scan";
}

void certificate_add_gap(struct certificate *certificate, const struct store_gap *gap, const char *mount_point)
{
	json_array_append_new(certificate->gaps,
			      json_pack("{s:s, s:o, s:o, s:o, s:o, s:I, s:I, s:b, s:o}", "reason", gap->reason,
					"detail", text(gap->detail), "filesystem", text(mount_point), "started",
					moment(gap->started), "ended", moment(gap->ended), "first",
					(json_int_t)gap->first, "last", (json_int_t)gap->last, "repaired",
					gap->repaired, "repaired_by", text(repaired_by(gap))));
}

void certificate_add_reason(struct certificate *certificate, const char *sentence)
{
	json_array_append_new(certificate->reasons, text(sentence));
}

int certificate_withdraw(struct certificate *certificate, char **error)
{
	if (certificate->file.standard || unlink(certificate->file.target) == 0 || errno == ENOENT)
		return 0;
	return sentence(error, -errno, "%s cannot be replaced: %s", certificate->file.target, strerror(errno));
}

/* What every certificate has, whatever the verdict. */
static json_t *begin(const struct list_options *options, enum list_verdict verdict)
{
	json_t *document = host_describe();

	json_object_update_new(document, json_pack("{s:i, s:o, s:o, s:s}", "certificate", CERTIFICATE_FORMAT, "made",
						   moment(moment_now()), "job", text(options->job), "verdict",
						   list_verdict_word(verdict)));
	return document;
}

static int write_document(struct new_file *file, json_t *document, char **error)
{
	int code = document ? new_file_open(file, error) : -ENOMEM;

	if (!code && json_dumpf(document, file->stream, JSON_INDENT(2)) < 0)
		code = -EIO;
	if (!code && fputc('\n', file->stream) == EOF)
		code = -errno;
	if (!code)
		code = new_file_sync(file);
	if (!code)
		code = new_file_publish(file, error);
	json_decref(document);
	if (code && !*error)
		sentence(error, 0, "the certificate cannot be written to %s: %s", file->target, strerror(-code));
	return code;
}

static json_t *describe_list(const char *file, uint64_t paths)
{
	return file ? json_pack("{s:o, s:I}", "file", text(file), "paths", (json_int_t)paths) : json_null();
}

int certificate_publish(struct certificate *certificate, const struct list_result *result, bool refined, char **error)
{
	const struct list_options *options = certificate->options;
	json_t *document = begin(options, result->verdict);

	json_object_set_new(document, "fresh", json_null());
	json_object_set_new(document, "first", json_integer((json_int_t)options->first));
	json_object_set_new(document, "last", json_integer((json_int_t)options->last));
	json_object_set(document, "windows", certificate->windows);
	json_object_set(document, "coverage", certificate->coverage);
	json_object_set(document, "gaps", certificate->gaps);
	json_object_set(document, "incomplete", certificate->reasons);
	json_object_set_new(document, "refined", json_boolean(refined));
	json_object_set_new(document, "relative_to", text(options->relative_to));
	json_object_set_new(document, "changed", describe_list(options->changed, result->changed));
	json_object_set_new(document, "deleted", describe_list(options->deleted, result->deleted));
	return write_document(&certificate->file, document, error);
}

int certificate_refuse(const struct list_options *options, const char *reason, int64_t since, char **error)
{
	struct new_file file = {0};
	int code = new_file_check(&file, options->certificate, error);
	json_t *document;

	if (code)
		return code;
	document = begin(options, LIST_FRESH);
	json_object_set_new(document, "fresh",
			    json_pack("{s:s, s:s, s:o}", "reason", reason, "detail", fresh_sentence(reason), "since",
				      moment(since * NANOSECONDS)));
	code = write_document(&file, document, error);
	new_file_free(&file, code != 0);
	return code;
}
