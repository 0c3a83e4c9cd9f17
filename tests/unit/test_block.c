// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "block.h"

enum { ENTRIES = 3000, ROUNDS = 60 };

static const struct block_place place = {.window = 7, .id = 42};

static struct {
	struct dirty entries[ENTRIES];
	char paths[ENTRIES][PATH_BYTES];
} set;

static struct block_writer writer;
static struct block_reader reader;

static int setup(void **state)
{
	(void)state;
	srandom(1);
	block_reset(&writer);
	return 0;
}

static int64_t any_time(void)
{
	static const int64_t times[] = {INT64_MIN, INT64_MAX, 0, -1, 1764300000, 1764300001};

	return times[(size_t)random() % (sizeof(times) / sizeof(*times))];
}

/* Few letters, so that heads and tails are common; now and then any byte, and any length. */
static void make_entry(size_t i)
{
	struct dirty *entry = &set.entries[i];
	size_t most = random() % 50 ? 40 : PATH_BYTES, length = 1 + (size_t)random() % most;
	bool any = random() % 4 == 0;

	*entry = (struct dirty){
		.filesystem = random() % 9 ? 1 : UINT32_MAX,
		.path = set.paths[i],
		.path_length = length,
		.first = any_time(),
		.last = any_time(),
		.facts = {.operations = random() % 3 ? 1 : 0xffffff, .was = random() % 5 ? 0 : 0xffff},
	};
	entry->facts.flags = random() % 5 ? 0 : 0xff;
	for (size_t j = 0; j < length; j++)
		set.paths[i][j] = any ? (char)random() : "/ab01"[random() % 5];
}

static int compare(const void *left, const void *right)
{
	return block_compare(left, right);
}

/* Distinct ones, in order. */
static size_t make_entries(size_t wanted)
{
	size_t kept = 0;

	for (size_t i = 0; i < wanted; i++)
		make_entry(i);
	qsort(set.entries, wanted, sizeof(*set.entries), compare);
	for (size_t i = 1; i < wanted; i++)
		if (block_compare(&set.entries[kept], &set.entries[i]))
			set.entries[++kept] = set.entries[i];
	return kept + 1;
}

static void is_same(const struct dirty *a, const struct dirty *b)
{
	assert_int_equal(block_compare(a, b), 0);
	assert_true(dirty_facts_pack(a->facts) == dirty_facts_pack(b->facts));
	assert_true(a->first == b->first && a->last == b->last);
}

/* Reads what was put since the entry `from`. */
static void read_back(size_t from, size_t to)
{
	size_t size = block_end(&writer, place);

	assert_true(size <= BLOCK_BYTES);
	assert_int_equal(block_open(&reader, writer.bytes, size, place), 0);
	assert_int_equal(block_left(&reader), to - from);
	for (size_t i = from; i < to; i++) {
		assert_int_equal(block_next(&reader), 1);
		is_same(&reader.entry, &set.entries[i]);
	}
	assert_int_equal(block_next(&reader), 0);
}

static void comes_back_as_it_was(void **state)
{
	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		size_t count = make_entries(ENTRIES / ROUNDS * (size_t)(round + 1)), from = 0, i;

		block_reset(&writer);
		for (i = 0; i < count; i++) {
			if (!block_put(&writer, &set.entries[i]))
				continue;
			assert_true(i > from);
			read_back(from, i);
			block_begin(&writer);
			assert_int_equal(block_put(&writer, &set.entries[i]), 0);
			from = i;
		}
		read_back(from, i);
	}
}

static size_t fill(void)
{
	size_t count = make_entries(ENTRIES);

	for (size_t i = 0; i < count && !block_put(&writer, &set.entries[i]); i++)
		continue;
	return block_end(&writer, place);
}

static void fill_anew(void)
{
	block_reset(&writer);
	fill();
}

static void belongs_to_one_place(void **state)
{
	size_t size = fill();

	(void)state;
	assert_int_equal(block_open(&reader, writer.bytes, size, place), 0);
	assert_int_equal(block_open(&reader, writer.bytes, size, (struct block_place){7, 43}), -EUCLEAN);
	assert_int_equal(block_open(&reader, writer.bytes, size, (struct block_place){8, 42}), -EUCLEAN);
}

static void damage_is_found(void **state)
{
	size_t size = fill();

	(void)state;
	for (size_t shorter = 0; shorter < size; shorter++)
		assert_int_equal(block_open(&reader, writer.bytes, shorter, place), -EUCLEAN);
	for (size_t i = 0; i < size * 8; i++) {
		writer.bytes[i / 8] ^= (unsigned char)(1 << i % 8);
		assert_int_equal(block_open(&reader, writer.bytes, size, place), -EUCLEAN);
		writer.bytes[i / 8] ^= (unsigned char)(1 << i % 8);
	}
	assert_int_equal(block_open(&reader, writer.bytes, size, place), 0);
}

/* Bytes whose sum is right and which nobody has written: no reading past them, and no path that is too long. */
static void nonsense_has_an_end(void **state)
{
	unsigned found = 0;

	(void)state;
	for (int round = 0; round < 3000; round++) {
		unsigned char *copy;
		size_t size;
		int result;

		if (round % 100 == 0)
			fill_anew();
		for (int i = 0; i < 1 + round % 5; i++)
			writer.bytes[8 + (size_t)random() % (writer.used - 8)] = (unsigned char)random();
		writer.count = (uint16_t)(random() % 2000);
		size = block_end(&writer, place);
		copy = malloc(size);
		assert_non_null(memcpy(copy, writer.bytes, size));
		assert_int_equal(block_open(&reader, copy, size, place), 0);
		while ((result = block_next(&reader)) > 0)
			assert_true(reader.entry.path_length <= PATH_BYTES);
		found += result == -EUCLEAN;
		free(copy);
	}
	assert_true(found > 1000);
}

/* The longest path, of bytes that are not usual, fits into a block. */
static void longest_path_fits(void **state)
{
	(void)state;
	make_entry(0);
	set.entries[0].path_length = PATH_BYTES;
	for (size_t i = 0; i < PATH_BYTES; i++)
		set.paths[0][i] = (char)(128 + random() % 128);
	assert_int_equal(block_put(&writer, &set.entries[0]), 0);
	read_back(0, 1);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup(test, setup)
	const struct CMUnitTest tests[] = {
		TEST(comes_back_as_it_was), TEST(belongs_to_one_place), TEST(damage_is_found),
		TEST(nonsense_has_an_end),  TEST(longest_path_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
