#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# 'make demo': two nights of a mail store's backup, on this kernel if it lets us, else in a virtual machine.
set -euo pipefail

KERNEL=6.12
TIMEOUT=900

cd "$(dirname "$(readlink -f "$0")")/.."
FSCHANGED=build/fschanged
WORK=''

# shellcheck disable=SC2317 # the trap calls it
cleanup() {
	[ -z "$WORK" ] || rm -rf "$WORK"
}
trap cleanup EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

die() {
	printf 'make demo: %s\n' "$*" >&2
	exit 1
}

run_here() {
	printf 'On this kernel, Linux %s. For a minute it is traced, and its caches are dropped twice.\n' "$(uname -r)"
	tests/demo-session "$FSCHANGED"
}

fetch_kernel() {
	tests/vm/kernels path "$KERNEL" >/dev/null 2>&1 && return
	printf 'Fetching a kernel, once ...\n'
	tests/vm/kernels fetch "$KERNEL" >"$WORK/fetch" 2>&1 || {
		cat "$WORK/fetch" >&2
		die "there is no kernel for the virtual machine"
	}
}

run_in_vm() {
	local status=0
	[ -e "$(tests/vm/kernels path "$KERNEL" 2>/dev/null)/release" ] || fetch_kernel
	printf 'In a virtual machine with Linux %s, because here the kernel says: %s\n' \
		"$(cat "$(tests/vm/kernels path "$KERNEL")/release")" "$1"
	printf 'Its processor is emulated in software: seconds are long there, only their ratio counts.\n'
	# They become /dev/vda, /dev/vdb and /dev/vdc.
	tests/vm/vm --kernel "$KERNEL" --timeout "$TIMEOUT" --disk 1024 --disk 1024 --disk 64 -- \
		tests/demo-session "$FSCHANGED" /dev/vda /dev/vdb /dev/vdc 2>"$WORK/messages" || status=$?
	[ "$status" = 0 ] || cat "$WORK/messages" >&2
	return "$status"
}

[ "$(id -u)" = 0 ] || die "run it as root: it mounts filesystems and loads programs into a kernel"
[ -x "$FSCHANGED" ] || die "$FSCHANGED is missing: run 'make' first"
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
	export FSCHANGED_DEMO_COLOR=1
fi
WORK=$(mktemp -d "${TMPDIR:-/tmp}/fschanged-demo-XXXXXX")
if reason=$(tests/demo-session --probe "$FSCHANGED" 2>&1); then
	run_here
else
	run_in_vm "$(printf '%s\n' "$reason" | tail -n 1 | sed -e 's/^demo: //' -e 's/): .*/)/')"
fi
