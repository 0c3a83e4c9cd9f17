// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ring.h"

/* The header before each record: its length with two flags, then an offset for the kernel (struct bpf_ringbuf_hdr). */
#define RECORD_BUSY      (1U << 31)
#define RECORD_DISCARDED (1U << 30)
#define RECORD_LENGTH    (RECORD_DISCARDED - 1)
enum { RECORD_HEADER = 8, RECORD_ALIGNMENT = 8 };

int ring_open(struct ring *ring, int map, uint32_t size)
{
	size_t page = sysconf(_SC_PAGESIZE);
	void *consumer, *producer;

	consumer = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, map, 0);
	if (consumer == MAP_FAILED)
		return -errno;
	producer = mmap(NULL, page + 2 * (size_t)size, PROT_READ, MAP_SHARED, map, page);
	if (producer == MAP_FAILED) {
		int error = -errno;

		munmap(consumer, page);
		return error;
	}
	*ring = (struct ring){
		.consumer = consumer,
		.producer = producer,
		.data = (uint8_t *)producer + page,
		.size = size,
		.position = *(uint64_t *)consumer,
	};
	return 0;
}

void ring_close(struct ring *ring)
{
	size_t page = sysconf(_SC_PAGESIZE);

	if (!ring->consumer)
		return;
	munmap(ring->consumer, page);
	munmap((void *)ring->producer, page + 2 * ring->size);
	ring->consumer = NULL;
}

static const uint32_t *header_at(const struct ring *ring, uint64_t position)
{
	return (const uint32_t *)(ring->data + (position & (ring->size - 1)));
}

const void *ring_next(struct ring *ring)
{
	uint64_t end = ring_produced(ring);

	while (ring->position < end) {
		const uint32_t *header = header_at(ring, ring->position);
		uint32_t length = __atomic_load_n(header, __ATOMIC_ACQUIRE);

		if (length & RECORD_BUSY)
			return NULL;
		ring->last = ring->position;
		ring->position += ((length & RECORD_LENGTH) + RECORD_HEADER + RECORD_ALIGNMENT - 1) &
				  ~(uint64_t)(RECORD_ALIGNMENT - 1);
		if (!(length & RECORD_DISCARDED))
			return (const uint8_t *)header + RECORD_HEADER;
	}
	return NULL;
}

uint32_t ring_length(const struct ring *ring)
{
	return *header_at(ring, ring->last) & RECORD_LENGTH;
}

void ring_release(struct ring *ring, bool keep_last)
{
	__atomic_store_n(ring->consumer, keep_last ? ring->last : ring->position, __ATOMIC_RELEASE);
}

uint64_t ring_produced(const struct ring *ring)
{
	return __atomic_load_n(ring->producer, __ATOMIC_ACQUIRE);
}
