#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The same random operations on gantry-unionfs and on the kernel's overlayfs give
# equal results, and each can mount what the other wrote.
# SEEDS: which to run (default: a few); COUNT: operations each.
set -u
build=${BUILD:-$(cd "$(dirname "$0")/../.." && pwd)}
seeds=${SEEDS:-1 2 3 4 5 6 7 8}
count=${COUNT:-400}
OPTS=${OPTS-}
[ "$(id -u)" = 0 ] || { echo "needs root"; exit 77; }
work=$(mktemp -d /var/tmp/gantry-unionfs-fuzz.XXXXXX)
cleanup() {
	umount -l "$work/k" "$work/g" "$work/k2" "$work/g2" 2>/dev/null
	rm -rf "$work"
}
trap cleanup EXIT
mkdir "$work/probe" "$work/probe2" "$work/k" "$work/g" "$work/k2" "$work/g2"
mount -t overlay overlay -o "lowerdir=$work/probe:$work/probe2" "$work/k" 2>/dev/null ||
	{ echo "the kernel's overlayfs cannot be mounted"; exit 77; }
umount "$work/k"
fuzz=$build/unionfs-fuzz
# kernel UPPER LOWERS MOUNTPOINT
kernel() {
	mount -t overlay overlay \
		-o "lowerdir=$2,upperdir=$1,workdir=$1.work,redirect_dir=${redirect:-on},index=off,metacopy=off,xino=off" "$3"
}
gantry() {
	"$build/gantry-unionfs" \
		-o "lowerdir=$2,upperdir=$1,workdir=$1.work,redirect_dir=${redirect:-on}${opts:+,$opts}" "$3"
}
failed=0
for seed in $seeds; do
	redirect=on
	# Every other seed without the write-back cache.
	opts=$OPTS
	[ $((seed % 2)) = 0 ] && opts=${OPTS:+$OPTS,}writeback=off
	[ $((seed % 4)) = 3 ] && redirect=off
	d=$work/s$seed
	mkdir -p "$d"/{l1,l2,l3,l2.work,l3.work,ku,ku.work,gu,gu.work}
	# Three layers as real ones come about: each was the upper of those before.
	"$fuzz" run "$seed" 300 "$d/l1" >/dev/null
	kernel "$d/l2" "$d/l1" "$work/k" && "$fuzz" run $((seed + 1000)) 300 "$work/k" >/dev/null
	umount "$work/k"
	kernel "$d/l3" "$d/l2:$d/l1" "$work/k" && "$fuzz" run $((seed + 2000)) 200 "$work/k" >/dev/null
	umount "$work/k"
	lowers=$d/l3:$d/l2:$d/l1
	kernel "$d/ku" "$lowers" "$work/k"
	gantry "$d/gu" "$lowers" "$work/g"
	"$fuzz" run $((seed + 3000)) "$count" "$work/k" "$work/g" || failed=1
	umount "$work/k" "$work/g"
	# Each reads what the other wrote.
	kernel "$d/gu" "$lowers" "$work/k2"
	gantry "$d/ku" "$lowers" "$work/g2"
	if [ $failed = 0 ]; then
		"$fuzz" compare "$work/k2" "$work/g2" ||
			{ echo "seed $seed: kernel on ours against ours on the kernel's"; failed=1; }
	fi
	umount "$work/k2" "$work/g2"
	rm -rf "$d"
	[ $failed = 0 ] || exit 1
done
exit 0
