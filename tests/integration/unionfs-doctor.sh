#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# gantry doctor shows the unions that are mounted, those whose server is gone or does not
# answer, and unmounts the dead ones when it is asked to.
. "$(dirname "${BASH_SOURCE[0]}")/unionfs.inc"
# Only this test's mounts: others come and go meanwhile.
checks() {
	gantry doctor --format json "$@" |
		python3 -c '
import json, sys
for c in json.load(sys.stdin)["checks"]:
    if c["kind"] == "mount" and c["name"].startswith(sys.argv[1] + "/"):
        print(c["name"][len(sys.argv[1]) + 1:], c["status"], c["detail"], c["hint"], sep="|")' "$work"
}
state_of() { checks | grep -F "$1|" | cut -d'|' -f2,3; }
mkdir -p "$work/l"
echo low >"$work/l/file"
mkdir "$work/good" "$work/dead one" "$work/silent"
for m in good "dead one" silent; do
	union_server "noholder,lowerdir=$work/l" "$work/$m"
	pids="${pids:-} $server"
done
read -r good dead silent <<<"$pids"
kill -9 "$dead"
wait "$dead" 2>/dev/null
kill -STOP "$silent"
expect "ok|its server answers" "$(state_of good)" "a mount that is served"
expect_text "error|its server is gone" "$(state_of "dead one")" "a mount without a server"
expect "error|its server does not answer" "$(state_of silent)" "a mount whose server is stopped"
expect_text "--clear" "$(checks | grep "dead one")" "the hint"
mountpoint -q "$work/dead one" || grep -q "dead.040one" /proc/self/mountinfo || fail "it was unmounted unasked"
# Another mount name space may keep the mount, but here it is gone, and only it.
expect_text "ok|its server was gone: unmounted" "$(checks --clear | grep "dead one" | cut -d'|' -f2,3)" "clearing"
! grep -q "dead.040one" /proc/self/mountinfo || fail "it is still mounted"
expect "" "$(state_of "dead one")" "a mount that was cleared"
kill -CONT "$silent"
expect "ok|its server answers" "$(state_of silent)" "a server that goes on"
expect low "$(cat "$work/good/file")" "the mount that is served"
kill -0 "$good" || fail "the server of the good mount died"
umount "$work/good" "$work/silent"
exit 0
