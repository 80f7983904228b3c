#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# An ordinary user who owns one uid, without subordinate ids and helpers.
if [ "$(id -u)" = 0 ]; then
	command -v setpriv >/dev/null || { echo "skipped: needs setpriv"; exit 77; }
	exec setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all \
		env -i PATH="$PATH" TMPDIR=/tmp ${GANTRY_BUILD:+GANTRY_BUILD="$GANTRY_BUILD"} bash "$0"
fi
NEEDS_ROOT=0
. "$(dirname "$0")/runtime.inc"
unshare -U true 2>/dev/null || skip "this kernel gives users no user namespaces"
[ -x "$oci" ] || skip "the build tree cannot be read by this user"
rm -f "$work/bundle/config.json"
(cd "$work/bundle" && "$oci" spec --rootless)
jq --arg root "$root" '.process.terminal = false | .root.path = $root' "$work/bundle/config.json" > "$base"
is "0" "$(run_in . /bin/id -u)" "it is root inside"
is "0 $(id -u) 1" "$(run_in . /bin/cat /proc/self/uid_map | tr -s ' ' | sed 's/^ //')" "and one user outside"
is 1 "$(run_in . /bin/sh -c 'echo $$')" "pid 1"
is gantry "$(run_in . /bin/hostname)" "hostname"
has "$(run_in '.root.readonly = true' /bin/touch /x)" "Read-only" "a read-only root"
is "crw-rw-rw-" "$(run_in . /bin/ls -l /dev/null | cut -c1-10)" "devices are the host's"
is 0 "$(run_in . /bin/dd if=/dev/zero of=/dev/null count=1 >/dev/null; echo $?)" "and work"
mkdir "$work/src"
echo data > "$work/src/file"
is data "$(run_in ".mounts += [{\"destination\": \"/mnt\", \"type\": \"bind\", \"source\": \"$work/src\", \"options\": [\"rbind\", \"ro\"]}]" /bin/cat /mnt/file)" "a bind mount"
c=$tag-rootless
configure . /bin/sleep 100
rt run -d -b "$work/bundle" $c </dev/null >/dev/null 2>&1
is running "$(rt state $c | jq -r .status)" "run -d"
is "0 gantry" "$(rt exec $c /bin/sh -c 'echo $(id -u) $(hostname)')" "exec"
rt exec $c /bin/sh -c 'exit 6'
is 6 $? "exec's exit status"
has "$(rt exec $c /bin/ps)" "sleep 100" "exec sees the container's processes"
rt kill $c KILL
for _ in $(seq 300); do [ "$(rt state $c | jq -r .status)" != stopped ] || break; sleep 0.1; done
rt delete $c
is 0 $? "delete"
configure . /bin/sh -c 'exit 3'
rt create -b "$work/bundle" $c </dev/null >/dev/null 2>&1
rt start $c
rt delete -f $c
is "" "$(rt list -q)" "create, start, delete"
finish
