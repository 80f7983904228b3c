#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A power cut at the moment at which an image has been recorded: what is on the disk by then, and
# not a byte more, is the whole image.  The disk is a file behind a loop device; what is dirty in
# the mounted file system's memory is not in it yet.
. "$(dirname "${BASH_SOURCE[0]}")/functions.sh"
unset GANTRY_IMAGE_DURABLE
command -v mkfs.ext4 >/dev/null || skip "mkfs.ext4 is not installed"
mkdir "$T/disk" "$T/after"
truncate -s 300M "$T/disk.img"
mkfs.ext4 -q -E lazy_itable_init=0,lazy_journal_init=0 "$T/disk.img" || fail "mkfs"
mount -o loop,commit=300 "$T/disk.img" "$T/disk" 2>/dev/null || skip "no file can be mounted here"
cleanup_hook "umount -l '$T/disk'"
before() { "$GANTRY_BUILD/gantry" --root "$T/disk/root" --run-root "$T/run1" "$@"; }
after() { "$GANTRY_BUILD/gantry" --root "$T/after/root" --run-root "$T/run2" "$@"; }
tree='find /many -type f | sort | xargs sha256sum | sha256sum'

"$GANTRY_SOURCE/dist/make-image" "$T/image.tar" $IMAGE && before load -q -i "$T/image.tar" >/dev/null || fail "load"
before run --name maker --network none $IMAGE sh -c \
	'mkdir /many; i=0; while [ $i -lt 200 ]; do head -c 20000 /dev/urandom >/many/$i; i=$((i + 1)); done' || fail "run"
before commit maker made:1 >/dev/null || fail "commit"
# The record is there for sure; what it names must be, too.
sync "$T/disk/root/state.db" "$T/disk/root/state.db-wal" && cp --sparse=always "$T/disk.img" "$T/after.img" ||
	fail "cannot copy the disk"
digest=$(before run --rm --network none made:1 sh -c "$tree")
before rm maker >/dev/null

mount -o loop "$T/after.img" "$T/after" || fail "the disk after the power cut cannot be mounted"
cleanup_hook "umount -l '$T/after'"
expect "gantry/busybox:latest made:1" "$(after images --format '{{.Repository}}:{{.Tag}}' | sort | xargs)" \
	"images after the power cut"
expect "$digest" "$(after run --rm --network none made:1 sh -c "$tree")" "the files of the image"
for blob in "$T"/after/root/content/*; do
	[ -d "$blob" ] || expect "$(basename "$blob")" "$(sha256sum <"$blob" | cut -d' ' -f1)" "a blob"
done
expect_status 0 after rm maker

# Of what was no image yet, nothing is believed after the host has started anew.
after save -o "$T/made.tar" made:1 && after rmi -f made:1 gantry/busybox >/dev/null || fail "rmi"
layer=$(tar -xOf "$T/made.tar" index.json manifest.json 2>/dev/null | grep -o 'sha256:[0-9a-f]\{64\}' | head -1)
for blob in $(tar -tf "$T/made.tar" | grep -o '[0-9a-f]\{64\}$'); do
	: >"$T/after/root/content/$blob"
done
[ -n "$layer" ] || fail "the archive names no digest"
rm -f "$T/run2/boot_id"
expect_status 0 after load -i "$T/made.tar"
expect "$digest" "$(after run --rm --network none made:1 sh -c "$tree")" "loaded over damaged files"
