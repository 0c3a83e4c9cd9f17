# shellcheck shell=bash
# The random oracle: tasks, cuts and failed backups at random, on all filesystems at once.
#
# Settings, from the environment:
#   FSCHANGED_SEEDS      how many seeds (1)
#   FSCHANGED_SEED       the first of them (1)
#   FSCHANGED_SECONDS    go on with further seeds for so long, failures or not
#   FSCHANGED_ORACLE     more options of the oracle, after those that stand here

RANDOM_TOP=/mnt/random
RANDOM_PLACES=("$SOURCE/random" "$RANDOM_TOP/xfs" "$RANDOM_TOP/btrfs" "$RANDOM_TOP/tmpfs")
# What is changed in an overlay is its upper side's, and listed there.
RANDOM_LAYERS=$SOURCE/random/layers
RANDOM_TREES=("${RANDOM_PLACES[@]}" "$RANDOM_TOP/overlay=$RANDOM_LAYERS/upper")

# A directory of the first disk, the last two disks, a tmpfs, which is traced only when it is named, and an overlay.
prepare_random_filesystems() {
	mkdir -p "${RANDOM_PLACES[@]}" "$RANDOM_TOP/overlay" "$RANDOM_LAYERS"/{lower,upper,work}
	mount -t overlay -o "lowerdir=$RANDOM_LAYERS/lower,upperdir=$RANDOM_LAYERS/upper,workdir=$RANDOM_LAYERS/work" overlay \
		"$RANDOM_TOP/overlay"
	mkfs.xfs -q -f /dev/vdg
	mkfs.btrfs -q -f /dev/vdh >"$RUN/btrfs" 2>&1
	mount /dev/vdg "$RANDOM_TOP/xfs"
	mount /dev/vdh "$RANDOM_TOP/btrfs"
	mount -t tmpfs -o size=256M tmpfs "$RANDOM_TOP/tmpfs"
	printf 'watch = %s\n' "${RANDOM_PLACES[@]}" >"$CONFIG"
}

# Where there is no scan yet, nothing would ever find the names of hard links that are not known.
random_links() {
	fschanged --help | grep -q '^ *scan ' || echo --no-links
}

# oracle SEED OPTION...
oracle() {
	local seed=$1
	shift
	# shellcheck disable=SC2046,SC2086 # several words or none
	"${PROGRAM%/*}/random-oracle" --program "$PROGRAM" --seed "$seed" --windows 10 --files 250 $(random_links) "$@" \
		${FSCHANGED_ORACLE:-} "${RANDOM_TREES[@]}"
}

# Some seeds run the commands as users do. The others get many windows into a minute: commands without loading the
# program each time, and cuts without waiting for the kernel's own time; in a long run with fewer operations in each.
random_pace() {
	local plain=0
	[ $(($1 % 8)) != 1 ] || plain=1
	echo $((!plain)) >/sys/kernel/rcu_expedited
	[ "$plain" = 1 ] || echo --linked-in ${FSCHANGED_SECONDS:+--operations 40}
}

# A list lacks the names of a file: what is known of it, and where it is.
tell_of_the_nameless() {
	local inode
	inode=$(sed -n 's/.*the file with inode \([0-9]*\) was changed.*/\1/p' "$T/seed" | head -n 1)
	[ -n "$inode" ] || return 0
	echo "inode $inode; serial, filesystem, window, place, links, facts, first, last:"
	in_store "SELECT serial, filesystem, window, place, links, facts, first, last FROM linked WHERE inode = $inode"
	find "${RANDOM_PLACES[@]}" -xdev -inum "$inode" -printf '%p: %n links, changed %C@\n'
}

proves random_oracle \
	'operations, cuts and failed backups at random on ext4, xfs, btrfs, tmpfs and an overlay: the lists make each replica equal'
random_oracle() {
	local seed=${FSCHANGED_SEED:-1} failures=0 last
	last=$((seed + ${FSCHANGED_SEEDS:-1}))
	while [ "$seed" -lt "$last" ] || [ "$SECONDS" -lt "${FSCHANGED_SECONDS:-0}" ]; do
		# shellcheck disable=SC2046 # several words or none
		oracle "$seed" $(random_pace "$seed") >"$T/seed" 2>&1 || {
			failures=$((failures + 1))
			tell_of_the_nameless >>"$T/seed" 2>&1
		}
		cat "$T/seed"
		cat "$T/seed" >>"$RESULTS/random.log"
		[ "$failures" = 0 ] || [ -n "${FSCHANGED_SECONDS:-}" ] || break
		seed=$((seed + 1))
	done
	echo 0 >/sys/kernel/rcu_expedited
	[ "$failures" = 0 ] || fail "$failures seeds found something"
}

proves random_oracle_sees_what_is_missing 'an entry taken out of each list: the random oracle finds it'
random_oracle_sees_what_is_missing() {
	! oracle 1 --drop --windows 40 || fail "entries that are missing were not found"
}
