// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "records.h"

int records_each(const char *bytes, size_t size, size_t header_size, records_each_function *each, void *context)
{
	int code = 0;

	while (!code && size >= header_size) {
		const char *path = bytes + header_size;
		uint16_t length;

		memcpy(&length, path - sizeof(length), sizeof(length));
		size -= header_size;
		if (length > size || !length || *path != '/')
			return -EINVAL;
		code = each(bytes, path, length, context);
		bytes = path + length;
		size -= length;
	}
	return !code && size ? -EINVAL : code;
}
