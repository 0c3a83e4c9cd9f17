# shellcheck shell=bash
# What stands beside a list, and what is to be believed of it.

# certificate EXPRESSION...: that of the last dump, see certificate.py.
certificate() {
	"$PYTHON" -B "$HERE/certificate.py" "$HERE/../../dist/certificate.schema.json" "$T/certificate" "$@" ||
		fail "the certificate is not right"
}

proves certificate_of_a_complete_list \
	'the certificate follows the schema and says what was traced, by which hooks, and how many events there were'
certificate_of_a_complete_list() {
	begin_job "$FUNCNAME"
	: >"$D/one"
	complete_dump "$FUNCNAME" "$D" --certificate "$T/certificate"
	certificate "c['verdict'] == 'complete'" "c['job'] == '$FUNCNAME'" "c['gaps'] == []" "c['refined']" \
		"c['changed']['paths'] >= 1" "c['windows'][0]['events']['kernel'] > 0" \
		"'file_open' in c['coverage'][0]['hooks']['attached']" \
		"any(f['mount_point'] == '$SOURCE' and f['traced'] for f in c['coverage'][0]['filesystems'])" \
		"c['boot'] == c['coverage'][0]['system']['boot'] == '$(tr -d - </proc/sys/kernel/random/boot_id)'"
	cp "$T/certificate" "$T/first"
	expect 0 fschanged mark --job other
	# Without a cut, and without a collector to ask: the store knows it.
	complete_dump "$FUNCNAME" "$D" --pending --no-refine --certificate "$T/certificate"
	certificate "not c['refined']" "c['windows'] == __import__('json').load(open('$T/first'))['windows']"
	commit "$FUNCNAME"
	: >"$D/two"
	complete_dump "$FUNCNAME" "$D" --certificate "$T/certificate"
	certificate "len(c['windows']) == 2" "len(c['coverage']) == 1" "c['coverage'][0]['last'] == c['last']"
	expect 3 fschanged dump --since 0 -0 --changed "$T/changed" --certificate "$T/certificate"
	certificate "c['job'] is None" "c['windows'][-1]['closed'] is None" "any('is still open' in reason for reason in c['incomplete'])" \
		"c['deleted'] is None"
	expect 2 fschanged dump --job "$FUNCNAME" --changed "$T/changed" --certificate "$T/changed"
}

proves certificate_of_a_fresh_job 'without a base there is no list, but a certificate that says so; so do jobs and status'
certificate_of_a_fresh_job() {
	STATUS=0
	dump "$FUNCNAME" "$D" --certificate "$T/certificate"
	[ "$STATUS" = 4 ] || fail "dump ended with $STATUS"
	[ ! -e "$T/changed" ] || fail "there is a list"
	certificate "c['verdict'] == 'fresh'" "c['fresh']['reason'] == 'new'"
	expect 0 fschanged jobs
	[[ $(<"$T/out") == *"no full backup of it has been committed yet"* ]] || fail "jobs does not say why"
	expect 0 fschanged status
	[[ $(<"$T/out") == *"$FUNCNAME: no full backup of it has been committed yet"* ]] || fail "status does not say why"
	expect 0 fschanged status --json
	[[ $(<"$T/out") == *'"reason": "new"'* ]] || fail "status does not say why in JSON"
}

proves incomplete_list_is_owed \
	'an incomplete list has a certificate; if it is committed its windows are listed again, until a full backup'
incomplete_list_is_owed() {
	local first
	begin_job "$FUNCNAME"
	kill -STOP "$COLLECTOR"
	burst || { kill -CONT "$COLLECTOR"; fail "a change failed"; }
	kill -CONT "$COLLECTOR"
	incomplete_dump "$FUNCNAME" "$D" --certificate "$T/certificate"
	expect_said 'the ring buffer was full; '
	expect_said "'fschanged dump --job $FUNCNAME --pending --repair'"
	certificate "c['verdict'] == 'incomplete'" "c['gaps'][0]['reason'] == 'ring_full'" "not c['gaps'][0]['repaired']" \
		"c['gaps'][0]['filesystem'] is None" "'the ring buffer was full' in c['incomplete'][0]"
	first=$(number first "$T/certificate")
	expect 0 fschanged commit --job "$FUNCNAME"
	expect_said "begin with window $first again"
	: >"$D/after"
	incomplete_dump "$FUNCNAME" "$D" --certificate "$T/certificate"
	expect_listed changed after file0
	certificate "c['first'] == $first" "len(c['windows']) == 2"
	expect 0 fschanged commit --job "$FUNCNAME"
	# A full backup has what was missing.
	expect 0 fschanged mark --job "$FUNCNAME"
	expect 0 fschanged commit --job "$FUNCNAME"
	: >"$D/later"
	complete_dump "$FUNCNAME" "$D" --certificate "$T/certificate"
	expect_listed changed later
	expect_not_listed changed after
	certificate "len(c['windows']) == 1" "c['gaps'] == []"
}

proves backup_with_another_base 'a backup that is not the one of the last commit is fresh'
backup_with_another_base() {
	expect 4 fschanged dump --job "$FUNCNAME" --base "$T/base"
	expect 0 fschanged commit --job "$FUNCNAME" --base "$T/base"
	: >"$D/one"
	complete_dump "$FUNCNAME" "$D" --base "$T/base"
	cp "$T/base" "$T/older"
	expect 0 fschanged commit --job "$FUNCNAME" --base "$T/base"
	! cmp -s "$T/base" "$T/older" || fail "two commits made the same base"
	complete_dump "$FUNCNAME" "$D" --base "$T/base"
	dump "$FUNCNAME" "$D" --base "$T/older"
	[ "$STATUS" = 4 ] || fail "a dump with an older base ended with $STATUS"
	expect_said 'the backup has another base'
	# What was pending is no more.
	expect 0 fschanged mark --job "$FUNCNAME"
	expect 0 fschanged commit --job "$FUNCNAME"
	dump "$FUNCNAME" "$D" --base "$T/missing"
	[ "$STATUS" = 4 ] || fail "a dump without a base ended with $STATUS"
}

with_machine_id() {
	echo "$1" >"$RUN/machine-id"
	[ -e /etc/machine-id ] || : >/etc/machine-id
	mountpoint -q /etc/machine-id || mount --bind "$RUN/machine-id" /etc/machine-id
}

proves database_of_another_machine 'a database that comes to another machine makes all jobs fresh; the same machine does not'
database_of_another_machine() {
	with_machine_id 0123456789abcdef0123456789abcdef
	# Whatever fails: later tests start collectors of their own.
	trap 'set +e; stop_collector' EXIT
	start_collector || fail "the collector did not start"
	begin_job "$FUNCNAME"
	begin_job pending
	expect 0 fschanged mark --job pending
	stop_collector
	start_collector || fail "the collector did not start"
	dump "$FUNCNAME" "$D"
	[ "$STATUS" != 4 ] || fail "the same machine was taken for another one"
	stop_collector
	with_machine_id 1123456789abcdef0123456789abcdef
	start_collector || fail "the collector did not start"
	[[ $(<"$RUN/collector") == *"only a full backup will do: the database was made on another machine"* ]] ||
		fail "the log does not say it"
	expect 1 fschanged commit --job pending
	expect 0 fschanged jobs
	[[ $(<"$T/out") == *"the database was made on another machine"* ]] || fail "jobs does not say why"
	dump "$FUNCNAME" "$D" --certificate "$T/certificate"
	[ "$STATUS" = 4 ] || fail "dump ended with $STATUS"
	expect_said 'the database was made on another machine'
	certificate "c['fresh']['reason'] == 'other_machine'"
	commit "$FUNCNAME"
	complete_dump "$FUNCNAME" "$D"
	stop_collector
	umount /etc/machine-id
}
