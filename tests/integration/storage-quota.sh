#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# --storage-opt size=: a container may write that much into its own files.  Where the file system
# keeps no project quotas, that is refused and not forgotten.
. "$(dirname "${BASH_SOURCE[0]}")/functions.sh"
"$GANTRY_SOURCE/dist/make-image" "$T/image.tar" $IMAGE || fail "cannot make the image"
limited() { gantry run --rm --network none --storage-opt "$@"; }
gantry load -q -i "$T/image.tar" >/dev/null || fail "load"

expect_error 125 "unknown storage option colour" limited colour=red $IMAGE true
for bad in size= size=abc size=0 size=-1 size=10X size=1.2.3M; do
	expect_error 125 "invalid size" limited "$bad" $IMAGE true
	expect_text "hint: " "$OUT" "$bad"
done
expect "" "$(gantry ps -aq)" "containers after refusals"

# A driver that can limit nothing says so.
v() { GANTRY_STORAGE_DRIVER=vfs "$GANTRY_BUILD/gantry" --root "$T/vfs" --run-root "$T/vfs-run" "$@"; }
v load -q -i "$T/image.tar" >/dev/null || fail "load with vfs"
expect_error 125 "cannot limit the size" v run --rm --network none --storage-opt size=10M $IMAGE true

# Mounts a file system with project quotas for the engine's root, if this kernel has any.
mkdir -p "$T/disk"
truncate -s 400M "$T/disk.img"
with_quotas() {
	mkfs.ext4 -q -F -O quota,project "$T/disk.img" 2>/dev/null && mount -o loop,prjquota "$T/disk.img" "$T/disk" 2>/dev/null ||
		{ mkfs.xfs -q -f "$T/disk.img" 2>/dev/null && mount -o loop,prjquota "$T/disk.img" "$T/disk" 2>/dev/null; }
}
if ! with_quotas; then
	expect_error 125 "cannot limit the size of a snapshot" limited size=10M $IMAGE true
	case $OUT in *"project quotas"*) expect_text "prjquota" "$OUT" "what to do about it" ;; esac
	expect "" "$(gantry ps -aq)" "containers after a refusal"
	echo "only refusals were tried: this kernel has no project quotas"
	exit 0
fi
cleanup_hook "umount -l '$T/disk'"
q() { "$GANTRY_BUILD/gantry" --root "$T/disk/root" --run-root "$T/run2" "$@"; }
q load -q -i "$T/image.tar" >/dev/null || fail "load"
fill='dd if=/dev/zero of=/big bs=1M count=30 2>&1; wc -c </big'
out=$(q run --name limited --network none --storage-opt size=10M $IMAGE sh -c "$fill")
expect_text "o space" "$out$(q logs limited 2>&1)" "writing more than the limit"
size=$(tail -1 <<<"$out")
[ "$size" -gt 5000000 ] && [ "$size" -le $((10 << 20)) ] || fail "$size bytes were written with a limit of 10M"
expect $((30 << 20)) "$(q run --rm --network none $IMAGE sh -c "$fill" | tail -1)" "a container without a limit"
expect $((30 << 20)) "$(q run --rm --network none --storage-opt size=50m $IMAGE sh -c "$fill" | tail -1)" "a larger limit"
expect 10M "$(q inspect -f '{{.HostConfig.StorageOpt.size}}' limited)" "inspect"
q rm limited >/dev/null || fail "rm"
# The project's id is free again: the next one begins with nothing.
out=$(q run --rm --network none --storage-opt size=10M $IMAGE sh -c 'dd if=/dev/zero of=/big bs=1M count=8 2>&1 && echo fits')
expect_text fits "$out" "after the removal"
