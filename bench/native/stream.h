/* SPDX-License-Identifier: GPL-2.0 */
/* A generated stream of records, in place of the ring. */
#ifndef NATIVE_STREAM_H
#define NATIVE_STREAM_H

#include <stddef.h>

#include "event.h"
#include "paths.h"

enum { RING_BYTES = 32 << 20 };

/* So many records, of paths from number offset on, so many of them distinct. */
void stream_begin(const struct source *source, uint64_t window, uint64_t offset, uint64_t distinct, uint64_t records);
/* Processor seconds that the generator alone takes for all of it. */
double stream_generate(void);
/* One more. Lives until the next one. */
const struct event *stream_record(const char *path, size_t length, uint8_t operation, uint32_t mode);

#endif
