/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reads a BPF ring buffer and keeps what it has read in place: the consumer's position moves only by ring_release(), so
 * that records are in the ring until their transaction is committed.
 */
#ifndef FSCHANGED_RING_H
#define FSCHANGED_RING_H

#include <stdbool.h>
#include <stdint.h>

/* The kernel's layout (kernel/bpf/ringbuf.c): the consumer's page, the producer's page, the data mapped twice. */
struct ring {
	uint64_t *consumer;
	const uint64_t *producer;
	const uint8_t *data;
	uint64_t size;
	uint64_t position; /* of the next record */
	uint64_t last;     /* of the last one returned */
};

/* map: descriptor of the ring's map; size: its bytes, a power of two. 0 or -errno. */
int ring_open(struct ring *ring, int map, uint32_t size);
void ring_close(struct ring *ring);
/* The next record or NULL. It is valid until ring_release(). */
const void *ring_next(struct ring *ring);
/* Bytes of the last record returned. */
uint32_t ring_length(const struct ring *ring);
/* Frees all that was returned, or all but the last record. */
void ring_release(struct ring *ring, bool keep_last);
/* Where the kernel has come to; ring->position follows it. */
uint64_t ring_produced(const struct ring *ring);

#endif
