# shellcheck shell=bash
# Windows and jobs.

proves pending_list_again '--pending gives the same list without a cut; commit moves the cursor to what was pending; status tells of the last cut'
pending_list_again() {
	local window
	begin_job "$FUNCNAME"
	: >"$D/one"
	complete_dump "$FUNCNAME" "$D"
	expect_listed changed one
	window=$(pending_of "$FUNCNAME")
	cp "$T/changed" "$T/first"
	: >"$D/two"
	complete_dump "$FUNCNAME" "$D" --pending
	cmp "$T/changed" "$T/first"
	[ "$(pending_of "$FUNCNAME")" = "$window" ] || fail "--pending moved the pending window"
	commit "$FUNCNAME"
	[[ $(fschanged jobs --json) =~ \"job\":\ \"$FUNCNAME\"[^}]*\"cursor\":\ $window, ]] ||
		fail "the cursor is not at window $window"
	expect 1 fschanged commit --job "$FUNCNAME"
	complete_dump "$FUNCNAME" "$D"
	expect_listed changed two
	expect_not_listed changed one
	# A cut without a list.
	expect 0 fschanged mark --job "$FUNCNAME"
	[ "$(<"$T/out")" = "$((window + 2))" ] || fail "mark closed window $(<"$T/out"), not $((window + 2))"
	expect 0 fschanged status
	[[ $(<"$T/out") =~ last\ cut\ +took\ [0-9.]+\ ms,\ [0-9.]+\ ms\ of\ it ]] || fail "status does not tell of the last cut"
}

# What the disk has of a file of this test's, whose blocks it gets only when it is written back.
on_the_disk() {
	debugfs -R "cat ${D#"$SOURCE"}/$1" /dev/vda 2>/dev/null
}

proves commit_syncs_the_source 'what the backup has copied is on the disk when its commit is answered'
commit_syncs_the_source() {
	begin_job "$FUNCNAME"
	echo text >"$D/file"
	complete_dump "$FUNCNAME" "$D"
	expect_listed changed file
	[ "$(on_the_disk file)" != text ] || fail "it is there before: this proves nothing"
	expect 0 fschanged commit --job "$FUNCNAME"
	[ "$(on_the_disk file)" = text ] || fail "the disk has: $(on_the_disk file)"
}
