# shellcheck shell=bash
# Windows and jobs.

proves pending_list_again '--pending gives the same list without a cut; commit moves the cursor to what was pending'
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
}
