# shellcheck shell=bash
# Every way of changing a file (matrix/) on every filesystem: what was done in a window is in its lists, and in no other.

MATRIX=/mnt/matrix
COLUMNS=(ext4 xfs btrfs tmpfs overlay copyup)

# Where the program works, where that is prepared, and where the host sees it: an overlay's changes are its upper side's,
# and "copyup" is an overlay of which all files lie in the lower side at first.
declare -A WORKS=(
	[ext4]=$MATRIX/ext4/files
	[xfs]=$MATRIX/xfs/files
	[btrfs]=$MATRIX/btrfs/subvolume/files
	[tmpfs]=$MATRIX/tmpfs/files
	[overlay]=$MATRIX/overlay/files
	[copyup]=$MATRIX/copyup/files
)
declare -A PREPARED=([copyup]=$MATRIX/ext4/copyup/lower/files)
declare -A SEEN=(
	[overlay]=$MATRIX/ext4/overlay/upper/files
	[copyup]=$MATRIX/ext4/copyup/upper/files
)

mount_overlay() {
	local layers=$MATRIX/ext4/$1
	mount -t overlay -o "lowerdir=$layers/lower,upperdir=$layers/upper,workdir=$layers/work" overlay "$MATRIX/$1"
}

# Exchanging ranges is a feature that kernels know from 6.10 on, and mkfs.xfs from 6.10 on, too.
let_xfs_exchange() {
	local major minor exchange=0x40 features
	IFS=. read -r major minor _ <<<"$(uname -r)"
	[ $((major * 100 + minor)) -ge 610 ] || return 0
	features=$(xfs_db -r -c 'sb 0' -c 'print features_incompat' "$1" | sed 's/.*= //')
	xfs_db -x -c 'sb 0' -c "write -d features_incompat $((features | exchange))" "$1" >>"$RUN/matrix/mkfs"
}

# Outside of a test, and before the collector starts: what it watches has to be there.
mount_matrix() {
	mkdir -p "$MATRIX"/{ext4,xfs,btrfs,tmpfs,overlay,copyup} "$RUN/matrix"
	mkfs.ext4 -q -O verity -E lazy_itable_init=0 /dev/vdd
	mkfs.xfs -q /dev/vde
	let_xfs_exchange /dev/vde
	mkfs.btrfs -q /dev/vdf >"$RUN/matrix/mkfs" 2>&1
	mount /dev/vdd "$MATRIX/ext4"
	mount /dev/vde "$MATRIX/xfs"
	mount /dev/vdf "$MATRIX/btrfs"
	mount -t tmpfs -o size=256m tmpfs "$MATRIX/tmpfs"
	btrfs -q subvolume create "$MATRIX/btrfs/subvolume"
	mkdir -p "$MATRIX/ext4"/{overlay,copyup}/{lower,upper,work} "$MATRIX/ext4/copyup/lower/files"
	mount_overlay overlay
	mkdir "$MATRIX"/{ext4,xfs,tmpfs,overlay,btrfs/subvolume}/files
}

# tmpfs is traced only where it is watched, and then the others have to be named as well.
watch_matrix() {
	printf 'watch = %s\n' "$MATRIX"/{ext4,xfs,btrfs,tmpfs}
}

# phase NAME: by all programs, one after another, for some of what they change there is one of in the system.
phase() {
	local column answer
	for column in "${COLUMNS[@]}"; do
		echo "$1" >"$T/$column.in"
		answer=
		read -r -t 120 answer <>"$T/$column.out" || :
		[ "$answer" = "done" ] || fail "$column: the program did not come through: $(tail -n 2 "$T/$column.results")"
	done
}

proves matrix_is_run 'every way of changing a file is tried on every filesystem, and the lists are made'
matrix_is_run() {
	local column window roots=()
	fschanged status --json >"$RUN/matrix/status"
	for column in "${COLUMNS[@]}"; do
		mkfifo "$T/$column.in" "$T/$column.out"
		"$FSCHANGED_BUILD/all-changes" "$column" "${PREPARED[$column]:-${WORKS[$column]}}" "${WORKS[$column]}" \
			"$T/$column.results" "${FSCHANGED_MATRIX:-*}" <>"$T/$column.in" 1<>"$T/$column.out" 2>"$T/$column.log" &
		roots+=("$column=${SEEN[$column]:-${WORKS[$column]}}")
	done
	phase prepare
	mount_overlay copyup
	# Lists are refined by times, with a margin of 2 seconds.
	sleep 2.5
	begin_job "$FUNCNAME"
	for window in run:1 again:2 last:3; do
		phase "${window%:*}"
		window=${window#*:}
		STATUS=0
		# Where a file was changed by its handle, its name has to be looked for.
		fschanged dump --job "$FUNCNAME" --repair -0 --changed "$T/changed.$window" --deleted "$T/deleted.$window" \
			2>"$T/err.$window" || STATUS=$?
		[ "$STATUS" = 0 ] || [ "$STATUS" = 3 ] || fail "dump ended with $STATUS: $(<"$T/err.$window")"
		echo "$STATUS" >"$T/status.$window"
		commit "$FUNCNAME"
	done
	python "$HERE/matrix.py" "$T" "${roots[@]}" >"$T/table"
}

proves matrix_loses_nothing 'the collector has lost nothing in all of that'
matrix_loses_nothing() {
	BEFORE=$RUN/matrix/status
	expect_no_losses
}

# Shown even where nothing failed.
show_matrix() {
	[ ! -e "$RUN/matrix_is_run/table" ] || sed 's/^/# /' "$RUN/matrix_is_run"/{table,err.*}
}

proves matrix_is_complete 'where every cell is right, nothing is missing from the lists that they would have to name'
matrix_is_complete() {
	local window results=$RUN/matrix_is_run
	! grep -qE '^(FAIL|known) ' "$results/table" || return 0
	for window in 1 2 3; do
		[ "$(<"$results/status.$window")" = 0 ] || fail "list $window is incomplete: $(<"$results/err.$window")"
	done
}

proves matrix_ext4 'every way of changing a file is listed on ext4'
proves matrix_xfs 'every way of changing a file is listed on xfs'
proves matrix_btrfs 'every way of changing a file is listed on btrfs'
proves matrix_f2fs 'every way of changing a file is listed on f2fs'
proves matrix_tmpfs 'every way of changing a file is listed on tmpfs'
proves matrix_overlay 'every way of changing a file is listed on the upper side of an overlay'
proves matrix_copyup 'every way of changing a file of the lower side of an overlay is listed on its upper side'

expect_column() {
	local column=$1 results=$RUN/matrix_is_run
	[ -e "$results/$column.failed" ] || fail "the matrix has not been run"
	[ ! -s "$results/$column.failed" ] || {
		cat "$results/$column.failed"
		fail "cells of the matrix: $(cut -d: -f1 "$results/$column.failed" | paste -sd ' ')"
	}
}

matrix_ext4() {
	expect_column ext4
}

matrix_xfs() {
	expect_column xfs
}

matrix_btrfs() {
	expect_column btrfs
}

# None of the kernels has it, so that it has no column.
matrix_f2fs() {
	! modprobe -q f2fs || fail "this kernel has f2fs: it belongs into the matrix"
	skip "these kernels have no f2fs"
}

matrix_tmpfs() {
	expect_column tmpfs
}

matrix_overlay() {
	expect_column overlay
}

matrix_copyup() {
	expect_column copyup
}

# in_store SQL: of the collector's own database, while it runs.
in_store() {
	python - "$STATE/fschanged.db" "$1" <<-'END'
		import sqlite3, sys

		database = sqlite3.connect(sys.argv[1], timeout=60)
		for row in database.execute(sys.argv[2]):
		    print(*row)
		database.commit()
	END
}

proves matrix_of_a_file_from_another_subvolume \
	'btrfs: a file of the same number comes from a snapshot to where one was changed and removed: the other name is listed'
matrix_of_a_file_from_another_subvolume() {
	D=${WORKS[btrfs]}/foreign
	mkdir "$D"
	btrfs -q subvolume create "$D/live"
	echo old >"$D/live/a"
	btrfs subvolume snapshot "$D/live" "$D/snapshot" >"$T/made"
	ln "$D/live/a" "$D/live/kept"
	begin_job "$FUNCNAME"
	echo more >>"$D/live/a"
	rm "$D/live/a"
	# The rename fails after its hook: mv copies.
	mv "$D/snapshot/a" "$D/live/a"
	dump "$FUNCNAME" "$D"
	[ "$STATUS" = 3 ] || expect_listed changed live/a live/kept
	expect 0 fschanged scan
	complete_dump "$FUNCNAME" "$D" --pending
	expect_listed changed live/a live/kept
	expect_listed deleted snapshot/a
	commit "$FUNCNAME"
}

# ends_in_a_subvolume_that_goes COMMAND...: what removes the subvolume, which is empty but for its root.
ends_in_a_subvolume_that_goes() {
	JOB=goes-$1
	D=${WORKS[btrfs]}/$JOB
	mkdir "$D"
	btrfs -q subvolume create "$D/origin"
	mkdir "$D/origin/d"
	touch "$D/origin/d/a"
	ln "$D/origin/d/a" "$D/origin/kept"
	# Nobody knows the names in a snapshot.
	btrfs subvolume snapshot "$D/origin" "$D/live" >"$T/made"
	btrfs subvolume snapshot "$D/origin" "$D/live/S" >"$T/made"
	begin_job "$JOB"
	echo more >>"$D/live/d/a"
	rm "$D/live/d/a" "$D/live/S/kept" "$D/live/S/d/a"
	rmdir "$D/live/S/d"
	"$@" "$D/live/S" >"$T/removed"
	dump "$JOB" "$D"
	[ "$STATUS" = 3 ] || expect_listed changed live/kept
	expect 0 fschanged scan
	complete_dump "$JOB" "$D" --pending
	expect_listed changed live/kept
	commit "$JOB"
}

proves matrix_of_a_subvolume_that_goes \
	'btrfs: a file of the same number as one that was changed ends in a subvolume that goes: the name of the other is listed'
matrix_of_a_subvolume_that_goes() {
	ends_in_a_subvolume_that_goes btrfs subvolume delete
	ends_in_a_subvolume_that_goes rmdir
}

proves matrix_of_a_directory_that_became_a_subvolume \
	'btrfs: a file is changed through a name in a directory that goes, a subvolume takes its place: the other name is listed'
matrix_of_a_directory_that_became_a_subvolume() {
	D=${WORKS[btrfs]}/became
	mkdir -p "$D/sub"
	touch "$D/sub/file"
	ln "$D/sub/file" "$D/kept"
	begin_job "$FUNCNAME"
	echo more >>"$D/sub/file"
	rm -r "$D/sub"
	btrfs -q subvolume create "$D/sub"
	dump "$FUNCNAME" "$D"
	[ "$STATUS" = 3 ] || expect_listed changed kept
	expect 0 fschanged scan
	complete_dump "$FUNCNAME" "$D" --pending
	expect_listed changed kept
	expect_listed deleted sub
	commit "$FUNCNAME"
}
