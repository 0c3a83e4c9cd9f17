-- SPDX-License-Identifier: GPL-2.0
-- The state of fschanged. Times are Unix time: nanoseconds in window and gap, seconds in job.
-- Names and paths are bytes; paths have no fixed encoding.

PRAGMA application_id = 0x66734368;
PRAGMA user_version = 5;

CREATE TABLE meta (
	key TEXT PRIMARY KEY,
	value INTEGER NOT NULL
) WITHOUT ROWID;

-- walks: how many walks for the names of files have begun; walked: the last of them that came to its end.
-- traced: it is, or it was when the last collector ended.
CREATE TABLE filesystem (
	id INTEGER PRIMARY KEY,
	identity TEXT NOT NULL UNIQUE,
	type TEXT,
	mount_point TEXT,
	root TEXT,
	device INTEGER NOT NULL,
	walks INTEGER NOT NULL DEFAULT 0,
	walked INTEGER NOT NULL DEFAULT 0,
	traced INTEGER NOT NULL DEFAULT 0
);

-- Where filesystems are shown: the table shown, in queries.h.

-- Of filesystems that are not mounted: what their superblocks said (struct seal), and how often their devices had been
-- written past them.
CREATE TABLE seal (
	filesystem INTEGER PRIMARY KEY,
	writes INTEGER NOT NULL,
	data BLOB NOT NULL
);

-- keep serves the comparison with a new set of watches.
CREATE TABLE watch (
	filesystem INTEGER NOT NULL,
	path TEXT NOT NULL,
	host_path TEXT NOT NULL,
	keep INTEGER NOT NULL,
	PRIMARY KEY (filesystem, path, host_path)
) WITHOUT ROWID;

-- The dirty set of a window is the union of its runs. Each is sorted; blocks first to next - 1 have its entries
-- (block.c). target: 0, or the run into which it is being merged, or its own id: that is this one (store_merge.c).
CREATE TABLE run (
	window INTEGER NOT NULL,
	id INTEGER NOT NULL,
	first INTEGER NOT NULL,
	next INTEGER NOT NULL,
	entries INTEGER NOT NULL,
	target INTEGER NOT NULL,
	PRIMARY KEY (window, id)
) WITHOUT ROWID;

-- id: the run's, and in the lower 24 bits the number of the block in it.
CREATE TABLE block (
	id INTEGER PRIMARY KEY,
	data BLOB NOT NULL
);

-- Directories that hold a name of a file with several links, as they stand now: a rename moves the row. The root of a
-- filesystem has parent = -filesystem and an empty name.
CREATE TABLE place (
	id INTEGER PRIMARY KEY,
	parent INTEGER NOT NULL,
	name BLOB NOT NULL,
	UNIQUE (parent, name)
);

-- Candidates: names that such files may have. None is believed before it was looked at.
-- walk: how many walks of the filesystem had begun when the name was seen last.
CREATE TABLE link (
	filesystem INTEGER NOT NULL,
	inode INTEGER NOT NULL,
	place INTEGER NOT NULL,
	name BLOB NOT NULL,
	walk INTEGER NOT NULL,
	PRIMARY KEY (filesystem, inode, place, name)
) WITHOUT ROWID;

CREATE INDEX link_place ON link (place);

-- Files that changed and had several names, or none that was known. The place through which they were met tells the
-- subvolume apart where inode numbers repeat (0: through none). The highest serial is the last that is known of a file.
-- links: after the change; 0: it has ended. walk: as above. first, last: Unix time in seconds.
-- inode 0: a subvolume may have gone from the place.
CREATE TABLE linked (
	serial INTEGER PRIMARY KEY,
	filesystem INTEGER NOT NULL,
	inode INTEGER NOT NULL,
	window INTEGER NOT NULL,
	place INTEGER NOT NULL,
	links INTEGER NOT NULL,
	facts INTEGER NOT NULL,
	walk INTEGER NOT NULL,
	first INTEGER NOT NULL,
	last INTEGER NOT NULL,
	UNIQUE (filesystem, inode, window, place)
);

CREATE INDEX linked_place ON linked (place);
CREATE INDEX linked_window ON linked (window);

-- Directories that were moved while their filesystem is being walked, or since a walk was stopped, where they are now.
-- settled: that is long ago.
CREATE TABLE moved (
	id INTEGER PRIMARY KEY,
	filesystem INTEGER NOT NULL,
	inode INTEGER NOT NULL,
	path BLOB NOT NULL,
	settled INTEGER NOT NULL DEFAULT 0
);

CREATE INDEX moved_inode ON moved (filesystem, inode);

-- The walk that was stopped or broken off and can go on: one at most. walks: of its filesystem, then. mounts: a hash of
-- those of the filesystem. gaps: what it covers, as in cover.c. What it has found so far is counted.
CREATE TABLE paused (
	filesystem INTEGER PRIMARY KEY,
	walks INTEGER NOT NULL,
	mounts INTEGER NOT NULL,
	version TEXT NOT NULL,
	gaps BLOB NOT NULL,
	entries INTEGER NOT NULL,
	changed INTEGER NOT NULL,
	directories INTEGER NOT NULL,
	names INTEGER NOT NULL
);

-- Directories that it has still to read, with all below. kept 0: the next state of it, which is not whole yet.
CREATE TABLE rest (
	id INTEGER PRIMARY KEY,
	kept INTEGER NOT NULL,
	path BLOB NOT NULL
);

-- Filesystems on which the scan of which it is a part has come to its end.
CREATE TABLE scanned (
	filesystem INTEGER PRIMARY KEY
);

CREATE TRIGGER paused_ends AFTER DELETE ON paused BEGIN
	DELETE FROM rest WHERE kept = 1;
	DELETE FROM scanned;
END;

-- steady: the clock was not set while it was open. events: records taken from the ring; submitted: put into it.
-- coverage: JSON, what was traced when it was closed.
CREATE TABLE window (
	number INTEGER PRIMARY KEY CHECK (number > 0),
	opened INTEGER NOT NULL,
	closed INTEGER NOT NULL,
	events INTEGER NOT NULL,
	steady INTEGER NOT NULL,
	submitted INTEGER NOT NULL,
	coverage TEXT
);

-- fresh: a word that says why there is no base, empty where there is one; since then; former: the cursor that it had.
-- copied: what the pending backup has (enum store_copied). owed: 0, or the first window that is listed again, because
-- something may have been missing in a list that was committed. base: a random number of each commit.
CREATE TABLE job (
	name TEXT PRIMARY KEY,
	cursor INTEGER NOT NULL,
	pending INTEGER NOT NULL,
	created INTEGER NOT NULL,
	marked INTEGER NOT NULL,
	committed INTEGER NOT NULL,
	fresh TEXT NOT NULL,
	since INTEGER NOT NULL,
	former INTEGER NOT NULL,
	copied INTEGER NOT NULL,
	owed INTEGER NOT NULL,
	base INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE gap (
	id INTEGER PRIMARY KEY,
	filesystem INTEGER NOT NULL,
	first INTEGER NOT NULL,
	last INTEGER NOT NULL,
	started INTEGER NOT NULL,
	ended INTEGER NOT NULL,
	reason TEXT NOT NULL,
	detail TEXT,
	repaired INTEGER NOT NULL
);

-- Filesystems on which a gap is still to be covered; it is repaired when there are none any more.
CREATE TABLE scope (
	gap INTEGER NOT NULL,
	filesystem INTEGER NOT NULL,
	PRIMARY KEY (gap, filesystem)
) WITHOUT ROWID;
