# shellcheck shell=bash
# What goes when: limits, damage, a full disk.

is_fresh() {
	[[ $(fschanged jobs --json) =~ \"job\":\ \"$1\"[^}]*\"fresh\":\ true ]]
}

# A job that keeps up is not fresh for it.
commits_until_fresh() {
	expect 0 fschanged mark --job "$2"
	expect 0 fschanged commit --job "$2" --no-sync
	is_fresh "$1"
}

proves limit_on_age 'a job that does not commit for longer than limit_age is fresh, loudly, and its windows go; others are not'
limit_on_age() {
	local first
	begin_job lagging
	first=$(oldest_window)
	: >"$D/one"
	complete_dump lagging "$D"
	expect_listed changed one
	wait_until 120 commits_until_fresh lagging keeping-up || fail "it did not become fresh: $(fschanged jobs)"
	! is_fresh keeping-up || fail "a job that commits became fresh"
	[ "$(oldest_window)" -gt "$first" ] || fail "windows do not go: $(fschanged windows)"
	expect_limit lagging limit_age 'windows that it had not committed became older than limit_age'
}

oldest_window() {
	fschanged windows | awk 'NR == 2 { print $1 }'
}

# expect_limit JOB REASON SENTENCE
expect_limit() {
	[[ $(<"$RUN/collector") == *"only a full backup will do now: $3"* ]] || fail "the log does not say it"
	[[ $(fschanged jobs) == *"$3"* ]] || fail "jobs does not say it"
	[[ $(fschanged jobs --json) == *"\"fresh_reason\": \"$2\""* ]] || fail "jobs does not say it in JSON"
	[[ $(fschanged status) == *"$1: $3"* ]] || fail "status does not say it"
	# A backup that was under way does not count.
	expect 1 fschanged commit --job "$1"
	dump "$1" "$D"
	[ "$STATUS" = 4 ] || fail "dump ended with $STATUS"
	expect_said "$3"
	commit "$1"
	: >"$D/two"
	complete_dump "$1" "$D"
	expect_listed changed two
}

# Names that do not become short in the database.
many_names() {
	python - "$1" <<-'END'
		import base64, os, random, sys

		os.chdir(sys.argv[1])
		for number in range(15000):
		    name = base64.urlsafe_b64encode(random.Random(number).randbytes(150))
		    os.close(os.open(name, os.O_WRONLY | os.O_CREAT))
	END
}

proves limit_on_size 'the job that lags most is fresh when the database is larger than limit_size; others are not'
limit_on_size() {
	begin_job largest
	mkdir "$D/many"
	many_names "$D/many"
	begin_job holds-nothing
	wait_until 60 is_fresh largest || fail "it did not become fresh: $(fschanged jobs) $(fschanged status)"
	! is_fresh holds-nothing || fail "a job that holds nothing became fresh"
	expect_limit largest limit_size 'the database became larger than limit_size'
}

damage_database() {
	# Not the header: it opens.
	dd if=/dev/urandom of="$STATE/fschanged.db" bs=4096 seek=1 count=200 conv=notrunc status=none
	rm -f "$STATE"/fschanged.db-wal "$STATE"/fschanged.db-shm
}

starts_at_last() {
	start_collector || start_collector
}

proves damaged_database 'a damaged database is kept, a new one is begun, and the jobs of before are fresh, loudly'
damaged_database() {
	# Whatever fails: later tests start collectors of their own.
	trap 'set +e; stop_collector' EXIT
	start_collector || fail "the collector did not start"
	begin_job nightly
	stop_collector
	cp "$STATE/fschanged.db" "$T/whole"
	damage_database
	starts_at_last || fail "it does not start"
	# Where nothing has read what is damaged, a cut does.
	fschanged dump --job nightly >"$T/out" 2>"$T/err" || :
	if kill -0 "$COLLECTOR" 2>/dev/null && ! compgen -G "$STATE/fschanged.db.damaged-*" >/dev/null; then
		wait_until 20 collector_has_ended || fail "the collector goes on with a damaged database"
	fi
	kill -0 "$COLLECTOR" 2>/dev/null || start_collector || fail "it does not start again"
	[ -n "$(find "$STATE" -name 'fschanged.db.damaged-*[0-9]' -size +4k)" ] ||
		fail "the damaged one is not kept, or empty: $(ls -l "$STATE")"
	dump nightly "$D"
	[ "$STATUS" = 4 ] || fail "dump ended with $STATUS: $(<"$T/err")"
	expect_said 'the database was damaged and has been begun anew'
	commit nightly
	: >"$D/one"
	complete_dump nightly "$D"
	expect_listed changed one
	stop_collector
	rm -f "$STATE"/fschanged.db.damaged-*
}

collector_has_ended() {
	! kill -0 "$COLLECTOR" 2>/dev/null
}

# A small filesystem for the state; it is a tmpfs: not watched.
FULL=/run/full

full_fschanged() {
	local command=$1
	shift
	fschanged "$command" --state "$FULL" "$@"
}

is_full_ready() {
	full_fschanged status >/dev/null 2>&1 || ! kill -0 "$FULL_COLLECTOR" 2>/dev/null
}

full_dump() {
	STATUS=0
	full_fschanged dump --job full -0 --relative-to "$D" --changed "$T/changed" --deleted "$T/deleted" "$@" \
		>"$T/out" 2>"$T/err" || STATUS=$?
}

full_is_refused() {
	expect 1 full_fschanged "$@"
	expect_sentence
	[[ $(<"$T/err") == *full* ]] || fail "it does not say that the disk is full: $(<"$T/err")"
}

proves disk_full_for_the_database \
	'the disk of the database is full: every command says so and fails, nothing is lost; with room all goes on'
disk_full_for_the_database() {
	local number
	mkdir -p "$FULL"
	mount -t tmpfs -o size=4M full "$FULL"
	processors 0
	"$PROGRAM" collect --state "$FULL" --watch "$SOURCE" >"$RUN/full" 2>&1 &
	FULL_COLLECTOR=$!
	trap 'set +e; kill $FULL_COLLECTOR; wait $FULL_COLLECTOR; "$PROGRAM" detach --state "$FULL"; umount "$FULL"' EXIT
	wait_until 600 is_full_ready
	expect 4 full_fschanged dump --job full
	expect 0 full_fschanged commit --job full
	: >"$D/acknowledged"
	full_dump
	[ "$STATUS" = 0 ] || fail "the first dump ended with $STATUS: $(<"$T/err")"
	dd if=/dev/zero of="$FULL/filler" bs=4k status=none 2>/dev/null || :
	mkdir "$D/many"
	for number in {1..3000}; do
		: >"$D/many/a-name-that-is-not-short-$number"
	done
	sleep 2
	full_is_refused dump --job full --changed "$T/unseen"
	[ ! -e "$T/unseen" ] || fail "there is a list"
	full_is_refused mark --job full
	full_is_refused commit --job full --no-sync
	expect 1 full_fschanged status
	[[ $(<"$RUN/full") == *"changes wait in the ring meanwhile"* ]] || fail "the log does not say it"
	rm "$FULL/filler"
	wait_until 20 full_fschanged status >/dev/null || fail "it does not recover"
	[[ $(<"$RUN/full") == *"the database can be written again"* ]] || fail "the log does not say that it can be written again"
	full_dump
	[ "$STATUS" = 0 ] || [ "$STATUS" = 3 ] || fail "the dump ended with $STATUS: $(<"$T/err")"
	[ "$STATUS" = 3 ] || expect_listed changed acknowledged many/a-name-that-is-not-short-{1,1500,3000}
	echo "the list after that: status $STATUS" >"$T/figures"
}
