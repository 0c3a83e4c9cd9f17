# shellcheck shell=bash
# Gaps made on purpose, and what a scan makes of them. The collector runs with a small ring here.

# Of what a scan takes for changed, seconds before the gap.
SCAN_MARGIN=14

# blind COMMAND...: what it changes is lost, as the ring is full.
blind() {
	kill -STOP "$COLLECTOR"
	(D=$SOURCE/noise && burst) || { kill -CONT "$COLLECTOR"; fail "a change failed"; }
	"$@" || { kill -CONT "$COLLECTOR"; fail "a change failed"; }
	kill -CONT "$COLLECTOR"
}

change_blindly() {
	blind python "$HERE/blind.py" change "$D" "$1"
}

# Where ctimes are not believed all is listed anew: btrfs before 5.18, see collector/refine.c.
expect_kept() {
	[[ $(stat -f -c %T "$D") != btrfs || $(uname -r) != 5.10.* ]] || return 0
	expect_not_listed changed kept kept/old kept/below kept/below/old files files/untouched
}

# By the lists alone, after a scan.
back_up_repaired() {
	dump "$1" "$D" "${@:2}"
	[ "$STATUS" = 0 ] || fail "dump of $1 ended with $STATUS: $(<"$T/err")"
	apply "$D" "$REPLICA/$1"
	expect_equal "$D" "$REPLICA/$1"
}

begin_blind_job() {
	python "$HERE/blind.py" make "$D"
	begin_job_with_full_backup "$1"
	mkdir -p "$SOURCE/noise"
	sleep "$SCAN_MARGIN"
}

# of_scan MOUNT_POINT KEY: from a scan's answer, in $T/scanned.
of_scan() {
	[[ $(<"$T/scanned") =~ \"mount_point\":\ \"$1\"[^}]*\"$2\":\ ([0-9.]+) ]] || fail "the scan does not tell of $1"
	echo "${BASH_REMATCH[1]}"
}

# expect_read INODES: they were read before the directories where the filesystem tells of them.
expect_read() {
	case $(stat -f -c %T "$D") in
	xfs | btrfs) [ "$1" -gt 20 ] ;;
	*) [ "$1" = 0 ] ;;
	esac || fail "$1 inodes were read"
}

repaired_gap() {
	begin_blind_job "$JOB"
	change_blindly 1
	incomplete_dump "$JOB" "$D"
	expect_said 'the ring buffer was full'
	back_up_repaired "$JOB" --repair
	[ "$1" = whole ] || expect_kept
	expect_listed changed files/written files/back links/one other/two kept/linked
	commit "$JOB"
	# And then all is well again.
	echo after >"$D/files/written"
	back_up "$JOB"
	expect_not_listed changed files/back
	commit "$JOB"
	# scan, then the same list again.
	change_blindly 2
	incomplete_dump "$JOB" "$D"
	expect 0 fschanged scan --json
	cp "$T/out" "$T/scanned"
	expect_read "$(of_scan "$(stat -c %m "$D")" inodes)"
	back_up_repaired "$JOB" --pending
	commit "$JOB"
}

proves repaired_gap_on_ext4 \
	'what changed while the ring was full is found by a scan: the lists make the replica equal, what was not changed is in none'
repaired_gap_on_ext4() {
	JOB=$FUNCNAME
	repaired_gap time
}

# on_disk DEVICE TYPE: a new filesystem; D is a directory on it.
on_disk() {
	D=/mnt/$JOB
	mkdir -p "$D"
	case $2 in
	xfs) mkfs.xfs -q -f "$1" ;;
	btrfs) mkfs.btrfs -q -f "$1" >"$T/mkfs" ;;
	esac
	mount "$1" "$D"
	trap 'umount "$D"' EXIT
	D=$D/top
	mkdir "$D"
}

proves repaired_gap_on_xfs 'the same on xfs'
repaired_gap_on_xfs() {
	JOB=$FUNCNAME
	on_disk /dev/vdg xfs
	trap 'umount "${D%/top}"' EXIT
	repaired_gap time
}

proves repaired_gap_on_btrfs 'the same on btrfs, with subvolumes and a snapshot made in the gap'
repaired_gap_on_btrfs() {
	JOB=$FUNCNAME
	on_disk /dev/vdh btrfs
	trap 'umount "${D%/top}"' EXIT
	btrfs subvolume create "$D/subvolume" >"$T/made"
	mkdir "$D/snapshots"
	echo old >"$D/subvolume/file"
	repaired_gap time
	sleep "$SCAN_MARGIN"
	begin_snapshots() {
		echo new >"$D/subvolume/file"
		btrfs subvolume snapshot "$D/subvolume" "$D/snapshots/one" >"$T/made"
		echo newer >"$D/snapshots/one/file"
		btrfs subvolume snapshot "$D/subvolume" "$D/snapshots/two" >"$T/made"
	}
	blind begin_snapshots
	back_up_repaired "$JOB" --repair
	expect_listed changed subvolume/file snapshots/one/file snapshots/two/file
	expect_kept
}

proves repaired_gap_above_a_mount \
	'a directory below which another filesystem is mounted changed in a gap: what is mounted there is listed as well'
repaired_gap_above_a_mount() {
	JOB=$FUNCNAME
	mkdir -p "$D/holder/mounted" "$REPLICA/$JOB"
	mkfs.xfs -q -f /dev/vdg
	mount /dev/vdg "$D/holder/mounted"
	trap 'umount "$D/holder/mounted"' EXIT
	mkdir "$D/holder/mounted/below"
	echo text >"$D/holder/mounted/below/file"
	begin_blind_job "$JOB"
	blind touch "$D/holder/new"
	back_up_repaired "$JOB" --repair
	expect_listed deleted holder
	expect_listed changed holder/mounted holder/mounted/below/file
	expect_kept
}

# ask REQUEST...: of the collector, each a line of JSON, over one connection that is then closed. Where a request is
# "-", the word is a command to be run.
ask() {
	python - "$STATE/control.sock" "$@" <<-'END'
		import json, socket, subprocess, sys

		connection = socket.socket(socket.AF_UNIX)
		connection.connect("/run/fschanged/control.sock")
		lines = connection.makefile("rw")
		for request in sys.argv[2:]:
		    if request.startswith("!"):
		        subprocess.run(["bash", "-c", request[1:]], check=True)
		        continue
		    lines.write(request + "\n")
		    lines.flush()
		    answer = json.loads(lines.readline())
		    print(request, answer, file=sys.stderr)
		    assert answer["ok"], answer
	END
}

# What a walk of it is to begin with; the device as the kernel has it, of 12 and 20 bits.
source_to_walk() {
	python - "$STATE/fschanged.db" "$SOURCE" <<-'END'
		import os, sqlite3, sys

		database = sqlite3.connect("file:%s?mode=ro" % sys.argv[1], uri=True)
		number = database.execute("SELECT id FROM filesystem WHERE mount_point = ?", sys.argv[2:]).fetchone()[0]
		device = os.stat(sys.argv[2]).st_dev
		print('"filesystem": %d, "device": %d' % (number, os.major(device) << 20 | os.minor(device)))
	END
}

proves gap_that_opens_while_scanned \
	'a gap that opens while a scan runs stays one when it has ended; so does one of a scan that is broken off'
gap_that_opens_while_scanned() {
	local begin end='{"request": "walk", "step": "end"}'
	JOB=$FUNCNAME
	begin="{\"request\": \"walk\", \"step\": \"begin\", \"gaps\": true, $(source_to_walk)}"
	mkdir -p "$SOURCE/noise"
	begin_job "$JOB"
	blind true
	incomplete_dump "$JOB" "$D"
	ask "$begin"
	incomplete_dump "$JOB" "$D" --pending
	# The second gap is of the window that the scan's own cut has opened.
	noise() { blind true; }
	export -f blind burst noise python fail
	export COLLECTOR SOURCE BURST PYTHON
	expect 0 fschanged scan
	complete_dump "$JOB" "$D" --pending
	commit "$JOB"
	blind true
	incomplete_dump "$JOB" "$D"
	ask "$begin" '!noise' "$end"
	incomplete_dump "$JOB" "$D"
	expect 0 fschanged scan
	complete_dump "$JOB" "$D"
}

proves gap_of_an_unmounted_filesystem \
	'a filesystem is unmounted after a gap: what a scan finds elsewhere does not repair it'
gap_of_an_unmounted_filesystem() {
	JOB=$FUNCNAME
	mkdir -p "$SOURCE/noise" "$T/mounted"
	mkfs.xfs -q -f /dev/vdg
	mount /dev/vdg "$T/mounted"
	begin_job "$JOB"
	blind touch "$T/mounted/file"
	umount "$T/mounted"
	dump "$JOB" / --repair
	[ "$STATUS" = 3 ] || fail "dump ended with $STATUS"
	mount /dev/vdg "$T/mounted"
	trap 'umount "$T/mounted"' EXIT
	dump "$JOB" / --repair
	[ "$STATUS" = 0 ] || fail "dump ended with $STATUS: $(<"$T/err")"
	expect_listed changed "${T#/}/mounted/file"
}

# On the slow filesystem, which does not tell of its inodes: what a scan reads at once when it is in the caches, and
# directories that lie in blocks of their own, of which each is waited for.
make_slow_tree() {
	D=$SLOW/top
	python - "$D" <<-'END'
		import os, sys

		for kind, count in ("read", 4), ("unread", 24):
		    for number in range(count):
		        directory = "%s/%s/%d" % (sys.argv[1], kind, number)
		        os.makedirs(directory)
		        for file in range(40):
		            with open("%s/a-name-that-is-not-short-%d" % (directory, file), "w") as text:
		                text.write("old")
	END
}

change_slow_tree() {
	local file
	for file in "$D"/*/*/*-5; do
		echo "changed in a gap" >"$file"
	done
	rm -f "$D/unread/7/"*-7 "$D/read/1/"*-7
}

waits() {
	[ "$(cat "/proc/$1/task/"*/status 2>/dev/null | grep -c '^State:.D')" -ge 8 ]
}

# Others wait for a moment only.
is_held_up() {
	waits "$1" && sleep 0.5 && waits "$1" && sleep 0.5 && waits "$1"
}

# A scan is stopped while all of its threads wait for directories on the slow filesystem.
stop_scan() {
	local scan status=0 i
	sync
	for i in {1..5}; do
		echo 3 >/proc/sys/vm/drop_caches
	done
	find "$SLOW" -maxdepth 3 -path '*/unread/*' -prune -o -ls >"$T/read"
	ls -ld "$D/unread/"* >>"$T/read"
	hold_up
	"$PROGRAM" scan "${AT[@]}" >"$T/out" 2>"$T/err" &
	scan=$!
	wait_until 120 is_held_up "$scan" || fail "the scan does not wait: $(<"$T/err")"
	kill -TERM "$scan"
	let_go
	wait "$scan" || status=$?
	[ "$status" = 1 ] || fail "the scan that was stopped ended with $status: $(<"$T/err")"
	expect_said 'the next one goes on from there'
	[ "$(wc -l <"$T/err")" = 1 ] || fail "more than one sentence: $(<"$T/err")"
}

# of_database QUERY: its first value.
of_database() {
	python - "$1" "${AT[1]:-$STATE}/fschanged.db" <<-'END'
		import sqlite3, sys

		database = sqlite3.connect("file:%s?mode=ro" % sys.argv[2], uri=True)
		value = database.execute(sys.argv[1]).fetchone()[0]
		print(value.decode() if isinstance(value, bytes) else value)
	END
}

# A directory that the scan has not read moves into one that it has. Sets MOVED, below D. In the seventh a file was
# removed: it is listed whole.
move_unread() {
	local left number read='' unread=''
	left=" $(of_database "SELECT group_concat(CAST(path AS TEXT), ' ') FROM rest") "
	for number in {0..6} {8..23}; do
		if [[ $left == *" /top/unread/$number "* ]]; then
			unread=$number
		else
			read=$number
		fi
	done
	echo "left: $left"
	[[ -n $read && -n $unread ]] || fail "there is none"
	MOVED=unread/$read/moved
	mv "$D/unread/$unread" "$D/$MOVED"
}

is_noted() {
	[ "$(of_database "SELECT max(path) FROM moved")" = "$1" ]
}

expect_scan_to_go_on() {
	local all entries earlier
	all=$(find "$SLOW" | wc -l)
	expect 0 fschanged scan --json
	[ "$(grep -c mount_point "$T/out")" = 1 ] || fail "what was scanned is scanned again: $(<"$T/out")"
	entries=$(number entries "$T/out")
	earlier=$(number earlier "$T/out")
	echo "$all entries: $earlier by the scan that was stopped, then $((entries - earlier))" | tee -a "$T/figures"
	[ "$earlier" -gt 0 ] || fail "it begins anew"
	[ $((entries - earlier)) -lt "$all" ] || fail "it reads all again"
}

expect_scan_to_begin_anew() {
	expect 0 fschanged scan --json
	[[ $(<"$T/out") != *'"earlier": '[1-9]* ]] || fail "it goes on: $(<"$T/out")"
}

proves stopped_scan_goes_on \
	'a scan is stopped: the next one reads what is left and directories that moved meanwhile, and repairs; all after a gap'
stopped_scan_goes_on() {
	JOB=$FUNCNAME
	slow_filesystem ext4 noatime
	make_slow_tree
	mkdir -p "$SOURCE/noise"
	begin_job_with_full_backup "$JOB"
	sleep "$SCAN_MARGIN"
	blind change_slow_tree
	incomplete_dump "$JOB" "$D"
	stop_scan
	incomplete_dump "$JOB" "$D" --pending
	move_unread
	mv "$D/read/0" "$D/unread/back"
	echo more >"$D/read/1/a-name-that-is-not-short-1"
	expect_scan_to_go_on
	# Of before the directory moved: nothing else tells that list of the file.
	complete_dump "$JOB" "$D" --pending
	expect_listed changed "$MOVED/a-name-that-is-not-short-5"
	back_up_repaired "$JOB"
	commit "$JOB"

	blind change_slow_tree
	stop_scan
	blind touch "$D/read/1/a-name-that-is-not-short-2"
	expect_scan_to_begin_anew
	back_up_repaired "$JOB"

	stop_scan
	umount "$SLOW"
	mount -o noatime /dev/mapper/slow "$SLOW"
	wait_until 20 is_traced "$SLOW" || fail "$SLOW is not traced"
	expect_scan_to_begin_anew
}

proves stopped_scan_over_a_restart \
	'the collector is killed after a scan was stopped, and a directory moves meanwhile: the scan goes on all the same'
stopped_scan_over_a_restart() {
	begin_own
	slow_filesystem ext4 noatime
	trap 'drop_slow_filesystem "$(losetup -n -O NAME -j "$RUN/slow")"; end_own' EXIT
	# Else the collector would walk it by itself when it starts.
	expect 0 fschanged scan
	make_slow_tree
	stop_scan
	kill_collector
	move_unread
	start_own
	# The collector writes what it has taken when it has waited for a while.
	wait_until 20 is_noted "/top/$MOVED" || fail "the move was not noted"
	expect_scan_to_go_on
	expect_no_gap
}

RESTARTED=/mnt/source/restarted

# Before the collector stops.
begin_repaired_restart() {
	T=$RUN/begin_repaired_restart D=$RESTARTED
	mkdir -p "$T" "$D"
	(
		set -e
		python "$HERE/blind.py" make "$D"
		begin_job_with_full_backup repaired_restart
	)
}

proves repaired_restart 'what changed while no collector ran is repaired by a scan: all is listed anew'
repaired_restart() {
	D=$RESTARTED
	incomplete_dump repaired_restart "$D"
	back_up_repaired repaired_restart --repair
	expect_listed deleted .
	commit repaired_restart
	echo after >"$D/files/written"
	back_up repaired_restart
	expect_not_listed changed files/back
}

milliseconds() {
	echo $((${EPOCHREALTIME/./} / 1000))
}

# took COMMAND...: milliseconds, with nothing in the caches.
took() {
	local began
	sync
	echo 3 >/proc/sys/vm/drop_caches
	began=$(milliseconds)
	"$@" >"$T/took" 2>"$T/err" || fail "'$*': $(<"$T/err")"
	TOOK=$(($(milliseconds) - began))
}

# make_wide TOP: 20,000 files in 500 directories.
make_wide() {
	mkdir -p "$1"
	python - "$1" <<-'END'
		import os, sys

		for directory in range(500):
		    path = "%s/%02d/%03d" % (sys.argv[1], directory // 50, directory)
		    os.makedirs(path)
		    for name in range(40):
		        os.close(os.open("%s/file-%02d" % (path, name), os.O_CREAT | os.O_WRONLY))
	END
}

mount_wide() {
	mkfs.xfs -q -f /dev/vdg
	mkfs.btrfs -q -f /dev/vdh >"$T/mkfs"
	mkdir -p "$T/xfs" "$T/btrfs"
	mount -o noatime /dev/vdg "$T/xfs"
	mount -o noatime /dev/vdh "$T/btrfs"
	for top in "$SOURCE" "$T/xfs" "$T/btrfs"; do
		make_wide "$top/wide"
	done
}

leave_beside_find() {
	cd /
	umount "$MANY" "$T/xfs" "$T/btrfs"
	rm -rf "$SOURCE/wide"
}

proves scan_beside_find \
	'a scan finds the one file that changed among 100,000 directories, and among 20,000 files on ext4, xfs and btrfs; how long, beside find'
scan_beside_find() {
	local top
	local -A find
	[ -e "$RESULTS/many-directories.ext4" ] || skip 'the image with 100,000 directories was not given'
	if ! mountpoint -q "$MANY"; then
		dd if="$RESULTS/many-directories.ext4" of=/dev/vdc bs=1M status=none
		mount -o noatime /dev/vdc "$MANY"
	fi
	trap leave_beside_find EXIT
	mount_wide
	mkdir -p "$SOURCE/noise"
	begin_job "$FUNCNAME"
	expect 0 fschanged scan
	sleep "$SCAN_MARGIN"
	blind chmod 600 "$MANY/42/042/f" "$SOURCE/wide/04/204/file-04" "$T/xfs/wide/04/204/file-04" \
		"$T/btrfs/wide/04/204/file-04"
	# What find tells of files alone; deletions it cannot.
	for top in "$MANY" "$SOURCE" "$T/xfs" "$T/btrfs"; do
		took find "$top" -printf '%C@\n'
		find[$top]=$TOOK
	done
	took fschanged scan --json
	cp "$T/took" "$T/scanned"
	for top in "$MANY" "$SOURCE" "$T/xfs" "$T/btrfs"; do
		echo "$(stat -f -c %T "$top") $(of_scan "$top" entries) entries: find ${find[$top]} ms, scan $(of_scan "$top" milliseconds) ms" \
			"(a second of them waits), $(of_scan "$top" inodes) inodes read before" >>"$T/figures"
	done
	expect_one "$MANY" 42/042/f 42/043/f
	expect_one "$SOURCE/wide" 04/204/file-04 04/204/file-05
	expect_one "$T/xfs/wide" 04/204/file-04 04/204/file-05
	expect_one "$T/btrfs/wide" 04/204/file-04 04/204/file-05
}

# expect_one TOP FILE OTHER: the one is listed, and the other is not. Where ctimes are not believed all is.
expect_one() {
	dump scan_beside_find "$1"
	[ "$STATUS" = 0 ] || fail "dump ended with $STATUS: $(<"$T/err")"
	expect_listed changed "$2"
	[[ $(stat -f -c %T "$1") = btrfs && $(uname -r) = 5.10.* ]] ||
		expect_not_listed changed "${2%/*}" "$3"
}
