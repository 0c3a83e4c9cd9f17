// SPDX-License-Identifier: GPL-2.0
#include <string.h>
#include <sys/stat.h>

#include "../../tests/unit/stand_ins.h"
#include "moment.h"
#include "process.h"
#include "stream.h"

enum { DEVICE = 5, CLOCK_EVERY = 256 };

static struct {
	const struct source *source;
	uint64_t next, end; /* records */
	uint64_t offset, distinct, stride;
	uint64_t window;
	uint64_t used; /* bytes that are not released */
	uint64_t time;
	struct {
		struct event event;
		char path[LINE];
	} record;
} stream;

/* Odd, and no divisor of what people ask for. */
static uint64_t stride_of(uint64_t count)
{
	uint64_t stride = count / 3 * 2 | 1;

	for (uint64_t a = stride, b = count;; a = stride, b = count) {
		while (b) {
			uint64_t rest = a % b;

			a = b;
			b = rest;
		}
		if (a == 1)
			return stride;
		stride += 2;
	}
}

void stream_begin(const struct source *source, uint64_t window, uint64_t offset, uint64_t distinct, uint64_t records)
{
	stream.window = window;
	stream.source = source;
	stream.next = 0;
	stream.end = records;
	stream.offset = offset;
	stream.distinct = distinct;
	stream.stride = source->shuffled ? stride_of(distinct) : 1;
	stream.used = 0;
}

/* Components leaf first. */
static uint16_t turn_around(char *to, const char *path, size_t length)
{
	size_t end = length, used = 0;

	while (end) {
		const char *name = (const char *)memrchr(path, '/', end) + 1;
		size_t size = (size_t)(path + end - name);

		memcpy(to + used, name, size);
		used += size;
		to[used++] = '/';
		end = (size_t)(name - 1 - path);
	}
	return (uint16_t)used;
}

const struct event *stream_record(const char *path, size_t length, uint8_t operation, uint32_t mode)
{
	stream.record.event = (struct event){
		.kind = EVENT_PATH,
		.operation = operation,
		.epoch = stream.window,
		.time = stream.time,
		.device = DEVICE,
		.inode = stream.next + 1,
		.links = 1,
		.mode = mode,
		.path_bytes = turn_around(stream.record.path, path, length),
	};
	stream.used += sizeof(struct event) + stream.record.event.path_bytes;
	return &stream.record.event;
}

static const struct event *next_record(void)
{
	const struct event *event;
	char path[LINE];
	uint64_t i = stream.next % stream.distinct * stream.stride % stream.distinct;

	if (stream.next % CLOCK_EVERY == 0)
		stream.time = (uint64_t)moment_of_boot();
	event = stream_record(path, (size_t)stream.source->path(path, stream.offset + i), stream.source->operation,
			      S_IFREG | 0600);
	stream.next++;
	return event;
}

uint64_t __wrap_tracer_produced(UNUSED const struct tracer *tracer)
{
	return stream.end;
}

uint64_t __wrap_tracer_consumed(UNUSED const struct tracer *tracer)
{
	return stream.next;
}

const struct event *__wrap_tracer_next(UNUSED struct tracer *tracer)
{
	return next_record();
}

void __wrap_tracer_release(UNUSED struct tracer *tracer, UNUSED bool keep_last)
{
	stream.used = 0;
}

void __wrap_tracer_position(UNUSED const struct tracer *tracer, UNUSED bool keep_last, uint64_t *ring,
			    uint64_t *position)
{
	*ring = 1;
	*position = stream.next;
}

void __wrap_tracer_ring_use(UNUSED const struct tracer *tracer, uint64_t *bytes, uint64_t *used)
{
	*bytes = RING_BYTES;
	*used = stream.used;
}

double stream_generate(void)
{
	double start = processor_seconds();

	while (stream.next < stream.end)
		next_record();
	stream.next = 0;
	stream.used = 0;
	return processor_seconds() - start;
}
