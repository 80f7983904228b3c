#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What an ordinary user with a delegated control group has; run by soak-rootless-vm.sh.
set -u
G=$GANTRY_BUILD/gantry IMAGE=gantry/busybox:latest
check() { [ "$2" = "$1" ] || { echo "FAIL: $3: expected '$1', got '$2'"; exit 1; }; }
$G load -q -i "$GANTRY_BUILD/integration/image.tar" >/dev/null || exit 1
check ok "$($G doctor | awk '$2 == "control" {print $4}')" "doctor"
check "67108864 50" "$($G run --rm --network none -m 64m --pids-limit 50 $IMAGE \
	sh -c 'echo $(cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/pids.max)')" "limits"
check "5 6" "$($G run --rm --network none $IMAGE sh -c 'touch /f; chown 5:6 /f; stat -c "%u %g" /f')" "owners"
$G run -d --name aa --network none -m 64m $IMAGE sleep 1000 >/dev/null || exit 1
check "" "$($G inspect aa | grep LimitsNotEnforced)" "inspect"
$G pause aa >/dev/null && check paused "$($G inspect -f '{{.State.Status}}' aa)" "pause"
$G unpause aa >/dev/null && check running "$($G inspect -f '{{.State.Status}}' aa)" "unpause"
$G rm -f aa >/dev/null || exit 1
echo "all is well"
