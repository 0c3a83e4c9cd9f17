# shellcheck shell=bash
# The random oracle: tasks, cuts and failures at random, on all filesystems at once.
#
# Settings, from the environment:
#   FSCHANGED_SEEDS      how many seeds (1)
#   FSCHANGED_SEED       the first of them (1)
#   FSCHANGED_WINDOWS    windows a seed (10)
#   FSCHANGED_FILES      files a filesystem (250)
#   FSCHANGED_TASKS      processes (3)
#   FSCHANGED_SECONDS    go on with further seeds for so long

RANDOM_TOP=/mnt/random
RANDOM_PLACES=("$SOURCE/random" "$RANDOM_TOP/xfs" "$RANDOM_TOP/btrfs" "$RANDOM_TOP/tmpfs")

# The last two disks, a directory of the first, and a tmpfs, which is traced only when it is named.
prepare_random_filesystems() {
	mkdir -p "${RANDOM_PLACES[@]}"
	mkfs.xfs -q -f /dev/vdd
	mkfs.btrfs -q -f /dev/vde
	mount /dev/vdd "$RANDOM_TOP/xfs"
	mount /dev/vde "$RANDOM_TOP/btrfs"
	mount -t tmpfs -o size=256M tmpfs "$RANDOM_TOP/tmpfs"
	printf 'watch = %s\n' "${RANDOM_PLACES[@]}" >"$CONFIG"
}

oracle() {
	"${PROGRAM%/*}/random-oracle" --program "$PROGRAM" "$@" "${RANDOM_PLACES[@]}"
}

one_seed() {
	# shellcheck disable=SC2086 # several words
	oracle --seed "$1" --windows "${FSCHANGED_WINDOWS:-10}" --files "${FSCHANGED_FILES:-250}" \
		--tasks "${FSCHANGED_TASKS:-3}" ${FSCHANGED_ORACLE:-}
}
