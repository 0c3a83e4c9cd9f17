// SPDX-License-Identifier: GPL-2.0
/*
 * bulkstat goes through the inode cache (xfs_bulkstat_one_int(): xfs_iget()) and tells of an inode what statx would,
 * also what is not on the disk yet. It passes over inodes that are free or have lost their last name, and waits for
 * those on their way into the cache or out of it. A kernel that does not know it answers ENOTTY, a mount with mapped
 * user numbers EINVAL; so it does when it is asked for an allocation group that is not there (xfs_bulk_ireq_setup()).
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "inodes_private.h"
#include "moment.h"

enum {
	AT_ONCE = 4096, /* inodes */
	THREADS = 8,
};

/* Of all allocation groups: each is read by one thread. */
struct survey {
	int directory;
	inodes_each *each;
	void *context;
	uint32_t next;        /* group */
	pthread_mutex_t lock; /* of each and the error */
	int error;
};

/* All of it: its inodes are numbered through. */
static int get_part(int directory, uint64_t *part)
{
	(void)directory;
	*part = 0;
	return 0;
}

static int settle(int directory)
{
	(void)directory;
	return 0;
}

static int take(const struct bulkstat_request *request, inodes_each *each, void *context)
{
	int code = 0;

	for (uint32_t i = 0; !code && i < request->count; i++) {
		const struct bulkstat_inode *inode = &request->inodes[i];
		const struct inode_facts facts = {
			.inode = inode->inode,
			.changed = inode->changed * NANOSECONDS + inode->changed_nsec,
			.mode = inode->mode,
			.links = inode->links,
		};

		code = each(&facts, context);
	}
	return code;
}

/* 1: there is no such group; they are numbered from 0, so the first one is there. */
static int read_group(struct survey *survey, struct bulkstat_request *request, uint32_t group)
{
	int code = 0;

	*request = (struct bulkstat_request){.flags = BULKSTAT_OF_GROUP, .room = AT_ONCE, .group = group};
	while (!code) {
		if (ioctl(survey->directory, BULKSTAT_IOCTL, request))
			return errno == EINVAL && group && !request->next ? 1 : -errno;
		if (!request->count)
			return 0;
		pthread_mutex_lock(&survey->lock);
		code = survey->error ? survey->error : take(request, survey->each, survey->context);
		pthread_mutex_unlock(&survey->lock);
	}
	return code;
}

static void *read_groups(void *context)
{
	struct survey *survey = context;
	struct bulkstat_request *request = malloc(sizeof(*request) + AT_ONCE * sizeof(*request->inodes));
	int code = request ? 0 : -ENOMEM;

	while (!code)
		code = read_group(survey, request, __atomic_fetch_add(&survey->next, 1, __ATOMIC_RELAXED));
	pthread_mutex_lock(&survey->lock);
	if (code < 0 && !survey->error)
		survey->error = code;
	pthread_mutex_unlock(&survey->lock);
	free(request);
	return NULL;
}

static int read_inodes(int directory, uint64_t part, inodes_each *each, void *context)
{
	struct survey survey = {directory, each, context, .lock = PTHREAD_MUTEX_INITIALIZER};
	pthread_t threads[THREADS];
	size_t begun = 0;

	(void)part;
	while (begun < THREADS && !pthread_create(&threads[begun], NULL, read_groups, &survey))
		begun++;
	for (size_t i = 0; i < begun; i++)
		pthread_join(threads[i], NULL);
	return begun ? survey.error : -EAGAIN;
}

const struct inodes_way inodes_xfs = {"xfs", get_part, settle, read_inodes};
