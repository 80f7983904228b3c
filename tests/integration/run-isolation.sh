#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What run's flags about isolation do: capabilities, seccomp, namespaces, devices,
# limits of the process, kernel settings.
. "$(dirname "${BASH_SOURCE[0]}")/functions.sh"
start_client
run() { c run --rm --network none "$@"; }
status_of() { run "${@:2}" $IMAGE sed -n "s/^$1:[[:space:]]*//p" /proc/self/status; }

# Capabilities: Docker's default set, and what is added or taken
expect 00000000a80425fb "$(status_of CapEff)" "default capabilities"
expect 0000000000000000 "$(status_of CapEff --cap-drop ALL)" "--cap-drop ALL"
expect 0000000000000400 "$(status_of CapEff --cap-drop ALL --cap-add NET_BIND_SERVICE)" "one capability"
expect 0000000000000400 "$(status_of CapEff --cap-drop all --cap-add cap_net_bind_service)" "the other spelling"
expect 0000000000000000 "$(status_of CapEff -u 1000)" "capabilities of a user"
expect 00000000a80425fb "$(status_of CapBnd -u 1000)" "bounding set of a user"
expect_error 125 "NO_SUCH" run --cap-add NO_SUCH $IMAGE true
expect_status 1 run $IMAGE hostname changed
expect_status 0 run --cap-add SYS_ADMIN $IMAGE hostname changed
expect_status 1 run --cap-drop CHOWN $IMAGE chown 1 /tmp

# Seccomp and new privileges
expect 2 "$(status_of Seccomp)" "a filter by default"
expect 0 "$(status_of Seccomp --security-opt seccomp=unconfined)" "seccomp=unconfined"
expect 1 "$(status_of NoNewPrivs --security-opt no-new-privileges)" "no-new-privileges"
expect 0 "$(status_of NoNewPrivs)" "new privileges by default"
cat >"$T/profile.json" <<J
{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir","mkdirat"],"action":"SCMP_ACT_ERRNO","errnoRet":1}]}
J
expect_status 1 run --security-opt "seccomp=$T/profile.json" $IMAGE mkdir /tmp/x
expect_status 0 run $IMAGE mkdir /tmp/x
expect_status 125 run --security-opt "seccomp=$T/missing.json" $IMAGE true
expect_status 125 run --security-opt nonsense=1 $IMAGE true

# Masked and read-only paths, and --privileged
expect "" "$(run $IMAGE cat /proc/kcore 2>/dev/null | head -c 4)" "/proc/kcore is masked"
expect_status 1 run $IMAGE sh -c 'echo 1 >/proc/sys/kernel/panic'
expect_status 0 run --privileged $IMAGE sh -c 'cat /proc/sys/kernel/panic >/proc/sys/kernel/panic'
full=$(run --privileged $IMAGE sed -n 's/^CapEff:[[:space:]]*//p' /proc/self/status)
[ "$full" != 00000000a80425fb ] || fail "--privileged has only the default capabilities"
expect 0 "$(status_of Seccomp --privileged)" "seccomp of --privileged"
expect_status 0 run --privileged $IMAGE test -e /dev/loop-control
expect_status 1 run $IMAGE test -e /dev/loop-control
expect_status 0 run --privileged $IMAGE sh -c 'mount -t tmpfs none /tmp'
expect_status 0 run --security-opt systempaths=unconfined $IMAGE sh -c 'cat /proc/sys/kernel/panic >/proc/sys/kernel/panic'

# Root filesystem
expect_error 1 "ead-only" run --read-only $IMAGE touch /x
expect_status 0 run --read-only --tmpfs /scratch $IMAGE touch /scratch/x
expect_status 0 run --read-only $IMAGE sh -c 'echo >/dev/null && touch /dev/shm/x'
expect_status 0 run $IMAGE touch /x

# Devices
expect "b:1:0" "$(run $IMAGE sh -c 'test -e /dev/null && echo b:1:0')" "standard devices"
mknod "$T/zero" c 1 5
mknod "$T/loop" c 10 237 # not among those that every container may open
expect "4" "$(run --device "$T/zero:/dev/nothing" $IMAGE sh -c 'head -c 4 /dev/nothing | wc -c')" "--device"
expect_status 0 run --device "$T/loop:/dev/nothing:r" $IMAGE sh -c ': </dev/nothing'
expect_status 1 run --device "$T/loop:/dev/nothing:w" $IMAGE sh -c ': </dev/nothing'
expect_status 1 run --cap-add MKNOD $IMAGE sh -c 'mknod /tmp/k b 7 0 && head -c 1 /tmp/k'
expect_error 125 "/dev/absent" run --device /dev/absent $IMAGE true
expect_status 125 run --gpus all $IMAGE true

# Limits of processes
expect 111 "$(run --ulimit nofile=111:222 $IMAGE sh -c 'ulimit -n')" "soft limit"
expect 222 "$(run --ulimit nofile=111:222 $IMAGE sh -c 'ulimit -Hn')" "hard limit"
expect_status 125 run --ulimit nofile=9:3 $IMAGE true
expect_status 125 run --ulimit nothing=3 $IMAGE true
expect 500 "$(run --oom-score-adj 500 $IMAGE cat /proc/self/oom_score_adj)" "--oom-score-adj"

# Namespaces
ns() { run "${@:2}" $IMAGE readlink "/proc/self/ns/$1"; }
for kind in pid ipc uts cgroup mnt net; do
	[ "$(ns $kind)" != "$(readlink /proc/self/ns/$kind)" ] || fail "$kind is the host's"
done
expect "$(readlink /proc/self/ns/pid)" "$(ns pid --pid host)" "--pid host"
expect "$(readlink /proc/self/ns/ipc)" "$(ns ipc --ipc host)" "--ipc host"
expect "$(readlink /proc/self/ns/uts)" "$(ns uts --uts host)" "--uts host"
expect "$(readlink /proc/self/ns/cgroup)" "$(ns cgroup --cgroupns host)" "--cgroupns host"
expect "$(readlink /proc/self/ns/net)" "$(c run --rm --network host $IMAGE readlink /proc/self/ns/net)" "--network host"
c run -d --network none --name other --ipc shareable $IMAGE sh -c 'touch /dev/shm/theirs; exec sleep 1000' >/dev/null
of_other() { c exec other readlink "/proc/self/ns/$1"; }
expect "$(of_other pid)" "$(ns pid --pid container:other)" "--pid container:"
expect "$(of_other ipc)" "$(ns ipc --ipc container:other)" "--ipc container:"
expect "$(of_other net)" "$(c run --rm --network container:other $IMAGE readlink /proc/self/ns/net)" "--network container:"
expect_status 0 run --ipc container:other $IMAGE test -e /dev/shm/theirs
expect_status 125 run --pid container:absent $IMAGE true
expect_status 0 run --ipc none $IMAGE sh -c '! touch /dev/shm/x 2>/dev/null'

# Kernel settings and shared memory
expect 1234 "$(c run --rm --sysctl net.core.somaxconn=1234 $IMAGE cat /proc/sys/net/core/somaxconn)" "--sysctl"
expect_status 125 run --sysctl vm.swappiness=1 $IMAGE true
expect 8192 "$(run --shm-size 8m $IMAGE df -k /dev/shm | awk 'END{print $2}')" "--shm-size"
expect 65536 "$(run $IMAGE df -k /dev/shm | awk 'END{print $2}')" "default size of /dev/shm"
