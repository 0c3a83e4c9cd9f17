// SPDX-License-Identifier: GPL-2.0
#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "block.h"

/*
 * A block is its sum, the number of its entries, and they. An entry: a byte of flags, with the length of the tail that
 * it has in common with the one before; what the flags say, as numbers; how many bytes its path begins with as that
 * one, how many come then, and these.
 */
struct header {
	uint64_t sum;
	uint16_t count;
} __attribute__((packed));

enum {
	NEW_FACTS = 1 << 0,
	NEW_FIRST = 1 << 1,
	HAS_LAST = 1 << 2, /* it is not the same as first */
	NEW_FILESYSTEM = 1 << 3,
	TAIL_SHIFT = 4,
	NUMBER_MOST = 10,                 /* bytes of a number */
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

static unsigned char *put_number(unsigned char *to, uint64_t number)
{
	for (; number > 0x7f; number >>= 7)
		*to++ = (unsigned char)(number | 0x80);
	*to++ = (unsigned char)number;
	return to;
}

/* Small where the number is near 0. */
static uint64_t fold(int64_t number)
{
	return (uint64_t)number << 1 ^ (uint64_t)(number >> 63);
}

static int64_t unfold(uint64_t number)
{
	return (int64_t)(number >> 1 ^ -(number & 1));
}

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

void block_begin(struct block_writer *writer)
{
	writer->count = 0;
	writer->used = sizeof(struct header);
}

/* The path takes head bytes from the one before, and as many at its end as the flags say. */
static unsigned char *put_entry(unsigned char *to, const struct dirty *entry, const struct dirty *before, size_t head,
				size_t tail)
{
	uint64_t facts = dirty_facts_pack(entry->facts);
	unsigned char *flags = to++;
	size_t middle = entry->path_length - head - tail;

	*flags = (unsigned char)(tail << TAIL_SHIFT);
	if (entry->filesystem != before->filesystem) {
		*flags |= NEW_FILESYSTEM;
		to = put_number(to, entry->filesystem);
	}
	if (facts != dirty_facts_pack(before->facts)) {
		*flags |= NEW_FACTS;
		to = put_number(to, facts);
	}
	if (entry->first != before->first) {
		*flags |= NEW_FIRST;
		to = put_number(to, fold((int64_t)((uint64_t)entry->first - (uint64_t)before->first)));
	}
	if (entry->last != entry->first) {
		*flags |= HAS_LAST;
		to = put_number(to, fold((int64_t)((uint64_t)entry->last - (uint64_t)entry->first)));
	}
	to = put_number(to, head);
	to = put_number(to, middle);
	memcpy(to, entry->path + head, middle);
	return to + middle;
}

int block_put(struct block_writer *writer, const struct dirty *entry)
{
	static const struct dirty nothing;
	const struct dirty *before = writer->count ? &writer->last : &nothing;
	size_t shorter = before->path_length < entry->path_length ? before->path_length : entry->path_length;
	size_t head = common_head(writer->path, entry->path, shorter), tail;
	unsigned char *end = writer->bytes + writer->used;

	tail = common_tail(writer->path + before->path_length, entry->path + entry->path_length, shorter - head);
	if (sizeof(writer->bytes) - writer->used < ENTRY_MOST + entry->path_length - head - tail)
		return -ENOSPC;
	writer->used = (size_t)(put_entry(end, entry, before, head, tail) - writer->bytes);
	writer->count++;
	writer->last = *entry;
	writer->last.path = memcpy(writer->path, entry->path, entry->path_length);
	return 0;
}

size_t block_end(struct block_writer *writer, struct block_place place)
{
	struct header header = {.count = htole16(writer->count)};

	memcpy(writer->bytes, &header, sizeof(header));
	header.sum = htole64(sum_of(writer->bytes + sizeof(header.sum), writer->used - sizeof(header.sum), place));
	memcpy(writer->bytes, &header, sizeof(header));
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
	reader->next += sizeof(header.count);
	reader->left = le16toh(header.count);
	reader->entry = (struct dirty){.path = reader->path};
	return 0;
}

static bool get_number(struct block_reader *reader, uint64_t *number)
{
	*number = 0;
	for (unsigned shift = 0; reader->next < reader->end && shift < 64; shift += 7) {
		unsigned char byte = *reader->next++;

		*number |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return true;
	}
	return false;
}

static bool get_flagged(struct block_reader *reader, unsigned flags, unsigned flag, uint64_t *number)
{
	return !(flags & flag) || get_number(reader, number);
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
	entry->first = (int64_t)((uint64_t)entry->first + (uint64_t)unfold(first));
	entry->last = (int64_t)((uint64_t)entry->first + (uint64_t)unfold(last));
	return true;
}

static bool get_path(struct block_reader *reader, size_t tail)
{
	struct dirty *entry = &reader->entry;
	char kept[BLOCK_TAIL_MOST];
	uint64_t head, middle;

	if (!get_number(reader, &head) || !get_number(reader, &middle) || head > entry->path_length ||
	    tail > entry->path_length - head || middle > (size_t)(reader->end - reader->next) ||
	    middle > PATH_BYTES - head - tail)
		return false;
	memcpy(kept, reader->path + entry->path_length - tail, tail);
	memcpy(reader->path + head, reader->next, middle);
	memcpy(reader->path + head + middle, kept, tail);
	reader->next += middle;
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
