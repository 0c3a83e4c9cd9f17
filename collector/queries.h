/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The queries of the store: QUERY(name, text). Included by database.h and database.c.
 */

#define RUN_COLUMNS "window, id, first, next, entries, target"
#define JOB_COLUMNS "name, cursor, pending, created, marked, committed, fresh, since, former, owed, base, copied"
/* The window after which a job needs all: 0 where it needs a full backup that has not begun. */
#define JOB_BASE "CASE WHEN owed THEN owed - 1 WHEN cursor THEN cursor ELSE pending END"

QUERY(GET_APPLICATION_ID, "PRAGMA application_id")
QUERY(GET_SCHEMA_VERSION, "PRAGMA user_version")
QUERY(COUNT_TABLES, "SELECT count(*) FROM sqlite_master")
QUERY(USE_LOG, "PRAGMA journal_mode = WAL")
QUERY(BEGIN_READ, "BEGIN")
QUERY(BEGIN_WRITE, "BEGIN IMMEDIATE")
QUERY(COMMIT, "COMMIT")
QUERY(ROLLBACK, "ROLLBACK")
QUERY(GET_META, "SELECT value FROM meta WHERE key = ?")
QUERY(CLEAR_META, "UPDATE meta SET value = 0 WHERE key GLOB ?1 || ':*' "
		  "AND (?2 = 0 OR (value >> 32 & 4294967295) = ?2)")
QUERY(SET_META, "INSERT OR REPLACE INTO meta VALUES (?, ?)")
QUERY(FIND_FILESYSTEM, "SELECT id FROM filesystem WHERE identity = ?")
QUERY(ADD_FILESYSTEM, "INSERT INTO filesystem (identity, type, mount_point, root, device) VALUES (?1, ?2, ?3, ?4, ?5)")
QUERY(SET_FILESYSTEM, "UPDATE filesystem SET type = ?2, mount_point = ?3, root = ?4, device = ?5 WHERE identity = ?1")
QUERY(LIST_FILESYSTEMS, "SELECT id, identity, type, mount_point, root, device, walked FROM filesystem ORDER BY id")
QUERY(WAS_SHOWN, "SELECT 1 FROM filesystem WHERE identity = ? AND mount_point = ? AND root = ?")
QUERY(PUT_SEAL, "INSERT OR REPLACE INTO seal VALUES (?, ?, ?)")
QUERY(REMOVE_SEAL, "DELETE FROM seal WHERE ? IN (filesystem, 0)")
QUERY(LIST_SEALS, "SELECT filesystem, writes, data FROM seal")
QUERY(FORGET_WATCHES, "UPDATE watch SET keep = 0")
QUERY(KEEP_WATCH, "INSERT INTO watch VALUES (?, ?, ?, 2) ON CONFLICT DO UPDATE SET keep = max(keep, 1)")
QUERY(COUNT_OTHER_WATCHES, "SELECT count(*) FROM watch WHERE keep != 1")
QUERY(REMOVE_WATCHES, "DELETE FROM watch WHERE keep = 0")
QUERY(LIST_WATCHES, "SELECT filesystem, path, host_path FROM watch")
/*
 * Where which directory of a filesystem is shown (shown.c); an empty root: nothing that counts. Not in schema.sql:
 * databases of this version may be without it, and get it when they are opened.
 */
QUERY(MAKE_SHOWN, "CREATE TABLE IF NOT EXISTS shown (id INTEGER PRIMARY KEY, filesystem INTEGER NOT NULL, "
		  "mount_point TEXT NOT NULL, root TEXT NOT NULL, UNIQUE (filesystem, mount_point))")
QUERY(LIST_SHOWN, "SELECT filesystem, mount_point, root FROM shown ORDER BY id")
QUERY(PUT_SHOWN, "INSERT INTO shown (filesystem, mount_point, root) VALUES (?, ?, ?) "
		 "ON CONFLICT DO UPDATE SET root = excluded.root")
QUERY(WAS_KEPT, "SELECT 1 FROM filesystem JOIN shown AS last ON last.filesystem = filesystem.id AND "
		"last.mount_point = filesystem.mount_point AND last.root = filesystem.root "
		"JOIN shown AS now ON now.filesystem = filesystem.id "
		"WHERE identity = ? AND now.mount_point = ? AND now.root = ?")
QUERY(REMOVE_SHOWN, "DELETE FROM shown WHERE filesystem = ? AND mount_point = ?")
QUERY(HOLD_STATE, "SELECT count(*) FROM window")
QUERY(LIST_RUNS, "SELECT " RUN_COLUMNS " FROM run WHERE window BETWEEN ? AND ? ORDER BY window, id")
QUERY(LIST_RUNS_TO_MERGE, "SELECT " RUN_COLUMNS ", (SELECT closed FROM window WHERE number = run.window) "
			  "FROM run WHERE window >= ? ORDER BY window, id")
QUERY(PUT_RUN, "INSERT OR REPLACE INTO run (" RUN_COLUMNS ") VALUES (?, ?, ?, ?, ?, ?)")
QUERY(REMOVE_RUN, "DELETE FROM run WHERE window = ? AND id = ?")
QUERY(LAST_RUN, "SELECT max((SELECT coalesce(max(id), 0) FROM run), (SELECT coalesce(max(id), 0) >> 24 FROM block))")
QUERY(GET_BLOCK, "SELECT data FROM block WHERE id = ?")
QUERY(PUT_BLOCK, "INSERT INTO block VALUES (?, ?)")
QUERY(REMOVE_BLOCKS, "DELETE FROM block WHERE id BETWEEN ? AND ?")
QUERY(COUNT_BLOCKS, "SELECT count(*) - (SELECT coalesce(sum(next - first), 0) FROM run) FROM block")
QUERY(GET_OPENED, "SELECT opened FROM window WHERE number = ?")
QUERY(OPEN_WINDOW, "INSERT INTO window VALUES (?, ?, 0, 0, 1, 0, NULL)")
QUERY(DESCRIBE_WINDOW, "UPDATE window SET submitted = ?2, coverage = ?3 WHERE number = ?1")
QUERY(UNSTEADY_WINDOWS, "UPDATE window SET steady = 0 WHERE number BETWEEN ? AND ?")
QUERY(CLOSE_WINDOW, "UPDATE window SET closed = ?2, events = ?3 WHERE number = ?1 AND closed = 0")
QUERY(LIST_WINDOWS,
      "SELECT number, opened, closed, events, "
      "(SELECT coalesce(sum(entries), 0) FROM run WHERE run.window = number), "
      "(SELECT count(*) FROM gap WHERE gap.first <= number AND gap.last >= number), steady, submitted, coverage "
      "FROM window WHERE number BETWEEN ? AND ? ORDER BY number")
QUERY(OLDEST_OPEN, "SELECT number FROM window WHERE closed = 0 ORDER BY number LIMIT 1")
QUERY(LAST_WINDOW,
      "SELECT number, opened, closed, events, 0, 0, steady, 0, NULL FROM window ORDER BY number DESC LIMIT 1")
QUERY(GET_JOB, "SELECT " JOB_COLUMNS " FROM job WHERE name = ?")
QUERY(MARK_JOB,
      "INSERT INTO job VALUES (?1, 0, ?2, ?3, ?3, 0, "
      "CASE WHEN EXISTS (SELECT 1 FROM meta WHERE key = 'replaced') THEN ?6 ELSE ?4 END, ?3, 0, ?5, 0, 0) "
      "ON CONFLICT DO UPDATE SET marked = CASE WHEN pending = excluded.pending THEN marked ELSE excluded.marked END, "
      "pending = excluded.pending, copied = excluded.copied")
QUERY(COMMIT_JOB, "UPDATE job SET cursor = pending, pending = 0, committed = ?2, fresh = '', since = 0, former = 0, "
		  "base = ?3, owed = CASE copied WHEN ?4 THEN CASE WHEN owed THEN owed ELSE cursor + 1 END ELSE 0 END "
		  "WHERE name = ?1 AND pending != 0")
QUERY(FRESH_JOBS,
      "UPDATE job SET former = CASE WHEN cursor THEN cursor ELSE former END, cursor = 0, pending = 0, owed = 0, "
      "fresh = ?1, since = ?2 WHERE " JOB_BASE " BETWEEN 1 AND ?3 - 1 AND (?4 IS NULL OR name = ?4)")
QUERY(DROP_JOB, "DELETE FROM job WHERE name = ?")
QUERY(COUNT_AHEAD,
      "SELECT count(*) FROM job WHERE max(cursor, pending) >= (SELECT min(number) FROM window WHERE closed = 0)")
QUERY(LIST_JOBS, "SELECT " JOB_COLUMNS " FROM job ORDER BY name")
QUERY(ADD_GAP, "INSERT INTO gap (filesystem, first, last, started, ended, reason, detail, repaired) "
	       "VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
QUERY(EXTEND_GAP, "UPDATE gap SET ended = max(ended, ?5) WHERE filesystem = ?1 AND first = ?2 AND last = ?3 "
		  "AND reason = ?4 AND repaired = 0")
QUERY(FIND_GAP,
      "SELECT id FROM gap WHERE filesystem = ?1 AND first = ?2 AND last = ?3 AND reason = ?4 AND repaired = 0")
QUERY(SCOPE_ONE, "INSERT OR IGNORE INTO scope VALUES (?, ?)")
QUERY(SCOPE_ALL, "INSERT OR IGNORE INTO scope SELECT ?, id FROM filesystem WHERE traced")
QUERY(WIDEN_GAPS, "INSERT OR IGNORE INTO scope SELECT gap.id, filesystem.id FROM gap, filesystem "
		  "WHERE gap.filesystem = 0 AND last >= ? AND repaired = 0 AND traced")
QUERY(REPAIR_GAP, "UPDATE gap SET repaired = 1 WHERE id = ?")
QUERY(COVER_SCOPE, "DELETE FROM scope WHERE gap = ?1 AND filesystem = ?2 "
		   "AND EXISTS (SELECT 1 FROM gap WHERE id = ?1 AND first = ?3 AND last = ?4)")
QUERY(COUNT_SCOPE, "SELECT count(*) FROM scope WHERE gap = ?")
QUERY(PRUNE_SCOPE, "DELETE FROM scope WHERE gap NOT IN (SELECT id FROM gap)")
QUERY(COUNT_GAPS_OF, "SELECT count(*) FROM scope WHERE filesystem = ?")
QUERY(LIST_GAPS_OF, "SELECT id, gap.filesystem, first, last, started, ended, reason, detail, repaired "
		    "FROM scope JOIN gap ON id = gap WHERE scope.filesystem = ? ORDER BY id")
QUERY(COUNT_UNSTEADY, "SELECT count(*) FROM window WHERE number >= ? AND steady = 0")
QUERY(TRACE_FILESYSTEM, "UPDATE filesystem SET traced = ?2 WHERE id = ?1")
QUERY(TRACE_NONE, "UPDATE filesystem SET traced = 0")
QUERY(LIST_GAPS, "SELECT id, filesystem, first, last, started, ended, reason, detail, repaired FROM gap "
		 "WHERE last >= ? AND first <= ? ORDER BY id")
QUERY(FIRST_KEPT, "SELECT min(number) FROM window WHERE closed = 0 OR closed >= ? "
		  "OR number > (SELECT CASE WHEN count(*) OR ?1 = ?2 THEN coalesce(min(nullif(" JOB_BASE
		  ", 0)), ?2) ELSE 0 END FROM job) "
		  "OR number = (SELECT max(number) FROM window)")
QUERY(CLOSED_BEFORE, "SELECT number FROM window WHERE closed BETWEEN 1 AND ? ORDER BY number DESC LIMIT 1")
QUERY(OLDEST_BASE, "SELECT " JOB_BASE " AS oldest FROM job WHERE oldest > 0 ORDER BY oldest LIMIT 1")
QUERY(PAGE_COUNT, "PRAGMA page_count")
QUERY(FREE_COUNT, "PRAGMA freelist_count")
QUERY(PAGE_SIZE, "PRAGMA page_size")
QUERY(QUICK_CHECK, "PRAGMA quick_check(1)")
QUERY(PRUNE_RUNS, "DELETE FROM run WHERE window < ?")
QUERY(PRUNE_LINKED, "DELETE FROM linked WHERE window < ?")
QUERY(PRUNE_GAPS, "DELETE FROM gap WHERE last < ?")
QUERY(PRUNE_WINDOWS, "DELETE FROM window WHERE number < ?")

/* The index of names (store_links.c) */
#define BEGUN "(SELECT walks FROM filesystem WHERE id = ?1)"

QUERY(FIND_PLACE, "SELECT id FROM place WHERE parent = ? AND name = ?")
QUERY(ADD_PLACE, "INSERT INTO place (parent, name) VALUES (?, ?)")
QUERY(GET_PLACE, "SELECT parent, name FROM place WHERE id = ?")
QUERY(MOVE_PLACE, "UPDATE place SET parent = ?2, name = ?3 WHERE id = ?1")
QUERY(NEXT_PLACE, "SELECT id, name FROM place WHERE parent = ? AND name > ? ORDER BY name LIMIT 1")
#define IS_USED                                                                                                        \
	"EXISTS (SELECT 1 FROM link WHERE place = p.id) OR EXISTS (SELECT 1 FROM place WHERE parent = p.id) "          \
	"OR EXISTS (SELECT 1 FROM linked WHERE place = p.id)"
QUERY(REMOVE_PLACE, "DELETE FROM place AS p WHERE id = ? AND NOT (" IS_USED ")")
QUERY(REMOVE_PLACES, "DELETE FROM place AS p WHERE NOT (" IS_USED ")")
QUERY(PUT_LINK, "INSERT INTO link VALUES (?1, ?2, ?3, ?4, " BEGUN ") "
		"ON CONFLICT DO UPDATE SET walk = excluded.walk WHERE walk != excluded.walk")
QUERY(REMOVE_LINK, "DELETE FROM link WHERE filesystem = ? AND inode = ? AND place = ? AND name = ?")
QUERY(COPY_LINKS, "INSERT OR IGNORE INTO link SELECT filesystem, inode, ?2, name, walk FROM link WHERE place = ?1")
QUERY(LIST_NAMES, "SELECT place, name FROM link WHERE filesystem = ? AND inode = ?")
QUERY(PUT_LINKED, "INSERT OR REPLACE INTO linked (filesystem, inode, window, place, links, facts, walk, first, last) "
		  "SELECT ?1, ?2, ?3, ?4, ?5, ?6 | coalesce(max(facts), 0), " BEGUN
		  ", coalesce(min(first, ?7), ?7), coalesce(max(last, ?7), ?7) FROM linked "
		  "WHERE filesystem = ?1 AND inode = ?2 AND window = ?3 AND place = ?4 AND links != 0")
QUERY(HAS_LEFT, "WITH RECURSIVE above (id) AS (VALUES (?2) "
		"UNION SELECT parent FROM place JOIN above USING (id) WHERE parent > 0) "
		"SELECT 1 FROM above CROSS JOIN linked ON place = above.id "
		"WHERE inode = 0 AND +filesystem = ?1 LIMIT 1")
QUERY(LAST_LEFT, "SELECT coalesce(max(serial), 0) FROM linked WHERE inode = 0")
/* As the table shown. Asked for each place that has gone: not through all those from which a subvolume has left. */
QUERY(MAKE_LEFT, "CREATE INDEX IF NOT EXISTS linked_left ON linked (place) WHERE inode = 0")
QUERY(HAS_UNNAMED, "SELECT 1 FROM linked WHERE window BETWEEN ? AND ? AND +place = 0 LIMIT 1")
QUERY(IS_KNOWN, "SELECT 1 WHERE EXISTS (SELECT 1 FROM link WHERE filesystem = ?1 AND inode = ?2) "
		"OR EXISTS (SELECT 1 FROM linked WHERE filesystem = ?1 AND inode = ?2)")
QUERY(LIST_KNOWN_NAMES, "SELECT filesystem, inode FROM link LIMIT ?")
QUERY(LIST_KNOWN_CHANGES, "SELECT filesystem, inode FROM linked LIMIT ?")
QUERY(IS_LINKED, "SELECT 1 FROM linked WHERE filesystem = ? AND inode = ? LIMIT 1")
#define FROM_LINKED                                                                                                    \
	"SELECT filesystem, inode, place, window, links, facts, linked.walk < walked, first, last, serial "            \
	"FROM linked JOIN filesystem ON id = filesystem "
/* +: not by the index of places, which leads through the rows of all windows. */
QUERY(LIST_LINKED, FROM_LINKED "WHERE window >= ? AND inode != 0 ORDER BY +place")
QUERY(LIST_LINKED_OF, FROM_LINKED "WHERE filesystem = ? AND inode = ? AND window >= ? ORDER BY serial")
QUERY(LIST_WANTED, "SELECT DISTINCT inode FROM linked WHERE filesystem = ?1 AND inode > ?2 ORDER BY inode LIMIT ?3")
QUERY(BEGIN_WALK, "UPDATE filesystem SET walks = walks + 1 WHERE id = ?")
QUERY(END_WALK, "UPDATE filesystem SET walked = walks WHERE id = ?")
QUERY(IS_WALKED, "SELECT walked FROM filesystem WHERE id = ?")
QUERY(REMOVE_UNSEEN, "DELETE FROM link WHERE filesystem = ?1 AND walk < " BEGUN)
QUERY(ADD_MOVED, "INSERT INTO moved (filesystem, inode, path) VALUES (?, ?, ?)")
QUERY(MOVED_ON, "DELETE FROM moved WHERE filesystem = ?1 AND inode = ?2 AND inode != 0")
QUERY(NEXT_MOVED, "SELECT id, inode, path, settled FROM moved WHERE filesystem = ? ORDER BY id LIMIT 1")
QUERY(REMOVE_MOVED, "DELETE FROM moved WHERE id = ?")
QUERY(FORGET_MOVED, "DELETE FROM moved WHERE filesystem = ?")
QUERY(SETTLE_MOVED, "UPDATE moved SET settled = 1 WHERE filesystem = ?")
QUERY(COUNT_MOVED, "SELECT count(*) FROM moved WHERE filesystem = ?")

/* The walk that was stopped (store_paused.c) */
QUERY(KEEP_REST, "INSERT INTO rest (kept, path) VALUES (0, ?)")
QUERY(DROP_REST, "DELETE FROM rest WHERE kept = 0")
QUERY(PUT_REST, "UPDATE rest SET kept = 1 WHERE kept = 0")
QUERY(NEXT_REST, "SELECT id, path FROM rest WHERE kept = 1 AND id > ? ORDER BY id")
QUERY(PUT_PAUSED, "INSERT INTO paused SELECT id, walks, ?2, ?3, ?4, ?5, ?6, ?7, ?8 FROM filesystem WHERE id = ?1")
QUERY(GET_PAUSED, "SELECT entries, changed, directories, names FROM paused JOIN filesystem ON id = filesystem "
		  "WHERE id = ? AND mounts = ? AND version = ? AND gaps = ? AND paused.walks = filesystem.walks")
QUERY(FIND_PAUSED, "SELECT filesystem FROM paused")
QUERY(FORGET_PAUSED, "DELETE FROM paused WHERE ?1 IN (0, filesystem)")
QUERY(PUT_SCANNED, "INSERT OR IGNORE INTO scanned VALUES (?)")
QUERY(IS_SCANNED, "SELECT count(*) FROM scanned WHERE filesystem = ?")

#undef RUN_COLUMNS
#undef JOB_COLUMNS
#undef JOB_BASE
#undef BEGUN
#undef FROM_LINKED
#undef IS_USED
#undef QUERY
