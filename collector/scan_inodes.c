// SPDX-License-Identifier: GPL-2.0
/*
 * Why nothing is missed. All that is asked here is whether a file may be passed over without a look; those that are not
 * are looked at as in any walk, and directories are always. Of a file that changed in a gap, has several links, or is
 * asked for by the collector, that is so before the walk begins, as that begins with a cut:
 *
 * - its ctime is not older than the gap's start, and never will be: it only goes on (cover.c has those which do not),
 * - its inode is there until it has lost all names, and it is told of, as its part is read before any directory of it,
 * - what it becomes by changes since the cut is traced: those of its content and its attributes, a second link (both
 *   names have a record), a name that goes and one that comes; the walk asks for directories that moved.
 *
 * So it is not passed over, under whatever name the walk meets it. A number that is used again belongs to a file made
 * after the cut. A part that cannot be read, for whatever reason, is walked like a filesystem that does not tell.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "inode_set.h"
#include "inodes.h"
#include "scan_inodes.h"
#include "scan_private.h"

enum {
	SET_ORDER = 27,      /* 16 MiB; with as many inodes one of eight others is looked at for nothing */
	TOLD_AT_ONCE = 4096, /* inodes */
};

struct scan_inodes {
	const struct inodes_way *way;
	struct inode_set *wanted; /* by what a file is: see scan_wants_file() */
	pthread_mutex_t lock;     /* of all that follows */
	bool is_settled;
	struct scan_part *parts;
	size_t count;
};

struct reading {
	struct scan *scan;
	uint64_t count; /* since it was told */
	int (*tell)(uint64_t count, void *context);
	void *context;
	int error; /* what it answered */
};

struct scan_inodes *scan_inodes_new(const char *type)
{
	const struct inodes_way *way = inodes_find(type);
	struct scan_inodes *inodes = way ? calloc(1, sizeof(*inodes)) : NULL;

	if (!inodes)
		return NULL;
	inodes->way = way;
	pthread_mutex_init(&inodes->lock, NULL);
	inodes->wanted = inode_set_new(SET_ORDER);
	if (inodes->wanted)
		return inodes;
	scan_inodes_free(inodes);
	return NULL;
}

void scan_inodes_free(struct scan_inodes *inodes)
{
	if (!inodes)
		return;
	inode_set_free(inodes->wanted);
	pthread_mutex_destroy(&inodes->lock);
	free(inodes->parts);
	free(inodes);
}

static int tell_count(struct reading *reading)
{
	uint64_t count = reading->count;

	reading->count = 0;
	reading->error = reading->tell(count, reading->context);
	return reading->error;
}

static int take(const struct inode_facts *facts, void *context)
{
	struct reading *reading = context;
	const struct scan *scan = reading->scan;

	if (!S_ISDIR(facts->mode) && scan_wants_file(scan, facts->inode, facts->links, facts->changed))
		inode_set_add(scan->inodes->wanted, facts->inode);
	return ++reading->count < TOLD_AT_ONCE ? 0 : tell_count(reading);
}

/* The cut was before: what changed in a gap is settled by the first directory. */
static int read_part(struct scan *scan, int directory, struct scan_part *part, struct reading *reading)
{
	struct scan_inodes *inodes = scan->inodes;
	int code = inodes->is_settled ? 0 : inodes->way->settle(directory);

	inodes->is_settled |= !code;
	if (!code)
		code = inodes->way->read(directory, part->number, take, reading);
	part->is_read = !code;
	return reading->error ? reading->error : tell_count(reading);
}

static struct scan_part *find(const struct scan_inodes *inodes, uint64_t number)
{
	for (size_t i = 0; i < inodes->count; i++)
		if (inodes->parts[i].number == number)
			return &inodes->parts[i];
	return NULL;
}

/* The lock is held: nobody goes on in a part before it was read. */
static int enter(struct scan *scan, int directory, struct scan_part *part, struct reading *reading)
{
	struct scan_inodes *inodes = scan->inodes;
	const struct scan_part *found = find(inodes, part->number);
	struct scan_part *parts;
	int code;

	if (found) {
		*part = *found;
		return 0;
	}
	parts = reallocarray(inodes->parts, inodes->count + 1, sizeof(*parts));
	if (!parts)
		return -ENOMEM;
	inodes->parts = parts;
	code = read_part(scan, directory, part, reading);
	if (!code)
		parts[inodes->count++] = *part;
	return code;
}

int scan_inodes_enter(struct scan *scan, int directory, struct scan_part *part,
		      int (*tell)(uint64_t count, void *context), void *context)
{
	struct reading reading = {.scan = scan, .tell = tell, .context = context};
	uint64_t number;
	int code;

	if (scan->inodes->way->part(directory, &number)) {
		*part = (struct scan_part){0};
		return 0;
	}
	if (part->is_known && part->number == number)
		return 0;
	*part = (struct scan_part){.number = number, .is_known = true};
	pthread_mutex_lock(&scan->inodes->lock);
	code = enter(scan, directory, part, &reading);
	pthread_mutex_unlock(&scan->inodes->lock);
	return code;
}

bool scan_inodes_passes(const struct scan *scan, uint64_t inode)
{
	return !inode_set_has(scan->inodes->wanted, inode);
}
