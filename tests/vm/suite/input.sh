# shellcheck shell=bash
# Bad input: one clear sentence, the exit status of the contract, nothing changed.

proves usage_is_refused 'unknown options and commands and a missing --job end with 2 and one sentence'
usage_is_refused() {
	local arguments
	for arguments in '' 'frobnicate' '--frobnicate' 'dump --frobnicate' 'dump' 'mark' 'commit' \
		'dump --job a/b' 'dump --job a --since 1' 'dump --since never' 'dump --job a --format x' \
		'collect extra' 'jobs extra' 'tail --operation frobnicate' 'tail --pid none'; do
		# shellcheck disable=SC2086 # words
		expect 2 fschanged $arguments
		expect_sentence
	done
	[ ! -e "$STATE" ] || fail "$STATE was made"
}

proves answers_without_a_collector 'a socket nobody answers: 1 and one sentence, whichever command asks'
answers_without_a_collector() {
	local arguments
	for arguments in 'status' 'mark --job a' 'dump --job a' 'commit --job a' 'tail' 'jobs drop a' 'jobs' \
		'windows' 'dump --since 1' 'dump --job a --pending'; do
		# shellcheck disable=SC2086 # words
		expect 1 fschanged $arguments
		expect_sentence
	done
	# A socket that is there, but has nobody behind it.
	python -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$T/socket"
	expect 1 fschanged status --socket "$T/socket"
	expect_sentence
	[ ! -e "$STATE" ] || fail "$STATE was made"
}

proves only_root 'whoever is not root gets 1 and one sentence'
only_root() {
	expect 1 setpriv --reuid nobody --regid nogroup --clear-groups "$PROGRAM" collect --state "$T/state"
	expect_sentence
	expect_said root
	expect 1 setpriv --reuid nobody --regid nogroup --clear-groups "$PROGRAM" dump --job a
	expect_sentence
	expect_said root
}

# What the kernel tells of its types is hidden, in a mount namespace of its own.
without_types() {
	# shellcheck disable=SC2016 # for the inner shell
	unshare --mount sh -c ': >"$1/empty" && mount --bind "$1/empty" /sys/kernel/btf/vmlinux && shift && exec "$@"' \
		sh "$T" "$@"
}

proves kernel_without_types 'a kernel without BTF: collect ends with 1 and one sentence, check says so as well'
kernel_without_types() {
	expect 1 without_types "$PROGRAM" collect --state "$T/state"
	expect_sentence
	expect_said BTF
	expect 1 without_types "$PROGRAM" check
	expect_said BTF
}

proves state_that_cannot_be_written 'a state directory on a read-only mount: 1 and one sentence'
state_that_cannot_be_written() {
	mkdir "$T/read-only"
	mount --bind "$T/read-only" "$T/read-only"
	mount -o remount,bind,ro "$T/read-only"
	expect 1 fschanged collect --state "$T/read-only"
	expect_sentence
	expect_said "$T/read-only"
	expect 1 fschanged collect --state "$T/read-only/below"
	expect_sentence
	umount "$T/read-only"
}

# Windows may come meanwhile: a walk that covers a gap begins with a cut.
positions() {
	fschanged jobs --json | grep -v _held
}

proves unknown_jobs 'a job that is not there, a commit without a pending window: 1, one sentence, nothing changed'
unknown_jobs() {
	begin_job "$FUNCNAME"
	positions >"$T/before"
	expect 1 fschanged commit --job nobody-made-it
	expect_sentence
	expect_said nobody-made-it
	expect 1 fschanged dump --job nobody-made-it --pending
	expect_sentence
	expect 1 fschanged jobs drop nobody-made-it
	expect_sentence
	expect 1 fschanged commit --job "$FUNCNAME"
	expect_sentence
	expect_said pending
	expect 1 fschanged dump --job "$FUNCNAME" --pending
	expect_sentence
	positions >"$T/after"
	cmp "$T/before" "$T/after"
}

proves refused_lists 'names with a newline, and a target that is a symbolic link: 1, one sentence, no list'
refused_lists() {
	begin_job "$FUNCNAME"
	: >"$D/new"$'\n'"line"
	: >"$D/file"
	expect 0 fschanged dump --job "$FUNCNAME" -0 --changed "$T/changed" --deleted "$T/deleted"
	expect_listed changed "$D/new"$'\n'"line" "$D/file"
	positions >"$T/before"
	expect 1 fschanged dump --job "$FUNCNAME" --pending --changed "$T/lines" --deleted "$T/lines.deleted"
	expect_sentence
	[ ! -e "$T/lines" ] && [ ! -e "$T/lines.deleted" ] || fail "a list was left"
	expect 1 fschanged dump --job "$FUNCNAME" --pending
	expect_sentence
	expect 0 fschanged dump --job "$FUNCNAME" --pending --escape
	[[ $(<"$T/out") == *"$D/new\\nline"* ]] || fail "the newline is not escaped: $(<"$T/out")"

	echo precious >"$T/precious"
	ln -s "$T/precious" "$T/link"
	expect 1 fschanged dump --job "$FUNCNAME" --pending -0 --changed "$T/link"
	expect_sentence
	expect_said 'symbolic link'
	[ "$(<"$T/precious")" = precious ] || fail "the list went through the symbolic link"
	[ -L "$T/link" ] || fail "the symbolic link was replaced"
	positions >"$T/after"
	cmp "$T/before" "$T/after"
}

pending_of() {
	[[ $(fschanged jobs --json) =~ \"job\":\ \"$1\"[^}]*\"pending\":\ ([0-9]+) ]] || fail "there is no job $1"
	echo "${BASH_REMATCH[1]}"
}

proves failed_dump_changes_nothing 'a dump that ends with 1 leaves the pending window of its job as it was'
failed_dump_changes_nothing() {
	local before
	begin_job "$FUNCNAME"
	: >"$D/one"
	complete_dump "$FUNCNAME" "$D"
	before=$(pending_of "$FUNCNAME")
	: >"$D/two"
	ln -s "$T/nowhere" "$T/link"
	expect 1 fschanged dump --job "$FUNCNAME" --changed "$T/link"
	expect_sentence
	# Else the commit of the backup of the first list would also commit what was never listed.
	[ "$(pending_of "$FUNCNAME")" = "$before" ] ||
		fail "pending was window $before, is $(pending_of "$FUNCNAME")"
	commit "$FUNCNAME"
	complete_dump "$FUNCNAME" "$D"
	expect_listed changed two
}

proves second_collector 'a second collector on the same state: 1 and one sentence; the first goes on'
second_collector() {
	expect 1 fschanged collect
	expect_sentence
	expect_said 'another collector'
	expect 0 fschanged status
}
