# shellcheck shell=bash
# Live events, for people.

# watch NAME OPTION...: a live tail in the background, its output in $T/NAME.
watch() {
	local name=$1
	shift
	"$PROGRAM" tail "$@" >"$T/$name" 2>"$T/$name.err" &
	TAILS+=($!)
}

shows() {
	[[ $(<"$T/$1") == *"$2"* ]]
}

# The tail that is asked says nothing when it begins: it does when it shows something. Those started before it have
# begun then, too.
wait_for_tail() {
	local tries
	for tries in {1..100}; do
		: >"$D/probe-$1-$tries"
		sleep 0.3
		shows "$1" "$D/probe-$1" && return
	done
	fail "tail shows nothing: $(<"$T/$1.err")"
}

# Events reach all tails at the same time.
stop_tails() {
	local pid
	: >"$D/the end"
	wait_until 30 shows "$1" "$D/the end" || fail "tail does not show the last event"
	sleep 1
	for pid in "${TAILS[@]}"; do
		kill -TERM "$pid"
		wait "$pid" || fail "tail ended with $?: $(<"$T/$1.err")"
	done
	TAILS=()
}

# A program of another name, so that what it does can be told from all else.
make_program() {
	cp "$(command -v touch)" "$T/deliver-mail"
}

# expect_line NAME OPERATION PID COMMAND PATH
expect_line() {
	local clock operation pid uid command path
	while read -r clock operation pid uid command path; do
		[ "$operation $pid $command $path" != "$2 $3 $4 $5" ] || [ "$uid" != 0 ] || [ -z "$clock" ] || return 0
	done <"$T/$1"
	head -n 40 "$T/$1"
	fail "there is no line '$2 $3 0 $4 $5' in $1"
}

proves live_tail 'the events of another process are shown with its pid, command and path, while they happen'
live_tail() {
	local pid
	TAILS=()
	make_program
	watch all
	wait_for_tail all
	"$T/deliver-mail" "$D/message" &
	pid=$!
	wait "$pid"
	wait_until 10 shows all "$D/message" || fail "the event was not shown in time"
	expect_line all create "$pid" deliver-mail "$D/message"
	python -c 'import os, sys; os.rename(sys.argv[1], sys.argv[2])' "$D/message" "$D/moved"
	stop_tails all
	shows all "$D/moved" || fail "the rename is not shown"
	[[ $(<"$T/all") == *rename-from*"$D/message"*rename-to*"$D/moved"* ]] || fail "$(<"$T/all")"
}

# only NAME TEXT: each line has it, and there is one.
only() {
	local line
	[ -s "$T/$1" ] || fail "$1 shows nothing"
	while IFS= read -r line; do
		[[ $line == *"$2"* ]] || fail "$1 shows '$line'"
	done <"$T/$1"
}

proves tail_filters '--path, --operation, --pid, --command and --count show what they name and nothing else'
tail_filters() {
	local counted
	TAILS=()
	make_program
	mkdir "$D/in" "$D/out"
	watch path --path "$D/in/*"
	watch operation --operation mkdir,rmdir
	watch command --command deliver-mail
	watch pid --pid $BASHPID
	"$PROGRAM" tail --json --count 2 >"$T/count" 2>&1 &
	counted=$!
	watch all
	wait_for_tail all
	: >"$D/out/by the shell"
	: >"$D/in/by the shell"
	mkdir "$D/in/directory"
	"$T/deliver-mail" "$D/out/by the program" "$D/in/by the program"
	stop_tails all
	wait "$counted" || fail "tail --count ended with $?"
	[ "$(wc -l <"$T/count")" = 2 ] || fail "--count 2 shows $(wc -l <"$T/count") events"
	only path "$D/in/"
	shows path "$D/in/by the program" || fail "--path does not show everything"
	only operation ' mkdir '
	only command ' deliver-mail '
	shows command "$D/out/by the program" || fail "--command does not show everything"
	only pid " $BASHPID "
	shows pid "$D/in/by the shell" || fail "--pid does not show everything"
}

writes_shown() {
	local line count=0
	while IFS= read -r line; do
		[[ $line != *"$D/repeated" ]] || count=$((count + 1))
	done <"$T/$1"
	echo "$count"
}

proves tail_every '--every shows repeated writes, which are hidden without it'
tail_every() {
	local i
	TAILS=()
	: >"$D/repeated"
	begin_job "$FUNCNAME"
	watch plain --path "$D/*"
	watch every --every
	wait_for_tail every
	wait_for_tail plain
	exec 5>>"$D/repeated"
	for i in {1..10}; do
		echo "$i" >&5
	done
	exec 5>&-
	stop_tails plain
	[ "$(writes_shown every)" -ge 10 ] || fail "--every shows $(writes_shown every) of 10 writes"
	[ "$(writes_shown plain)" -le 2 ] || fail "without --every $(writes_shown plain) events of one file are shown"
	[ "$(writes_shown plain)" -ge 1 ] || fail "without --every the file is not shown at all"

	# Once more: not every kernel attaches a program again.
	watch again --every
	wait_for_tail again
	echo more >>"$D/repeated"
	stop_tails again
	[ "$(writes_shown again)" -ge 1 ] || fail "--every shows nothing when it is asked for again"
	expect_no_losses
}
