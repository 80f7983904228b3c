#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What an earlier process left and cannot be finished is a warning, with what to do about it,
# and stops no command; whatever can be finished is.
. "$(dirname "${BASH_SOURCE[0]}")/functions.sh"
load_image
sql() { python3 -c 'import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); db.execute(sys.argv[2]); db.commit()' "$T/root/state.db" "$1"; }
died() { : >"$T/run/engines/1.$1"; } # a mark that nobody holds

# A network of a driver that is not installed any more cannot be looked after.
sql "INSERT INTO networks(id,name,driver,doc) VALUES('$(printf 'ab%.0s' {1..32})','orphan','gone','{}')" ||
	fail "cannot plant a network"
died one
left=$(printf 'cd%.0s' {1..32})
mkdir -p "$T/run/containers/$left" "$T/root/containers/$left" "$T/run/networks"
: >"$T/run/networks/$left"
expect_status 0 gantry run --rm --network none $IMAGE true
expect_text "WARNING: cannot finish what an earlier process left" "$OUT" "the warning"
expect_text "gone" "$OUT" "what is the cause"
expect_text "hint:" "$OUT" "what to do"
[ ! -e "$T/run/containers/$left" ] && [ ! -e "$T/root/containers/$left" ] ||
	fail "what could be finished was not"
expect "" "$(gantry ps -q 2>/dev/null)" "ps prints what it always prints"
expect_error 0 "WARNING" gantry ps
[ -e "$T/run/engines/1.one" ] || fail "the mark is gone, and nobody will try again"
start_daemon
wait_for 20 grep -q "cannot finish what an earlier process left" "$T/gantryd.log" || fail "no warning of gantryd: $(cat "$T/gantryd.log")"
wait_for 20 curl -sf --unix-socket "$T/gantryd.sock" http://d/_ping || fail "gantryd serves nobody"
kill "$DAEMON_PID" && wait "$DAEMON_PID" 2>/dev/null
unset DOCKER_HOST

# Once the cause is gone, so is the warning, and what was left.
sql "DELETE FROM networks WHERE name='orphan'"
expect_status 0 gantry ps
case $OUT in *WARNING*) fail "a warning of nothing: $OUT" ;; esac
expect "" "$(ls "$T/run/networks")" "marks of networks that are no more"
[ ! -e "$T/run/engines/1.one" ] || fail "the mark stays"

# A network that is removed leaves no mark.
expect_status 0 gantry network create "left-$$"
[ -n "$(ls "$T/run/networks")" ] || fail "a network that is there has no mark"
expect_status 0 gantry network rm "left-$$"
expect "" "$(ls "$T/run/networks")" "marks after network rm"
