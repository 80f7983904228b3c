#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The same random operations on gantry-unionfs and on the kernel's overlayfs give
# equal results, and each can mount what the other wrote.
# SEEDS: which to run (default: a few); COUNT: operations each.
. "$(dirname "${BASH_SOURCE[0]}")/unionfs.inc"
seeds=${SEEDS:-1 2 3 4 5 6 7 8}
count=${COUNT:-400}
OPTS=${OPTS-}
needs_overlay
mkdir "$work/k" "$work/g" "$work/k2" "$work/g2"
fuzz=$GANTRY_BUILD/unionfs-fuzz
# on_kernel UPPER LOWERS MOUNTPOINT, and on_union
on_kernel() {
	kernel_overlay "lowerdir=$2,upperdir=$1,workdir=$1.work,redirect_dir=${redirect:-on},index=off,metacopy=off,xino=off" "$3" ||
		fail "seed $seed: the kernel does not mount $1"
}
on_union() {
	union "lowerdir=$2,upperdir=$1,workdir=$1.work,redirect_dir=${redirect:-on}${opts:+,$opts}" "$3" ||
		fail "seed $seed: gantry-unionfs does not mount $1"
}
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
	on_kernel "$d/l2" "$d/l1" "$work/k" && "$fuzz" run $((seed + 1000)) 300 "$work/k" >/dev/null
	umount "$work/k"
	on_kernel "$d/l3" "$d/l2:$d/l1" "$work/k" && "$fuzz" run $((seed + 2000)) 200 "$work/k" >/dev/null
	umount "$work/k"
	lowers=$d/l3:$d/l2:$d/l1
	on_kernel "$d/ku" "$lowers" "$work/k"
	on_union "$d/gu" "$lowers" "$work/g"
	"$fuzz" run $((seed + 3000)) "$count" "$work/k" "$work/g" || fail "seed $seed: the results differ"
	umount "$work/k" "$work/g"
	# Each reads what the other wrote.
	on_kernel "$d/gu" "$lowers" "$work/k2"
	on_union "$d/ku" "$lowers" "$work/g2"
	"$fuzz" compare "$work/k2" "$work/g2" ||
		fail "seed $seed: the kernel on our upper layer, and we on the kernel's, differ"
	umount "$work/k2" "$work/g2"
	rm -rf "$d"
done
exit 0
