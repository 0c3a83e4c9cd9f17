# shellcheck shell=bash
# Files with several names: each of them is listed, whichever one was used.

LINKED=/mnt/source/linked

# Before the collector starts: nothing but its walk can tell the names.
make_links_before_the_start() {
	python "$HERE/links.py" make "$LINKED" 300
}

# While no collector runs, and the filesystem was walked before.
make_links_while_nobody_traces() {
	mkdir -p /mnt/source/untraced/{inside,outside}
	echo text >/mnt/source/untraced/inside/one
	ln /mnt/source/untraced/inside/one /mnt/source/untraced/outside/two
	echo text >/mnt/source/untraced/inside/three
	ln /mnt/source/untraced/inside/three /mnt/source/untraced/outside/four
}

is_walked() {
	[[ $(fschanged status --json) =~ \"mount_point\":\ \"$1\"[^}]*\"walked\":\ true ]]
}

# expect_all_names DIRECTORY NAME: the file is listed under each of its names.
expect_all_names() {
	local name
	while IFS= read -r -d '' name; do
		expect_listed changed "$name"
	done < <(python "$HERE/links.py" names "$1" "$2")
}

proves links_found_by_the_walk \
	'links made before the collector started: a write, chmod or xattr through one name lists every name'
links_found_by_the_walk() {
	local aliases
	wait_until 60 is_walked "$SOURCE" || fail "$SOURCE is not walked"
	begin_job "$FUNCNAME"
	mapfile -t aliases < <(python "$HERE/links.py" aliases "$LINKED")
	[ ${#aliases[@]} -ge 20 ] || fail "only ${#aliases[@]} files have several names"
	echo more >>"$LINKED/${aliases[0]% *}"
	chmod 600 "$LINKED/${aliases[1]% *}"
	setfattr -n user.test -v 1 "$LINKED/${aliases[2]% *}"
	complete_dump "$FUNCNAME" "$LINKED"
	expect_all_names "$LINKED" "${aliases[0]% *}"
	expect_all_names "$LINKED" "${aliases[1]% *}"
	expect_all_names "$LINKED" "${aliases[2]% *}"
	expect_not_listed changed "${aliases[3]% *}"
}

proves links_in_any_order \
	'links made, moved, removed, directories with links moved, exchanged, replaced: the lists make the replica equal'
links_in_any_order() {
	local seed
	D=$LINKED
	begin_job_with_full_backup "$FUNCNAME"
	for seed in 1 2 3 4 5; do
		python "$HERE/links.py" window "$D" "$seed"
		back_up "$FUNCNAME"
		commit "$FUNCNAME"
	done
}

proves changed_and_unlinked 'a file is changed through one name and that name is removed: the other one is listed'
changed_and_unlinked() {
	mkdir "$D/a" "$D/b"
	echo text >"$D/a/one"
	ln "$D/a/one" "$D/b/two"
	begin_job_with_full_backup "$FUNCNAME"
	echo more >>"$D/a/one"
	rm "$D/a/one"
	back_up "$FUNCNAME"
	expect_listed changed b/two
	expect_listed deleted a/one
	commit "$FUNCNAME"
	# All names are removed: nothing is missing.
	ln "$D/b/two" "$D/a/three"
	echo more >>"$D/b/two"
	rm "$D/b/two" "$D/a/three"
	back_up "$FUNCNAME"
}

proves changed_and_replaced 'the name that is left moves, and another file takes it: the list is complete'
changed_and_replaced() {
	mkdir "$D/a" "$D/b"
	echo text >"$D/a/one"
	ln "$D/a/one" "$D/b/two"
	begin_job_with_full_backup "$FUNCNAME"
	echo more >>"$D/a/one"
	rm "$D/a/one"
	mv "$D/b/two" "$D/b/moved"
	back_up "$FUNCNAME"
	expect_listed changed b/moved
	expect_listed deleted a/one b/two
	commit "$FUNCNAME"
	ln "$D/b/moved" "$D/a/three"
	echo more >>"$D/a/three"
	rm "$D/a/three"
	echo another >"$D/new"
	mv "$D/new" "$D/b/moved"
	back_up "$FUNCNAME"
	expect_listed changed b/moved
}

proves directories_moved_while_walked 'directories are moved while scan walks: no name is missed'
directories_moved_while_walked() {
	local storm alias aliases
	python "$HERE/links.py" make "$D" 300
	rm -f "$T/stop"
	python "$HERE/links.py" storm "$D" "$T/stop" &
	storm=$!
	expect 0 timeout 120 "$PROGRAM" scan --json
	: >"$T/stop"
	wait "$storm"
	begin_job "$FUNCNAME"
	mapfile -t aliases < <(python "$HERE/links.py" aliases "$D")
	for alias in "${aliases[@]}"; do
		chmod 600 "$D/${alias% *}"
	done
	complete_dump "$FUNCNAME" "$D"
	expect_all_names "$D" "${aliases[0]% *}"
	[ "$(tr -cd '\0' <"$T/changed" | wc -c)" -ge $((${#aliases[@]} * 2)) ] || fail "names are missing"
}

proves links_that_nobody_saw \
	'names made while no collector ran: the list is incomplete and says so, until scan or dump --repair has found them'
links_that_nobody_saw() {
	D=/mnt/source/untraced
	begin_job "$FUNCNAME"
	chmod 600 "$D/inside/one"
	incomplete_dump "$FUNCNAME" "$D"
	expect_said "$D/inside/one"
	expect_said 'fschanged scan'
	expect_not_listed changed outside/two
	chmod 600 "$D/inside/three"
	rm "$D/inside/three"
	dump "$FUNCNAME" "$D" --repair
	[ "$STATUS" = 0 ] || fail "dump --repair ended with $STATUS: $(<"$T/err")"
	expect_listed changed inside/one outside/two outside/four
	expect_listed deleted inside/three
	expect 0 fschanged scan
	expect 0 fschanged dump --job "$FUNCNAME" --pending
}
