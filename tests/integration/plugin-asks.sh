#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A driver in a process of its own may ask the engine at any time, also when no call waits for
# it; one without the permission is told so.
. "$(dirname "${BASH_SOURCE[0]}")/functions.sh"

D=$T/plugins/monitor/asker
mkdir -p "$D"
cp "$GANTRY_SOURCE/tests/plugins/monitor.py" "$D/"
cat >"$D/plugin.conf" <<'END'
name = "monitor-asker"; version = "1"; needs = "1.0"; form = "exec"; file = "monitor.py";
drivers = ( { kind = "monitor"; name = "asker"; } );
permissions = [ "engine" ];
END
echo 'monitor: { drivers = [ "asker" ]; };' >"$T/gantry.conf"
export GANTRY_PLUGIN_PATH=$T/plugins:$GANTRY_BUILD/plugins
start_daemon --config-file "$T/gantry.conf"
d() { timeout -k 5 60 "$GANTRY_BUILD/gantry" "$@"; }
answer=$T/root/drivers/monitor/asker/answer

d volume create one >/dev/null || fail "volume create" # its event opens the driver
wait_for 30 test -e "$answer" || fail "what it asked while nobody called was not answered"
expect result "$(jq -r .type "$answer")" "the answer"
expect_text '"results"' "$(cat "$answer")" "the answer"
# It is called on all the same, and goes when the daemon goes
d volume create two >/dev/null || fail "volume create"
expect ok "$(d plugin stats --format '{{.Health}}' monitor/asker)" "health"
kill "$DAEMON_PID"; wait "$DAEMON_PID" 2>/dev/null
left() { pgrep -f "$D/monitor.py"; }
gone() { [ -z "$(left)" ]; }
wait_for 10 gone || fail "processes are left: $(left)"
