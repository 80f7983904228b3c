#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A plugin while it is used: statistics and log over all processes, calls as they happen,
# an upgrade and a reload under a daemon, deadlines, kill -9.
. "$(dirname "${BASH_SOURCE[0]}")/functions.sh"

D=$T/plugins/volume/py
mkdir -p "$D"
cp "$GANTRY_SOURCE/tests/plugins/volume.py" "$D/"
cat >"$D/plugin.conf" <<'END'
name = "volume-py";
version = "1.0";
needs = "1.0";
form = "exec";
file = "volume.py";
drivers = ( { kind = "volume"; name = "py"; } );
permissions = [ ];
END
mkdir -p "$T/plugins/volume/hostile"
cp "$GANTRY_BUILD/tests/plugins/hostile.so" "$T/plugins/volume/hostile/"
cat >"$T/plugins/volume/hostile/plugin.conf" <<'END'
name = "volume-hostile"; version = "1"; needs = "1.0";
drivers = ( { kind = "volume"; name = "hostile"; } );
permissions = [ ];
END
cat >"$T/gantry.conf" <<'END'
drivers: { volume: {
	hostile: { isolation = "process"; deadline_s = 6; memory_mib = 64; pids = 32; };
	py: { greeting = "good morning"; };
	second: { driver = "py"; greeting = "good evening"; };
}; };
END
export GANTRY_PLUGIN_PATH=$T/plugins:$GANTRY_BUILD/plugins
load_image
start_daemon --config-file "$T/gantry.conf"
d() { timeout -k 5 90 "$GANTRY_BUILD/gantry" "$@"; }
stat_of() { d plugin stats --format "{{.$2}}" "$1"; }

expect a "$(d volume create -d py a)" "volume create"
expect_text "good morning" "$(d plugin logs volume/py)" "configuration reaches an executable, and its log is shown"
expect_text "info: created a" "$(d plugin logs --tail 3 volume/py)" "log messages"
expect 1 "$(d plugin logs --tail 1 volume/py | wc -l)" "logs --tail"
calls=$(stat_of volume/py Calls)
[ "$calls" -ge 1 ] || fail "no call was counted: $calls"
gantry --host "$DOCKER_HOST" version >/dev/null || fail "the daemon does not answer"
expect ok "$(stat_of volume/py Health)" "health"
expect 1 "$(stat_of volume/py Processes)" "processes"
expect_text volume/py "$(d plugin stats)" "plugin stats without a name"
# The same in the list, and in what is said of one driver
row() { d plugin ls --format '{{.Name}} {{.Calls}} {{.Errors}} {{.Restarts}} {{.Health}}' | grep '^volume-py '; }
expect "volume-py $(stat_of volume/py Calls) 0 0 ok" "$(row)" "plugin ls"
[ -n "$(d plugin ls --format '{{.Name}} {{.P50}}{{.P99}} {{.Memory}}' | sed -n 's/^volume-py .*s [0-9.]*[kM]*i*B$/x/p')" ] ||
	fail "plugin ls shows no times and no memory: $(d plugin ls --format '{{.Name}} {{.P50}} {{.P99}} {{.Memory}}')"
expect "volume py process $(stat_of volume/py Calls) ok" \
	"$(d plugin inspect -f '{{.Kind}} {{.Driver}} {{.Isolation}} {{.Stats.Calls}} {{.Stats.Health}}' volume/py)" "plugin inspect KIND/DRIVER"
expect_error 1 'there is no volume driver "absent"' d plugin inspect volume/absent
expect_error 1 "was not used since the last reboot" d plugin stats volume/absent

# Another instance of the same driver, with options and folders of its own
expect z "$(d volume create -d second z)" "volume create with a second instance"
expect_text "good evening" "$(d plugin logs volume/second)" "its configuration"
[ -d "$T/root/drivers/volume/second/z" ] && [ ! -e "$T/root/drivers/volume/py/z" ] || fail "instances share a folder"
expect second "$(d volume inspect -f '{{.Driver}}' z)" "its name"

# A trace: arguments, results, errors, time
d plugin trace volume/py >"$T/trace" 2>/dev/null &
tracer=$!
wait_for 10 test -S "$T/run/drivers/volume/py/trace.sock"
sleep 0.3
d volume create -d py b >/dev/null
wait_for 10 grep -q '"op":"create"' "$T/trace" || fail "the trace is silent: $(cat "$T/trace")"
expect_text '"args":{"name":"b"' "$(cat "$T/trace")" "arguments in the trace"
expect_text '"results":{}' "$(cat "$T/trace")" "results in the trace"
expect_error 1 "traced already" d plugin trace volume/py
kill "$tracer"; wait "$tracer" 2>/dev/null

# An upgrade is in force with the next call, everywhere; one that does not start changes nothing
sed -i 's/"version": "1.0"/"version": "2.0"/; s/print(args/print("upgraded:", args/' "$D/volume.py"
expect volume/py "$(d plugin reload volume/py)" "plugin reload"
expect c "$(d volume create -d py c)" "volume create after the reload"
expect_text "upgraded: good morning" "$(d plugin logs volume/py)" "the new version serves"
expect 1 "$(stat_of volume/py Processes)" "the old process is gone"
cp "$D/volume.py" "$T/good.py"
echo 'this is no Python' >"$D/volume.py"
expect_error 1 "volume/py was not reloaded" d plugin reload volume/py
expect e "$(d volume create -d py e)" "the version that works goes on"
cp "$T/good.py" "$D/volume.py"

# Killed from outside: the next call meets another process, and nobody notices
pids() { for p in $(pgrep -x gantry-plugin-h); do
	grep -sqz "$D/volume.py" "/proc/$p/cmdline" && cat "/proc/$p/task/$p/children"; done; }
for i in 1 2 3 4 5 6 7 8; do
	# shellcheck disable=SC2046
	kill -9 $(pids)
	expect "k$i" "$(d volume create -d py "k$i" 2>&1)" "volume create after kill -9"
done

# A deadline: cancelled, then stopped; the daemon answers others meanwhile
d volume create -d hostile -o do=sleep s >"$T/slow" 2>&1 &
slow=$!
expect f "$(d volume create -d py f)" "another plugin while one hangs"
wait "$slow" && fail "a hanging plugin did not fail"
expect_text "volume driver hostile: it did not answer in time" "$(cat "$T/slow")" "the deadline"
expect g "$(d volume create -d hostile g)" "the plugin after its deadline"
expect 1 "$(stat_of volume/hostile Processes)" "the hanging process is gone"
[ "$(stat_of volume/hostile Crashes)" -ge 1 ] || fail "the failure was not counted"
expect failing "$(stat_of volume/hostile Health)" "health"
expect_error 1 "more memory than it may" d volume create -d hostile -o do=allocate m

# Its breaker opens, and a reload closes it
for i in 1 2 3; do d volume create -d hostile -o do=crash x >/dev/null 2>&1; done
expect_error 1 "failed 5 times within a minute" d volume create -d hostile h
expect volume/hostile "$(d plugin reload volume/hostile)" "plugin reload"
expect h "$(d volume create -d hostile h)" "after the reload"

# With the daemon go all its plugins
kill "$DAEMON_PID"; wait "$DAEMON_PID" 2>/dev/null
wait_for 5 test -z "$(pids)" || fail "plugins are left: $(pids)"
