// SPDX-License-Identifier: GPL-2.0
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "format.h"
#include "list_reasons.h"

__attribute__((format(printf, 4, 0))) static void tell(const struct reasons *reasons, const char *path, size_t length,
						       const char *format, va_list arguments)
{
	char *text = NULL;
	size_t size;
	FILE *stream = reasons->report ? open_memstream(&text, &size) : NULL;

	if (!reasons->report)
		return;
	if (stream) {
		if (path) {
			format_escaped(stream, path, length);
			putc(' ', stream);
		}
		vfprintf(stream, format, arguments);
		fclose(stream);
	}
	reasons->report(text ? text : "there is no memory to say why the list is incomplete", reasons->context);
	free(text);
}

void reasons_add(struct reasons *reasons, const char *format, ...)
{
	va_list arguments;

	reasons->count++;
	va_start(arguments, format);
	tell(reasons, NULL, 0, format, arguments);
	va_end(arguments);
}

void reasons_add_path(struct reasons *reasons, const char *path, size_t length, const char *format, ...)
{
	va_list arguments;

	reasons->count++;
	va_start(arguments, format);
	tell(reasons, path, length, format, arguments);
	va_end(arguments);
}

void reasons_add_rest(struct reasons *reasons, uint64_t all, uint64_t named, const char *what)
{
	if (all <= named)
		return;
	reasons_add(reasons, "and %" PRIu64 " more %s", all - named, what);
	reasons->count += all - named - 1;
}
