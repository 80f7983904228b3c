#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# While containers write logs and others are created and removed, the log driver, in a
# process of its own for each shim, is reloaded, upgraded and killed again and again: no
# line is lost and no operation fails.  soak-plugin-churn.sh does more of it.
. "$(dirname "${BASH_SOURCE[0]}")/functions.sh"
: "${CONTAINERS:=8}" "${ROUNDS:=12}"

mkdir -p "$T/plugins/log/json-file"
cp "$GANTRY_BUILD/plugins/log/json-file/json-file.so" "$T/plugins/log/json-file/"
cp "$GANTRY_SOURCE/plugins/log/json-file/plugin.conf" "$T/plugins/log/json-file/"
echo 'isolation = "process";' >>"$T/plugins/log/json-file/plugin.conf"
export GANTRY_PLUGIN_PATH=$T/plugins:$GANTRY_BUILD/plugins
load_image
mkdir "$T/share"

# The processes that serve the driver, without their supervisors.
hosts() {
	local p
	for p in $(pgrep -x gantry-plugin-h); do
		{ grep -qz "$T/plugins/log/" "/proc/$p/cmdline" && cat "/proc/$p/task/$p/children"; } 2>/dev/null
	done
}

ids=()
for ((i = 0; i < CONTAINERS; i++)); do
	ids+=("$(gantry run -d --network none -v "$T/share:/share" $IMAGE sh -c \
		'i=0; while [ ! -e /share/stop ]; do i=$((i+1)); echo line $i; [ $((i % 20)) -gt 0 ] || sleep 0.1; done; echo total $i')") ||
		fail "container $i did not start"
done

# Containers that come and go meanwhile: each is an operation that may not fail.
(
	n=0
	while [ ! -e "$T/stop" ]; do
		n=$((n + 1))
		id=$(gantry run -d --network none $IMAGE echo "brief $n" 2>"$T/why") ||
			{ echo "run $n: $(cat "$T/why")" >>"$T/failed"; continue; }
		gantry wait "$id" >/dev/null || echo "wait $n" >>"$T/failed"
		[ "$(gantry logs "$id")" = "brief $n" ] || echo "logs $n: $(gantry logs "$id")" >>"$T/failed"
		gantry rm "$id" >/dev/null 2>"$T/why" || echo "rm $n: $(cat "$T/why")" >>"$T/failed"
	done
	echo $n >"$T/brief"
) &
churn=$!

kills=0
for ((round = 0; round < ROUNDS || (kills < ROUNDS && round < 5 * ROUNDS); round++)); do
	if [ $((round % 3)) = 0 ]; then # an upgrade: another file under the same name
		cp "$GANTRY_BUILD/plugins/log/json-file/json-file.so" "$T/plugins/log/json-file/new"
		mv "$T/plugins/log/json-file/new" "$T/plugins/log/json-file/json-file.so"
	fi
	gantry plugin reload log/json-file >/dev/null || fail "reload $round"
	for host in $(hosts | tr ' ' '\n' | shuf -n 3); do
		kill -9 "$host" 2>/dev/null && kills=$((kills + 1))
	done
	sleep 0.1
done
touch "$T/stop" "$T/share/stop"
wait "$churn"
[ ! -e "$T/failed" ] || fail "operations failed: $(head -5 "$T/failed")"
[ "$kills" -ge "$ROUNDS" ] || fail "only $kills hosts could be killed"

repeated=0 lines=0
for id in "${ids[@]}"; do
	timeout 120 "$GANTRY_BUILD/gantry" --root "$T/root" --run-root "$T/run" wait "$id" >/dev/null || fail "wait $id"
	gantry logs "$id" >"$T/log" 2>&1 || fail "logs $id"
	total=$(sed -n 's/^total //p' "$T/log" | tail -1)
	expect "$total" "$(grep '^line ' "$T/log" | sort -u | wc -l)" \
		"lines of $id ($(tail -1 "$T/run/containers/$id/shim.log" 2>/dev/null))"
	repeated=$((repeated + $(grep -c '^line ' "$T/log") - total))
	lines=$((lines + total))
done
wait_for 10 test -z "$(hosts)" || fail "hosts are left: $(hosts)"
echo "$CONTAINERS containers, $ROUNDS reloads, $kills kills, $(cat "$T/brief") brief containers, $lines lines, $repeated of them twice"
