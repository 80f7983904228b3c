#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Fields of the runtime-spec that no other test looks at: network devices, memory policy,
# I/O priority, processors of exec, schedulers, clocks, seccomp's listener, recursive mount
# attributes, id-mapped mounts, memory's rarer limits, systemd's properties.
. "$(dirname "$0")/runtime.inc"
command -v python3 >/dev/null || skip "needs python3"

# --- a new network has its loopback interface up
has "$(run_in . /bin/busybox ip addr show lo)" ",UP" "loopback is up"

# --- linux.netDevices: moved, renamed, with its addresses, up
short=$(echo "$tag" | tail -c 7)
if ip link add "ga$short" type veth peer name "gb$short" 2>/dev/null; then
	at_exit="ip link del ga$short"
	ip addr add 10.99.99.1/24 dev "gb$short"
	ip -6 addr add fd99::1/64 dev "gb$short" nodad
	ip link set "ga$short" up
	out=$(run_in ".linux.netDevices = {\"gb$short\": {\"name\": \"eth%d\"}}" /bin/busybox ip addr show eth0)
	has "$out" "10.99.99.1/24" "netDevices keeps the address"
	has "$out" "fd99::1/64" "and that of version 6"
	has "$out" ",UP" "the device is up"
	ip link del "ga$short" 2>/dev/null
	ip link add "ga$short" type veth peer name "gb$short"
	is "fixed0" "$(run_in ".linux.netDevices = {\"gb$short\": {\"name\": \"fixed0\"}}" ls /sys/class/net | grep fixed0)" "a fixed name"
	ip link del "ga$short" 2>/dev/null
	ip link add "ga$short" type veth peer name "gb$short"
	has "$(run_in ".linux.netDevices = {\"gb$short\": {\"name\": \"lo\"}}" true)" "File exists" "a name that is taken"
	ip link del "ga$short" 2>/dev/null
	at_exit=
	has "$(run_in '.linux.netDevices = {"nothere0": {}}' true)" "nothere0" "a device that is not there is named"
	has "$(run_in '.linux.netDevices = {"lo": {}} | .linux.namespaces |= map(select(.type != "network"))' true)" \
		"needs a namespace of type network" "netDevices without a namespace"
	has "$(run_in '.linux.netDevices = {"a/b": {}}' true)" "is not an interface name" "a name with a slash"
fi

# --- names that two fields set must be the same
is same "$(run_in '.domainname = "same" | .linux.sysctl = {"kernel.domainname": "same"}' cat /proc/sys/kernel/domainname)" "domainname and sysctl"
has "$(run_in '.domainname = "one" | .linux.sysctl = {"kernel.domainname": "two"}' true)" "kernel.domainname differ" "two domainnames"
has "$(run_in '.hostname = "one" | .linux.sysctl = {"kernel.hostname": "two"}' true)" "kernel.hostname differ" "two hostnames"

# --- devices: a slash at the end, and those of the host in a user namespace
is "crw-rw-rw-" "$(run_in '.linux.devices = [{"path": "/dev/my/", "type": "c", "major": 1, "minor": 3, "fileMode": 438}]' stat -c %A /dev/my)" \
	"a device's path that ends with a slash"
mapped='.linux.namespaces += [{"type": "user"}] | .linux.uidMappings = [{"containerID": 0, "hostID": 0, "size": 1000}] | .linux.gidMappings = .linux.uidMappings'
has "$(run_in "$mapped" grep " /dev/zero " /proc/self/mountinfo)" "nosuid,noexec" "bound devices"

# --- NUMA, I/O priority, processors, schedulers
if [ -d /sys/devices/system/node/node0 ]; then
	has "$(run_in '.linux.memoryPolicy = {"mode": "MPOL_BIND", "nodes": "0"}' head -2 /proc/self/numa_maps)" "bind:0" "memoryPolicy"
	has "$(run_in '.linux.memoryPolicy = {"mode": "MPOL_INTERLEAVE", "nodes": "0", "flags": ["MPOL_F_STATIC_NODES"]}' head -2 /proc/self/numa_maps)" \
		"interleave=static:0" "with a flag"
	has "$(run_in '.linux.memoryPolicy = {"mode": "MPOL_BIND", "nodes": "4000"}' true)" "linux.memoryPolicy" "nodes that are not there"
fi
has "$(run_in '.linux.memoryPolicy = {"mode": "MPOL_BIND", "nodes": "0-x"}' true)" 'linux.memoryPolicy.nodes: "0-x"' "nodes that are none"
has "$(run_in '.linux.memoryPolicy = {"mode": "MPOL_NONE"}' true)" 'mode: "MPOL_NONE"' "a mode that is none"
ionice() {
	run_in "$1" /bin/busybox ionice
}
has "$(ionice '.process.ioPriority = {"class": "IOPRIO_CLASS_BE", "priority": 6}')" "best-effort: prio 6" "ioPriority"
has "$(ionice '.process.ioPriority = {"class": "IOPRIO_CLASS_IDLE", "priority": 0}')" idle "ioPriority idle"
has "$(run_in '.process.ioPriority = {"class": "IOPRIO_CLASS_X"}' true)" 'class: "IOPRIO_CLASS_X"' "a class that is none"
configure '.process.execCPUAffinity = {"initial": "0", "final": "0"}' sh -c 'while :; do sleep 1; done'
rt run -d -b "$work/bundle" "$tag-e" </dev/null >/dev/null 2>&1
is 0 "$(rt exec "$tag-e" sh -c 'grep Cpus_allowed_list /proc/self/status' | tr -dc '0-9,-')" "execCPUAffinity of exec"
rt delete -f "$tag-e"
has "$(run_in '.process.execCPUAffinity = {"final": "zero"} | .process.args = ["true"]' true)" "" "it is for exec"
policy_of='{print $41, $19, $40}'
is "3 5 0" "$(run_in '.process.scheduler = {"policy": "SCHED_BATCH", "nice": 5, "flags": ["SCHED_FLAG_RESET_ON_FORK"]}' /bin/busybox awk "$policy_of" /proc/self/stat)" "scheduler with flags"
is "5 0 0" "$(run_in '.process.scheduler = {"policy": "SCHED_IDLE"}' /bin/busybox awk "$policy_of" /proc/self/stat)" "SCHED_IDLE"
has "$(run_in '.process.scheduler = {"policy": "SCHED_OTHER", "flags": ["SCHED_FLAG_X"]}' true)" 'flags: "SCHED_FLAG_X"' "a flag that is none"
has "$(run_in '.process.scheduler = {"policy": "SCHED_NO"}' true)" 'policy: "SCHED_NO"' "a policy that is none"

# --- clocks of a time namespace, also of one that belongs to a user namespace
clocks='.linux.namespaces += [{"type": "time"}] | .linux.timeOffsets = {"boottime": {"secs": 864000}, "monotonic": {"secs": 77, "nanosecs": 5}}'
out=$(run_in "$clocks" cat /proc/self/timens_offsets | tr -s ' \t' ' ')
has "$out" "monotonic 77 5" "timeOffsets.monotonic"
has "$out" "boottime 864000 0" "timeOffsets.boottime"
user='.linux.namespaces += [{"type": "user"}] | .linux.uidMappings = [{"containerID": 0, "hostID": 0, "size": 1000}] | .linux.gidMappings = .linux.uidMappings'
up=$(run_in "$clocks | $user" cat /proc/uptime | cut -d. -f1)
[ "$up" -gt 864000 ] 2>/dev/null && ok "with a user namespace" || fail "clocks with a user namespace: $up"
has "$(run_in "$clocks | .linux.timeOffsets.realtime = {\"secs\": 1}" true)" "is not monotonic or boottime" "a clock that is none"

# --- seccomp's listener gets the descriptor, the state and the metadata
cat >"$work/listener.py" <<'PY'
import array, json, os, socket, struct, fcntl, sys
l = socket.socket(socket.AF_UNIX); l.bind(sys.argv[1]); l.listen(1)
c, _ = l.accept()
data, extra, _, _ = c.recvmsg(65536, socket.CMSG_SPACE(8))
fd = array.array("i", extra[0][2][:4])[0]
state = json.loads(data)
print(json.dumps({"metadata": state["metadata"], "fds": state["fds"], "id": state["state"]["id"],
                  "status": state["state"]["status"], "pid": state["pid"]}), flush=True)
SIZE = 80
while True:
    request = bytearray(SIZE)
    try:
        fcntl.ioctl(fd, 0xc0502100, request)
    except OSError:
        break
    ident = struct.unpack_from("Q", request)[0]
    fcntl.ioctl(fd, 0xc0182101, bytearray(struct.pack("QqiI", ident, 0, -38, 0)))
PY
python3 "$work/listener.py" "$work/listener" >"$work/listened" &
listener=$!
until [ -S "$work/listener" ]; do sleep 0.05; done
out=$(run_in '.linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "'"$work"'/listener", "listenerMetadata": "opaque",
	"syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_NOTIFY"}]}' mkdir /tmp/made)
has "$out" "Function not implemented" "the listener answers"
wait $listener
is '"opaque" ["seccompFd"] "creating"' "$(jq -rc '"\(.metadata | tojson) \(.fds | tojson) \(.status | tojson)"' "$work/listened")" \
	"it was told metadata, descriptors and the state"
is true "$(jq '.pid > 0' "$work/listened")" "and the pid"

# --- mounts: recursive attributes, id maps for the whole tree
mkdir -p "$work/tree/sub"
mount -t tmpfs tmpfs "$work/tree/sub" && at_exit="umount $work/tree/sub"
echo x >"$work/tree/sub/file"
chown 77:78 "$work/tree/sub/file"
bind="{\"destination\":\"/tree\",\"type\":\"bind\",\"source\":\"$work/tree\""
has "$(run_in ".mounts += [$bind,\"options\":[\"rbind\",\"rro\"]}]" touch /tree/sub/new)" "Read-only" "rro reaches mounts below"
is "" "$(run_in ".mounts += [$bind,\"options\":[\"rbind\",\"ro\"]}]" touch /tree/sub/new)" "ro does not"
has "$(run_in ".mounts += [$bind,\"options\":[\"rbind\",\"rnoexec\",\"rnosuid\",\"rnodev\"]}]" grep " /tree/sub " /proc/self/mountinfo)" \
	"nosuid,nodev,noexec" "several at once"
maps='"uidMappings":[{"containerID":77,"hostID":5,"size":1}],"gidMappings":[{"containerID":78,"hostID":6,"size":1}]'
out=$(run_in ".mounts += [$bind,\"options\":[\"rbind\",\"ridmap\"],$maps}]" stat -c %u:%g /tree/sub/file)
case $out in *"cannot map the owners"*) ;; *) is 5:6 "$out" "ridmap maps owners below, too" ;; esac
umount "$work/tree/sub"
at_exit=

# --- memory: usage is looked at before a limit is set, hierarchies, what cannot be is named
configure '.linux.resources.memory = {"limit": 67108864, "useHierarchy": true}' sh -c 'while :; do sleep 1; done'
rt run -d -b "$work/bundle" "$tag-m" </dev/null >"$work/out" 2>&1
is 0 $? "useHierarchy: $(cat "$work/out")"
echo '{"memory": {"limit": 4096, "checkBeforeUpdate": true}}' >"$work/small"
has "$(rt update -r "$work/small" "$tag-m" 2>&1)" "bytes are used" "checkBeforeUpdate refuses what is too little"
echo '{"memory": {"limit": 33554432, "checkBeforeUpdate": true}}' >"$work/fits"
rt update -r "$work/fits" "$tag-m"
is "0 33554432" "$? $(rt events --stats "$tag-m" | jq .data.memory.usage.limit)" "and sets what fits"
rt delete -f "$tag-m"

# --- Landlock, in process and by annotation, also for exec; an old kernel knows less
rules='{"ruleset": {"handledAccessFS": ["write_file", "make_reg", "make_dir", "truncate"]},
	"rules": {"pathBeneath": [{"allowedAccess": ["write_file", "make_reg", "truncate"], "paths": ["/tmp", "/dev/null"]}]}}'
writes='echo x > /tmp/may && echo in; (echo x > /etc/not) 2>/dev/null || echo out; mkdir /tmp/dir 2>/dev/null || echo nodir'
has "$(run_in ".process.landlock = $rules" sh -c 'echo x > /tmp/may && echo in')" in "process.landlock"
if grep -q landlock /sys/kernel/security/lsm 2>/dev/null || dmesg 2>/dev/null | grep -q 'landlock: Up' ||
	[ "$(run_in ".process.landlock = $rules" sh -c "$writes" | tail -1)" = nodir ]; then
	is "in out nodir" "$(echo $(run_in ".process.landlock = $rules" sh -c "$writes"))" "denies what no rule allows"
	text=$(jq -c . <<<"$rules" | jq -R .)
	is "in out nodir" "$(echo $(run_in ".annotations = {\"org.gantry.landlock\": $text}" sh -c "$writes"))" "by annotation"
	is "in out nodir" "$(echo $(run_in ".process.landlock = $rules | .process.noNewPrivileges = false |
		.process.capabilities |= map_values([\"CAP_SYS_ADMIN\"])" sh -c "$writes"))" "without no_new_privs"
	configure ".annotations = {\"org.gantry.landlock\": $text}" sh -c 'while :; do sleep 1; done'
	rt run -d -b "$work/bundle" "$tag-l" </dev/null >/dev/null 2>&1
	is "in out nodir" "$(echo $(rt exec "$tag-l" sh -c "$writes"))" "exec is confined, too"
	rt delete -f "$tag-l"
	has "$(run_in ".process.landlock = $rules | .process.landlock.rules.pathBeneath[0].paths += [\"/nowhere\"]" true)" \
		"process.landlock: cannot open /nowhere" "a path that is not there is named"
fi
has "$(run_in '.process.landlock = {"ruleset": {"handledAccessFS": ["fly"]}}' true)" 'handledAccessFS: "fly" is not a right' "a right that is none"
has "$(run_in '.process.landlock = {}' true)" "ruleset must handle something" "no rights"
has "$(run_in '.process.landlock = {"ruleset": {"handledAccessFS": ["execute"]}, "rules": {"pathBeneath": [{"allowedAccess": ["refer"], "paths": ["/"]}]}}' true)" \
	"some of ruleset.handledAccessFS" "a rule for what is not handled"
has "$(run_in '.process.landlock = {"ruleset": {"handledAccessNet": ["bind_tcp"]}, "rules": {"netPort": [{"allowedAccess": ["bind_tcp"], "ports": [70000]}]}}' true)" \
	"is not a port" "a port that is none"
has "$(run_in '.annotations = {"org.gantry.landlock": "{"}' true)" "annotations.org.gantry.landlock" "an annotation that is no JSON"

# --- a version 2 group is given to the container's user when that user may write there
if [ "$(stat -fc %T /sys/fs/cgroup)" = cgroup2fs ]; then
	mapped='.linux.namespaces += [{"type": "user"}] | .linux.uidMappings = [{"containerID": 0, "hostID": 100000, "size": 1000}]
		| .linux.gidMappings = .linux.uidMappings | .mounts |= map(if .type == "cgroup" then .options -= ["ro"] else . end)'
	chmod 755 "$work"
	is made "$(run_in "$mapped" sh -c 'mkdir /sys/fs/cgroup/sub && echo made')" "the group is the user's"
	has "$(run_in "$mapped" sh -c 'echo max > /sys/fs/cgroup/pids.max')" "ermission denied" "but not its limits"
	lacks "$(run_in "$mapped | .mounts |= map(if .type == \"cgroup\" then .options += [\"ro\"] else . end)" \
		sh -c 'mkdir /sys/fs/cgroup/sub && echo made')" made "without a writable mount it is not"
fi

# --- intelRdt, where there is none
[ -e /sys/fs/resctrl/schemata ] || has "$(run_in '.linux.intelRdt = {"closID": "/"}' true)" "resctrl is not mounted" "intelRdt is told to be missing"
has "$(run_in '.linux.intelRdt = {"memBwSchema": "L3:0=f"}' true)" "does not begin with MB:" "memBwSchema"
has "$(run_in '.linux.intelRdt = {"schemata": ["L3:0=f\nMB:0=1"]}' true)" "must be one line" "schemata"
has "$(run_in '.linux.intelRdt = {"closID": "mon_groups"}' true)" "is not a name" "closID"
finish
