-- SPDX-License-Identifier: GPL-2.0
-- The state of fschanged. Times are Unix time: nanoseconds in window and gap, seconds in job.
-- Names and paths are bytes; paths have no fixed encoding.

PRAGMA application_id = 0x66734368;
PRAGMA user_version = 2;

CREATE TABLE meta (
	key TEXT PRIMARY KEY,
	value INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE filesystem (
	id INTEGER PRIMARY KEY,
	identity TEXT NOT NULL UNIQUE,
	type TEXT,
	mount_point TEXT,
	root TEXT,
	device INTEGER NOT NULL
);

-- keep serves the comparison with a new set of watches.
CREATE TABLE watch (
	filesystem INTEGER NOT NULL,
	path TEXT NOT NULL,
	host_path TEXT NOT NULL,
	keep INTEGER NOT NULL,
	PRIMARY KEY (filesystem, path, host_path)
) WITHOUT ROWID;

-- A directory is an identity of a path: a rename moves no row. The root of a filesystem has parent = -filesystem and an
-- empty name. A row is made after that of its parent, so that parent < id holds always.
-- used: the last window in which a dirty row names this directory, or that in which this row was made.
CREATE TABLE directory (
	id INTEGER PRIMARY KEY,
	parent INTEGER NOT NULL,
	name BLOB NOT NULL,
	used INTEGER NOT NULL,
	UNIQUE (parent, name)
);

-- The root of a filesystem itself is (its row, empty name).
-- first: seconds since the window was opened; last: seconds since first.
CREATE TABLE dirty (
	window INTEGER NOT NULL,
	directory INTEGER NOT NULL,
	name BLOB NOT NULL,
	facts INTEGER NOT NULL,
	first INTEGER NOT NULL,
	last INTEGER NOT NULL,
	PRIMARY KEY (window, directory, name)
) WITHOUT ROWID;

-- The names under which files with several links were seen; each is a row of dirty as well.
-- operations: those that met this file under this name.
CREATE TABLE hardlink (
	window INTEGER NOT NULL,
	filesystem INTEGER NOT NULL,
	inode INTEGER NOT NULL,
	directory INTEGER NOT NULL,
	name BLOB NOT NULL,
	links INTEGER NOT NULL,
	operations INTEGER NOT NULL,
	PRIMARY KEY (window, filesystem, inode, directory, name)
) WITHOUT ROWID;

-- steady: the clock was not set while it was open.
CREATE TABLE window (
	number INTEGER PRIMARY KEY CHECK (number > 0),
	opened INTEGER NOT NULL,
	closed INTEGER NOT NULL,
	events INTEGER NOT NULL,
	steady INTEGER NOT NULL
);

CREATE TABLE job (
	name TEXT PRIMARY KEY,
	cursor INTEGER NOT NULL,
	pending INTEGER NOT NULL,
	created INTEGER NOT NULL,
	marked INTEGER NOT NULL,
	committed INTEGER NOT NULL
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
