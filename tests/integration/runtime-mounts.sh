#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Mounts of a configuration: kinds, attributes, propagation, owners, places.
. "$(dirname "$0")/runtime.inc"
mkdir -p "$work/src/sub" "$work/shared"
echo data > "$work/src/file"
add() {
	printf '.mounts += [%s]' "$1"
}
bind() { # DESTINATION OPTIONS...
	local d=$1
	shift
	printf '{"destination": "%s", "type": "bind", "source": "%s", "options": ["rbind"%s]}' "$d" \
		"${source:-$work/src}" "$(printf ', "%s"' "$@" | sed 's/, ""$//')"
}
is data "$(run_in "$(add "$(bind /mnt/new "")")" /bin/cat /mnt/new/file)" "a bind mount on a new folder"
has "$(run_in "$(add "$(bind /mnt/ro ro)")" /bin/touch /mnt/ro/x)" "Read-only" "ro"
is 0 "$(run_in "$(add "$(bind /mnt/rw rw)")" /bin/touch /mnt/rw/x >/dev/null; echo $?)" "rw"
is data "$(source=$work/src/file run_in "$(source=$work/src/file; add "$(bind /etc/one "")")" /bin/cat /etc/one)" "a file on a new file"
has "$(run_in "$(add "$(source=$work/none bind /x "")")" /bin/true)" "mounts[7] (/x): cannot open the source" "a missing source is named"
# recursive attributes
mount -t tmpfs "$tag" "$work/src/sub"
at_exit="umount -l $work/src/sub $work/shared"
is 0 "$(run_in "$(add "$(bind /m ro)")" /bin/touch /m/sub/x >/dev/null; echo $?)" "ro is for one mount"
has "$(run_in "$(add "$(bind /m rro)")" /bin/touch /m/sub/x)" "Read-only" "rro is for all"
has "$(run_in "$(add "$(bind /m noexec nosuid nodev noatime)")" /bin/grep ' /m ' /proc/self/mounts)" "nosuid,nodev,noexec,noatime" "attributes"
# propagation
mount --bind "$work/shared" "$work/shared"
mount --make-shared "$work/shared"
source=$work/shared
caps='.process.capabilities |= map_values(["CAP_SYS_ADMIN"]) | .process.noNewPrivileges = false |'
run_in "$caps $(add "$(bind /m "")")" /bin/sh -c 'mkdir -p /m/a; mount -t tmpfs x /m/a' >/dev/null
lacks "$(cat /proc/self/mounts)" "$work/shared/a" "mounts stay in the container"
run_in "$caps .linux.rootfsPropagation = \"shared\" | $(add "$(bind /m rshared)")" /bin/sh -c 'mkdir -p /m/a; mount -t tmpfs x /m/a; exit 0' >/dev/null
has "$(cat /proc/self/mounts)" "$work/shared/a" "rshared lets them out"
umount "$work/shared/a"
source=$work/src
# filesystems
has "$(run_in "$(add '{"destination": "/t", "type": "tmpfs", "source": "tmpfs", "options": ["size=64k", "mode=1750"]}')" /bin/sh -c 'stat -c %a /t; dd if=/dev/zero of=/t/x bs=1k count=100')" "No space left" "a tmpfs has its size"
is "root:x:0:0:root:/root:/bin/sh" "$(run_in "$(add '{"destination": "/etc", "type": "tmpfs", "source": "tmpfs", "options": ["tmpcopyup"]}')" /bin/cat /etc/passwd)" "tmpcopyup"
has "$(run_in "$(add '{"destination": "/t", "type": "tmpfs", "source": "tmpfs", "options": ["size=nonsense"]}')" /bin/true)" 'option "size=nonsense"' "a bad option is named"
has "$(run_in "$(add '{"destination": "/t", "type": "nofs", "source": "x"}')" /bin/true)" 'type nofs' "an unknown filesystem is named"
# id-mapped
chown 5:5 "$work/src/file"
map='"uidMappings": [{"containerID": 5, "hostID": 77, "size": 1}], "gidMappings": [{"containerID": 5, "hostID": 78, "size": 1}]'
is "77:78" "$(run_in "$(add "{\"destination\": \"/m\", \"type\": \"bind\", \"source\": \"$work/src\", \"options\": [\"bind\"], $map}")" /bin/stat -c %u:%g /m/file)" "an id-mapped mount"
# places
ln -s /run/missing "$root/tmp/link"
is data "$(run_in "$(add "$(bind /tmp/link "")")" /bin/cat /run/missing/file)" "a dangling link is followed inside"
ln -s ../../../../../../../outside "$root/tmp/up"
is data "$(run_in "$(add "$(bind /tmp/up/x "")")" /bin/cat /outside/x/file)" "a link upwards stays inside"
[ -e /outside ]
is 1 $? "nothing appeared on the host"
has "$(run_in "$(add "$(bind /proc/self "")")" /bin/true)" "mount inside /proc is not allowed" "no mounts inside /proc"
is data "$(source=$work/src/file; run_in "$(add "$(bind /proc/cpuinfo "")")" /bin/cat /proc/cpuinfo)" "but where monitoring needs it"
# cgroup files
has "$(run_in . /bin/sh -c 'cat /proc/self/mounts')" " /sys/fs/cgroup" "control groups are shown"
umount "$work/src/sub" "$work/shared"
at_exit=
finish
