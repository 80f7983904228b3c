#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Ordinary users on a host with cgroup v2 alone and systemd, with and without a range of
# ids: limits are the kernel's there, and pause works.
. "$(dirname "$0")/functions.sh"
command -v qemu-system-x86_64 >/dev/null || skip "qemu-system-x86 is not installed"
[ -e "$GANTRY_BUILD/integration/image.tar" ] || skip "the image is made by ./check"
for ids in "" --no-subids; do
	OUT=$("$GANTRY_SOURCE/tests/vm/run" --user $ids --with "$GANTRY_BUILD/integration/image.tar" \
		sh "$GANTRY_SOURCE/tests/rootless/in-vm.sh" 2>&1)
	expect_text "all is well" "$OUT" "in the machine $ids"
done
exit 0
