// SPDX-License-Identifier: GPL-2.0
#include <linux/btrfs_tree.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "decode.h"
#include "link_feed.h"
#include "mounts.h"
#include "path.h"

/*
 * How many threads may be between the two records of a rename. The records follow each other at once, so few are; were
 * there more, the candidates would stay where the directory was, and the files' link counts would show it.
 */
enum { DEPARTURES = 64 };

struct departure {
	uint32_t tid; /* 0: none */
	uint32_t filesystem;
	uint64_t inode;
	size_t length;
	char path[PATH_BYTES];
};

/*
 * A rename of a directory is recorded before it is done, and what is met below meanwhile comes with the old path, after
 * the candidates have been moved away. So for a while those are candidates at the new place, too. One too many does no
 * harm; should a rename take longer, the files' link counts show it.
 */
enum { MOVES = 64 };
#define MOVE_TIME UINT64_C(1000000000) /* nanoseconds */

struct move {
	uint32_t filesystem;
	uint64_t until; /* time of records */
	size_t from_length, length;
	char paths[2 * PATH_BYTES]; /* the old one, and the new one behind it */
};

/*
 * A program reads the link count, walks to the root, and only then puts its record into the ring: those of the file's
 * last unlinks may pass it. The kernel has taken the time before it read the count, so a record from before the end
 * tells nothing of what is left. Should the unlink fail, its own record has the last name: in the same window, or else
 * nothing is concluded.
 */
enum { ENDINGS = 1024 };

struct ending {
	uint64_t inode;
	uint64_t time; /* of the record */
	uint64_t window;
	uint32_t filesystem;
};

struct link_feed {
	struct ending endings[ENDINGS]; /* by inode; the latest one stays */
	struct departure departures[DEPARTURES];
	size_t next;
	struct move moves[MOVES];
	size_t oldest;  /* which is the next to go */
	uint64_t until; /* the latest of theirs */
	char moved[2 * PATH_BYTES], other[PATH_BYTES];
};

/* Touched at once: it takes no more later. */
struct link_feed *link_feed_new(void)
{
	struct link_feed *feed = malloc(sizeof(*feed));

	if (feed)
		memset(feed, 0, sizeof(*feed));
	return feed;
}

void link_feed_free(struct link_feed *feed)
{
	free(feed);
}

/* The path is that of an ancestor where the file's own did not fit. */
static bool is_named(const struct event *event)
{
	return !(event->flags & EVENT_UNFIT);
}

/* A thread is in one rename at a time. */
static struct departure *slot_of(struct link_feed *feed, uint32_t tid)
{
	size_t next = feed->next;

	for (size_t i = 0; i < DEPARTURES; i++)
		if (feed->departures[i].tid == tid)
			return &feed->departures[i];
	feed->next = (next + 1) % DEPARTURES;
	return &feed->departures[next];
}

static void depart(struct link_feed *feed, const struct link_event *at)
{
	struct departure *departure = slot_of(feed, at->event->tid);

	departure->tid = 0;
	if (!is_named(at->event) || at->length > PATH_BYTES)
		return;
	*departure = (struct departure){
		.tid = at->event->tid,
		.filesystem = at->filesystem,
		.inode = at->event->inode,
		.length = at->length,
	};
	memcpy(departure->path, at->path, at->length);
}

static struct departure *find_departure(struct link_feed *feed, const struct link_event *at)
{
	for (size_t i = 0; i < DEPARTURES; i++) {
		struct departure *departure = &feed->departures[i];

		if (departure->tid == at->event->tid && departure->tid && departure->inode == at->event->inode &&
		    departure->filesystem == at->filesystem)
			return departure;
	}
	return NULL;
}

static void note_move(struct link_feed *feed, const struct link_event *at, const struct link_change *change)
{
	struct move *move = &feed->moves[feed->oldest];

	feed->oldest = (feed->oldest + 1) % MOVES;
	move->filesystem = change->filesystem;
	move->until = at->event->time + MOVE_TIME;
	feed->until = move->until > feed->until ? move->until : feed->until;
	move->from_length = change->from_length;
	move->length = change->path_length;
	memcpy(move->paths, change->path, change->path_length);
}

/* The path, of at most PATH_BYTES, where those renames have led to. Returns its length; 0: it is as before. */
static size_t follow_moves(const struct link_feed *feed, const struct link_event *at, const char *path, size_t length,
			   char *result)
{
	bool moved = false;

	if (feed->until <= at->event->time)
		return 0;
	memcpy(result, path, length);
	for (size_t i = 0; i < MOVES; i++) {
		const struct move *move = &feed->moves[(feed->oldest + i) % MOVES];
		size_t to_length = move->length - move->from_length;

		if (move->filesystem != at->filesystem || move->until <= at->event->time ||
		    length <= move->from_length || !path_is_below(result, length, move->paths, move->from_length) ||
		    length - move->from_length + to_length > PATH_BYTES)
			continue;
		memmove(result + to_length, result + move->from_length, length - move->from_length);
		memcpy(result, move->paths + move->from_length, to_length);
		length += to_length - move->from_length;
		moved = true;
	}
	return moved ? length : 0;
}

static struct link_change change_of(const struct link_event *at, enum link_action action)
{
	return (struct link_change){
		.action = action,
		.filesystem = at->filesystem,
		.links = decode_links(at->event),
		.inode = at->event->inode,
		.window = at->window,
		.time = at->time,
		.facts = decode_facts(at->event),
		.path = at->path,
		.path_length = at->length,
	};
}

static int arrive(struct link_feed *feed, const struct link_event *at, struct batch *batch)
{
	struct departure *departure = find_departure(feed, at);
	struct link_change change = change_of(at, DIRECTORY_MOVED);
	int code;

	if (!departure || !is_named(at->event) || at->length > PATH_BYTES)
		return 0;
	memcpy(feed->moved, departure->path, departure->length);
	memcpy(feed->moved + departure->length, at->path, at->length);
	change.path = feed->moved;
	change.path_length = departure->length + at->length;
	change.from_length = departure->length;
	change.replaced = at->event->replaced != 0;
	code = batch_add_link(batch, &change);
	if (code)
		return code;
	departure->tid = 0;
	note_move(feed, at, &change);
	return 0;
}

/* What is carried was taken when it was new; by now the dentry of the old name may have the new one. */
static int take_directory(struct link_feed *feed, const struct link_event *at, struct batch *batch)
{
	struct link_change change;

	if (at->event->flags & EVENT_CARRIED)
		return 0;
	switch (at->event->operation) {
	case OPERATION_RENAME_FROM:
		depart(feed, at);
		return 0;
	case OPERATION_RENAME_TO:
		return arrive(feed, at, batch);
	case OPERATION_RMDIR:
		change = change_of(at, DIRECTORY_REMOVED);
		return is_named(at->event) ? batch_add_link(batch, &change) : 0;
	default:
		return 0;
	}
}

static struct ending *ending_slot(struct link_feed *feed, uint64_t inode)
{
	return &feed->endings[inode % ENDINGS];
}

static void note_ending(struct link_feed *feed, const struct link_event *at, uint64_t inode)
{
	*ending_slot(feed, inode) = (struct ending){
		.inode = inode,
		.time = at->event->time,
		.window = at->window,
		.filesystem = at->filesystem,
	};
}

/*
 * Where subvolumes have inode numbers of their own it may be the end of another file. That is so on btrfs, which has an
 * anonymous number, as have others: of those a record too many makes a list longer, or is looked into.
 */
static bool has_ended_since(struct link_feed *feed, const struct link_event *at)
{
	const struct ending *ending = ending_slot(feed, at->event->inode);

	if (mounts_is_anonymous(at->event->device))
		return false;
	return ending->inode == at->event->inode && ending->filesystem == at->filesystem &&
	       ending->window == at->window && ending->time > at->event->time;
}

/* The file that a rename replaces by another one. Of a directory nobody asks whether it has ended. */
static int take_replaced(struct link_feed *feed, const struct link_event *at, struct batch *batch)
{
	struct link_change change;

	if (!at->event->ended || at->event->flags & EVENT_CARRIED || !is_named(at->event))
		return 0;
	change = change_of(at, LINK_REMOVED);
	change.inode = at->event->ended;
	change.links = 0;
	note_ending(feed, at, change.inode);
	return batch_add_link(batch, &change);
}

/* An operation that is carried over a cut only adds. */
static enum link_action action_of(const struct event *event, uint32_t links)
{
	if (event->flags & EVENT_CARRIED)
		return LINK_NAMED;
	if (event->operation == OPERATION_UNLINK)
		return LINK_REMOVED;
	if (event->operation == OPERATION_RENAME_FROM)
		return LINK_LEFT;
	return event->operation == OPERATION_RENAME_TO && links < 2 ? LINK_ARRIVED : LINK_NAMED;
}

/* Where a directory above the name may be moved. */
static int add_moved_on(struct link_feed *feed, const struct link_event *at, struct link_change change,
			struct batch *batch)
{
	change.path_length = follow_moves(feed, at, at->path, at->length, feed->other);
	change.path = feed->other;
	change.action = LINK_MOVED_ON;
	return change.path_length ? batch_add_link(batch, &change) : 0;
}

static int take_file(struct link_feed *feed, const struct link_event *at, struct batch *batch)
{
	const uint32_t links = decode_links(at->event);
	enum link_action action = action_of(at->event, links);
	bool unlinks = action == LINK_REMOVED, arrives = action == LINK_ARRIVED;
	struct link_change change;
	int code;

	/*
	 * Without an inode a name is made, and that has one link. One link less is still a matter of several, and one
	 * that is left and moves may be so.
	 */
	if (!at->event->inode || (!unlinks && !arrives && links < 2))
		return 0;
	if (!unlinks && has_ended_since(feed, at))
		return 0;
	if (unlinks && !links)
		note_ending(feed, at, at->event->inode);
	if (!is_named(at->event)) {
		if (unlinks || arrives)
			return 0;
		action = LINK_UNNAMED;
	}
	change = change_of(at, action);
	code = batch_add_link(batch, &change);
	if (code || (action != LINK_NAMED && !arrives))
		return code;
	return add_moved_on(feed, at, change, batch);
}

/* A file without any link has ended, but for its open descriptors. */
static int take_unnamed(const struct link_event *at, struct batch *batch)
{
	struct link_change change = change_of(at, LINK_UNNAMED);

	if (!at->event->links)
		return 0;
	change.path_length = 0;
	change.facts.flags |= DIRTY_UNNAMED;
	return batch_add_link(batch, &change);
}

/*
 * The root of each subvolume of a btrfs has the same number. One that is removed or made by a command is reported by
 * the name that the caller gave; carried over a cut, by its directory; and by its own number, as the filesystem's root.
 */
static bool leaves_subvolume(const struct event *event)
{
	if (!mounts_is_anonymous(event->device))
		return false;
	if (event->operation == OPERATION_IOCTL)
		return event->flags & EVENT_UNFIT;
	return event->inode == BTRFS_FIRST_FREE_OBJECTID && S_ISDIR(event->mode) &&
	       (event->operation == OPERATION_RMDIR || event->operation == OPERATION_RENAME_FROM);
}

static int take_subvolume(const struct link_event *at, struct batch *batch)
{
	const struct link_change change = change_of(at, SUBVOLUME_LEFT);

	return leaves_subvolume(at->event) ? batch_add_link(batch, &change) : 0;
}

int link_feed_take(struct link_feed *feed, const struct link_event *at, struct batch *batch)
{
	int code;

	if (at->event->kind == EVENT_INODE)
		return take_unnamed(at, batch);
	code = take_subvolume(at, batch);
	if (!code)
		code = take_replaced(feed, at, batch);
	if (code)
		return code;
	return S_ISDIR(at->event->mode) ? take_directory(feed, at, batch) : take_file(feed, at, batch);
}

/* Where the path did not fit it is that of an ancestor: any inode will do. */
int link_feed_note_arrival(const struct link_event *at, struct batch *batch)
{
	struct link_change change = change_of(at, DIRECTORY_ARRIVED);

	if (at->event->kind != EVENT_PATH || at->event->operation != OPERATION_RENAME_TO || !S_ISDIR(at->event->mode))
		return 0;
	if (!is_named(at->event))
		change.inode = 0;
	return batch_add_link(batch, &change);
}
