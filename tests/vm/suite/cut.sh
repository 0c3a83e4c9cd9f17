# shellcheck shell=bash
# The cut: what is open or under way while a window closes belongs to both windows.

SLOW=/mnt/slow

# mark JOB: a cut alone. Whatever hangs, the cut must not.
mark() {
	local began=$SECONDS
	expect 0 timeout 60 "$PROGRAM" mark --job "$1"
	[ $((SECONDS - began)) -le 15 ] || fail "the cut took $((SECONDS - began)) seconds"
}

# In one list or the other: what was removed is in that of deleted paths.
expect_either() {
	local path
	for path; do
		is_listed changed "$path" || is_listed deleted "$path" || {
			tr '\0' '\n' <"$T/changed" | head -n 40
			fail "'$path' is in neither list"
		}
	done
}

expect_nothing_listed() {
	[ ! -s "$T/changed" ] && [ ! -s "$T/deleted" ] || {
		tr '\0' '\n' <"$T/changed" | head -n 20
		tr '\0' '\n' <"$T/deleted" | head -n 20
		fail "a quiet window lists something"
	}
}

# ---- files that are open

OPEN_FILES=10000

# Opens them all, says so, and at the next line writes to each and closes it.
hold_many() {
	python - "$1" "$OPEN_FILES" <<-'END'
		import os, resource, sys, time

		os.chdir(sys.argv[1])
		count = int(sys.argv[2])
		resource.setrlimit(resource.RLIMIT_NOFILE, (count + 100, count + 100))
		files = [os.open("file%d" % number, os.O_WRONLY) for number in range(count)]
		os.rename("../hold", "../held")
		while not os.path.exists("../let-go"):
		    time.sleep(0.05)
		for descriptor in files:
		    os.write(descriptor, b"after the cut")
		    os.close(descriptor)
	END
}

proves cut_with_many_open_files \
	'10,000 files opened in one window, written after the cut and closed before the next are all in the new window'
cut_with_many_open_files() {
	local holder number files=()
	mkdir "$D/files"
	python - "$D/files" "$OPEN_FILES" <<-'END'
		import os, sys

		os.chdir(sys.argv[1])
		for number in range(int(sys.argv[2])):
		    os.close(os.open("file%d" % number, os.O_WRONLY | os.O_CREAT))
	END
	begin_job "$FUNCNAME"
	: >"$D/hold"
	hold_many "$D/files" &
	holder=$!
	wait_until 60 test -e "$D/held" || fail "the files were not opened"
	mark "$FUNCNAME"
	: >"$D/let-go"
	wait "$holder"
	commit "$FUNCNAME"
	complete_dump "$FUNCNAME" "$D/files"
	for ((number = 0; number < OPEN_FILES; number++)); do
		files+=("file$number")
	done
	printf '%s\n' "${files[@]}" | sort >"$T/expected"
	tr '\0' '\n' <"$T/changed" | grep -v '^\.$' | sort >"$T/listed"
	cmp "$T/expected" "$T/listed" || fail "$(comm -23 "$T/expected" "$T/listed" | wc -l) files are not listed"
	commit "$FUNCNAME"
	complete_dump "$FUNCNAME" "$D/files"
	expect_nothing_listed
	expect_no_losses
}

proves cut_between_mapped_stores \
	'stores through a mapping before and after a cut: the file is in both windows, and when it was unmapped meanwhile'
cut_between_mapped_stores() {
	echo old >"$D/mapped"
	begin_job "$FUNCNAME"
	start_holder stores
	hold stores map mapped "$D/mapped"
	hold stores store mapped before
	mark "$FUNCNAME"
	# The entry of the page table is writable already: no function of the kernel sees this.
	hold stores store mapped after
	hold stores close mapped
	complete_dump "$FUNCNAME" "$D" --pending
	expect_listed changed mapped
	commit "$FUNCNAME"
	complete_dump "$FUNCNAME" "$D"
	expect_listed changed mapped
	commit "$FUNCNAME"
	complete_dump "$FUNCNAME" "$D"
	expect_nothing_listed
	stop_holder stores
}

# ---- operations under way

proves cut_within_a_write 'a write whose source is a page that comes only after the cut: its file is in both windows'
cut_within_a_write() {
	local writer
	head -c 65536 /dev/zero >"$D/file"
	begin_job "$FUNCNAME"
	"$BUILD/inflight" write "$D/file" "$T/under-way" "$T/go" &
	writer=$!
	wait_until 20 test -e "$T/under-way" || fail "the write did not begin"
	mark "$FUNCNAME"
	[ "$(head -c 1 "$D/file" | tr -d '\0')" = "" ] || fail "the write did not wait"
	: >"$T/go"
	wait "$writer" || fail "the write failed"
	[ "$(head -c 1 "$D/file")" = u ] || fail "nothing was written"
	complete_dump "$FUNCNAME" "$D" --pending
	expect_listed changed file
	commit "$FUNCNAME"
	complete_dump "$FUNCNAME" "$D"
	expect_listed changed file
	commit "$FUNCNAME"
	complete_dump "$FUNCNAME" "$D"
	expect_nothing_listed
}

# slow_filesystem TYPE OPTIONS: at $SLOW, on a device that can be suspended. The trap leaves nothing behind that waits.
slow_filesystem() {
	local loop
	truncate -s 320M "$RUN/slow"
	modprobe dm-mod
	loop=$(losetup --find --show "$RUN/slow")
	trap 'drop_slow_filesystem '"$loop" EXIT
	"mkfs.$1" -q "$loop"
	dmsetup create slow --noudevsync --table "0 $(blockdev --getsz "$loop") linear $loop 0"
	# udev is not here to do it.
	dmsetup mknodes
	mkdir -p "$SLOW"
	mount -t "$1" -o "$2" /dev/mapper/slow "$SLOW"
	wait_until 20 is_traced "$SLOW" || fail "$SLOW is not traced"
}

drop_slow_filesystem() {
	set +e
	let_go
	umount "$SLOW" || umount -l "$SLOW"
	dmsetup remove --noudevsync --retry slow
	losetup -d "$1"
	rm "$RUN/slow"
}

# What is in the middle of something stays there.
hold_up() {
	dmsetup suspend --nolockfs --noflush slow
}

let_go() {
	dmsetup resume slow
}

names_of() {
	mapfile -t -d '' NAMES <"$T/$1"
}

# wait_across_the_cut JOB [OPERATION...]: sets WAITING, the operations that wait meanwhile. hold_up and let_go do it.
wait_across_the_cut() {
	local operations
	python "$HERE/waiting.py" prepare "$SLOW" "${@:2}"
	begin_job "$1"
	hold_up
	operations=$(python "$HERE/waiting.py" begin "$SLOW" "$T")
	read -ra WAITING <<<"$operations"
	echo "waiting: $operations"
	mark "$1"
	let_go
	python "$HERE/waiting.py" finish "$T"
	complete_dump "$1" "$SLOW" --pending --no-refine
}

expect_operations() {
	local operation
	for operation; do
		names_of "$operation"
		expect_either "${NAMES[@]}"
	done
}

expect_waiting() {
	local operation
	for operation; do
		[[ " ${WAITING[*]} " == *" $operation "* ]] || fail "$operation did not wait: ${WAITING[*]}"
	done
}

# in_both_windows JOB OPERATION...
in_both_windows() {
	expect_waiting "${@:2}"
	expect_operations "${@:2}"
	commit "$1"
	complete_dump "$1" "$SLOW"
	expect_operations "${@:2}"
	commit "$1"
	complete_dump "$1" "$SLOW"
	expect_nothing_listed
}

NAME_OPERATIONS=(create link mkdir mknod rename rename-directory replace rmdir symlink unlink)
DEPARTURES=(rename rename-directory replace rmdir unlink)
ATTRIBUTE_OPERATIONS=(chmod chown removexattr setxattr truncate utime)

proves cut_on_a_suspended_xfs \
	'names and attributes changed on an xfs whose device does not answer: what waits at the cut is in both windows'
cut_on_a_suspended_xfs() {
	slow_filesystem xfs wsync
	wait_across_the_cut "$FUNCNAME"
	in_both_windows "$FUNCNAME" "${NAME_OPERATIONS[@]}" "${ATTRIBUTE_OPERATIONS[@]}"
}

# Here new names are there to see before the wait: what the cut need not carry.
proves cut_on_a_suspended_ext4 \
	'names removed on a synchronous ext4 whose device does not answer: what waits at the cut is in both windows'
cut_on_a_suspended_ext4() {
	slow_filesystem ext4 sync,dirsync
	wait_across_the_cut "$FUNCNAME" create mkdir "${DEPARTURES[@]}" setxattr removexattr truncate write
	expect_operations create mkdir
	in_both_windows "$FUNCNAME" "${DEPARTURES[@]}" setxattr removexattr truncate write
}

is_uninterruptible() {
	local state
	read -r _ _ state _ <"/proc/$1/stat" && [ "$state" = D ]
}

# ended_or_exists PID FILE
ended_or_exists() {
	! kill -0 "$1" 2>/dev/null || [ -e "$2" ]
}

# rename_at_step JOB STEP: fails if the cut does not have so many.
rename_at_step() {
	local name=$2 renaming cut halt halted=yes
	mkdir "$SLOW/in/old$name"
	touch "$SLOW/in/old$name/"{before,meanwhile,again}
	sync -f "$SLOW"
	hold renames open "before$name" "$SLOW/in/old$name/before"
	complete_dump "$1" "$SLOW"
	commit "$1"
	hold_up
	mv -T "$SLOW/in/old$name" "$SLOW/in/new$name" &
	renaming=$!
	wait_until 20 is_uninterruptible "$renaming" || fail "the rename does not wait"
	"$BUILD/halt" "$COLLECTOR" "$2" "$T/halted$name" "$T/go$name" &
	halt=$!
	mark "$1" &
	cut=$!
	wait_until 60 ended_or_exists "$cut" "$T/halted$name"
	[ -e "$T/halted$name" ] || { kill "$halt"; halted=; }
	hold renames open "meanwhile$name" "$SLOW/in/old$name/meanwhile"
	hold renames open "again$name" "$SLOW/in/old$name/again"
	hold renames close "again$name"
	let_go
	wait "$renaming" || fail "the rename failed"
	: >"$T/go$name"
	wait "$cut" || fail "the window was not closed"
	complete_dump "$1" "$SLOW" --pending
	commit "$1"
	for opened in before meanwhile; do
		hold renames append "$opened$name" text
		hold renames close "$opened$name"
	done
	echo text >>"$SLOW/in/new$name/again"
	complete_dump "$1" "$SLOW"
	expect_listed changed "in/new$name/"{before,meanwhile,again}
	commit "$1"
	[ "$halted" ]
}

# at_each_step COMMAND JOB HOLDER LEAST: COMMAND JOB STEP for each step of a cut, of which there are more than that.
at_each_step() {
	local step=1
	slow_filesystem xfs wsync
	mkdir "$SLOW/in" # what the cut asks of the root must not wait for the rename
	begin_job "$2"
	start_holder "$3"
	while "$1" "$2" "$step"; do
		step=$((step + 1))
	done
	echo "$step steps"
	[ "$step" -gt "$4" ] || fail "the cut was not halted at each step"
	stop_holder "$3"
	wait_until 20 eval "! kill -0 $(<"$RUN/$3.pid") 2>/dev/null"
}

proves rename_within_a_cut \
	'a rename that began before a cut and takes place within it, at each step: what was met under the old name has the new'
rename_within_a_cut() {
	at_each_step rename_at_step "$FUNCNAME" renames 4
}

# second_rename_at_step JOB STEP: fails if the cut does not have so many. The write of a file keeps its rename waiting.
# What a task did last is carried until the kernel has let go of it, some time after its end.
second_rename_at_step() {
	local name=$2 kind first cut halt halted=yes tasks=()
	mkdir -p "$SLOW/in/old$name/"{held,again}
	for kind in held again; do
		head -c 65536 /dev/zero >"$SLOW/in/old$name/$kind/file"
	done
	sync -f "$SLOW"
	complete_dump "$1" "$SLOW"
	commit "$1"
	for kind in held again; do
		"$BUILD/inflight" write "$SLOW/in/old$name/$kind/file" "$T/under-way$name$kind" "$T/write$name" &
		tasks+=($!)
		wait_until 20 test -e "$T/under-way$name$kind" || fail "the write did not begin"
	done
	hold_up
	mv -T "$SLOW/in/old$name" "$SLOW/in/new$name" &
	first=$!
	wait_until 20 is_uninterruptible "$first" || fail "the rename does not wait"
	"$BUILD/halt" "$COLLECTOR" "$2" "$T/halted$name" "$T/go$name" 1 "$T/halted-again$name" "$T/go-again$name" &
	halt=$!
	mark "$1" &
	cut=$!
	wait_until 60 ended_or_exists "$cut" "$T/halted$name"
	[ -e "$T/halted$name" ] || halted=
	for kind in held again; do
		mv -T "$SLOW/in/old$name/$kind/file" "$SLOW/in/old$name/$kind/moved" &
		tasks+=($!)
		wait_until 20 is_uninterruptible $! || fail "the second rename does not wait"
	done
	let_go
	wait "$first" || fail "the rename failed"
	sleep 1
	: >"$T/go$name"
	wait_until 60 ended_or_exists "$cut" "$T/halted-again$name"
	[ -e "$T/halted-again$name" ] || kill "$halt" 2>/dev/null || :
	for kind in held again; do
		hold second reopen "$kind$name" "$SLOW/in/new$name/$kind/file"
	done
	hold second close "again$name"
	: >"$T/write$name"
	wait "${tasks[@]}" || fail "a write or a rename failed"
	sleep 1
	: >"$T/go-again$name"
	wait "$cut" || fail "the window was not closed"
	complete_dump "$1" "$SLOW" --pending
	commit "$1"
	hold second append "held$name" text
	hold second close "held$name"
	echo text >>"$SLOW/in/new$name/again/moved"
	complete_dump "$1" "$SLOW"
	expect_listed changed "in/new$name/"{held,again}/moved
	commit "$1"
	[ "$halted" ]
}

proves second_rename_within_a_cut \
	'below a rename of before a cut another one begins within it and takes place later, at each step: what was met has its last name'
second_rename_within_a_cut() {
	at_each_step second_rename_at_step "$FUNCNAME" second 3
}

# Here the name is there to see before the wait: the cut has nothing to carry, and the file is not yet open.
proves opened_after_a_cut 'a call makes a file before a cut and opens it after that: what is written then is in the new window'
opened_after_a_cut() {
	local maker
	slow_filesystem ext4 sync,dirsync
	: >"$SLOW/before" # what the kernel reads for the first one
	begin_job "$FUNCNAME"
	hold_up
	"$PYTHON" -S -B -c 'import os, sys; file = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT); os.write(file, b"text")' \
		"$SLOW/new" &
	maker=$!
	wait_until 20 is_uninterruptible "$maker" || fail "nobody waits"
	sleep 1
	is_uninterruptible "$maker" && [ -e "$SLOW/new" ] || fail "nobody waits behind the name"
	mark "$FUNCNAME"
	let_go
	wait "$maker" || fail "nothing was written"
	complete_dump "$FUNCNAME" "$SLOW" --pending
	expect_listed changed new
	commit "$FUNCNAME"
	complete_dump "$FUNCNAME" "$SLOW"
	expect_listed changed new
}

# rest_after FILE: a task, one of RESTING, that changes its attributes and then waits for something else.
rest_after() {
	"$PYTHON" -S -B -c 'import os, sys, time; os.setxattr(sys.argv[1], "user.name", b"value"); open(sys.argv[2], "w").close(); time.sleep(600)' \
		"$1" "$T/resting-${1##*/}" &
	RESTING+=($!)
	wait_until 20 test -e "$T/resting-${1##*/}" || fail "nobody rests"
}

# Who needs memory within an operation sleeps like one who rests, but holds the lock.
proves task_in_a_locked_directory 'a task sleeps after an operation on a directory, or in it, that is locked: it may be within that'
task_in_a_locked_directory() {
	local waiting
	RESTING=()
	slow_filesystem xfs wsync
	mkdir "$SLOW/in"
	touch "$SLOW/in/"{first,second}
	sync -f "$SLOW"
	begin_job "$FUNCNAME"
	rest_after "$SLOW/in/first"
	complete_dump "$FUNCNAME" "$SLOW"
	commit "$FUNCNAME"
	rest_after "$SLOW/in/second"
	rest_after "$SLOW/in"
	hold_up
	mkdir "$SLOW/in/new" &
	waiting=$!
	wait_until 20 is_uninterruptible "$waiting" || fail "nobody waits"
	mark "$FUNCNAME"
	let_go
	wait "$waiting"
	complete_dump "$FUNCNAME" "$SLOW" --pending
	commit "$FUNCNAME"
	complete_dump "$FUNCNAME" "$SLOW" --no-refine
	expect_listed changed in/new in/second
	expect_not_listed changed in/first
	expect 0 fschanged dump --job "$FUNCNAME" --pending --no-refine --format json --changed "$T/changed"
	grep "\"path\": *\"$SLOW/in\"" "$T/changed" | grep xattr || fail "of the directory itself: $(grep "$SLOW/in\"" "$T/changed")"
	kill "${RESTING[@]}"
}

waits_with_file() {
	[ -n "$(find "/proc/$1/fd" -lname "$2")" ] && is_uninterruptible "$1"
}

# The ctime of the other file does not tell of it: that it is open for writing is not enough to be listed.
proves cut_of_an_exchange_of_blocks \
	'two files whose exchange of blocks waits on a frozen filesystem at the cut are in the window in which it happens'
cut_of_an_exchange_of_blocks() {
	local file answer
	slow_filesystem ext4 noatime
	start_holder exchange
	for file in file other; do
		printf "%-4096s" "$file" >"$SLOW/$file"
	done
	sync -f "$SLOW"
	sleep 2.5
	begin_job "$FUNCNAME"
	fsfreeze --freeze "$SLOW"
	echo exchange "$SLOW/file" "$SLOW/other" >"$RUN/exchange.in"
	wait_until 20 waits_with_file "$(<"$RUN/exchange.pid")" "$SLOW/other" || fail "the exchange does not wait"
	mark "$FUNCNAME"
	waits_with_file "$(<"$RUN/exchange.pid")" "$SLOW/other" || fail "the exchange did not wait for so long"
	fsfreeze --unfreeze "$SLOW"
	read -r -t 60 answer <>"$RUN/exchange.out" || fail "the process that holds files does not answer"
	[ "$answer" = "done" ] || fail "the exchange: $answer"
	stop_holder exchange
	complete_dump "$FUNCNAME" "$SLOW" --pending
	expect_listed changed file other
	commit "$FUNCNAME"
	complete_dump "$FUNCNAME" "$SLOW"
	expect_listed changed file other
}

proves cut_of_asynchronous_writes \
	'AIO and io_uring writes, O_DIRECT, in flight at the cut, their descriptors closed: the files are in both windows'
cut_of_asynchronous_writes() {
	local kind kinds=() status
	slow_filesystem ext4 noatime
	for kind in aio uring; do
		head -c 65536 /dev/zero >"$SLOW/$kind"
	done
	sync -f "$SLOW"
	begin_job "$FUNCNAME"
	hold_up
	for kind in aio uring; do
		("$BUILD/inflight" "$kind" "$SLOW/$kind" "$T/$kind" && : >"$T/$kind.done" || echo $? >"$T/$kind.failed") &
		wait_until 20 eval "[ -e '$T/$kind' ] || [ -e '$T/$kind.failed' ]" || fail "$kind did not begin"
		[ ! -e "$T/$kind.failed" ] || { status=$(<"$T/$kind.failed"); continue; }
		kinds+=("$kind")
	done
	[ "${#kinds[@]}" = 2 ] || [ "$status" = 77 ] || fail "a write failed"
	mark "$FUNCNAME"
	for kind in "${kinds[@]}"; do
		[ ! -e "$T/$kind.done" ] || fail "$kind did not wait"
	done
	let_go
	for kind in "${kinds[@]}"; do
		wait_until 20 test -e "$T/$kind.done" || fail "$kind failed"
	done
	complete_dump "$FUNCNAME" "$SLOW" --pending
	expect_listed changed "${kinds[@]}"
	commit "$FUNCNAME"
	complete_dump "$FUNCNAME" "$SLOW"
	expect_listed changed "${kinds[@]}"
	commit "$FUNCNAME"
	complete_dump "$FUNCNAME" "$SLOW"
	expect_nothing_listed
}

# On a frozen filesystem they wait before anything is asked of the hooks: their change is wholly in the next window.
proves cut_on_a_frozen_filesystem \
	'writes, truncations and names that wait on a frozen filesystem at the cut are in the window in which they happen'
cut_on_a_frozen_filesystem() {
	slow_filesystem ext4 noatime
	start_holder frozen
	echo old >"$SLOW/mapped"
	hold frozen open opened "$SLOW/opened"
	hold frozen map mapped "$SLOW/mapped"
	hold frozen store mapped before
	hold_up() {
		fsfreeze --freeze "$SLOW"
		# Freezing has written the page: this store waits as well.
		echo store mapped after >"$RUN/frozen.in"
	}
	let_go() {
		fsfreeze --unfreeze "$SLOW"
	}
	wait_across_the_cut "$FUNCNAME"
	expect_waiting create mkdir unlink rename chmod truncate write
	expect_listed changed opened mapped
	expect_operations write
	commit "$FUNCNAME"
	complete_dump "$FUNCNAME" "$SLOW" --no-refine
	expect_listed changed opened mapped
	expect_operations "${WAITING[@]}"
	[ "$(head -c 5 "$SLOW/mapped")" = after ] || fail "nothing was stored"
	stop_holder frozen
	# The trap unmounts.
	wait_until 20 eval "! kill -0 $(<"$RUN/frozen.pid") 2>/dev/null"
	let_go() { :; }
}

# ---- under load

STORM_TASKS=3 STORM_CUTS=5

proves cut_under_load \
	'tasks that change without a pause, cuts at random moments: each operation is in its window, the replica equals'
cut_under_load() {
	local number storm
	begin_job_with_full_backup "$FUNCNAME"
	python "$HERE/storm.py" run "$D" "$STORM_TASKS" "$T/notes" "$T/pause" "$T/stop" &
	storm=$!
	trap ': >"$T/stop"' EXIT
	wait_until 20 test -s "$T/notes"
	sleep 0.3
	for ((number = 0; number < STORM_CUTS; number++)); do
		sleep "0.$((RANDOM % 5))"
		cp "$T/notes" "$T/asked.$number"
		mark "$FUNCNAME"
		cp "$T/notes" "$T/answered.$number"
		# Making and applying lists would take most of the processors.
		: >"$T/pause"
		complete_dump "$FUNCNAME" "$D" --pending
		cp "$T/changed" "$T/changed.$number"
		cp "$T/deleted" "$T/deleted.$number"
		apply "$D" "$REPLICA/$FUNCNAME" --busy
		commit "$FUNCNAME"
		rm "$T/pause"
	done
	: >"$T/stop"
	wait "$storm" || fail "the storm failed"
	python "$HERE/storm.py" check "$T" "$STORM_CUTS" || fail "operations are missing from their windows"
	back_up "$FUNCNAME"
	commit "$FUNCNAME"
	complete_dump "$FUNCNAME" "$D"
	expect_nothing_listed
	expect_no_losses
	rm -rf "$D" "${REPLICA:?}/$FUNCNAME"
}

# ---- programs that are preempted

PREEMPTED_TASKS=6 PREEMPTED_NAMES=150

# A record is put together in memory that belongs to the processor. Fewer tasks than it has buffers.
proves records_of_preempted_tasks \
	'tasks are preempted while the paths of what they make are put together: each is listed, and nothing that does not exist'
records_of_preempted_tasks() {
	"$BUILD/preempted" make "$D" "$PREEMPTED_TASKS" || fail "the directories cannot be made"
	begin_job "$FUNCNAME"
	"$BUILD/preempted" walk "$D" "$PREEMPTED_TASKS" "$PREEMPTED_NAMES" || fail "the tasks failed"
	complete_dump "$FUNCNAME" "$D"
	(cd "$D" && find . -type l -printf '%P\n') | sort >"$T/made"
	[ "$(wc -l <"$T/made")" = $((PREEMPTED_TASKS * PREEMPTED_NAMES)) ] || fail "the tasks have not made all"
	tr '\0' '\n' <"$T/changed" | grep /name | sort >"$T/listed"
	comm -23 "$T/made" "$T/listed" >"$T/missing"
	{ comm -13 "$T/made" "$T/listed"; tr '\0' '\n' <"$T/deleted"; } >"$T/strange"
	[ ! -s "$T/missing" ] && [ ! -s "$T/strange" ] || {
		# The repeated components are in nobody's interest.
		sed 's,\(/\([a-z]\)\2\2\2\)\1*,\1,g' "$T/missing" "$T/strange" | cut -c 1-200 | head -n 20
		fail "$(wc -l <"$T/missing") names are not listed, $(wc -l <"$T/strange") are that nobody made"
	}
	commit "$FUNCNAME"
	rm -rf "$D"
	expect_no_losses
}

IDLE_TASKS=24

# Each task stands still somewhere in what it does, for as long as the cut goes on, if that lets it. What it changes
# after the answer is in no list that is made of the window that has closed.
proves cut_within_hooks \
	'tasks are preempted anywhere in what hooks do, and go on after the cut: what they change then is in the next window'
cut_within_hooks() {
	local round files
	begin_job "$FUNCNAME"
	for round in 1 2 3 4; do
		"$BUILD/preempted" change "$D" "$IDLE_TASKS" "$PROGRAM" mark --job "$FUNCNAME" >"$T/later.$round" ||
			fail "the cut or a task failed"
		complete_dump "$FUNCNAME" "$D" --pending
		commit "$FUNCNAME"
		complete_dump "$FUNCNAME" "$D"
		mapfile -t files <"$T/later.$round"
		echo "${#files[@]} files have changed after the cut"
		expect_listed changed "${files[@]}"
		commit "$FUNCNAME"
	done
	cat "$T"/later.* | grep -q . || [ "$(nproc)" != 1 ] || fail "nothing has changed after a cut: this proves nothing"
	rm -rf "$D"
	expect_no_losses
}

# The second name of what is over is memory of anybody: here, of a file that is left alone. Numbers as in include/event.h.
proves operation_that_is_over 'a task goes on when its operation is over: nothing is read where the second name was'
operation_that_is_over() {
	local over quiet dentry inode XATTR=11 RMDIR=7
	RESTING=()
	mkdir "$D/gone"
	: >"$D/quiet"
	begin_job "$FUNCNAME"
	rest_after "$D/quiet"
	nice "$PYTHON" -S -B -c 'import os, sys; os.rmdir(sys.argv[1]); any(iter(int, 1))' "$D/gone" &
	RESTING+=($!)
	trap 'kill "${RESTING[@]}"' EXIT
	wait_until 20 test ! -e "$D/gone" || fail "nothing was removed"
	over=$(entries find operations "$RMDIR") quiet=$(entries find operations "$XATTR")
	dentry=$(entries get operations "$quiet" dentry0) inode=$(entries get operations "$quiet" inode0)
	entries set operations "$over" inode0="$inode" dentry1="$dentry" inode1="$inode" what1="$XATTR"
	complete_dump "$FUNCNAME" "$D"
	commit "$FUNCNAME"
	complete_dump "$FUNCNAME" "$D" --no-refine
	expect_not_listed changed quiet
	commit "$FUNCNAME"
	# For one that is not over it is carried: this proves something.
	entries set operations "$over" dentry0="$dentry"
	complete_dump "$FUNCNAME" "$D"
	commit "$FUNCNAME"
	complete_dump "$FUNCNAME" "$D" --no-refine
	expect_listed changed quiet
}
