// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include <jansson.h>

#include "base64.h"
#include "format.h"

static int stream_error(FILE *out)
{
	if (!ferror(out))
		return 0;
	return errno ? -errno : -EIO;
}

static bool is_control(unsigned char byte)
{
	return byte < 0x20 || byte == 0x7f;
}

int format_escaped(FILE *out, const char *name, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		unsigned char byte = (unsigned char)name[i];

		if (byte == '\\')
			fputs("\\\\", out);
		else if (byte == '\n')
			fputs("\\n", out);
		else if (is_control(byte))
			fprintf(out, "\\%03o", byte);
		else
			putc(byte, out);
	}
	return stream_error(out);
}

static int write_line(FILE *out, const struct sorted *entry, enum list_kind kind, bool escape)
{
	(void)kind;
	if (escape)
		format_escaped(out, entry->path, entry->length);
	else if (memchr(entry->path, '\n', entry->length))
		return -EILSEQ;
	else
		fwrite(entry->path, 1, entry->length, out);
	putc('\n', out);
	return stream_error(out);
}

static int write_nul(FILE *out, const struct sorted *entry, enum list_kind kind, bool escape)
{
	(void)kind, (void)escape;
	fwrite(entry->path, 1, entry->length, out);
	putc('\0', out);
	return stream_error(out);
}

static int set_path(json_t *object, const struct sorted *entry)
{
	json_t *path = json_stringn(entry->path, entry->length); /* NULL: not UTF-8 */
	char *encoded;
	int failed;

	if (path)
		return json_object_set_new(object, "path", path);
	encoded = base64_encode(entry->path, entry->length);
	if (!encoded)
		return -1;
	failed = json_object_set_new(object, "path_base64", json_string(encoded));
	free(encoded);
	return failed;
}

static json_t *type_name(uint32_t mode)
{
	static const struct {
		mode_t type;
		const char *name;
	} types[] = {
		{S_IFREG, "file"},    {S_IFDIR, "directory"}, {S_IFLNK, "symlink"},   {S_IFIFO, "fifo"},
		{S_IFSOCK, "socket"}, {S_IFBLK, "block"},     {S_IFCHR, "character"},
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if ((mode & S_IFMT) == types[i].type)
			return json_string(types[i].name);
	return json_null();
}

static json_t *operation_names(uint32_t operations)
{
	static const char *const names[] = {
#define X(constant, bit, name, names) [bit] = name,
		OPERATIONS(X)
#undef X
	};
	json_t *array = json_array();

	for (size_t bit = 0; bit < sizeof(names) / sizeof(names[0]); bit++)
		if (names[bit] && operations >> bit & 1)
			json_array_append_new(array, json_string(names[bit]));
	return array;
}

static json_t *time_text(int64_t seconds)
{
	char text[64];
	time_t time = (time_t)seconds;
	struct tm parts;

	if (!seconds || !gmtime_r(&time, &parts))
		return json_null();
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts);
	return json_string(text);
}

static int write_json(FILE *out, const struct sorted *entry, enum list_kind kind, bool escape)
{
	json_t *object = json_object();
	int failed;

	(void)escape;
	failed = !object || set_path(object, entry) ||
		 json_object_set_new(object, "list", json_string(kind == LIST_CHANGED ? "changed" : "deleted")) ||
		 json_object_set_new(object, "type", type_name(entry->mode)) ||
		 json_object_set_new(object, "operations", operation_names(entry->facts.operations)) ||
		 json_object_set_new(object, "first", time_text(entry->first)) ||
		 json_object_set_new(object, "last", time_text(entry->last));
	if (!failed) {
		json_dumpf(object, out, JSON_COMPACT);
		putc('\n', out);
	}
	json_decref(object);
	return failed ? -ENOMEM : stream_error(out);
}

const struct format formats[] = {
	{"lines", "one path a line; refuses names with a newline unless --escape is given", false, write_line},
	{"nul", "each path ended by a NUL byte", false, write_nul},
	{"json", "one JSON object a line", true, write_json},
	{0},
};

const struct format *format_find(const char *name)
{
	for (const struct format *format = formats; format->name; format++)
		if (strcmp(format->name, name) == 0)
			return format;
	return NULL;
}
