# shellcheck shell=bash
# The collector is killed, stopped, replaced: what is in the kernel goes on, and no list lacks anything.
# Each of these tests has a state and collectors of its own, and leaves nothing in the kernel.

# begin_own [OPTION...]: a collector with this test's state.
begin_own() {
	AT=(--state "$T/state")
	RUN=$T
	mkdir -p "$T/state"
	trap end_own EXIT
	start_own "$@"
}

start_own() {
	start_collector "$@" || fail "the collector did not start"
}

end_own() {
	set +e
	processors 0
	: >"$T/stop"
	kill -KILL "$COLLECTOR" 2>/dev/null
	wait
	"$PROGRAM" detach "${AT[@]}"
}

kill_collector() {
	processors 0
	kill -KILL "$COLLECTOR"
	wait "$COLLECTOR" 2>/dev/null || :
}

# Nothing of it is left in the kernel.
stop_and_detach_own() {
	stop_collector
	expect 0 fschanged detach
}

# Changes of all kinds, until the file STOP is there. Each name is used once, and some files stay open. Where a start
# takes minutes they slow down: the disk has not so many inodes.
begin_traffic() {
	python - "$D" "$T/stop" <<-'END' &
		import os, sys, time

		os.chdir(sys.argv[1])
		held = []
		number = 0
		while not os.path.exists(sys.argv[2]):
		    name = "%d" % number
		    os.mkdir("directory" + name)
		    with open("file" + name, "w") as file:
		        file.write(name)
		    if number % 7 == 0:
		        os.link("file" + name, "directory%s/link" % name)
		    if number % 5 == 0:
		        os.rename("file" + name, "directory%s/moved" % name)
		    if number >= 10 and number % 3 == 0:
		        os.rename("directory%d" % (number - 10), "renamed" + name)
		    if number >= 10 and number % 11 == 0:
		        with open("file%d" % (number - 10), "a") as file:
		            file.write(" and more")
		    if number % 4 == 0 and os.path.exists("file" + name):
		        os.unlink("file" + name)
		    if number % 50 == 0:
		        held.append(open("held" + name, "w", 1))
		    if held:
		        held[number % len(held)].write("more\n")
		    number += 1
		    time.sleep(0.002 if number < 4000 else 0.2)
		for file in held:
		    file.write("the end\n")
	END
	TRAFFIC=$!
}

end_traffic() {
	: >"$T/stop"
	wait "$TRAFFIC" || fail "the traffic failed"
	echo "$(find "$D" | wc -l) files and directories"
}

# A pause of at most so many milliseconds, of any length.
pause() {
	sleep "$(printf '0.%03d' $((RANDOM % $1)))"
}

expect_no_gap() {
	expect 0 fschanged windows
	[[ $(<"$T/out") != *incomplete* ]] || fail "there is a gap: $(<"$T/out")"
}

proves killed_under_traffic 'the collector is killed and started again and again: no gap, and the replica equals'
killed_under_traffic() {
	local round
	begin_own --watch "$D"
	begin_job_with_full_backup "$FUNCNAME"
	begin_traffic
	for round in {1..6}; do
		sleep 0.5
		pause 900
		kill_collector
		pause 900
		start_own --watch "$D"
	done
	end_traffic
	back_up "$FUNCNAME"
	commit "$FUNCNAME"
	expect_no_gap
}

proves stopped_under_traffic 'the collector is stopped and started again, also with a list in between: no gap'
stopped_under_traffic() {
	local round
	begin_own --watch "$D"
	begin_job_with_full_backup "$FUNCNAME"
	begin_traffic
	for round in {1..3}; do
		pause 900
		stop_collector
		[ "$COLLECTOR_STATUS" = 0 ] || fail "it ended with $COLLECTOR_STATUS"
		pause 900
		start_own --watch "$D"
		complete_dump "$FUNCNAME" "$D"
		apply "$D" "$REPLICA/$FUNCNAME" --busy
		commit "$FUNCNAME"
	done
	end_traffic
	back_up "$FUNCNAME"
	expect_no_gap
}

proves killed_within_a_cut 'the collector is killed at any moment of a cut: no gap, and the replica equals'
killed_within_a_cut() {
	local round
	begin_own --watch "$D"
	begin_job_with_full_backup "$FUNCNAME"
	begin_traffic
	for round in {1..8}; do
		fschanged mark --job other >/dev/null 2>&1 &
		pause 150
		kill_collector
		start_own --watch "$D"
	done
	end_traffic
	back_up "$FUNCNAME"
	commit "$FUNCNAME"
	expect_no_gap
}

# operations_of NAME [LIST]: what the list that was made last says of a file
operations_of() {
	python - "$T/${2:-changed}" "$D/$1" <<-'END'
		import json, sys

		for line in open(sys.argv[1]):
		    entry = json.loads(line)
		    if entry["path"] == sys.argv[2]:
		        print(*entry["operations"])
	END
}

proves writes_are_recorded 'precision = write: lists tell what was written and what was only opened, after a restart as well'
writes_are_recorded() {
	local precision job round=0
	local -A wanted=([open]=open [write]='open write')
	: >"$D/opened"
	: >"$D/written"
	for precision in write write write open; do
		echo "precision = $precision" >"$T/conf"
		if [ "$round" = 0 ]; then
			begin_own --watch "$D" --config "$T/conf"
		else
			stop_collector
			start_own --watch "$D" --config "$T/conf"
		fi
		round=$((round + 1))
		job=$FUNCNAME-$round
		begin_job "$job"
		exec 5>>"$D/opened"
		exec 5>&-
		echo text >>"$D/written"
		echo text >>"$D/written"
		expect 0 fschanged dump --job "$job" --no-refine --format json --changed "$T/changed"
		[ "$(operations_of opened)" = open ] || fail "$round: opened: $(operations_of opened)"
		[ "$(operations_of written)" = "${wanted[$precision]}" ] ||
			fail "$round, $precision: written: $(operations_of written)"
	done
	expect_no_gap
}

# Opens the file: tail needs a moment to begin.
is_shown() {
	: >"$D/$1"
	sleep 0.5
	grep -q "$1" "$T/tail"
}

proves writes_shown_to_people_leave_room 'somebody watches each write, and the collector stands still: the ring keeps its room'
writes_shown_to_people_leave_room() {
	local tail
	echo 'ring = 256K' >"$T/conf"
	begin_own --watch "$D" --config "$T/conf"
	begin_job "$FUNCNAME"
	"$PROGRAM" tail "${AT[@]}" --every >"$T/tail" 2>&1 &
	tail=$!
	wait_until 30 is_shown written || fail "nothing is shown: $(<"$T/tail")"
	kill -STOP "$COLLECTOR"
	python - "$D" <<-'END'
		import os, sys

		os.chdir(sys.argv[1])
		file = os.open("written", os.O_WRONLY)
		for _ in range(10000):
		    os.write(file, b"x")
		os.close(os.open("last", os.O_WRONLY | os.O_CREAT))
	END
	kill -CONT "$COLLECTOR"
	complete_dump "$FUNCNAME" "$D"
	expect_listed changed written last
	kill "$tail"
	wait "$tail" || :
	expect_no_gap
}

# Another size of a table is another layout: the programs are replaced.
proves replaced_under_traffic \
	'programs with other tables take over under traffic, and are killed in the midst of that: no gap, and the replica equals'
replaced_under_traffic() {
	local round
	echo 'ring = 4M' >"$T/conf-1"
	printf 'ring = 8M\nwriters = 4096\n' >"$T/conf-0"
	begin_own --watch "$D" --config "$T/conf-0"
	ONE_PROCESSOR=1
	processors 0
	begin_job_with_full_backup "$FUNCNAME"
	exec 8>"$D/open-all-the-time"
	begin_traffic
	for round in {1..8}; do
		sleep 0.3
		kill_collector
		if [ $((round % 4)) != 0 ]; then
			"$PROGRAM" collect "${AT[@]}" --watch "$D" --config "$T/conf-$((round % 2))" >>"$T/collector" 2>&1 &
			COLLECTOR=$!
			sleep 1
			pause 999
		else
			start_own --watch "$D" --config "$T/conf-$((round / 4 % 2))"
			complete_dump "$FUNCNAME" "$D"
			apply "$D" "$REPLICA/$FUNCNAME" --busy
			commit "$FUNCNAME"
		fi
	done
	end_traffic
	echo "and more" >&8
	back_up "$FUNCNAME"
	commit "$FUNCNAME"
	# It is still known to be open.
	echo "and more" >&8
	complete_dump "$FUNCNAME" "$D"
	expect_listed changed open-all-the-time
	exec 8>&-
	expect_no_gap
	[ "$(find "/sys/fs/bpf/fschanged" -name ready | wc -l)" = 1 ] || fail "older programs are left in the kernel"
}

proves full_ring_while_stopped 'more changes than the ring holds while no collector runs: the list is incomplete'
full_ring_while_stopped() {
	echo 'ring = 256K' >"$T/conf"
	begin_own --watch "$D" --config "$T/conf"
	begin_job "$FUNCNAME"
	stop_collector
	burst
	start_own --watch "$D" --config "$T/conf"
	incomplete_dump "$FUNCNAME" "$D"
	expect_said 'the ring buffer was full'
	commit "$FUNCNAME"
	kill_collector
	: >"$D/after"
	start_own --watch "$D" --config "$T/conf"
	complete_dump "$FUNCNAME" "$D"
	expect_listed changed after
	# It counts for the programs that come after these as well.
	commit "$FUNCNAME"
	kill_collector
	burst
	start_own --watch "$D"
	incomplete_dump "$FUNCNAME" "$D"
	expect_said 'the ring buffer was full'
}

# changes_as PROCESS FILE: a process with that number makes the file.
changes_as() {
	python - "$1" "$2" <<-'END'
		import os, sys

		wanted = int(sys.argv[1])
		for attempt in range(1000):
		    with open("/proc/sys/kernel/ns_last_pid", "w") as last:
		        last.write("%d" % (wanted - 1))
		    child = os.fork()
		    if child == 0:
		        if os.getpid() == wanted:
		            os.close(os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT))
		        os._exit(os.getpid() != wanted)
		    if os.waitpid(child, 0)[1] == 0:
		        sys.exit(0)
		sys.exit("no process has the number %d" % wanted)
	END
}

proves number_of_the_collector_used_again 'the number of the killed collector becomes another process: its changes are listed'
number_of_the_collector_used_again() {
	local number
	begin_own --watch "$D"
	begin_job "$FUNCNAME"
	number=$COLLECTOR
	kill_collector
	changes_as "$number" "$D/file"
	start_own --watch "$D"
	complete_dump "$FUNCNAME" "$D"
	expect_listed changed file
}

proves mounts_while_stopped 'filesystems come and go while no collector runs: gaps of these, not of the others'
mounts_while_stopped() {
	begin_own
	other_filesystem /mnt/disk || fail "it cannot be mounted"
	# shellcheck disable=SC2154 # other_filesystem sets it
	trap 'end_own; drop_filesystem' EXIT
	begin_job "$FUNCNAME"
	: >/mnt/disk/before
	kill_collector
	start_own
	complete_dump "$FUNCNAME" /mnt/disk
	expect_listed changed before
	commit "$FUNCNAME"

	stop_collector
	umount /mnt/disk
	mount "$LOOP" /mnt/disk
	: >/mnt/disk/file
	: >"$D/file"
	start_own
	incomplete_dump "$FUNCNAME" "$D"
	expect_said "mounted"
	expect_listed changed file
	[[ $(<"$T/err") != *"all filesystems"* ]] || fail "it is a gap of all: $(<"$T/err")"
	commit "$FUNCNAME"

	stop_collector
	: >/mnt/disk/last
	umount /mnt/disk
	start_own
	incomplete_dump "$FUNCNAME" "$D"
	commit "$FUNCNAME"
	complete_dump "$FUNCNAME" "$D"
}

proves mounts_of_another_subvolume_while_stopped \
	'another btrfs subvolume is mounted where one was while no collector runs: the list is incomplete'
mounts_of_another_subvolume_while_stopped() {
	begin_own
	new_subvolumes "$FUNCNAME"
	trap 'end_own; drop_disk' EXIT
	mount_subvolume home /below
	expect_new_base "$FUNCNAME"
	commit_complete "$FUNCNAME"
	stop_collector
	umount "$DISK_MOUNT/below"
	start_own
	commit_complete "$FUNCNAME"
	stop_collector
	mount_subvolume home /below
	start_own
	commit_complete "$FUNCNAME"
	stop_collector
	umount "$DISK_MOUNT/below"
	mount_subvolume old /below
	start_own
	incomplete_once "$FUNCNAME"
}

proves pins_are_removed \
	'somebody removes pins: a collector that runs makes them again; when none runs, the next list is incomplete'
pins_are_removed() {
	local pins=/sys/fs/bpf/fschanged
	begin_own --watch "$D"
	begin_job "$FUNCNAME"
	rm -r "$pins"
	: >"$D/one"
	complete_dump "$FUNCNAME" "$D"
	expect_listed changed one
	commit "$FUNCNAME"
	find "$pins" -name ready | grep -q . || fail "the pins are not there again"
	kill_collector
	: >"$D/two"
	start_own --watch "$D"
	complete_dump "$FUNCNAME" "$D"
	expect_listed changed two
	commit "$FUNCNAME"
	# One of them, all, and the programs with them.
	kill_collector
	rm "$pins"/*/*/link_inode_setattr
	chmod 600 "$D/one"
	start_own --watch "$D"
	incomplete_dump "$FUNCNAME" "$D"
	expect_said 'no collector was running'
	commit "$FUNCNAME"
	: >"$D/three"
	complete_dump "$FUNCNAME" "$D"
	expect_listed changed three
	commit "$FUNCNAME"
	kill_collector
	rm -r "$pins"
	start_own --watch "$D"
	incomplete_dump "$FUNCNAME" "$D"
	expect_said 'no collector was running'
}

# The store of another time or place: what the kernel has is not about its windows.
proves store_is_replaced 'the database is replaced by an older copy while no collector runs: the list is incomplete'
store_is_replaced() {
	begin_own --watch "$D"
	begin_job "$FUNCNAME"
	stop_collector
	cp -a "$T/state" "$T/copy"
	start_own --watch "$D"
	: >"$D/one"
	complete_dump "$FUNCNAME" "$D"
	commit "$FUNCNAME"
	complete_dump "$FUNCNAME" "$D"
	stop_collector
	rm -r "$T/state"
	mv "$T/copy" "$T/state"
	start_own --watch "$D"
	dump "$FUNCNAME" "$D"
	[ "$STATUS" = 3 ] || [ "$STATUS" = 4 ] || fail "dump ended with $STATUS"
}

# As a snapshot of a machine that was shut down in order: nothing in it tells.
proves machine_is_set_back 'the machine is set back, its database with it: by what is kept beside the backup the job is fresh'
machine_is_set_back() {
	begin_own --watch "$D"
	expect 4 fschanged dump --job "$FUNCNAME" --base "$T/base"
	expect 0 fschanged commit --job "$FUNCNAME" --base "$T/base" --no-sync
	stop_and_detach_own
	cp -a "$T/state" "$T/copy"
	start_own --watch "$D"
	: >"$D/one"
	dump "$FUNCNAME" "$D" --base "$T/base"
	expect_listed changed one
	expect 0 fschanged commit --job "$FUNCNAME" --base "$T/base" --no-sync --whole
	stop_and_detach_own
	rm -r "$T/state"
	mv "$T/copy" "$T/state"
	start_own --watch "$D"
	dump "$FUNCNAME" "$D" --base "$T/base"
	[ "$STATUS" = 4 ] || fail "dump ended with $STATUS"
	expect_said 'the backup has another base'
}

proves ftrace_switched_off_while_stopped \
	'kernel.ftrace_enabled is set to 0 and to 1 while no collector runs: the list is incomplete'
ftrace_switched_off_while_stopped() {
	[ -e /proc/sys/kernel/ftrace_enabled ] || skip 'the kernel cannot switch ftrace off'
	begin_own --watch "$D"
	begin_job "$FUNCNAME"
	kill_collector
	# Where the kernel refuses it, having tried counts as well.
	set_ftrace 0 2>/dev/null || :
	: >"$D/file"
	set_ftrace 1
	start_own --watch "$D"
	incomplete_dump "$FUNCNAME" "$D"
	expect_said ftrace_enabled
}

proves detach_while_running 'detach while the collector runs: 1 and one sentence; the collector goes on'
detach_while_running() {
	begin_own --watch "$D"
	expect 1 fschanged detach
	expect_sentence
	expect_said 'a collector is running'
	expect 0 fschanged status
	stop_collector
	expect 0 fschanged detach
	expect 0 fschanged detach
	expect 0 fschanged detach --all
}
