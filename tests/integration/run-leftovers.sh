#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Removing a container answers when its record is gone; what it leaves on the disk goes afterwards, also when
# whoever deletes it is killed.  A container that writes nothing leaves an empty layer.
. "$(dirname "$0")/functions.sh"
load_image
storage=$T/root/drivers/storage/overlay
gone() { [ -z "$(find "$storage/active" "$storage/trash" "$T/root/containers" "$T/run/engines" -mindepth 1 2>/dev/null)" ]; }
swept() { gantry ps -aq >/dev/null && gone; }

id=$(gantry create --name idle --network none $IMAGE true)
gantry start -a idle || fail "start"
[ "$(gantry info -f '{{.Driver}}')" = overlay ] || skip "storage/overlay does not work here"
expect "" "$(find "$storage/active/$id/fs" -mindepth 1)" "the layer of a container that wrote nothing"
expect "" "$(gantry diff idle)" "its changes"
gantry commit idle idle:1 >/dev/null || fail "commit"
gantry rm idle >/dev/null || fail "rm"
wait_for 30 gone || fail "left of idle: $(find "$storage/active" "$storage/trash" "$T/root/containers" "$T/run/engines" -mindepth 1)"
gantry rmi idle:1 >/dev/null || fail "rmi"

# What an image has at a mount point is as the image says; what it lacks is there for the mount alone.
mkdir -p "$T/rootfs/bin" "$T/rootfs/etc"
cp "$(command -v busybox)" "$T/rootfs/bin/busybox"
echo "of the image" >"$T/rootfs/etc/hosts"
tar -C "$T/rootfs" -cf "$T/own.tar" . && gantry import "$T/own.tar" own:1 >/dev/null || fail "import"
id=$(gantry create --name own --network none own:1 busybox sh -c 'busybox grep -q localhost /etc/hosts && busybox test -d /sys/class')
expect_status 0 gantry start -a own
expect "of the image" "$(gantry export own | tar -xO ./etc/hosts 2>/dev/null || gantry export own | tar -xO etc/hosts)" "what own exports"
expect "" "$(find "$storage/active/$id/fs" -mindepth 1)" "the layer of own"
gantry rm own >/dev/null || fail "rm own"

gantry run --rm --network none $IMAGE sh -c 'for i in 1 2 3 4 5 6 7 8 9; do mkdir /d$i; touch /d$i/a /d$i/b; done' || fail "run --rm"
expect "" "$(gantry ps -aq)" "records after run --rm"
wait_for 30 gone || fail "left of run --rm: $(find "$storage/active" "$storage/trash" "$T/root/containers" "$T/run/engines" -mindepth 1)"

# Killed on the way, it is done by the next command.
for i in 1 2 3; do
	gantry run --name big --network none $IMAGE sh -c \
		'i=0; while [ $i -lt 60 ]; do mkdir /d$i; j=0; while [ $j -lt 50 ]; do : >/d$i/$j; j=$((j+1)); done; i=$((i+1)); done' ||
		fail "big"
	gantry rm big >/dev/null || fail "rm big"
	for mark in "$T"/run/engines/*; do
		[ -e "$mark" ] && fuser -k -KILL "$mark" >/dev/null 2>&1
	done
	expect "" "$(gantry ps -aq)" "records after rm"
	# Whoever was killed may take a moment to die.
	wait_for 30 swept || fail "left of big: $(find "$storage/active" "$storage/trash" "$T/root/containers" "$T/run/engines" -mindepth 1 | head)"
done
exit 0
