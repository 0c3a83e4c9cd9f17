// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>
#include <jansson.h>

#include "format.h"

static char *text;
static size_t text_size;

static int write_record(const char *format, const struct sorted *entry, enum list_kind kind, bool escape)
{
	FILE *out;
	int error;

	free(text);
	text = NULL;
	out = open_memstream(&text, &text_size);
	assert_non_null(format_find(format));
	error = format_find(format)->write(out, entry, kind, escape);
	fclose(out);
	return error;
}

static int write_path(const char *format, const char *path, bool escape)
{
	struct sorted entry = {.path = path, .length = strlen(path), .mode = S_IFREG | 0644};

	return write_record(format, &entry, LIST_CHANGED, escape);
}

static void table(void **state)
{
	(void)state;
	assert_null(format_find("nonesuch"));
	assert_null(format_find(""));
	for (const struct format *format = formats; format->name; format++) {
		assert_ptr_equal(format_find(format->name), format);
		assert_non_null(format->summary);
	}
}

static void lines(void **state)
{
	(void)state;
	assert_int_equal(write_path("lines", "/a b\t\\\xff", false), 0);
	assert_string_equal(text, "/a b\t\\\xff\n");
	assert_int_equal(write_path("lines", "/a\nb", false), -EILSEQ);
	assert_int_equal(text_size, 0);
	assert_int_equal(write_path("lines", "/a\nb\\\t\x7f\x01\xc3\xa9", true), 0);
	assert_string_equal(text, "/a\\nb\\\\\\011\\177\\001\xc3\xa9\n");
}

static void nul(void **state)
{
	(void)state;
	assert_int_equal(write_path("nul", "/a\nb\\", true), 0);
	assert_int_equal(text_size, 6);
	assert_memory_equal(text, "/a\nb\\", 6);
}

static json_t *parse(void)
{
	json_t *object;

	assert_int_equal(text[text_size - 1], '\n');
	assert_ptr_equal(memchr(text, '\n', text_size), text + text_size - 1);
	object = json_loadb(text, text_size, 0, NULL);
	assert_non_null(object);
	return object;
}

static const char *string(json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static void json_entry(void **state)
{
	struct sorted entry = {
		.path = "/a\"\n\\\xc3\xa9",
		.length = 7,
		.mode = S_IFDIR | 0755,
		.facts.operations = 1 << OPERATION_MKDIR | 1 << OPERATION_ENTRY,
		.first = 1000000000,
		.last = 1000000001,
	};
	json_t *object, *operations;

	(void)state;
	assert_int_equal(write_record("json", &entry, LIST_CHANGED, false), 0);
	object = parse();
	assert_string_equal(string(object, "path"), "/a\"\n\\\xc3\xa9");
	assert_string_equal(string(object, "list"), "changed");
	assert_string_equal(string(object, "type"), "directory");
	assert_string_equal(string(object, "first"), "2001-09-09T01:46:40Z");
	assert_string_equal(string(object, "last"), "2001-09-09T01:46:41Z");
	operations = json_object_get(object, "operations");
	assert_int_equal(json_array_size(operations), 2);
	assert_string_equal(json_string_value(json_array_get(operations, 0)), "mkdir");
	assert_string_equal(json_string_value(json_array_get(operations, 1)), "entries");
	json_decref(object);
}

static void json_gone(void **state)
{
	struct sorted entry = {.path = "/a", .length = 2};
	json_t *object;

	(void)state;
	assert_int_equal(write_record("json", &entry, LIST_DELETED, false), 0);
	object = parse();
	assert_string_equal(string(object, "list"), "deleted");
	assert_true(json_is_null(json_object_get(object, "type")));
	assert_true(json_is_null(json_object_get(object, "first")));
	assert_int_equal(json_array_size(json_object_get(object, "operations")), 0);
	json_decref(object);
}

static void json_types(void **state)
{
	static const struct {
		mode_t mode;
		const char *name;
	} types[] = {
		{S_IFREG, "file"},    {S_IFDIR, "directory"}, {S_IFLNK, "symlink"},   {S_IFIFO, "fifo"},
		{S_IFSOCK, "socket"}, {S_IFBLK, "block"},     {S_IFCHR, "character"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		struct sorted entry = {.path = "/a", .length = 2, .mode = types[i].mode | 07777};
		json_t *object;

		assert_int_equal(write_record("json", &entry, LIST_CHANGED, false), 0);
		object = parse();
		assert_string_equal(string(object, "type"), types[i].name);
		json_decref(object);
	}
}

/* The test vectors of RFC 4648 behind a byte that is not UTF-8. */
static void json_base64(void **state)
{
	static const struct {
		const char *path, *encoded;
	} names[] = {
		{"\xff", "/w=="}, {"\xff/", "/y8="},        {"\xff/f", "/y9m"}, {"/\xff\xfe\xfdx", "L//+/Xg="},
		{"\xc3", "ww=="}, {"\xed\xa0\x80", "7aCA"}, /* a surrogate */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		json_t *object;

		assert_int_equal(write_path("json", names[i].path, false), 0);
		object = parse();
		assert_null(json_object_get(object, "path"));
		assert_string_equal(string(object, "path_base64"), names[i].encoded);
		json_decref(object);
	}
}

static void full_disk(void **state)
{
	const struct sorted entry = {.path = "/a", .length = 2};
	FILE *out = fopen("/dev/full", "w");

	(void)state;
	setvbuf(out, NULL, _IONBF, 0);
	for (const struct format *format = formats; format->name; format++)
		assert_int_equal(format->write(out, &entry, LIST_CHANGED, false), -ENOSPC);
	fclose(out);
}

static int release(void **state)
{
	(void)state;
	free(text);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table),       cmocka_unit_test(lines),     cmocka_unit_test(nul),
		cmocka_unit_test(json_entry),  cmocka_unit_test(json_gone), cmocka_unit_test(json_types),
		cmocka_unit_test(json_base64), cmocka_unit_test(full_disk),
	};

	return cmocka_run_group_tests(tests, NULL, release);
}
