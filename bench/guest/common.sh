# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# What the measurements in guests have in common.

BUILD=$(readlink -f "${FSCHANGED_BUILD:-build}")
PROGRAM=$BUILD/fschanged
TOP=/mnt/bench
INPUT=/run/bench
STATE=/var/lib/fschanged
CONFIG=/etc/fschanged/fschanged.conf

# A new window: nothing has been reported in it. While the collector waits for a disk the clock leaps, also past the time
# that a client waits for it.
BEGIN="for try in 1 2 3 4 5 6 7 8 9; do $PROGRAM mark --job bench >/dev/null 2>&1 && exit; done; exit 1"

declare -A DISK=([ext4]=/dev/vda [xfs]=/dev/vdb [btrfs]=/dev/vdc)

prepare() {
	mkdir -p "$INPUT" "$TOP"
	cp "$BUILD/bench/tree.tar" "$BUILD/bench/repository.tar" "$INPUT"
	# The clock leaps while a disk is waited for; it does not mean that anything hangs.
	sysctl -qw kernel.hung_task_timeout_secs=0
	# Git asks whose the repository is and what else it shall do: nothing else.
	export HOME=/run GIT_CONFIG_NOSYSTEM=1
	git config --global gc.auto 0
}

make_filesystem() {
	mkdir -p "$TOP/$1"
	case $1 in
	tmpfs) mount -t tmpfs -o size=512m bench "$TOP/tmpfs" ;;
	ext4) mkfs.ext4 -q -F -E lazy_itable_init=0 "${DISK[$1]}" ;;
	xfs | btrfs) "mkfs.$1" -q -f "${DISK[$1]}" ;;
	esac
	[ "$1" = tmpfs ] || mount "${DISK[$1]}" "$TOP/$1"
}

wait_until() {
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.2
	done
}

is_ready() {
	"$PROGRAM" status >/dev/null 2>&1 || ! kill -0 "$COLLECTOR" 2>/dev/null
}

# start_collector [OPTION...]: its database on a disk of its own, as it is where a service runs. Sets COLLECTOR.
start_collector() {
	mkdir -p "$STATE"
	mkfs.ext4 -q -F -E lazy_itable_init=0 /dev/vdd
	mount /dev/vdd "$STATE"
	"$PROGRAM" collect "$@" >/run/collector 2>&1 &
	COLLECTOR=$!
	wait_until 100000 is_ready
	"$PROGRAM" status >/dev/null || { cat /run/collector >&2; return 1; }
	sleep 5
	wait_until 100000 names_are_known
	begin_job bench
}

# ask COMMAND [OPTION...]: a few times, as above. Sets STATUS.
ask() {
	local try
	for try in 1 2 3 4 5 6 7 8 9; do
		STATUS=0
		"$PROGRAM" "$@" || STATUS=$?
		[ "$STATUS" = 1 ] || return 0
	done
	return 1
}

begin_job() {
	ask dump --job "$1" 2>/dev/null
	[ "$STATUS" = 4 ]
	ask commit --job "$1"
}

# What was not taken in would be missing from the figures.
expect_complete() {
	ask dump --job bench --changed /run/changed
	[ "$STATUS" = 0 ]
}

# The first walk of the filesystems, for the names of hard links.
names_are_known() {
	! pgrep -P "$COLLECTOR" >/dev/null
}

stop_collector() {
	kill "$COLLECTOR"
	wait "$COLLECTOR" || :
	"$PROGRAM" detach
	umount "$STATE"
}

# workload [OPTION...] DIRECTORY
workload() {
	"$BUILD/bench/workload" --archive "$INPUT/tree.tar" --repository "$INPUT/repository.tar" "$@"
}

# start_consumer PROGRAM [ARG...]: sets CONSUMER, and WATCHED and SETUP from what it says when it is ready.
start_consumer() {
	rm -f /run/consumer
	mkfifo /run/consumer
	"$BUILD/bench/$1" "${@:2}" >/run/consumer &
	CONSUMER=$!
	read -r WATCHED SETUP </run/consumer
}

stop_consumer() {
	kill "$CONSUMER"
	wait "$CONSUMER" 2>/dev/null || :
}
