# shellcheck shell=bash
# The rule that everything is tested by: a replica that gets the lists equals the source.

# begin_replica JOB KIND: makes the source in $D and its full backup in $REPLICA/JOB.
begin_replica() {
	python "$HERE/changes.py" make "$2" "$D"
	begin_job_with_full_backup "$1"
}

begin_job_with_full_backup() {
	expect 4 fschanged dump --job "$1"
	full_backup "$D" "$REPLICA/$1"
	expect_equal "$D" "$REPLICA/$1"
	commit "$1"
}

# change KIND N: the changes of window N.
change() {
	python "$HERE/changes.py" window "$1" "$2" "$D"
}

# back_up JOB [REPLICA]: by the lists alone.
back_up() {
	complete_dump "$1" "$D"
	apply "$D" "$REPLICA/${2:-$1}"
	expect_equal "$D" "$REPLICA/${2:-$1}"
}

proves replica_after_three_windows \
	'deliveries, moves, expunges, renames and everything odd: the lists make the replica equal, three windows in a row'
replica_after_three_windows() {
	local window
	begin_replica "$FUNCNAME" all
	start_holder writer
	hold writer open log "$D/log"
	hold writer map mapped "$D/mapped"
	hold writer store mapped first
	for window in 1 2 3; do
		hold writer append log "before cut $window"
		change all "$window"
		back_up "$FUNCNAME"
		commit "$FUNCNAME"
		# After the cut, through what was open before: nothing but the open file tells of it.
		hold writer append log "after cut $window"
		hold writer store mapped "after cut $window"
	done
	stop_holder writer
	back_up "$FUNCNAME"
	expect_no_losses
}

proves replica_of_a_busy_source \
	'mail traffic while the cut and the copy are made: the list after it has settled makes the replica equal'
replica_of_a_busy_source() {
	local window storm
	begin_replica "$FUNCNAME" mail
	for window in 1 2; do
		rm -f "$T/stop"
		python "$HERE/changes.py" storm "$D" "$T/stop" &
		storm=$!
		sleep 1
		complete_dump "$FUNCNAME" "$D"
		apply "$D" "$REPLICA/$FUNCNAME" --busy
		commit "$FUNCNAME"
		: >"$T/stop"
		wait "$storm"
		back_up "$FUNCNAME"
		commit "$FUNCNAME"
	done
	expect_no_losses
}

proves failed_backup 'a backup that was not committed: the next list covers both windows'
failed_backup() {
	begin_replica "$FUNCNAME" odd
	change odd 1
	complete_dump "$FUNCNAME" "$D"
	change odd 2
	complete_dump "$FUNCNAME" "$D"
	change odd 3
	back_up "$FUNCNAME"
	commit "$FUNCNAME"
	complete_dump "$FUNCNAME" "$D"
	[ ! -s "$T/changed" ] && [ ! -s "$T/deleted" ] || fail "a quiet window lists something"
}

proves two_jobs 'two jobs at different paces: each list makes its own replica equal'
two_jobs() {
	begin_replica hourly odd
	begin_job_with_full_backup nightly
	change odd 1
	back_up hourly
	commit hourly
	change odd 2
	back_up hourly
	back_up nightly
	commit nightly
	# hourly has not committed its second window; nightly has.
	change odd 3
	back_up nightly
	back_up hourly
	commit hourly
	commit nightly
}

proves links_made_while_tracing 'a changed file is listed under all of its names, whichever was used'
links_made_while_tracing() {
	echo old >"$D/one"
	mkdir "$D/below"
	ln "$D/one" "$D/below/two"
	begin_job_with_full_backup "$FUNCNAME"
	echo more >>"$D/one"
	back_up "$FUNCNAME"
	expect_listed changed one below/two
	commit "$FUNCNAME"
	complete_dump "$FUNCNAME" "$D"
	[ ! -s "$T/changed" ] || fail "a quiet window lists something"
}

proves moved_directory_with_links \
	'a directory is moved that holds one of two names of a file: both names are listed'
moved_directory_with_links() {
	mkdir -p "$D/inside/below" "$D/outside"
	echo text >"$D/inside/below/one"
	ln "$D/inside/below/one" "$D/outside/two"
	begin_job_with_full_backup "$FUNCNAME"
	mv "$D/inside" "$D/moved"
	back_up "$FUNCNAME"
	expect_listed changed moved/below/one outside/two
}
