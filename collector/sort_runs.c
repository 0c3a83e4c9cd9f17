// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sort.h"
#include "sort_runs.h"

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

static int level_append(struct level *level, const char *bytes, size_t count)
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

int writer_put(struct writer_buffer *writer, const struct record *record)
{
	size_t size = record_size(record->length);
	int error = 0;

	if (writer->used + size > writer->size)
		error = writer_flush(writer);
	if (error)
		return error;
	if (size > writer->size)
		return level_append(writer->level, (const char *)record, size);
	memcpy(writer->buffer + writer->used, record, size);
	writer->used += size;
	return 0;
}

/* Reading */

static int reader_fill(struct reader *reader, size_t need)
{
	if (need > reader->size) {
		char *own = malloc(need);

		if (!own)
			return -ENOMEM;
		memcpy(own, reader->buffer + reader->start, reader->used - reader->start);
		free(reader->own);
		reader->own = own;
		reader->buffer = own;
		reader->size = need;
	} else {
		memmove(reader->buffer, reader->buffer + reader->start, reader->used - reader->start);
	}
	reader->used -= reader->start;
	reader->start = 0;
	while (reader->used < need) {
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

int reader_next(struct reader *reader)
{
	struct record *record;
	size_t size;
	int error;

	if (reader->head)
		reader->start += record_size(reader->head->length);
	reader->head = NULL;
	if (reader->start == reader->used && reader->next == reader->end)
		return 0;
	error = reader_need(reader, sizeof(*record));
	if (error)
		return error;
	record = (struct record *)(reader->buffer + reader->start);
	size = record_size(record->length);
	error = reader_need(reader, size);
	if (error)
		return error;
	reader->head = (struct record *)(reader->buffer + reader->start);
	return 0;
}
