#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Where the kernel's overlayfs cannot be mounted the engine takes storage/unionfs by
# itself: here its root lies on an overlayfs, which cannot be an upper layer.
. "$(dirname "${BASH_SOURCE[0]}")/unionfs.inc"
needs_overlay
mkdir -p "$work"/{a,b,w} "$T/root"
kernel_overlay "lowerdir=$work/a,upperdir=$work/b,workdir=$work/w" "$T/root"
cleanup_hook 'umount -l "$T/root"'
mkdir "$T/root/l" "$T/root/l2" "$T/root/u" "$T/root/x" "$T/root/m"
kernel_overlay "lowerdir=$T/root/l:$T/root/l2,upperdir=$T/root/u,workdir=$T/root/x" "$T/root/m" 2>/dev/null &&
	{ umount "$T/root/m"; skip "this kernel mounts an overlayfs on an overlayfs"; }
rm -r "$T"/root/*
load_image
expect unionfs "$(gantry info --format '{{.Driver}}')" "the storage driver"
run() { gantry run --network none "$@"; }
expect fuse.gantry-unionfs "$(run --rm $IMAGE awk '$2 == "/" { print $3; exit }' /proc/mounts)" "a container's root"
run --name changed $IMAGE sh -c 'echo changed >/etc/passwd; rm -r /home; mkdir -p /new/sub; echo x >/new/sub/f; chown 5:6 /new' 2>/dev/null ||
	fail "changes"
expect "$(printf 'A /new\nA /new/sub\nA /new/sub/f\nC /etc\nC /etc/passwd\nD /home')" \
	"$(gantry diff changed | LC_ALL=C sort | grep -v -e hosts -e hostname -e resolv -e /dev -e /proc -e /sys -e /run)" "diff"
gantry commit changed second >/dev/null || fail "commit"
expect "changed x 5:6 no" "$(run --rm second sh -c 'echo $(cat /etc/passwd /new/sub/f) $(stat -c %u:%g /new) $([ -e /home ] || echo no)')" \
	"the committed image"
gantry rm changed >/dev/null
# Ten containers at once, each with its own layer over the same image.
for i in 0 1 2 3 4 5 6 7 8 9; do run -d --name c$i $IMAGE sh -c "echo $i >/mine; sleep 100" >/dev/null || fail "container $i"; done
for i in 0 9; do wait_for 10 gantry exec c$i test -s /mine && expect $i "$(gantry exec c$i cat /mine)" "container $i"; done
# A server that is killed is replaced while its container runs.
id=$(gantry inspect -f '{{.Id}}' c3)
servers=$(pgrep -f "upperdir=active/$id") || fail "no server has the container's layer"
for pid in $servers; do
	[ -z "$(pgrep -P "$pid")" ] || continue
	kill -9 "$pid"
done
expect 3 "$(gantry exec c3 cat /mine)" "a container whose server was killed"
gantry rm -f c0 c1 c2 c3 c4 c5 c6 c7 c8 c9 >/dev/null || fail "rm"
exit 0
