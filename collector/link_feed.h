/* SPDX-License-Identifier: GPL-2.0 */
/*
 * From records of the ring to changes of the names of files with several links, in the ring's order. Of a rename there
 * are two records: that of the old name waits here for the other one of the same thread.
 */
#ifndef FSCHANGED_LINK_FEED_H
#define FSCHANGED_LINK_FEED_H

#include "batch.h"
#include "event.h"

struct link_feed;

struct link_feed *link_feed_new(void); /* NULL: no memory */
void link_feed_free(struct link_feed *feed);

/* A record's place in the store, and when. The path is inside the filesystem. */
struct link_event {
	const struct event *event;
	const char *path;
	size_t length;
	uint32_t filesystem;
	uint64_t window;
	int64_t time; /* Unix time in seconds */
};

/* Puts what the record says of names into the batch. -ENOSPC: it is full; then the record is to be taken again. */
int link_feed_take(struct link_feed *feed, const struct link_event *at, struct batch *batch);

/* While the filesystem is walked: a directory that comes to another place is noted, so that it is walked there. */
int link_feed_note_arrival(const struct link_event *at, struct batch *batch);

#endif
