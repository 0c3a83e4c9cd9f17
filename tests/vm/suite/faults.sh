# shellcheck shell=bash
# System calls of the collector fail.
#
# Settings, from the environment:
#   FSCHANGED_FAULTS     arguments of faults.py: "SECONDS SEED", "everywhere FAULTS" or "again PHASE,FAULT,SITE" (30 1)

proves faults_at_system_calls 'EIO, ENOSPC, ENOMEM and death at system calls of the collector: what it had answered stays, lists are right or say that they may not be'
faults_at_system_calls() {
	local status=0
	# shellcheck disable=SC2086 # two words
	PYTHONPATH=$HERE FSCHANGED_BUILD=$BUILD "$PYTHON" -B "$HERE/faults.py" ${FSCHANGED_FAULTS:-30 1} "$D" "$REPLICA/faults" \
		>"$RESULTS/faults.log" 2>&1 || status=$?
	grep -E '^failed|faults thrown in' "$RESULTS/faults.log" | tail -n 40
	tail -n 1 "$RESULTS/faults.log" >"$T/figures"
	[ "$status" = 0 ] || fail "$(tail -n 1 "$RESULTS/faults.log")"
}

# ---- a disk that fails once

FAILING=/mnt/failing

# No journal: the filesystem itself is not to give up.
make_failing_disk() {
	modprobe dm-mod 2>/dev/null || :
	truncate -s 64M "$RUN/failing"
	LOOP=$(losetup --find --show "$RUN/failing")
	mkfs.ext4 -q -O ^has_journal -E lazy_itable_init=0 "$LOOP"
	SECTORS=$(blockdev --getsz "$LOOP")
	dmsetup create failing --noudevsync --table "0 $SECTORS linear $LOOP 0"
	dmsetup mknodes
	mkdir -p "$FAILING"
	mount -o errors=continue /dev/mapper/failing "$FAILING"
}

drop_failing_disk() {
	set +e
	end_own_collector
	own detach
	umount "$FAILING"
	dmsetup remove --noudevsync --retry failing
	losetup -d "$LOOP"
	rm "$RUN/failing"
}

# switch_disk TARGET: linear, or error.
switch_disk() {
	local table="0 $SECTORS linear $LOOP 0"
	[ "$1" = linear ] || table="0 $SECTORS error"
	dmsetup suspend --nolockfs --noflush failing
	dmsetup load failing --table "$table"
	dmsetup resume --noudevsync failing
}

own() {
	fschanged "$@" --state "$FAILING/state"
}

own_is_ready() {
	own status >/dev/null 2>&1 || ! kill -0 "$OWN" 2>/dev/null
}

start_own_collector() {
	processors 0
	"$PROGRAM" collect --state "$FAILING/state" --watch "$SOURCE" >>"$T/collector" 2>&1 &
	OWN=$!
	wait_until 300 own_is_ready
	own status >/dev/null 2>&1 || fail "the collector does not start: $(tail -n 5 "$T/collector")"
}

end_own_collector() {
	kill -KILL "$OWN" 2>/dev/null
	wait "$OWN" 2>/dev/null || :
}

closes_a_window() {
	own mark --job failing >"$T/window" 2>"$T/err"
}

# expect_window_kept WINDOW: closed, in the store.
expect_window_kept() {
	own windows --json >"$T/windows" 2>"$T/err" || fail "the store cannot be read: $(<"$T/err")"
	python -c 'import json, sys
sys.exit(not any(row["window"] == int(sys.argv[2]) and row["closed"] for row in json.load(open(sys.argv[1]))))' \
		"$T/windows" "$1" || fail "window $1 was answered, and is not there: $(own windows)"
}

# After an fsync that failed the kernel takes the pages for clean: they are in memory, not on the disk, and the next fsync
# says nothing. Unmounting forgets them, as a power cut would.
proves disk_of_the_state_fails_once \
	'the disk of the state fails while a window is closed, and works again: what is answered then is on the disk'
disk_of_the_state_fails_once() {
	local answered
	make_failing_disk
	trap drop_failing_disk EXIT
	start_own_collector
	own mark --job failing >/dev/null
	echo before >"$D/file"
	switch_disk error
	if own mark --job failing >"$T/out" 2>"$T/err"; then
		fail "a window was closed on a disk that fails"
	fi
	echo meanwhile >"$D/other"
	switch_disk linear
	# One that has given up is what systemd starts again.
	kill -0 "$OWN" 2>/dev/null || start_own_collector
	echo after >"$D/file"
	# What failed meanwhile in the background may be told once more.
	wait_until 60 closes_a_window || fail "a window cannot be closed when the disk works again: $(<"$T/err")"
	answered=$(<"$T/window")
	end_own_collector
	umount "$FAILING"
	mount -o errors=continue /dev/mapper/failing "$FAILING"
	start_own_collector
	expect_window_kept "$answered"
}
