// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "number.h"
#include "sort.h"
#include "sort_runs.h"

enum { HEAD_NUMBERS = 6, HEAD_MOST = HEAD_NUMBERS * NUMBER_MOST };

int temporary_file(const char *directory)
{
	char *name;
	int fd;

	if (!directory)
		directory = secure_getenv("TMPDIR");
	if (!directory)
		directory = "/var/tmp";
	fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600);
	if (fd >= 0)
		return fd;
	if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)
		return -errno;
	if (asprintf(&name, "%s/.fschanged-XXXXXX", directory) < 0)
		return -ENOMEM;
	fd = mkostemp(name, O_CLOEXEC);
	if (fd < 0)
		fd = -errno;
	else
		unlink(name);
	free(name);
	return fd;
}

static int write_fully(int fd, const char *bytes, size_t count, off_t offset)
{
	while (count) {
		ssize_t done = pwrite(fd, bytes, count, offset);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		bytes += done;
		offset += done;
		count -= (size_t)done;
	}
	return 0;
}

int level_open(struct level *level, const char *directory)
{
	int fd = temporary_file(directory);

	if (fd < 0)
		return fd;
	*level = (struct level){.fd = fd};
	return 0;
}

void level_close(struct level *level)
{
	if (level->fd >= 0)
		close(level->fd);
	free(level->runs);
	*level = (struct level){.fd = -1};
}

int level_new_run(struct level *level)
{
	if (level->count == level->room) {
		size_t room = 2 * level->room + 16;
		struct run *runs = reallocarray(level->runs, room, sizeof(*runs));

		if (!runs)
			return -ENOMEM;
		level->runs = runs;
		level->room = room;
	}
	level->runs[level->count++] = (struct run){.start = level->size, .end = level->size};
	return 0;
}

static int level_append(struct level *level, const void *bytes, size_t count)
{
	int error = write_fully(level->fd, bytes, count, level->size);

	if (error)
		return error;
	level->size += (off_t)count;
	level->runs[level->count - 1].end = level->size;
	return 0;
}

int writer_flush(struct writer_buffer *writer)
{
	int error = level_append(writer->level, writer->buffer, writer->used);

	writer->used = 0;
	return error;
}

static int put_bytes(struct writer_buffer *writer, const void *bytes, size_t size)
{
	int error = 0;

	if (writer->used + size > writer->size)
		error = writer_flush(writer);
	if (error)
		return error;
	if (size > writer->size)
		return level_append(writer->level, bytes, size);
	memcpy(writer->buffer + writer->used, bytes, size);
	writer->used += size;
	return 0;
}

static size_t common(const struct record *a, const struct record *b)
{
	size_t most = a->length < b->length ? a->length : b->length, count = 0;

	while (count < most && a->path[count] == b->path[count])
		count++;
	return count;
}

/* In a run: numbers, of which the first are how many bytes of the path before are kept and how many follow; and these.
 */
int writer_put(struct writer_buffer *writer, const struct record *record, const struct record *before)
{
	unsigned char numbers[HEAD_MOST], *end = numbers;
	size_t kept = before ? common(before, record) : 0;
	int error;

	end = number_put(end, kept);
	end = number_put(end, record->length - kept);
	end = number_put(end, record->facts);
	end = number_put(end, number_fold(record->first));
	end = number_put(end, number_fold((int64_t)((uint64_t)record->last - (uint64_t)record->first)));
	end = number_put(end, record->mode);
	error = put_bytes(writer, numbers, (size_t)(end - numbers));
	return error ? error : put_bytes(writer, record->path + kept, record->length - kept);
}

/* Reading */

void reader_free(struct reader *reader)
{
	free(reader->own);
	*reader = (struct reader){0};
}

/* So much is in the buffer then, or the rest of the run. */
static int reader_fill(struct reader *reader, size_t need)
{
	memmove(reader->buffer, reader->buffer + reader->start, reader->used - reader->start);
	reader->used -= reader->start;
	reader->start = 0;
	while (reader->used < need && reader->next < reader->end) {
		off_t left = reader->end - reader->next;
		size_t room = reader->size - reader->used;
		ssize_t done = pread(reader->fd, reader->buffer + reader->used,
				     left < (off_t)room ? (size_t)left : room, reader->next);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return done < 0 ? -errno : -EIO;
		reader->used += (size_t)done;
		reader->next += done;
	}
	return 0;
}

static int reader_need(struct reader *reader, size_t need)
{
	return reader->used - reader->start >= need ? 0 : reader_fill(reader, need);
}

static int make_head(struct reader *reader, size_t length)
{
	size_t size = record_size(length);
	struct record *own;

	if (size <= reader->own_size)
		return 0;
	own = realloc(reader->own, 2 * size);
	if (!own)
		return -ENOMEM;
	reader->own = own;
	reader->own_size = 2 * size;
	return 0;
}

static int read_path(struct reader *reader, size_t from, size_t count)
{
	while (count) {
		int error = reader_need(reader, 1);
		size_t part = reader->used - reader->start;

		if (error || !part)
			return error ? error : -EIO;
		part = part < count ? part : count;
		memcpy(reader->own->path + from, reader->buffer + reader->start, part);
		reader->start += part;
		from += part;
		count -= part;
	}
	return 0;
}

static int read_head(struct reader *reader)
{
	const unsigned char *from = reader->buffer + reader->start, *end = reader->buffer + reader->used;
	size_t before = reader->own ? reader->own->length : 0;
	uint64_t numbers[HEAD_NUMBERS];
	int error;

	for (size_t i = 0; i < HEAD_NUMBERS; i++)
		if (!number_get(&from, end, &numbers[i]))
			return -EIO;
	if (numbers[0] > before || numbers[1] > UINT32_MAX - numbers[0])
		return -EIO;
	error = make_head(reader, numbers[0] + numbers[1]);
	if (error)
		return error;
	reader->start = (size_t)(from - reader->buffer);
	reader->own->length = (uint32_t)(numbers[0] + numbers[1]);
	reader->own->facts = numbers[2];
	reader->own->first = number_unfold(numbers[3]);
	reader->own->last = (int64_t)((uint64_t)reader->own->first + (uint64_t)number_unfold(numbers[4]));
	reader->own->mode = (uint32_t)numbers[5];
	return read_path(reader, numbers[0], numbers[1]);
}

int reader_next(struct reader *reader)
{
	int error;

	reader->head = NULL;
	if (reader->start == reader->used && reader->next == reader->end)
		return 0;
	error = reader_need(reader, HEAD_MOST);
	if (!error)
		error = read_head(reader);
	if (!error)
		reader->head = reader->own;
	return error;
}
