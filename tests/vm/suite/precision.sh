# shellcheck shell=bash
# Refinement: what was open for writing and has not changed is not listed; what may have changed is, whatever its ctime.

# A ctime counts as old when it is two seconds older than a window.
grow_old() {
	sleep 2.5
}

# open_only FILE...: for writing, and nothing more.
open_only() {
	python -c 'import os, sys
for path in sys.argv[1:]: os.close(os.open(path, os.O_RDWR))' "$@"
}

# ctime FILE
ctime() {
	stat -c %.9Z "$1"
}

# next_list JOB [OPTION...]: of $D, committed.
next_list() {
	local job=$1
	shift
	complete_dump "$job" "$D" "$@"
	commit "$job"
}

# The list as it would be without refinement; nothing is closed or committed.
unrefined_list() {
	complete_dump "$1" "$D" --pending --no-refine
}

# on_filesystem TYPE: puts a filesystem of its own at $D. Its coming is a gap, which the first list takes.
on_filesystem() {
	[ "$1" != ext4 ] || return 0
	truncate -s 400M "$RUN/$1.image"
	"mkfs.$1" -q "$RUN/$1.image" || return 1
	mount -o loop "$RUN/$1.image" "$D"
	wait_until 20 is_traced "$D" || fail "$D is not traced"
}

off_filesystem() {
	[ "$1" = ext4 ] || umount "$D"
}

# On btrfs before 5.18 a fallocate may move no ctime: nothing is dropped there.
is_refined() {
	local major minor
	IFS=.- read -r major minor _ < <(uname -r)
	[ "$1" != btrfs ] || [ "$major" -gt 5 ] || { [ "$major" = 5 ] && [ "$minor" -ge 18 ]; }
}

# expect_dropped TYPE PATH...
expect_dropped() {
	local type=$1
	shift
	if is_refined "$type"; then
		expect_not_listed changed "$@"
	else
		expect_listed changed "$@"
	fi
}

# Opened, held and written, in all orders, over three windows.
opened_and_written() {
	local window
	touch "$D/opened" "$D/written" "$D/later" "$D/held" "$D/fallocated"
	head -c 100000 /dev/urandom >"$D/fallocated"
	grow_old
	dump "$JOB" "$D"
	commit "$JOB"
	start_holder "$JOB"
	open_only "$D/opened"
	echo x >>"$D/written"
	hold "$JOB" open later "$D/later"
	hold "$JOB" open held "$D/held"
	fallocate -p -o 100 -l 200 "$D/fallocated"
	complete_dump "$JOB" "$D"
	expect_listed changed written fallocated
	expect_dropped "$1" opened later held
	unrefined_list "$JOB"
	expect_listed changed opened written later held fallocated
	commit "$JOB"
	hold "$JOB" append later after
	next_list "$JOB"
	expect_listed changed later
	expect_dropped "$1" held
	expect_not_listed changed opened written
	grow_old
	for window in 1 2; do
		complete_dump "$JOB" "$D"
		[ "$window" = 1 ] || expect_dropped "$1" later held
		unrefined_list "$JOB"
		expect_listed changed later held
		commit "$JOB"
	done
	stop_holder "$JOB"
}

# A page stays writable over the cut: what is stored then has no sign but the mapping.
stored_through_a_mapping() {
	local before
	# Writeback would make the page read-only again, and the next store move the ctime.
	echo 0 >/proc/sys/vm/dirty_writeback_centisecs
	head -c 8192 /dev/zero >"$D/mapped"
	sync "$D/mapped"
	start_holder "$JOB.map"
	hold "$JOB.map" map mapped "$D/mapped"
	for _ in {1..10}; do
		hold "$JOB.map" store mapped first
		before=$(ctime "$D/mapped")
		grow_old
		next_list "$JOB"
		expect_listed changed mapped
		hold "$JOB.map" store mapped second
		[ "$(ctime "$D/mapped")" != "$before" ] || break
	done
	if [ "$(ctime "$D/mapped")" != "$before" ]; then
		# A busy machine writes back all the time. One filesystem at least must show it.
		[ "$1" != ext4 ] || fail "the ctime has always moved: this proves nothing"
		echo "$1: the ctime moved with each store through the mapping: not proven here" >"$T/figures"
	fi
	echo 500 >/proc/sys/vm/dirty_writeback_centisecs
	next_list "$JOB"
	expect_listed changed mapped
	hold "$JOB.map" close mapped
	stop_holder "$JOB.map"
	next_list "$JOB"
	next_list "$JOB"
	expect_not_listed changed mapped
}

# A write that has moved the ctime and waits for its data while the window is closed.
written_over_the_cut() {
	local before
	echo old >"$D/slow"
	start_holder "$JOB.slow"
	grow_old
	next_list "$JOB"
	hold "$JOB.slow" open slow "$D/slow"
	hold "$JOB.slow" begin slow
	before=$(ctime "$D/slow")
	grow_old
	next_list "$JOB"
	expect_listed changed slow
	[ "$(stat -c %s "$D/slow")" = 4 ] || fail "the write is done already: this proves nothing"
	hold "$JOB.slow" finish slow
	[ "$(stat -c %s "$D/slow")" -gt 4 ] || fail "nothing was written"
	[ "$(ctime "$D/slow")" = "$before" ] || echo "the ctime has moved after the cut: this proves nothing"
	next_list "$JOB"
	expect_listed changed slow
	stop_holder "$JOB.slow"
}

# XFS opens a file by its handle so that stores move no ctime, and says so only when the file is open.
written_by_handle() {
	local before
	echo old >"$D/handle"
	grow_old
	next_list "$JOB"
	before=$(ctime "$D/handle")
	open_only "$D/handle"
	python - "$D" "$D/handle" <<-'END'
		import ctypes, fcntl, os, struct, sys

		PATH_TO_HANDLE, OPEN_BY_HANDLE, HANDLE_BYTES = 0xC0385869, 0xC038586B, 64

		def request(path, flags, handle_in, length_in, handle_out, length_out):
		    address = lambda what: ctypes.addressof(what) if what is not None else 0
		    return struct.pack("IxxxxQIxxxxQIxxxxQQ", 0, address(path), flags, address(handle_in), length_in,
		                       address(handle_out), address(length_out))

		root = os.open(sys.argv[1], os.O_RDONLY)
		path = ctypes.create_string_buffer(os.fsencode(sys.argv[2]))
		handle, length = ctypes.create_string_buffer(HANDLE_BYTES), ctypes.c_uint32(HANDLE_BYTES)
		fcntl.ioctl(root, PATH_TO_HANDLE, request(path, 0, None, 0, handle, length))
		file = fcntl.ioctl(root, OPEN_BY_HANDLE,
		                   bytearray(request(None, os.O_RDWR, handle, length.value, None, None)))
		os.write(file, b"new")
	END
	[ "$(<"$D/handle")" = new ] || fail "nothing was written by the handle"
	[ "$(ctime "$D/handle")" = "$before" ] || fail "the ctime has moved: this proves nothing"
	next_list "$JOB"
	expect_listed changed handle
}

precision_on() {
	JOB=precision_$1
	on_filesystem "$1"
	dump "$JOB" "$D" # fresh
	commit "$JOB"
	opened_and_written "$1"
	stored_through_a_mapping "$1"
	written_over_the_cut
	[ "$1" != xfs ] || written_by_handle
	off_filesystem "$1"
}

proves precision_on_ext4 'ext4: files opened and not changed are not listed; written, mapped, or written over a cut they are'
precision_on_ext4() {
	precision_on ext4
}

proves precision_on_xfs 'xfs: files opened and not changed are not listed; written, mapped, or written over a cut they are'
precision_on_xfs() {
	precision_on xfs
}

proves precision_on_btrfs 'btrfs: files opened and not changed are not listed; written, mapped, or written over a cut they are'
precision_on_btrfs() {
	precision_on btrfs
}

proves direct_write_over_the_cut \
	'an asynchronous direct write that is on its way to the disk at the cut, without a lock, is listed in both windows'
direct_write_over_the_cut() {
	local before device sectors
	modprobe dm-mod
	truncate -s 64M "$RUN/direct.image"
	device=$(losetup -f --show "$RUN/direct.image")
	sectors=$(blockdev --getsz "$device")
	dmsetup create direct --noudevsync --table "0 $sectors linear $device 0"
	dmsetup mknodes direct
	mkfs.ext4 -q -E lazy_itable_init=0 /dev/mapper/direct
	mount /dev/mapper/direct "$D"
	wait_until 20 is_traced "$D" || fail "$D is not traced"
	head -c 4096 /dev/zero >"$D/file"
	sync -f "$D"
	dump "$FUNCNAME" "$D" # fresh
	commit "$FUNCNAME"
	dump "$FUNCNAME" "$D"
	commit "$FUNCNAME"
	grow_old
	next_list "$FUNCNAME"
	start_holder direct
	dmsetup suspend --nolockfs --noflush direct
	hold direct submit write "$D/file"
	before=$(ctime "$D/file")
	grow_old
	next_list "$FUNCNAME"
	expect_listed changed file
	dmsetup resume --noudevsync direct
	hold direct await write
	[ "$(ctime "$D/file")" = "$before" ] || fail "the ctime has moved after the cut: this proves nothing"
	next_list "$FUNCNAME"
	expect_listed changed file
	stop_holder direct
	umount "$D"
	dmsetup remove --noudevsync direct
}

proves clock_set_back 'while the clock was set back, and once it is right again: what was opened and written is listed'
clock_set_back() {
	touch "$D/opened" "$D/written" "$D/next"
	grow_old
	begin_job "$FUNCNAME"
	open_only "$D/opened"
	date -s '-1 hour' >"$T/date"
	echo x >>"$D/written"
	date -s '+1 hour' >"$T/date"
	[ "$(stat -c %Z "$D/written")" -lt $(($(date +%s) - 1800)) ] || fail "the ctime is not that of an hour ago"
	next_list "$FUNCNAME"
	expect_listed changed written opened
	open_only "$D/next"
	next_list "$FUNCNAME"
	expect_not_listed changed next
	# Set while the list is still to come.
	open_only "$D/next"
	expect 0 fschanged mark --job "$FUNCNAME"
	date -s '-1 hour' >"$T/date"
	date -s '+1 hour' >"$T/date"
	sleep 1
	complete_dump "$FUNCNAME" "$D" --pending
	expect_listed changed next
	commit "$FUNCNAME"
}

proves swap_file_in_use 'a swap file is not listed in each window; when it was taken out of use it is'
swap_file_in_use() {
	head -c 4M /dev/zero >"$D/swap"
	chmod 600 "$D/swap"
	mkswap "$D/swap" >"$T/mkswap"
	begin_job "$FUNCNAME"
	swapon "$D/swap"
	next_list "$FUNCNAME"
	next_list "$FUNCNAME" --no-refine
	expect_not_listed changed swap
	swapoff "$D/swap"
	next_list "$FUNCNAME"
	expect_listed changed swap
	next_list "$FUNCNAME"
	expect_not_listed changed swap
}

proves swap_file_that_somebody_holds \
	'a swap file that somebody else has open for writing is listed in each window: he may write when it is out of use'
swap_file_that_somebody_holds() {
	start_holder swap
	head -c 4M /dev/zero >"$D/swap"
	chmod 600 "$D/swap"
	mkswap "$D/swap" >"$T/mkswap"
	hold swap reopen swap "$D/swap"
	begin_job "$FUNCNAME"
	swapon "$D/swap"
	next_list "$FUNCNAME"
	grow_old
	next_list "$FUNCNAME"
	expect_listed changed swap
	next_list "$FUNCNAME"
	expect_listed changed swap
	# It is closed: nobody but swapon has it.
	hold swap close swap
	next_list "$FUNCNAME"
	next_list "$FUNCNAME"
	expect_not_listed changed swap
	swapoff "$D/swap"
	stop_holder swap
}

# mail COMMAND...: see mailload.py.
mail() {
	local answer=
	echo "$*" >"$RUN/mail.in"
	read -r -t 120 answer <>"$RUN/mail.out" || fail "the mail server does not answer"
	[ "$answer" = "done" ] || fail "the mail server: $answer"
}

start_mail() {
	local answer=
	mkfifo "$RUN/mail.in" "$RUN/mail.out"
	"$PYTHON" -S -B "$HERE/mailload.py" serve "$D" <>"$RUN/mail.in" 2>"$T/server" 1<>"$RUN/mail.out" &
	echo $! >"$RUN/mail.pid"
	read -r -t 120 answer <>"$RUN/mail.out" || fail "the mail server does not start"
}

# percent PART WHOLE: with two digits behind the point.
percent() {
	printf '%d.%02d' $(($1 * 100 / $2)) $(($1 * 10000 / $2 % 100))
}

proves precision_of_a_mail_store \
	'mail: of the files listed less than 2 % have not changed since the list before; none that changed is missing'
precision_of_a_mail_store() {
	local window listed=0 same=0 all_listed=0 all_same=0 numbers
	start_mail
	grow_old
	begin_job "$FUNCNAME"
	"$PYTHON" -S -B "$HERE/mailload.py" snapshot "$D" "$T/snapshot.0"
	for window in 1 2 3 4; do
		mail window "$window"
		[ "$window" -lt 4 ] || mail release
		# What was written in the last two seconds of a window is listed again while it is open: a window is longer.
		grow_old
		complete_dump "$FUNCNAME" "$D"
		mv "$T/changed" "$T/refined"
		complete_dump "$FUNCNAME" "$D" --pending --no-refine
		"$PYTHON" -S -B "$HERE/mailload.py" snapshot "$D" "$T/snapshot.$window"
		"$PYTHON" -S -B "$HERE/mailload.py" measure "$T/snapshot.$((window - 1))" "$T/snapshot.$window" "$T/refined" \
			"$T/changed" >"$T/numbers" || fail "the list of window $window lacks something"
		mapfile -t numbers < <(tr ' ' '\n' <"$T/numbers")
		listed=$((listed + numbers[0])) same=$((same + numbers[1]))
		all_listed=$((all_listed + numbers[2])) all_same=$((all_same + numbers[3]))
		commit "$FUNCNAME"
	done
	kill "$(<"$RUN/mail.pid")"
	[ "$listed" -gt 0 ] || fail "nothing is listed"
	echo "precision: $same of $listed listed files have not changed ($(percent $same $listed) %);" \
		"without refinement $all_same of $all_listed ($(percent $all_same $all_listed) %)" | tee "$T/figures"
	[ $((same * 100)) -lt $((2 * listed)) ] || fail "2 % or more have not changed"
	[ "$all_same" -gt "$same" ] || fail "refinement has dropped nothing: this proves nothing"
}
