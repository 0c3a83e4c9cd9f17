// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "new_file.h"
#include "sentence.h"
#include "sort.h"

enum { STREAM_BUFFER = 64 << 10 };

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

int new_file_check(struct new_file *file, const char *target, char **error)
{
	const char *base = base_name(target);
	struct stat found;

	*file = (struct new_file){.target = target, .standard = strcmp(target, "-") == 0};
	if (file->standard)
		return 0;
	file->directory = base == target ? strdup("./") : strndup(target, (size_t)(base - target));
	if (!file->directory)
		return -ENOMEM;
	if (!*base)
		return sentence(error, -EINVAL, "\"%s\" is not the name of a file", target);
	if (lstat(target, &found) < 0)
		return errno == ENOENT ? 0 : sentence(error, -errno, "%s: %s", target, strerror(errno));
	if (S_ISLNK(found.st_mode))
		return sentence(error, -ELOOP, "%s is a symbolic link: a list is never written through one", target);
	if (!S_ISREG(found.st_mode))
		return sentence(error, -EINVAL, "%s is not a regular file", target);
	return 0;
}

bool new_file_is_same(const struct new_file *a, const struct new_file *b)
{
	struct stat a_directory, b_directory;

	if (a->standard || b->standard)
		return a->standard && b->standard;
	return strcmp(base_name(a->target), base_name(b->target)) == 0 && stat(a->directory, &a_directory) == 0 &&
	       stat(b->directory, &b_directory) == 0 && a_directory.st_dev == b_directory.st_dev &&
	       a_directory.st_ino == b_directory.st_ino;
}

static int make_temporary(struct new_file *file)
{
	char *name;
	int fd;

	if (asprintf(&name, "%s.fschanged-XXXXXX", file->directory) < 0)
		return -ENOMEM;
	fd = mkostemp(name, O_CLOEXEC);
	if (fd < 0) {
		fd = -errno;
		free(name);
		return fd;
	}
	file->temporary = name;
	return fd;
}

int new_file_open(struct new_file *file, char **error)
{
	int fd = file->standard ? temporary_file(NULL) : make_temporary(file);

	if (fd < 0)
		return sentence(error, fd, "a file for the list cannot be made in %s: %s",
				file->standard ? "the directory for temporary files" : file->directory, strerror(-fd));
	file->stream = fdopen(fd, "w+");
	if (!file->stream) {
		close(fd);
		return -ENOMEM;
	}
	setvbuf(file->stream, NULL, _IOFBF, STREAM_BUFFER);
	return 0;
}

int new_file_sync(struct new_file *file)
{
	if (fflush(file->stream) != 0)
		return -errno;
	return file->temporary && fsync(fileno(file->stream)) < 0 ? -errno : 0;
}

static int write_standard_output(const char *bytes, size_t count)
{
	while (count) {
		ssize_t done = write(STDOUT_FILENO, bytes, count);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		bytes += done;
		count -= (size_t)done;
	}
	return 0;
}

static int print(struct new_file *file, char **error)
{
	char buffer[16 << 10];
	size_t count;
	int code = 0;

	rewind(file->stream);
	fflush(stdout);
	while (!code && (count = fread(buffer, 1, sizeof(buffer), file->stream)) > 0)
		code = write_standard_output(buffer, count);
	if (!code && ferror(file->stream))
		code = -EIO;
	return code ? sentence(error, code, "standard output: %s", strerror(-code)) : 0;
}

static int sync_directory(const char *name)
{
	int fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int code;

	if (fd < 0)
		return -errno;
	code = fsync(fd) < 0 ? -errno : 0;
	close(fd);
	return code;
}

static int put_in_place(struct new_file *file, char **error)
{
	int code;

	if (rename(file->temporary, file->target) < 0)
		return sentence(error, -errno, "%s: %s", file->target, strerror(errno));
	free(file->temporary);
	file->temporary = NULL;
	file->published = true;
	code = sync_directory(file->directory);
	return code ? sentence(error, code, "%s: %s", file->directory, strerror(-code)) : 0;
}

int new_file_publish(struct new_file *file, char **error)
{
	return file->standard ? print(file, error) : put_in_place(file, error);
}

void new_file_free(struct new_file *file, bool failed)
{
	if (file->stream)
		fclose(file->stream);
	if (file->temporary)
		unlink(file->temporary);
	if (file->published && failed)
		unlink(file->target);
	free(file->temporary);
	free(file->directory);
	*file = (struct new_file){0};
}
