# shellcheck shell=bash
# The random oracle with faults thrown in.
#
# Settings, from the environment:
#   FSCHANGED_CHAOS      options of the oracle (--windows 12 --files 150)
#   FSCHANGED_SEED, FSCHANGED_SECONDS    as in random.sh

# A filesystem for the state that is small enough to be filled up.
prepare_chaos() {
	export DISTURB_PROGRAM=$PROGRAM DISTURB_RUN=$RUN/disturb DISTURB_STATE=$REPLICA/state
	export DISTURB_WATCHES="${RANDOM_PLACES[*]}" DISTURB_REMOUNT="$RANDOM_TOP/xfs $RANDOM_TOP/btrfs"
	mkdir -p "$DISTURB_RUN" "$DISTURB_STATE"
	truncate -s 64M "$REPLICA/state.image"
	mkfs.ext4 -q -E lazy_itable_init=0 "$REPLICA/state.image"
	mount -o loop "$REPLICA/state.image" "$DISTURB_STATE"
	# The oracle asks the collector of this state.
	printf 'state = %s\nsocket = %s/control.sock\n' "$DISTURB_STATE" "$DISTURB_STATE" >"$CONFIG"
}

chaos() {
	# shellcheck disable=SC2086 # several words
	"${PROGRAM%/*}/random-oracle" --program "$PROGRAM" --disturb "$HERE/disturb" --seed "$1" --verbose --windows 12 --files 150 \
		${FSCHANGED_CHAOS:-} "${RANDOM_TREES[@]}"
}

proves random_oracle_in_chaos \
	'collectors die, freeze and run out of ring, ftrace, clock, mounts and room for the state go and come: complete lists are right'
random_oracle_in_chaos() {
	local seed=${FSCHANGED_SEED:-1} end failures=0
	"$HERE/disturb" start
	# From here on: a start takes longer than a run that is asked for one seed alone.
	end=$((SECONDS + ${FSCHANGED_SECONDS:-1}))
	while [ "$seed" = "${FSCHANGED_SEED:-1}" ] || [ "$SECONDS" -lt "$end" ]; do
		chaos "$seed" >"$T/seed" 2>&1 || failures=$((failures + 1))
		cat "$T/seed"
		cat "$T/seed" >>"$RESULTS/chaos.log"
		grep '^chaos' "$T/seed" >"$T/figures"
		seed=$((seed + 1))
		[ "$failures" = 0 ] || [ -n "${FSCHANGED_SECONDS:-}" ] || break
		# What has failed may have left anything.
		kill -0 "$(<"$DISTURB_RUN/pid")" 2>/dev/null || "$HERE/disturb" start
	done
	"$HERE/disturb" stop
	[ "$failures" = 0 ] || fail "$failures seeds found something"
	[ -s "$T/figures" ] || fail "no window was run"
}
