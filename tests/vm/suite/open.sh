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

# What no task has open, but holds open all the same: a loop device, and an overlay above.
hold_files_below_others_before_the_start() {
	BELOW=$SOURCE/below LAYERED=/mnt/layered
	if is_wanted loop_device_from_before_the_start; then
		mkdir -p "$BELOW"
		truncate -s 1M "$BELOW/image"
		BELOW_LOOP=$(losetup --find --show "$BELOW/image")
	fi
	if is_wanted overlay_file_open_before_the_start; then
		mkdir -p "$BELOW"/{lower,upper,work} "$LAYERED"
		mount -t overlay -o "lowerdir=$BELOW/lower,upperdir=$BELOW/upper,workdir=$BELOW/work" overlay "$LAYERED"
		start_holder layered
		(hold layered open file "$LAYERED/file") && (hold layered map mapped "$LAYERED/mapped")
	fi
}

# On a filesystem of their own: all of it is a gap meanwhile.
hold_hidden_files_before_the_start() {
	HIDDEN=/mnt/hidden
	is_wanted files_in_no_process || return 0
	mkdir -p "$HIDDEN"
	truncate -s 32M "$RUN/hidden"
	mkfs.ext4 -q "$RUN/hidden"
	mount -o loop "$RUN/hidden" "$HIDDEN"
	start_holder hidden
	(hold hidden ring ringed "$HIDDEN/ringed") && (hold hidden send sent "$HIDDEN/sent") &&
		(hold hidden send received "$HIDDEN/received")
}

# expect_hidden JOB: in the window that closes.
expect_hidden() {
	incomplete_dump "$1" "$HIDDEN"
	expect_said 'in no process'
	commit "$1"
}

proves files_in_no_process \
	'files that only io_uring or a message in a socket holds open since before the start: incomplete while they do'
files_in_no_process() {
	trap 'stop_holder hidden; umount -l "$HIDDEN"' EXIT
	begin_job "$FUNCNAME"
	expect_hidden "$FUNCNAME"
	hold hidden receive received
	expect_hidden "$FUNCNAME"
	hold hidden close ringed
	expect_hidden "$FUNCNAME"
	expect_hidden "$FUNCNAME"
	hold hidden close sent
	# In this window it was still held.
	expect_hidden "$FUNCNAME"
	hold hidden append received text
	complete_dump "$FUNCNAME" "$HIDDEN"
	expect_listed changed received
	commit "$FUNCNAME"
	: >"$HIDDEN/after"
	complete_dump "$FUNCNAME" "$HIDDEN"
	expect_listed changed received after
	commit "$FUNCNAME"
}

proves loop_device_from_before_the_start \
	'the file of a loop device that was set up before the collector started is listed in every window while that stays'
loop_device_from_before_the_start() {
	local window
	begin_job "$FUNCNAME"
	for window in 1 2 3; do
		# Nothing is written in the first window.
		[ "$window" = 1 ] || echo "window $window" | dd of="$BELOW_LOOP" conv=sync,fsync status=none
		complete_dump "$FUNCNAME" "$BELOW"
		expect_listed changed image
		commit "$FUNCNAME"
	done
	losetup -d "$BELOW_LOOP"
	expect 0 fschanged mark --job "$FUNCNAME"
	commit "$FUNCNAME"
	complete_dump "$FUNCNAME" "$BELOW"
	expect_not_listed changed image
}

proves overlay_file_open_before_the_start \
	'a file of an overlay, open or only mapped before the collector started, is listed by its path on the upper side'
overlay_file_open_before_the_start() {
	local window
	begin_job "$FUNCNAME"
	for window in 1 2; do
		hold layered append file "window $window"
		hold layered store mapped "window $window"
		complete_dump "$FUNCNAME" "$BELOW"
		expect_listed changed upper/file upper/mapped
		commit "$FUNCNAME"
	done
	stop_holder layered
	umount -l "$LAYERED"
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

# Attributes that its maker sets of a file of this window are not reported: of no other one, and no names less.
proves file_that_its_maker_changes \
	'the task that has made a file changes and moves it, or others, at once or after a cut: all names are listed'
file_that_its_maker_changes() {
	: >"$D/old"
	mkdir "$D/before"
	start_holder maker
	trap 'stop_holder maker' EXIT
	begin_job "$FUNCNAME"
	hold maker open new "$D/new"
	hold maker mode "$D/new" 640
	hold maker open other "$D/other"
	hold maker mode "$D/old" 640
	complete_dump "$FUNCNAME" "$D" --no-refine
	expect_listed changed new other old
	expect 0 fschanged dump --job "$FUNCNAME" --pending --format json --changed "$T/changed" --deleted "$T/deleted"
	[ "$(operations_of new)" = create ] || fail "new: $(operations_of new)"
	commit "$FUNCNAME"

	hold maker open early "$D/early"
	hold maker close early
	complete_dump "$FUNCNAME" "$D"
	commit "$FUNCNAME"
	hold maker mode "$D/early" 640
	complete_dump "$FUNCNAME" "$D" --no-refine
	expect_listed changed early
	commit "$FUNCNAME"

	# A backup may have copied it under each name that it had.
	hold maker open moved "$D/before/moved"
	hold maker close moved
	hold maker move "$D/before" "$D/after"
	hold maker move "$D/after/moved" "$D/away"
	hold maker open replaced "$D/replaced"
	hold maker close replaced
	hold maker move "$D/replaced" "$D/aside"
	mkdir "$D/replaced"
	complete_dump "$FUNCNAME" "$D"
	expect_listed changed after away replaced aside
	expect_listed deleted before after replaced
	commit "$FUNCNAME"
}

# Of a file that the same call makes the opening is not reported: of no other one.
proves opened_after_a_creation 'a task makes files and opens others at once: all are listed, over cuts, too'
opened_after_a_creation() {
	: >"$D/old"
	begin_job "$FUNCNAME"
	python - "$D" <<-'END'
		import os, stat, sys

		os.chdir(sys.argv[1])
		os.mknod("node", stat.S_IFREG | 0o600)
		os.close(os.open("old", os.O_WRONLY | os.O_CREAT))
		os.close(os.open("new", os.O_WRONLY | os.O_CREAT))
		os.close(os.open("readable", os.O_RDONLY | os.O_CREAT))
	END
	complete_dump "$FUNCNAME" "$D" --no-refine
	expect_listed changed node old new readable
	commit "$FUNCNAME"

	exec 5>"$D/held"
	complete_dump "$FUNCNAME" "$D"
	expect_listed changed held
	commit "$FUNCNAME"
	echo text >&5
	exec 5>&-
	complete_dump "$FUNCNAME" "$D"
	expect_listed changed held
	commit "$FUNCNAME"
	echo text >>"$D/held"
	complete_dump "$FUNCNAME" "$D"
	expect_listed changed held
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

# The memory of a file that has ended belongs to nobody, or to another file by then.
proves writers_whose_end_was_missed \
	'the end of a file was missed: its entry makes no list incomplete, and another one that is open in its place is known'
writers_whose_end_was_missed() {
	local nowhere=4096 file
	begin_job "$FUNCNAME"
	entries set writers "$nowhere" inode=1
	trap 'entries drop writers 4096; drop_filesystem' EXIT
	complete_dump "$FUNCNAME" "$D"
	commit "$FUNCNAME"
	exec 5>>"$D/held"
	file=$(entries find writers "$(stat -c %i "$D/held")")
	entries set writers "$file" inode=1
	# A filesystem that comes has files that are open be looked for.
	other_filesystem /mnt/disk
	[ "$(entries get writers "$file" inode)" = "$(stat -c %i "$D/held")" ] || fail "the file that is open is not known"
	dump "$FUNCNAME" "$D"
	commit "$FUNCNAME"
	echo text >&5
	complete_dump "$FUNCNAME" "$D"
	expect_listed changed held
}
