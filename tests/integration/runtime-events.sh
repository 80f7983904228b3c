#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What is counted about a container that works: out-of-memory kills as events, interfaces by
# name, block devices, pressure; by `events` and by the API's stats.
. "$(dirname "$0")/runtime.inc"

# --- a process that wants more than it may is killed, and `events` says so
configure '.linux.resources.memory = {"limit": 16777216, "swap": 16777216}' \
	sh -c 'while [ ! -e /tmp/go ]; do sleep 0.1; done; (tail /dev/zero) ; sleep 100'
rt run -d -b "$work/bundle" "$tag-oom" </dev/null >/dev/null 2>&1
timeout 120 "$oci" --root "$work/run" events --interval 1s "$tag-oom" >"$work/events" &
watcher=$!
for i in $(seq 300); do [ ! -s "$work/events" ] || break; sleep 0.1; done
: >"$root/tmp/go"
for i in $(seq 600); do ! grep -q '"type":"oom"' "$work/events" || break; sleep 0.1; done
is "oom $tag-oom" "$(grep -m1 '"type":"oom"' "$work/events" | jq -r '"\(.type) \(.id)"')" "an out-of-memory kill is an event"
is 1 "$(grep -c '"type":"oom"' "$work/events")" "one event for one kill"
is 16777216 "$(rt events --stats "$tag-oom" | jq .data.memory.usage.limit)" "the limit"
rt delete -f "$tag-oom"
wait $watcher

# --- interfaces, block devices, pressure
configure '.linux.resources.memory = {"limit": 268435456}' sh -c 'dd if=/dev/zero of=/tmp/big bs=64k count=32 oflag=direct 2>/dev/null; sync; echo > /tmp/written; while :; do sleep 1; done'
rt run -d -b "$work/bundle" "$tag-io" </dev/null >/dev/null 2>&1
pid=$(rt state "$tag-io" | jq .pid)
short=$(echo "$tag" | tail -c 7)
if ip link add "ea$short" type veth peer name "eb$short" 2>/dev/null; then
	at_exit="ip link del ea$short"
	ip link set "eb$short" netns "$pid"
	ip link set "ea$short" up
	nsenter -t "$pid" -n ip link set "eb$short" name eth7 up
	nsenter -t "$pid" -n ip addr add 10.98.98.2/24 dev eth7
	ip addr add 10.98.98.1/24 dev "ea$short"
	nsenter -t "$pid" -n ping -c 2 -W 5 10.98.98.1 >/dev/null 2>&1 || busybox nsenter -t "$pid" -n busybox ping -c 2 -W 5 10.98.98.1 >/dev/null 2>&1
	stats=$(rt events --stats "$tag-io")
	is '["eth7"]' "$(jq -c '[.data.network_interfaces[].Name]' <<<"$stats")" "interfaces have their names"
	is true "$(jq '.data.network_interfaces[0] | .TxBytes > 0 and .RxPackets > 0' <<<"$stats")" "and counters"
	ip link del "ea$short"
	at_exit=
fi
for i in $(seq 300); do [ ! -e "$root/tmp/written" ] || break; sleep 0.1; done
stats=$(rt events --stats "$tag-io")
is true "$(jq '[.data.blkio.ioServiceBytesRecursive, .data.blkio.ioServicedRecursive] |
	all(type == "array" and all(.[]; has("major") and has("minor") and has("op") and has("value")))' <<<"$stats")" "block I/O has its form"
# kernels count for version 1 only where something is throttled
case $(stat -fc %T /sys/fs/cgroup)-$(stat -fc %T "$root") in
cgroup2fs-ext2/ext3 | cgroup2fs-xfs)
	is true "$(jq '[.data.blkio.ioServiceBytesRecursive[] | select(.op == "Write").value] | add >= 2097152' <<<"$stats")" "and counts what was written"
	;;
esac
is true "$(jq '.data.cpu.usage.total > 0 and .data.pids.current >= 1 and .data.memory.usage.usage > 0' <<<"$stats")" "time, processes, memory"
if group=$(find /sys/fs/cgroup -type d -name "$tag-io" -exec test -e {}/cpu.pressure \; -print -quit) && [ -n "$group" ]; then
	total=$(sed -n 's/^some.*total=//p' "$group/cpu.pressure")
	told=$(jq .data.cpu.psi.some.total <<<"$stats")
	[ "$told" -le "$total" ] && ok "pressure is the group's" || fail "pressure: told $told, it is $total"
	is '["full","some"]' "$(jq -c '.data.memory.psi | keys' <<<"$stats")" "of memory, too"
	is '["avg10","avg300","avg60","total"]' "$(jq -c '.data.blkio.psi.some | keys' <<<"$stats")" "and of I/O"
fi
rt delete -f "$tag-io"
finish
