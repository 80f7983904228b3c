#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The same random operations on gantry-unionfs and on the kernel's overlayfs give
# equal results, and each can mount what the other wrote.
# SEEDS: which to run, COUNT: operations each.  Without them: the saved seeds, which
# found something once or cover an option, then those from FIRST_SEED (a number or
# "random") on: MORE of them, or as many as SECONDS_MAX allow.
. "$(dirname "${BASH_SOURCE[0]}")/unionfs.inc"
seeds=${SEEDS:-1 2 3 4 5 6 7 8 207 1037 1047 1066 1413 1701 261279413}
count=${COUNT:-2700}
limit=${SECONDS_MAX:-120}
OPTS=${OPTS-}
needs_overlay
mkdir "$work/k" "$work/g" "$work/k2" "$work/g2"
fuzz=$GANTRY_BUILD/unionfs-fuzz
# on_kernel UPPER LOWERS MOUNTPOINT, and on_union
on_kernel() {
	kernel_overlay "lowerdir=$2,upperdir=$1,workdir=$1.work,$kernel_opts,index=off,metacopy=off,xino=off" "$3" ||
		fail "seed $seed: the kernel does not mount $1"
}
on_union() {
	union "lowerdir=$2,upperdir=$1,workdir=$1.work,$union_opts" "$3" ||
		fail "seed $seed: gantry-unionfs does not mount $1"
}
# choose_options SEED: every mode of caching, with and without redirects, and the
# attributes of unprivileged mounts.
choose_options() {
	local redirect=on marks=
	case $(($1 % 8)) in
	3 | 7) redirect=off ;;
	5) redirect=off marks=userxattr ;;
	esac
	kernel_opts=redirect_dir=$redirect union_opts=redirect_dir=$redirect
	[ -z "$marks" ] || kernel_opts=$marks union_opts=$union_opts,$marks
	unset FUZZ_PASSTHROUGH
	case $(($1 % 8)) in
	2) export FUZZ_PASSTHROUGH=1; union_opts=$union_opts,passthrough=on ;;
	0 | 4 | 6) union_opts=$union_opts,writeback=off ;;
	esac
	union_opts=$union_opts${OPTS:+,$OPTS}
}

run_seed() {
	local seed=$1 d=$work/s$1 lowers status
	choose_options "$seed"
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
	"$fuzz" run $((seed + 3000)) "$count" "$work/k" "$work/g"
	status=$?
	[ $status = 0 ] || [ $status = 4 ] || fail "seed $seed: the results differ"
	umount "$work/k" "$work/g"
	[ $status = 0 ] || { echo "seed $seed ends early: the kernel says ESTALE"; return; }
	# Each reads what the other wrote.
	on_kernel "$d/gu" "$lowers" "$work/k2"
	on_union "$d/ku" "$lowers" "$work/g2"
	"$fuzz" compare "$work/k2" "$work/g2" ||
		fail "seed $seed: the kernel on our upper layer, and we on the kernel's, differ"
	umount "$work/k2" "$work/g2"
	rm -rf "$d"
}

# A redirect to a path with an opaque directory on the way, whose child leads out of it again
chained_redirects() {
	local seed=none d=$work/chained kernel_opts=redirect_dir=on union_opts=redirect_dir=on
	mkdir -p "$d"/l1/.h/deep "$d"/l2/a/c "$d"/u/a "$d"/u/d "$d"/u.work
	mknod "$d/l2/.h" c 0 0
	mknod "$d/u/a/c" c 0 0
	: >"$d/l1/.h/deep/below"
	setfattr -n trusted.overlay.opaque -v y "$d/l2/a"
	setfattr -n trusted.overlay.redirect -v /.h "$d/l2/a/c"
	setfattr -n trusted.overlay.redirect -v /a/c "$d/u/d"
	on_kernel "$d/u" "$d/l2:$d/l1" "$work/k"
	on_union "$d/u" "$d/l2:$d/l1" "$work/g"
	[ -e "$work/k/d/deep/below" ] || fail "the kernel follows no chained redirects"
	"$fuzz" compare "$work/k" "$work/g" || fail "chained redirects lead elsewhere"
	umount "$work/k" "$work/g"
}
[ -n "${SEEDS:-}" ] || chained_redirects

for seed in $seeds; do
	run_seed "$seed"
done
[ -z "${SEEDS:-}" ] || exit 0
seed=${FIRST_SEED:-1000}
[ "$seed" != random ] || seed=$((RANDOM * 32768 + RANDOM))
echo "seeds from $seed"
for _ in $(seq "${MORE:-500}"); do
	[ $SECONDS -lt "$limit" ] || break
	run_seed "$seed"
	seed=$((seed + 1))
done
exit 0
