#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What a process in a container can see and do.
. "$(dirname "$0")/runtime.inc"
host_ns() {
	readlink /proc/self/ns/$1
}
for ns in mnt pid net ipc uts cgroup; do
	got=$(run_in . /bin/readlink /proc/self/ns/$ns)
	[ "${got%%:*}" = $ns ] && [ "$got" != "$(host_ns $ns)" ]
	is 0 $? "a $ns namespace of its own"
done
is 1 "$(run_in . /bin/sh -c 'echo $$')" "it is pid 1"
is gantry "$(run_in . /bin/hostname)" "hostname"
is "" "$(run_in . /bin/sh -c 'cat /proc/keys /proc/timer_list')" "masked files are empty"
is "" "$(run_in . /bin/ls /sys/firmware)" "masked folders are empty"
has "$(run_in . /bin/sh -c 'echo 1 > /proc/sys/kernel/panic')" "Read-only" "read-only paths"
has "$(run_in '.root.readonly = true' /bin/touch /x)" "Read-only" "a read-only root"
is "00000000000004a0" "$(run_in '.process.capabilities |= map_values(["CAP_KILL", "CAP_SETUID", "CAP_NET_BIND_SERVICE"])' /bin/grep CapEff /proc/self/status | tr -d ' \t' | cut -d: -f2)" "effective capabilities"
is "0000000000000000" "$(run_in 'del(.process.capabilities)' /bin/grep CapBnd /proc/self/status | tr -d ' \t' | cut -d: -f2)" "without capabilities there are none"
is 1 "$(run_in . /bin/grep NoNewPrivs /proc/self/status | tr -d ' \t' | cut -d: -f2)" "no_new_privs"
is 123 "$(run_in '.process.rlimits = [{"type": "RLIMIT_NOFILE", "soft": 123, "hard": 200}]' /bin/sh -c 'ulimit -n')" "rlimits"
is 0 "$(run_in '.process.rlimits = [{"type": "RLIMIT_NOFILE", "soft": 9999999999, "hard": 9999999999}]' /bin/true >/dev/null; echo $?)" "a limit that cannot be raised does not stop it"
is "uid=5 gid=6 groups=7,8" "$(run_in '.process.user = {"uid": 5, "gid": 6, "additionalGids": [7, 8]}' /bin/id)" "user and groups"
is 0027 "$(run_in '.process.user.umask = 23' /bin/sh -c umask)" "umask"
is /root "$(run_in . /bin/sh -c 'echo $HOME')" "HOME comes from the image"
is 65000 "$(run_in '.linux.sysctl = {"kernel.msgmax": "65000"}' /bin/cat /proc/sys/kernel/msgmax)" "sysctl"
has "$(run_in '.linux.sysctl = {"kernel.panic": "1"}' /bin/true)" "parameter of the host" "sysctl of the host"
has "$(run_in '.linux.sysctl = {"net.ipv4.ip_forward": "1"} | .linux.namespaces |= map(select(.type != "network"))' /bin/true)" "needs a network namespace" "sysctl without its namespace"
is 31 "$(run_in '.process.oomScoreAdj = 31' /bin/cat /proc/self/oom_score_adj)" "oomScoreAdj"
is i686 "$(run_in '.linux.personality = {"domain": "LINUX32"}' /bin/busybox uname -m)" "personality"
days='.linux.namespaces += [{"type": "time"}] | .linux.timeOffsets = {"boottime": {"secs": 864000}}'
[ "$(run_in "$days" /bin/cat /proc/uptime | cut -d. -f1)" -gt 864000 ]
is 0 $? "a time namespace"
is "3 0 5" "$(run_in '.process.scheduler = {"policy": "SCHED_BATCH", "nice": 5}' /bin/busybox awk '{print $41, 0, $19}' /proc/self/stat)" "scheduler"
# devices
mknod_caps='.process.capabilities |= map_values(["CAP_MKNOD"]) | .process.noNewPrivileges = false'
has "$(run_in "$mknod_caps | .root.readonly = false" /bin/sh -c 'mknod /tmp/d b 7 0 && dd if=/tmp/d of=/dev/null count=1; rm -f /tmp/d')" "not permitted" "devices are refused"
is 0 "$(run_in . /bin/dd if=/dev/zero of=/dev/null count=1 >/dev/null; echo $?)" "but not the usual ones"
is "crw-rw-rw-" "$(run_in '.linux.devices = [{"path": "/dev/my/null", "type": "c", "major": 1, "minor": 3, "fileMode": 438}]' /bin/ls -l /dev/my/null | cut -c1-10)" "linux.devices"
# a user namespace
user='.linux.namespaces += [{"type": "user"}] | .linux.uidMappings = [{"containerID": 0, "hostID": 100000, "size": 1000}] | .linux.gidMappings = .linux.uidMappings'
is "0 100000 1000" "$(run_in "$user" /bin/cat /proc/self/uid_map | tr -s ' ' | sed 's/^ //')" "a user namespace"
has "$(run_in "$user | .process.user.uid = 5000" /bin/true)" "not in linux.uidMappings" "an id that is not mapped"
# seccomp
filter='.linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28}]}'
has "$(run_in "$filter" /bin/mkdir /tmp/x)" "No space left" "seccomp returns what it is told to"
is 0 "$(run_in "$filter" /bin/true >/dev/null; echo $?)" "a compiled filter is used again"
has "$(run_in '.linux.seccomp = {"defaultAction": "SCMP_ACT_NONSENSE"}' /bin/true)" "linux.seccomp: defaultAction" "a bad action is named"
# no descriptor of the host
is "0 1 2" "$(run_in . /bin/sh -c 'for f in /proc/$$/fd/*; do [ -e "$f" ] && echo "${f##*/}"; done' | tr '\n' ' ' | sed 's/ $//')" "only three descriptors are open" 9</etc/passwd
exec 5</etc/passwd
is "0 1 2" "$(run_in . /bin/busybox sh -c 'echo /proc/self/fd/* | tr " " "\n" | grep -c . >/dev/null; for f in 0 1 2 4 5 6 7 8 9; do [ -e /proc/$$/fd/$f ] && echo $f; done' | tr '\n' ' ' | sed 's/ $//')" "an inherited descriptor is closed"
configure . /bin/sh -c '[ -e /proc/$$/fd/3 ] && echo kept'
is kept "$(rt run -b "$work/bundle" --preserve-fds 1 "$tag-fd" 3</etc/passwd)" "--preserve-fds"
exec 5<&-
# joined namespaces
configure . /bin/sleep 100
rt run -d -b "$work/bundle" "$tag-first" </dev/null >/dev/null 2>&1
first=$(rt state "$tag-first" | jq .pid)
join=".linux.namespaces |= map(if .type == \"network\" or .type == \"ipc\" or .type == \"pid\" then .path = \"/proc/$first/ns/\" + ({\"network\": \"net\", \"ipc\": \"ipc\", \"pid\": \"pid\"}[.type]) else . end)"
is "$(readlink /proc/$first/ns/net)" "$(run_in "$join" /bin/readlink /proc/self/ns/net)" "a network namespace is joined"
has "$(run_in "$join" /bin/ps)" "sleep 100" "a pid namespace is joined"
rt delete -f "$tag-first"
configure "$user" /bin/sleep 100
rt run -d -b "$work/bundle" "$tag-first" </dev/null >/dev/null 2>&1
first=$(rt state "$tag-first" | jq .pid)
join=".linux.namespaces += [{\"type\": \"user\", \"path\": \"/proc/$first/ns/user\"}]"
is "$(readlink /proc/$first/ns/user)" "$(run_in "$join" /bin/readlink /proc/self/ns/user)" "a user namespace is joined"
is 0 "$(rt exec "$tag-first" /bin/id -u)" "exec in a user namespace"
rt delete -f "$tag-first"
finish
