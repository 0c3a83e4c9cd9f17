// SPDX-License-Identifier: GPL-2.0
/*
 * The least that a backup would have to do with inotify or fanotify: learn which path has changed. It is not kept.
 *
 *   consumer inotify DIRECTORY     a watch on each directory
 *   consumer fanotify DIRECTORY    a mark on the filesystem; directories come as file handles, and are kept by these
 *
 * Once all is watched, prints a line: the directories watched, and the processor time that it took, in ns. Ends when
 * something was lost, as nothing that was measured then would count.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { BUFFER = 65536, PATH_BYTES = 4096, BUCKETS = 65536 };

static char buffer[BUFFER] __attribute__((aligned(8)));
static char changed[2 * PATH_BYTES]; /* what a backup would keep */
static size_t directories;

static void fail(const char *what)
{
	fprintf(stderr, "consumer: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void found(const char *directory, const char *name)
{
	char *end = stpcpy(changed, directory);

	if (!*name || strcmp(name, ".") == 0)
		return;
	*end++ = '/';
	strcpy(end, name);
}

static void ready(void)
{
	struct timespec used;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	printf("%zu %lld\n", directories, used.tv_sec * 1000000000LL + used.tv_nsec);
	fflush(stdout);
}

/* ---- inotify */

enum {
	INOTIFY_MASK = IN_MODIFY | IN_ATTRIB | IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO |
		       IN_ONLYDIR | IN_DONT_FOLLOW
};

static int notify;
static char **paths; /* by watch */
static size_t paths_count;

static void keep_path(int watch, const char *path)
{
	if ((size_t)watch >= paths_count) {
		size_t count = (size_t)watch * 2 + 64;

		paths = realloc(paths, count * sizeof(*paths));
		if (!paths)
			fail("memory");
		memset(paths + paths_count, 0, (count - paths_count) * sizeof(*paths));
		paths_count = count;
	}
	free(paths[watch]);
	paths[watch] = strdup(path);
}

/* The watch comes first: what is made while the directory is read is seen by one of them. */
static void watch_below(const char *path)
{
	int watch = inotify_add_watch(notify, path, INOTIFY_MASK);
	struct dirent *entry;
	DIR *directory;

	if (watch < 0) {
		if (errno == ENOENT || errno == ENOTDIR)
			return;
		fail(path);
	}
	keep_path(watch, path);
	directories++;
	directory = opendir(path);
	if (!directory)
		return;
	while ((entry = readdir(directory))) {
		char below[PATH_BYTES];

		if (entry->d_type != DT_DIR || !strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (snprintf(below, sizeof(below), "%s/%s", path, entry->d_name) < (int)sizeof(below))
			watch_below(below);
	}
	closedir(directory);
}

static void take_inotify(const struct inotify_event *event)
{
	if (event->mask & IN_Q_OVERFLOW) {
		errno = EOVERFLOW;
		fail("inotify");
	}
	if (event->mask & IN_IGNORED)
		return;
	found(paths[event->wd], event->len ? event->name : "");
	if ((event->mask & IN_ISDIR) && (event->mask & (IN_CREATE | IN_MOVED_TO)))
		watch_below(changed);
}

static void consume_inotify(const char *top)
{
	ssize_t length;

	notify = inotify_init1(IN_CLOEXEC);
	if (notify < 0)
		fail("inotify_init1");
	watch_below(top);
	ready();
	while ((length = read(notify, buffer, sizeof(buffer))) > 0) {
		for (char *at = buffer; at < buffer + length;) {
			const struct inotify_event *event = (const struct inotify_event *)at;

			take_inotify(event);
			at += sizeof(*event) + event->len;
		}
	}
	fail("read");
}

/* ---- fanotify */

enum {
	FANOTIFY_MASK = FAN_MODIFY | FAN_ATTRIB | FAN_CLOSE_WRITE | FAN_CREATE | FAN_DELETE | FAN_MOVED_FROM |
			FAN_MOVED_TO | FAN_ONDIR
};

struct known {
	struct known *next;
	unsigned int bytes;
	char *path;
	char handle[];
};

static struct known *buckets[BUCKETS];
static int mount;

static void forget_all(void)
{
	for (size_t i = 0; i < BUCKETS; i++) {
		while (buckets[i]) {
			struct known *known = buckets[i];

			buckets[i] = known->next;
			free(known->path);
			free(known);
		}
	}
}

static char *resolve(struct file_handle *handle)
{
	int directory = open_by_handle_at(mount, handle, O_PATH | O_CLOEXEC);
	char link[64], path[PATH_BYTES];
	ssize_t length;

	if (directory < 0)
		return strdup("");
	snprintf(link, sizeof(link), "/proc/self/fd/%d", directory);
	length = readlink(link, path, sizeof(path) - 1);
	close(directory);
	path[length < 0 ? 0 : length] = '\0';
	return strdup(path);
}

static const char *path_of(struct file_handle *handle)
{
	unsigned int bytes = sizeof(*handle) + handle->handle_bytes;
	const unsigned char *byte = (const unsigned char *)handle;
	uint32_t sum = 2166136261U;
	struct known *known;

	for (unsigned int i = 0; i < bytes; i++)
		sum = (sum ^ byte[i]) * 16777619;
	sum %= BUCKETS;
	for (known = buckets[sum]; known; known = known->next) {
		if (known->bytes == bytes && memcmp(known->handle, handle, bytes) == 0)
			return known->path;
	}
	known = malloc(sizeof(*known) + bytes);
	if (!known)
		fail("memory");
	known->bytes = bytes;
	memcpy(known->handle, handle, bytes);
	known->path = resolve(handle);
	known->next = buckets[sum];
	buckets[sum] = known;
	return known->path;
}

static void take_fanotify(const struct fanotify_event_metadata *event)
{
	struct fanotify_event_info_fid *information = (struct fanotify_event_info_fid *)(event + 1);
	struct file_handle *handle = (struct file_handle *)information->handle;

	if (event->mask & FAN_Q_OVERFLOW) {
		errno = EOVERFLOW;
		fail("fanotify");
	}
	/* The paths below are others now. */
	if ((event->mask & FAN_ONDIR) && (event->mask & (FAN_MOVED_FROM | FAN_DELETE)))
		forget_all();
	found(path_of(handle), information->hdr.info_type == FAN_EVENT_INFO_TYPE_DFID_NAME
				       ? (const char *)handle->f_handle + handle->handle_bytes
				       : "");
}

static void consume_fanotify(const char *top)
{
	ssize_t length;

	notify = fanotify_init(FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_UNLIMITED_QUEUE | FAN_UNLIMITED_MARKS |
				       FAN_REPORT_DFID_NAME,
			       O_RDONLY);
	if (notify < 0)
		fail("fanotify_init");
	mount = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (mount < 0)
		fail(top);
	if (fanotify_mark(notify, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FANOTIFY_MASK, AT_FDCWD, top))
		fail("fanotify_mark");
	ready();
	while ((length = read(notify, buffer, sizeof(buffer))) > 0) {
		struct fanotify_event_metadata *event = (struct fanotify_event_metadata *)buffer;

		for (; FAN_EVENT_OK(event, length); event = FAN_EVENT_NEXT(event, length))
			take_fanotify(event);
	}
	fail("read");
}

int main(int count, char **arguments)
{
	if (count == 3 && strcmp(arguments[1], "inotify") == 0)
		consume_inotify(arguments[2]);
	if (count == 3 && strcmp(arguments[1], "fanotify") == 0)
		consume_fanotify(arguments[2]);
	fprintf(stderr, "usage: consumer inotify|fanotify DIRECTORY\n");
	return 2;
}
