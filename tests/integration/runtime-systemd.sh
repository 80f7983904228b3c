#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Control groups that systemd makes: scopes, their limits, their end.  As root, and as a
# user with a systemd of its own.
[ -d /run/systemd/system ] || { echo "skipped: systemd is not pid 1 here (tests/vm/run has it)"; exit 77; }
NEEDS_ROOT=0
. "$(dirname "$0")/runtime.inc"
manager=()
rootless=.
[ "$(id -u)" = 0 ] || {
	manager=(--user)
	rootless='.linux.namespaces |= map(select(.type != "network"))'
	rm -f "$work/bundle/config.json"
	(cd "$work/bundle" && "$oci" spec --rootless)
	jq --arg root "$root" '.process.terminal = false | .root.path = $root' "$work/bundle/config.json" > "$base"
}
sd() {
	"$oci" --root "$work/run" --systemd-cgroup "$@"
}
show() { # UNIT PROPERTY
	systemctl "${manager[@]}" show -P "$2" "$1"
}
c=$tag-sd
unit=gt-$c.scope
configure "$rootless | .linux.cgroupsPath = \":gt:$c\" | .linux.resources = {memory: {limit: 67108864}, pids: {limit: 50}, cpu: {shares: 2048, quota: 50000, period: 100000}}" /bin/sleep 1000
sd create -b "$work/bundle" "$c" </dev/null > "$work/out" 2>&1
is "0 " "$? $(cat "$work/out")" "create"
is active "$(show "$unit" ActiveState)" "the scope is active"
is yes "$(show "$unit" Delegate)" "and delegated"
is 67108864 "$(show "$unit" MemoryMax)" "systemd knows the memory limit"
is 50 "$(show "$unit" TasksMax)" "and that of processes"
is 500ms "$(show "$unit" CPUQuotaPerSecUSec)" "and the quota"
pid=$(rt state "$c" | jq .pid)
has "$(cat "/proc/$pid/cgroup")" "/$unit" "the process is in it"
group=/sys/fs/cgroup$(sed -n 's/^0:://p' "/proc/$pid/cgroup")
if [ -e "$group/memory.max" ]; then
	is 67108864 "$(cat "$group/memory.max")" "memory.max"
	is 50 "$(cat "$group/pids.max")" "pids.max"
	is "50000 100000" "$(cat "$group/cpu.max")" "cpu.max"
fi
sd start "$c"
is 0 $? "start"
is "0::/" "$(sd exec "$c" /bin/grep ^0: /proc/self/cgroup)" "exec joins it, and sees its group as the top"
sd update --memory 134217728 --pids-limit 60 "$c"
is 134217728 "$(show "$unit" MemoryMax)" "update tells systemd"
systemctl "${manager[@]}" daemon-reload
[ ! -e "$group/memory.max" ] || is 134217728 "$(cat "$group/memory.max")" "and outlasts its reload"
sd pause "$c"
is paused "$(sd state "$c" | jq -r .status)" "pause"
sd resume "$c"
sd kill "$c" KILL
tail -f --pid="$pid" /dev/null
sd delete "$c"
is 0 $? "delete"
is inactive "$(show "$unit" ActiveState)" "the scope is gone"
[ ! -e "$group" ]
is 0 $? "and its group"
sd run -d -b "$work/bundle" "$c" </dev/null > /dev/null 2>&1
is 0 $? "the name can be used again"
sd delete -f "$c"
is inactive "$(show "$unit" ActiveState)" "delete --force ends the scope"
configure "$rootless | del(.linux.cgroupsPath)" /bin/true
sd run -b "$work/bundle" "$c" </dev/null
is 0 $? "a default path"
configure "$rootless | .linux.cgroupsPath = \"/a/b\"" /bin/true
has "$(sd run -b "$work/bundle" "$c" 2>&1 </dev/null)" "linux.cgroupsPath: \"/a/b\" is not SLICE:PREFIX:NAME" "another form is refused"
configure "$rootless | .linux.cgroupsPath = \"nonsense:gt:$c\"" /bin/true
has "$(sd run -b "$work/bundle" "$c" 2>&1 </dev/null)" "names no slice and scope" "a slice that is none is refused"
finish
