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

expect_kept() {
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
	expect 0 fschanged scan
	back_up_repaired "$JOB" --pending
	commit "$JOB"
}

proves repaired_gap_on_ext4 \
	'what changed while the ring was full is found by a scan: the lists make the replica equal, what was not changed is in none'
repaired_gap_on_ext4() {
	JOB=$FUNCNAME
	repaired_gap time
}
