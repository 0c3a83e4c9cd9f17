# shellcheck shell=bash
# Memory is configured, not grown.

# Pages that the allocator keeps: not what 100,000 directories would cost, a thousand times as much.
TOLERANCE=$((1024 * 1024))

# measure NAME: what is in use, in bytes, in $T/NAME.
measure() {
	local line
	expect 0 fschanged status --json
	{
		echo "kernel_memory $(number kernel_memory_bytes "$T/out")"
		echo "memory $(number memory_bytes "$T/out")"
		while read -r line; do
			case $line in
			RssAnon:*) echo "anonymous $((${line//[!0-9]/} * 1024))" ;;
			esac
		done <"/proc/$(number pid "$T/out")/status"
		bpftool map show | sed -n 's/.*memlock \([0-9]*\)B.*/\1/p' | { sum=0
			while read -r line; do sum=$((sum + line)); done
			echo "maps $sum"; }
	} >"$T/$1"
}

# dirty DIRECTORY COUNT [make]: opens and writes a file in each of COUNT directories.
dirty() {
	python - "$@" <<-'END'
		import os, sys

		top, count, make = sys.argv[1], int(sys.argv[2]), len(sys.argv) > 3
		os.chdir(top)
		for number in range(count):
		    directory = "%02d/%03d" % (number // 1000, number % 1000)
		    if make:
		        os.makedirs(directory)
		    descriptor = os.open(directory + "/f", os.O_WRONLY | os.O_CREAT)
		    os.write(descriptor, b"x")
		    os.close(descriptor)
	END
}

is_traced() {
	[[ $(fschanged status --json) =~ \"mount_point\":\ \"$1\"[^}]*\"traced\":\ true ]]
}

is_untraced() {
	! is_traced "$1"
}

proves memory_does_not_grow \
	'memory of kernel and collector is the same (+ 1 MiB) with 100,000 directories and as many dirty files as with 1,000'
memory_does_not_grow() {
	local key few many
	[ -e "$RESULTS/many-directories.ext4" ] || skip 'the image with 100,000 directories was not given'
	begin_job "$FUNCNAME"
	dirty "$D" 1000 make
	complete_dump "$FUNCNAME" "$D"
	[ "$(tr -cd '\0' <"$T/changed" | wc -c)" -ge 2000 ] || fail "1,000 files are not listed"
	commit "$FUNCNAME"
	measure few
	dd if="$RESULTS/many-directories.ext4" of=/dev/vdc bs=1M status=none
	mount -o noatime /dev/vdc "$MANY"
	# A filesystem that came while a window was open makes that window incomplete: it is not the one that counts.
	wait_until 20 is_traced "$MANY" || fail "$MANY is not traced"
	expect 0 fschanged mark --job "$FUNCNAME"
	commit "$FUNCNAME"
	dirty "$MANY" 100000
	measure many
	dump "$FUNCNAME" "$MANY"
	[ "$STATUS" = 0 ] || fail "dump ended with $STATUS: $(<"$T/err")"
	[ "$(tr -cd '\0' <"$T/changed" | wc -c)" -ge 100000 ] || fail "100,000 files are not listed"
	commit "$FUNCNAME"
	measure after
	paste "$T/few" "$T/many" "$T/after"
	while read -r key few _ many _ after; do
		[ "$many" -le $((few + TOLERANCE)) ] && [ "$after" -le $((few + TOLERANCE)) ] ||
			fail "$key: $few bytes with 1,000, $many and then $after with 100,000"
	done < <(paste "$T/few" "$T/many" "$T/after")
	# Whatever walks all filesystems would take long.
	umount "$MANY"
}
