// SPDX-License-Identifier: GPL-2.0
#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "block.h"
#include "number.h"

/*
 * A block is a header and entries. An entry: a byte of flags, with the length of the tail that its path has in common
 * with the one before; what the flags say, as numbers; how many bytes the path begins with as that one; how many come
 * then, twice, plus 1 if they are packed; and these. Packed, each takes four bits, the lower ones first: its number
 * among the usual ones, or BLOCK_USUAL and then eight bits. Names are mostly digits, or mostly few letters.
 */
struct header {
	uint64_t sum; /* of all that follows */
	uint16_t count;
	unsigned char usual[BLOCK_USUAL];
} __attribute__((packed));

/* Of the first block; of another one those of the block before. */
static const unsigned char usual_at_first[BLOCK_USUAL] = {'0', '1', '2', '3', '4', '5', '6', '7',
							  '8', '9', '.', 'e', 'a', 's', 't'};

enum {
	NEW_FACTS = 1 << 0,
	NEW_FIRST = 1 << 1,
	HAS_LAST = 1 << 2, /* it is not the same as first */
	NEW_FILESYSTEM = 1 << 3,
	TAIL_SHIFT = 4,
	ENTRY_MOST = 1 + 6 * NUMBER_MOST, /* without the path */
};

int block_compare(const struct dirty *left, const struct dirty *right)
{
	size_t shorter = left->path_length < right->path_length ? left->path_length : right->path_length;
	int order;

	if (left->filesystem != right->filesystem)
		return left->filesystem < right->filesystem ? -1 : 1;
	order = memcmp(left->path, right->path, shorter);
	return order ? order : (left->path_length > right->path_length) - (left->path_length < right->path_length);
}

void block_merge(struct dirty *into, const struct dirty *from)
{
	into->facts.operations |= from->facts.operations;
	into->facts.was |= from->facts.was;
	into->facts.flags |= from->facts.flags;
	into->first = from->first < into->first ? from->first : into->first;
	into->last = from->last > into->last ? from->last : into->last;
}

/* Finds what storage does to bytes, not what an enemy does. */
static uint64_t sum_of(const unsigned char *bytes, size_t size, struct block_place place)
{
	uint64_t sum = place.window * 0x9e3779b97f4a7c15 ^ place.id ^ (uint64_t)size << 48;

	for (size_t word; size; bytes += word, size -= word) {
		uint64_t part = 0;

		word = size < sizeof(part) ? size : sizeof(part);
		memcpy(&part, bytes, word);
		sum = (sum ^ le64toh(part)) * 0xbf58476d1ce4e5b9;
		sum ^= sum >> 32;
	}
	return sum;
}

/* Writing */

static size_t common_head(const char *a, const char *b, size_t most)
{
	size_t common = 0;

	for (; common + sizeof(uint64_t) <= most; common += sizeof(uint64_t))
		if (memcmp(a + common, b + common, sizeof(uint64_t)) != 0)
			break;
	while (common < most && a[common] == b[common])
		common++;
	return common;
}

static size_t common_tail(const char *a_end, const char *b_end, size_t most)
{
	size_t common = 0;

	while (common < most && common < BLOCK_TAIL_MOST &&
	       a_end[-1 - (ptrdiff_t)common] == b_end[-1 - (ptrdiff_t)common])
		common++;
	return common;
}

static void set_usual(struct block_writer *writer, const unsigned char *usual)
{
	for (unsigned byte = 0; byte < 256; byte++)
		writer->codes[byte] = (uint16_t)(BLOCK_USUAL | byte << 4);
	memset(writer->halves, 3, sizeof(writer->halves));
	for (unsigned i = 0; i < BLOCK_USUAL; i++) {
		writer->codes[usual[i]] = (uint16_t)i;
		writer->halves[usual[i]] = 1;
	}
	memcpy(writer->bytes + offsetof(struct header, usual), usual, BLOCK_USUAL);
	memset(writer->seen, 0, sizeof(writer->seen));
}

static unsigned char take_most_seen(struct block_writer *writer)
{
	unsigned most = 0;

	for (unsigned byte = 1; byte < 256; byte++)
		if (writer->seen[byte] > writer->seen[most])
			most = byte;
	writer->seen[most] = 0;
	return (unsigned char)most;
}

void block_reset(struct block_writer *writer)
{
	writer->last = (struct dirty){0};
	writer->count = 0;
	writer->used = sizeof(struct header);
	set_usual(writer, usual_at_first);
}

void block_begin(struct block_writer *writer)
{
	unsigned char usual[BLOCK_USUAL];

	writer->count = 0;
	writer->used = sizeof(struct header);
	for (unsigned i = 0; i < BLOCK_USUAL; i++)
		usual[i] = take_most_seen(writer);
	set_usual(writer, usual);
}

/* The bytes are counted for the next block. */
static size_t packed_size(struct block_writer *writer, const unsigned char *bytes, size_t count)
{
	size_t halves = 0;

	for (size_t i = 0; i < count; i++) {
		halves += writer->halves[bytes[i]];
		writer->seen[bytes[i]]++;
	}
	return (halves + 1) / 2;
}

static unsigned char *put_packed(const struct block_writer *writer, unsigned char *to, const unsigned char *bytes,
				 size_t count)
{
	uint32_t bits = 0, filled = 0;

	for (size_t i = 0; i < count; i++) {
		bits |= (uint32_t)writer->codes[bytes[i]] << filled;
		filled += writer->halves[bytes[i]] * 4;
		for (; filled >= 8; filled -= 8, bits >>= 8)
			*to++ = (unsigned char)bits;
	}
	if (filled)
		*to++ = (unsigned char)bits;
	return to;
}

static unsigned char *put_bytes(struct block_writer *writer, unsigned char *to, const char *start, size_t count)
{
	const unsigned char *bytes = (const unsigned char *)start;
	bool packed = packed_size(writer, bytes, count) < count;

	to = number_put(to, count << 1 | packed);
	if (packed)
		return put_packed(writer, to, bytes, count);
	memcpy(to, bytes, count);
	return to + count;
}

/* The path takes head bytes from the one before, and as many at its end as the flags say. */
static unsigned char *put_entry(struct block_writer *writer, const struct dirty *entry, const struct dirty *before,
				size_t head, size_t tail)
{
	uint64_t facts = dirty_facts_pack(entry->facts);
	unsigned char *to = writer->bytes + writer->used, *flags = to++;

	*flags = (unsigned char)(tail << TAIL_SHIFT);
	if (entry->filesystem != before->filesystem) {
		*flags |= NEW_FILESYSTEM;
		to = number_put(to, entry->filesystem);
	}
	if (facts != dirty_facts_pack(before->facts)) {
		*flags |= NEW_FACTS;
		to = number_put(to, facts);
	}
	if (entry->first != before->first) {
		*flags |= NEW_FIRST;
		to = number_put(to, number_fold((int64_t)((uint64_t)entry->first - (uint64_t)before->first)));
	}
	if (entry->last != entry->first) {
		*flags |= HAS_LAST;
		to = number_put(to, number_fold((int64_t)((uint64_t)entry->last - (uint64_t)entry->first)));
	}
	to = number_put(to, head);
	return put_bytes(writer, to, entry->path + head, entry->path_length - head - tail);
}

int block_put(struct block_writer *writer, const struct dirty *entry)
{
	static const struct dirty nothing;
	const struct dirty *before = writer->count ? &writer->last : &nothing;
	size_t shorter = before->path_length < entry->path_length ? before->path_length : entry->path_length;
	size_t head = common_head(writer->path, entry->path, shorter), tail;

	tail = common_tail(writer->path + before->path_length, entry->path + entry->path_length, shorter - head);
	if (sizeof(writer->bytes) - writer->used < ENTRY_MOST + entry->path_length - head - tail)
		return -ENOSPC;
	writer->used = (size_t)(put_entry(writer, entry, before, head, tail) - writer->bytes);
	writer->count++;
	writer->last = *entry;
	writer->last.path = memcpy(writer->path, entry->path, entry->path_length);
	return 0;
}

size_t block_end(struct block_writer *writer, struct block_place place)
{
	struct header *header = (struct header *)writer->bytes;

	header->count = htole16(writer->count);
	header->sum = htole64(sum_of(writer->bytes + sizeof(header->sum), writer->used - sizeof(header->sum), place));
	return writer->used;
}

/* Reading */

int block_open(struct block_reader *reader, const void *bytes, size_t size, struct block_place place)
{
	struct header header;

	if (size < sizeof(header))
		return -EUCLEAN;
	memcpy(&header, bytes, sizeof(header));
	reader->next = (const unsigned char *)bytes + sizeof(header.sum);
	reader->end = (const unsigned char *)bytes + size;
	if (le64toh(header.sum) != sum_of(reader->next, size - sizeof(header.sum), place))
		return -EUCLEAN;
	reader->usual = (const unsigned char *)bytes + offsetof(struct header, usual);
	reader->next = (const unsigned char *)bytes + sizeof(header);
	reader->left = le16toh(header.count);
	reader->entry = (struct dirty){.path = reader->path};
	return 0;
}

static bool get_flagged(struct block_reader *reader, unsigned flags, unsigned flag, uint64_t *number)
{
	return !(flags & flag) || number_get(&reader->next, reader->end, number);
}

static bool get_facts(struct block_reader *reader, unsigned flags)
{
	struct dirty *entry = &reader->entry;
	uint64_t filesystem = entry->filesystem, facts = dirty_facts_pack(entry->facts), first = 0, last = 0;

	if (!get_flagged(reader, flags, NEW_FILESYSTEM, &filesystem) ||
	    !get_flagged(reader, flags, NEW_FACTS, &facts) || !get_flagged(reader, flags, NEW_FIRST, &first) ||
	    !get_flagged(reader, flags, HAS_LAST, &last))
		return false;
	entry->filesystem = (uint32_t)filesystem;
	entry->facts = dirty_facts_unpack(facts);
	entry->first = (int64_t)((uint64_t)entry->first + (uint64_t)number_unfold(first));
	entry->last = (int64_t)((uint64_t)entry->first + (uint64_t)number_unfold(last));
	return true;
}

struct unpacker {
	const unsigned char *from, *end;
	unsigned rest; /* the other half of a byte, plus 16; 0: there is none */
	bool ended;    /* more was taken than there is */
};

static unsigned unpack(struct unpacker *unpacker)
{
	unsigned bits = unpacker->rest;

	if (bits) {
		unpacker->rest = 0;
		return bits & 15;
	}
	unpacker->ended |= unpacker->from == unpacker->end;
	bits = unpacker->ended ? 0 : *unpacker->from++;
	unpacker->rest = bits >> 4 | 16;
	return bits & 15;
}

static bool get_packed(struct block_reader *reader, char *to, size_t count)
{
	struct unpacker unpacker = {.from = reader->next, .end = reader->end};

	for (size_t i = 0; i < count && !unpacker.ended; i++) {
		unsigned byte = unpack(&unpacker);

		if (byte < BLOCK_USUAL) {
			to[i] = (char)reader->usual[byte];
			continue;
		}
		byte = unpack(&unpacker);
		to[i] = (char)(byte | unpack(&unpacker) << 4);
	}
	reader->next = unpacker.from;
	return !unpacker.ended;
}

static bool get_bytes(struct block_reader *reader, char *to, size_t count, bool packed)
{
	if (packed)
		return get_packed(reader, to, count);
	if (count > (size_t)(reader->end - reader->next))
		return false;
	memcpy(to, reader->next, count);
	reader->next += count;
	return true;
}

static bool get_path(struct block_reader *reader, size_t tail)
{
	struct dirty *entry = &reader->entry;
	char kept[BLOCK_TAIL_MOST];
	uint64_t head, middle;
	bool packed;

	if (!number_get(&reader->next, reader->end, &head) || !number_get(&reader->next, reader->end, &middle))
		return false;
	packed = middle & 1;
	middle >>= 1;
	if (head > entry->path_length || tail > entry->path_length - head || middle > PATH_BYTES - head - tail)
		return false;
	memcpy(kept, reader->path + entry->path_length - tail, tail);
	if (!get_bytes(reader, reader->path + head, middle, packed))
		return false;
	memcpy(reader->path + head + middle, kept, tail);
	entry->path_length = head + middle + tail;
	return true;
}

int block_next(struct block_reader *reader)
{
	unsigned flags;

	if (!reader->left)
		return reader->next == reader->end ? 0 : -EUCLEAN;
	if (reader->next == reader->end)
		return -EUCLEAN;
	flags = *reader->next++;
	if (!get_facts(reader, flags) || !get_path(reader, flags >> TAIL_SHIFT))
		return -EUCLEAN;
	reader->left--;
	return 1;
}
