# shellcheck shell=bash
# System calls of the collector fail.
#
# Settings, from the environment:
#   FSCHANGED_FAULTS     arguments of faults.py: "SECONDS SEED", or "all STEP" (30 1)

proves faults_at_system_calls 'EIO, ENOSPC, ENOMEM and death at system calls of the collector: what it had answered stays, lists are right or say that they may not be'
faults_at_system_calls() {
	local status=0
	# shellcheck disable=SC2086 # two words
	PYTHONPATH=$HERE FSCHANGED_BUILD=$BUILD "$PYTHON" -B "$HERE/faults.py" ${FSCHANGED_FAULTS:-30 1} "$D" "$REPLICA/faults" \
		>"$RESULTS/faults.log" 2>&1 || status=$?
	grep -E '^failed|trials' "$RESULTS/faults.log" | tail -n 40
	tail -n 1 "$RESULTS/faults.log" >"$T/figures"
	[ "$status" = 0 ] || fail "$(tail -n 1 "$RESULTS/faults.log")"
}
