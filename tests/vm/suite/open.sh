# shellcheck shell=bash
# Files that are open: what is written through them after a cut has no other sign than that.

# Outside of a test: the collector is started while they are held.
hold_files_before_the_start() {
	EARLY=$SOURCE/early
	mkdir -p "$EARLY"
	echo quiet >"$EARLY/quiet"
	start_holder early
	(hold early open opened "$EARLY/opened") && (hold early map mapped "$EARLY/mapped")
}

proves files_open_before_the_start \
	'files opened, or only mapped, before the collector started are listed in every window while they are open'
files_open_before_the_start() {
	local window options=(--no-refine)
	begin_job "$FUNCNAME"
	for window in 1 2 3; do
		# Nothing is written in the first window: that it is open is enough, where nothing is left out.
		[ "$window" = 1 ] || hold early append opened "window $window"
		[ "$window" = 1 ] || hold early store mapped "window $window"
		complete_dump "$FUNCNAME" "$EARLY" "${options[@]}"
		expect_listed changed opened mapped
		expect_not_listed changed quiet
		commit "$FUNCNAME"
		options=()
	done
	hold early close opened
	hold early close mapped
	complete_dump "$FUNCNAME" "$EARLY" --no-refine
	expect_listed changed opened mapped
	commit "$FUNCNAME"
	complete_dump "$FUNCNAME" "$EARLY"
	expect_not_listed changed opened mapped
	stop_holder early
}

proves opened_file_gets_other_names \
	'a file held open is listed by its present name: after a rename, a move of its directory, link and unlink'
opened_file_gets_other_names() {
	mkdir -p "$D/directory"
	begin_job "$FUNCNAME"
	start_holder names
	hold names open file "$D/directory/first"
	hold names append file one
	mv "$D/directory/first" "$D/directory/second"
	complete_dump "$FUNCNAME" "$D"
	expect_listed changed directory/second
	expect_listed deleted directory/first
	commit "$FUNCNAME"

	hold names append file two
	complete_dump "$FUNCNAME" "$D"
	expect_listed changed directory/second
	commit "$FUNCNAME"

	mv "$D/directory" "$D/moved"
	complete_dump "$FUNCNAME" "$D"
	expect_listed changed moved/second
	expect_listed deleted directory
	commit "$FUNCNAME"

	hold names append file three
	complete_dump "$FUNCNAME" "$D"
	expect_listed changed moved/second
	commit "$FUNCNAME"

	ln "$D/moved/second" "$D/third"
	rm "$D/moved/second"
	complete_dump "$FUNCNAME" "$D"
	expect_listed changed third
	expect_listed deleted moved/second
	commit "$FUNCNAME"

	hold names append file four
	complete_dump "$FUNCNAME" "$D"
	expect_listed changed third
	stop_holder names
}

proves file_without_a_name_gets_one 'a file made with O_TMPFILE is listed by the name that linkat gives it'
file_without_a_name_gets_one() {
	begin_job "$FUNCNAME"
	start_holder tmpfile
	hold tmpfile tmpfile file "$D"
	hold tmpfile append file one
	complete_dump "$FUNCNAME" "$D"
	commit "$FUNCNAME"

	hold tmpfile append file two
	hold tmpfile link file "$D/name"
	complete_dump "$FUNCNAME" "$D"
	expect_listed changed name
	commit "$FUNCNAME"

	hold tmpfile append file three
	complete_dump "$FUNCNAME" "$D"
	expect_listed changed name
	commit "$FUNCNAME"

	hold tmpfile close file
	stop_holder tmpfile
}
