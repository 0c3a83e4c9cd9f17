# shellcheck shell=bash
# Start, stop and losses of the collector.

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

proves leaves_nothing_in_the_kernel 'after the stop no program, map, link or pin of it is in the kernel'
leaves_nothing_in_the_kernel() {
	# The kernel frees them a moment later.
	wait_until 20 nothing_is_left || {
		diff "$RUN/objects.before" "$T/objects"
		fail "something is left"
	}
}

proves restart_is_a_gap 'between stop and start nobody looked: the list is incomplete and says so, the next is not'
restart_is_a_gap() {
	# A job of the time before has its base.
	incomplete_dump nightly "$SOURCE"
	expect_said 'no collector was running'
	commit nightly
	: >"$D/file"
	complete_dump nightly "$D"
	expect_listed changed file
	commit nightly
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
