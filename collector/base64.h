/* SPDX-License-Identifier: GPL-2.0 */
/* Bytes in JSON, where they are no UTF-8: RFC 4648, with padding. */
#ifndef FSCHANGED_BASE64_H
#define FSCHANGED_BASE64_H

#include <stddef.h>

/* Caller frees. NULL: no memory. */
char *base64_encode(const char *bytes, size_t length);
/* Caller frees; a NUL follows the bytes. NULL: no memory, or this is no base64. */
char *base64_decode(const char *text, size_t *length);

#endif
