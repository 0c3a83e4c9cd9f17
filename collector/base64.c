// SPDX-License-Identifier: GPL-2.0
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base64.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char *base64_encode(const char *bytes, size_t length)
{
	char *text = malloc((length + 2) / 3 * 4 + 1), *at = text;

	if (!text)
		return NULL;
	for (size_t i = 0; i < length; i += 3) {
		uint32_t group = (uint32_t)(unsigned char)bytes[i] << 16;

		if (i + 1 < length)
			group |= (uint32_t)(unsigned char)bytes[i + 1] << 8;
		if (i + 2 < length)
			group |= (unsigned char)bytes[i + 2];
		*at++ = digits[group >> 18 & 63];
		*at++ = digits[group >> 12 & 63];
		*at++ = i + 1 < length ? digits[group >> 6 & 63] : '=';
		*at++ = i + 2 < length ? digits[group & 63] : '=';
	}
	*at = '\0';
	return text;
}

/* The padding at the end: 0 to 2. */
static size_t padding(const char *text, size_t length)
{
	if (length == 0 || text[length - 1] != '=')
		return 0;
	return text[length - 2] == '=' ? 2 : 1;
}

char *base64_decode(const char *text, size_t *length)
{
	size_t size = strlen(text), padded = padding(text, size);
	char *bytes = size % 4 ? NULL : malloc(size / 4 * 3 + 1), *at = bytes;
	uint32_t group = 0;

	if (!bytes)
		return NULL;
	for (size_t i = 0; i < size; i++) {
		const char *digit = i < size - padded ? strchr(digits, text[i]) : digits;

		if (!digit) {
			free(bytes);
			return NULL;
		}
		group = group << 6 | (uint32_t)(digit - digits);
		if (i % 4 != 3)
			continue;
		*at++ = (char)(group >> 16);
		*at++ = (char)(group >> 8);
		*at++ = (char)group;
		group = 0;
	}
	*length = size / 4 * 3 - padded;
	bytes[*length] = '\0';
	return bytes;
}
