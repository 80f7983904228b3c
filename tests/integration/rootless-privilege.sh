#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Nothing that an ordinary user's engine starts runs set-ID or has a capability in the
# host's user namespace: every process of the user is looked at, while containers are
# made, run, are exec'ed into and end, in each rung of the ladder.
. "$(dirname "$0")/functions.sh"
. "$(dirname "$0")/rootless.inc"
[ -e "$GANTRY_BUILD/integration/image.tar" ] || skip "the image is made by ./check"

# Looks at /proc until $T/stop exists; writes what it finds wrong, and how much it saw.
watch_processes() {
	python3 - "$USER_ID" "$1" "$T" $((USER_ID * 10000)) <<'PY'
import os, sys, time
uid, rung, T, start = int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
host = os.stat('/proc/self/ns/user').st_ino
seen, bad, names = 0, set(), set()
while not os.path.exists(T + '/stop'):
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            status = dict(l.split(':\t', 1) for l in open(f'/proc/{pid}/status').read().splitlines() if ':\t' in l)
            uids = list(map(int, status['Uid'].split()))
            mine = uid in uids or any(start <= u < start + 65536 for u in uids)
            if not mine:
                continue
            ns = os.stat(f'/proc/{pid}/ns/user').st_ino
            again = open(f'/proc/{pid}/status').read()
        except (OSError, KeyError, ValueError):
            continue
        name = status['Name']
        # the tools that this test itself becomes the user with
        if name in ('setpriv', 'unshare', 'mount'):
            continue
        seen += 1
        names.add(name)
        if f'Uid:\t{status["Uid"]}' not in again:
            continue
        # in the full rung the ids are mapped by newuidmap(1), which is what it is for
        if rung == 'full' and name in ('newuidmap', 'newgidmap'):
            continue
        if len(set(uids)) != 1 or 0 in uids:
            bad.add(f'{name}: set-ID: {uids}')
        if ns == host and int(status['CapEff'], 16) | int(status['CapPrm'], 16):
            bad.add(f'{name}: capabilities {status["CapPrm"]} of the host')
print(f'saw {seen} of {len(names)} programs: {" ".join(sorted(names))}')
for b in sorted(bad): print('BAD ' + b)
PY
}

work() {
	u load -q -i "$GANTRY_BUILD/integration/image.tar" >/dev/null || fail "load"
	u run --rm "$IMAGE" true || fail "run"
	u run -d --name aa "$IMAGE" sh -c 'su user -c "sleep 1000"' >/dev/null || fail "run -d"
	u exec aa sh -c 'touch /f; chown 1:1 /f; sleep 0.3' || fail "exec"
	u exec --user 1000 aa sleep 0.3 || fail "exec --user"
	u commit aa again:1 >/dev/null || fail "commit"
	u restart -t 0 aa >/dev/null || fail "restart"
	u rm -f aa >/dev/null || fail "rm"
	u rmi again:1 >/dev/null || fail "rmi"
}

for rung in single full; do
	if [ "$rung" = full ] && ! command -v newuidmap >/dev/null; then
		echo "without newuidmap there is no full rung to look at"
		continue
	fi
	new_user ids=$rung
	rm -f "$T/stop"
	watch_processes $rung >"$T/watched" &
	watcher=$!
	work
	touch "$T/stop"
	wait $watcher
	cat "$T/watched"
	expect "" "$(grep BAD "$T/watched")" "$rung"
	for name in gantry gantry-shim sleep; do
		grep -qw -- "$name" "$T/watched" || fail "$rung: the watcher never saw $name"
	done
	expect "$rung" "$(cat "$USER_HOME/.local/share/gantry/ids")" "the rung"
	as_user rm -rf "$USER_HOME/.local" 2>/dev/null || rm -rf "$USER_HOME/.local"
	rm -rf "$T/xdg"
done
exit 0
