# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
# What the measurements in guests have in common.

BUILD=$(readlink -f "${FSCHANGED_BUILD:-build}")
PROGRAM=$BUILD/fschanged
TOP=/mnt/bench
INPUT=/run/bench
STATE=/var/lib/fschanged

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

# The clock leaps while a disk is waited for; it does not mean that anything hangs.
sysctl -qw kernel.hung_task_timeout_secs=0

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
	"$PROGRAM" dump --job bench 2>/dev/null || [ $? = 4 ]
	"$PROGRAM" commit --job bench
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

# start_consumer KIND DIRECTORY: sets CONSUMER, and WATCHED and SETUP from what it says.
start_consumer() {
	rm -f /run/consumer
	mkfifo /run/consumer
	"$BUILD/bench/consumer" "$@" >/run/consumer &
	CONSUMER=$!
	read -r WATCHED SETUP </run/consumer
}
