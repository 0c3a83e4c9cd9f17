# shellcheck shell=bash
# Start, stop and losses of the collector.

proves collector_goes_first 'the collector has a higher priority than the tasks whose changes it takes'
collector_goes_first() {
	[ "$(ps -o ni= -p "$COLLECTOR")" -lt "$(ps -o ni= -p $$)" ] || fail "its priority is that of all others"
}

proves every_hook_is_attached 'every hook that is needed is attached, by the kind of programs that loses nothing here'
every_hook_is_attached() {
	local lsm mode=fentry
	expect 0 fschanged check
	expect 0 fschanged status --json
	lsm=$(<"/sys/kernel/security/lsm")
	# Before 5.12 LSM programs attach and never run.
	[[ ,$lsm, != *,bpf,* ]] || mode=lsm
	[[ $(<"$T/out") == *"\"mode\": \"$mode\""* ]] || fail "the mode is not $mode"
	[[ $(<"$T/out") != *'"note": "not attached"'* ]] || fail "a hook is not attached"
	[[ $(<"$T/out") != *'"note": "this kernel does not have it"'* ]] || fail "a hook is missing"
	[[ $(<"$T/out") == *"\"mount_point\": \"$SOURCE\""* ]] || fail "$SOURCE is not shown"
	expect_no_losses
}

# Names are still copied by calls; of those that read members there are some forty more.
proves programs_read_by_loads 'where the kernel takes programs that read its memory by loads, no others are loaded'
programs_read_by_loads() {
	local id calls
	grep -q ' bpf_rdonly_cast$' /proc/kallsyms || skip "the kernel has no bpf_rdonly_cast()"
	id=$(bpftool prog show | sed -n 's/^\([0-9]*\): .*_inode_unlink .*/\1/p')
	bpftool prog dump xlated id "$id" >"$T/program"
	calls=$(grep -c 'call bpf_probe_read_kernel#' "$T/program") || :
	((calls && calls < 20)) || fail "there are $calls calls"
}

proves ends_on_a_signal 'SIGTERM ends the collector with 0; the socket is gone'
ends_on_a_signal() {
	[ "$COLLECTOR_STATUS" = 0 ] || fail "it ended with $COLLECTOR_STATUS: $(<"$RUN/collector")"
	expect 1 fschanged status
	expect_sentence
}

nothing_is_left() {
	bpf_objects >"$T/objects"
	cmp -s "$RUN/objects.before" "$T/objects"
}

proves leaves_nothing_in_the_kernel 'after a stop the programs go on; after detach no program, map, link or pin is in the kernel'
leaves_nothing_in_the_kernel() {
	bpftool prog show | grep -q '_file_open' || fail "the programs have gone with the collector"
	expect 0 fschanged detach
	# The kernel frees them a moment later.
	wait_until 120 nothing_is_left || {
		diff "$RUN/objects.before" "$T/objects" | head -n 20
		find /sys/fs/bpf -maxdepth 3
		fschanged check | grep -A 4 '^pinned'
		fail "something is left"
	}
}

proves start_after_detach_is_a_gap \
	'between detach and start nobody looked: the list is incomplete and says so, the next is not'
start_after_detach_is_a_gap() {
	incomplete_dump detached "$SOURCE"
	expect_said 'no collector was running'
	commit detached
	: >"$D/file"
	complete_dump detached "$D"
	expect_listed changed file
	commit detached
}

# Before the collector stops: a job of that time has its base.
begin_detached_job() {
	T=$RUN/begin_detached_job
	mkdir -p "$T"
	(
		set -e
		begin_job detached
	)
}

# The ring holds less than 2,000 records.
BURST=5000

burst() {
	python - "$D" "$BURST" <<-'END'
		import os, sys

		os.chdir(sys.argv[1])
		for number in range(int(sys.argv[2])):
		    os.close(os.open("file%d" % number, os.O_WRONLY | os.O_CREAT))
	END
}

proves full_ring_is_a_gap \
	'more changes than the ring holds, while the collector is stopped: all succeed, counters tell, the list is incomplete'
full_ring_is_a_gap() {
	begin_job "$FUNCNAME"
	kill -STOP "$COLLECTOR"
	burst || { kill -CONT "$COLLECTOR"; fail "a change failed"; }
	kill -CONT "$COLLECTOR"
	incomplete_dump "$FUNCNAME" "$D"
	expect_said 'the ring buffer was full'
	commit "$FUNCNAME"
	expect 0 fschanged status --json
	[ "$(number ring_full "$T/out")" -gt 0 ] || fail "the counter does not tell"
	[ "$(number ring_bytes "$T/out")" = $((256 * 1024)) ] || fail "the ring has $(number ring_bytes "$T/out") bytes"
	expect 0 fschanged windows
	[[ $(<"$T/out") == *incomplete* ]] || fail "windows does not say it: $(<"$T/out")"
	# And then all is well again.
	: >"$D/after"
	complete_dump "$FUNCNAME" "$D"
	expect_listed changed after
}

# One more than fit, and then some.
proves full_table_of_writers_is_a_gap \
	'more files open for writing than the table holds: each list is incomplete while they are, and then no longer'
full_table_of_writers_is_a_gap() {
	local holder window OPEN_FILES=1100
	mkdir "$D/files"
	(cd "$D/files" && touch "file"{0..1099})
	begin_job "$FUNCNAME"
	: >"$D/hold"
	hold_many "$D/files" &
	holder=$!
	wait_until 60 test -e "$D/held" || fail "the files were not opened"
	for window in 1 2 3; do
		incomplete_dump "$FUNCNAME" "$D"
		expect_said 'the table of open writers was full'
		commit "$FUNCNAME"
	done
	: >"$D/let-go"
	wait "$holder"
	# In this window they were still open.
	incomplete_dump "$FUNCNAME" "$D"
	commit "$FUNCNAME"
	: >"$D/after"
	complete_dump "$FUNCNAME" "$D"
	expect_listed changed after
}

set_ftrace() {
	echo "$1" >/proc/sys/kernel/ftrace_enabled
}

proves ftrace_switched_off \
	'kernel.ftrace_enabled is set to 0, also only between two cuts: the list is incomplete and says so'
ftrace_switched_off() {
	[ -e /proc/sys/kernel/ftrace_enabled ] || skip 'the kernel cannot switch ftrace off'
	begin_job "$FUNCNAME"
	set_ftrace 0 2>/dev/null || skip 'the kernel does not let ftrace be switched off while programs need it'
	trap 'set_ftrace 1' EXIT
	: >"$D/meanwhile"
	exec 9>"$D/opened-meanwhile"
	incomplete_dump "$FUNCNAME" "$D"
	expect_said ftrace_enabled
	if ! is_listed changed meanwhile; then
		echo "no program has run meanwhile"
		expect_said 'a change made by the collector itself was not seen'
	fi
	set_ftrace 1
	trap - EXIT
	incomplete_dump "$FUNCNAME" "$D"
	commit "$FUNCNAME"
	# An operation that no program saw begin may have ended in this window.
	incomplete_dump "$FUNCNAME" "$D"
	commit "$FUNCNAME"
	: >"$D/after"
	echo more >&9
	complete_dump "$FUNCNAME" "$D"
	expect_listed changed after
	expect_listed changed opened-meanwhile
	exec 9>&-
	commit "$FUNCNAME"
	set_ftrace 0
	set_ftrace 1
	incomplete_dump "$FUNCNAME" "$D"
	expect_said ftrace_enabled
	commit "$FUNCNAME"
	incomplete_dump "$FUNCNAME" "$D"
	commit "$FUNCNAME"
	complete_dump "$FUNCNAME" "$D"
}
