#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A server without a successor is killed in the middle of random work.  Each operation
# was then done, not done, or half done as its own system calls allow: the upper layer
# is what the kernel's overlayfs has after as many operations, it can be mounted by it,
# and by gantry-unionfs, which show the same.
# ROUNDS: how many workloads.
. "$(dirname "${BASH_SOURCE[0]}")/unionfs.inc"
rounds=${ROUNDS:-25} first=${SEED:-1}
needs_overlay
fuzz=$GANTRY_BUILD/unionfs-fuzz
on_kernel() {
	kernel_overlay "lowerdir=$2,upperdir=$1,workdir=$1.work,redirect_dir=on,index=off,metacopy=off,xino=off" "$3" ||
		fail "seed $seed: the kernel does not mount $1"
}

# lowers SEED: two layers with history, in $d/l2:$d/l1
lowers() {
	mkdir -p "$d"/{l1,l2,l2.work,u,u.work,r,r.work,m,k,k2}
	"$fuzz" run "$1" 300 "$d/l1" >/dev/null
	on_kernel "$d/l2" "$d/l1" "$d/m"
	"$fuzz" run $(($1 + 1000)) 300 "$d/m" >/dev/null
	umount "$d/m"
}

# reference COUNT: the kernel's overlayfs after that many operations, at $d/k2
reference() {
	mountpoint -q "$d/k2" && umount "$d/k2"
	rm -rf "$d/r" "$d/r.work"
	mkdir "$d/r" "$d/r.work"
	on_kernel "$d/r" "$d/l2:$d/l1" "$d/k2"
	"$fuzz" run $((seed + 2000)) "$1" "$d/k2" >/dev/null
}

check() {
	local done path other
	[ -s "$d/progress" ] || return 0
	read -r done path other <"$d/progress"
	on_kernel "$d/u" "$d/l2:$d/l1" "$d/k"
	reference "$done"
	# Nothing of the operation in flight, all of it, or at most what it touches differs.
	"$fuzz" compare "$d/k" "$d/k2" >/dev/null ||
		"$fuzz" compare "$d/k" "$d/k2" "$path" "$other" >"$d/difference" || {
		reference $((done + 1))
		"$fuzz" compare "$d/k" "$d/k2" >/dev/null ||
			fail "seed $seed, killed in operation $done on $path, $other: $(cat "$d/difference")"
	}
	total=$((total + done))
	umount "$d/k" "$d/k2"
	# The same for the next server; twice, because the first may repair something.
	for _ in 1 2; do
		union "noholder,$options" "$d/m" || fail "seed $seed: cannot be mounted again"
		on_kernel "$d/u" "$d/l2:$d/l1" "$d/k" 2>/dev/null
		"$fuzz" compare "$d/k" "$d/m" || fail "seed $seed: we and the kernel see different things"
		umount "$d/k" "$d/m"
	done
	wait_for 10 test -z "$(ls -A "$d/u.work/work" | grep -v '^whiteout$')" ||
		fail "seed $seed: left in the workdir: $(ls "$d/u.work/work")"
}

total=0
for seed in $(seq "$first" $((first + rounds - 1))); do
	d=$work/$seed
	lowers "$seed"
	options=lowerdir=$d/l2:$d/l1,upperdir=$d/u,workdir=$d/u.work,redirect_dir=on,writeback=off
	unset FUZZ_PASSTHROUGH
	[ $((seed % 4)) != 0 ] || { options=$options,passthrough=on; export FUZZ_PASSTHROUGH=1; }
	union_server "noholder,$options" "$d/m"
	PROGRESS=$d/progress "$fuzz" run $((seed + 2000)) 100000 "$d/m" >"$d/fuzz.log" 2>&1 &
	workload=$!
	sleep "0.$(printf '%03d' $((RANDOM % 400)))"
	kill -9 "$server"
	wait "$server" 2>/dev/null
	wait "$workload"
	got=$?
	# Or by SIGBUS, in a mapping.
	[ $got = 3 ] || [ $got = 135 ] || fail "seed $seed: the workload ended with $got: $(cat "$d/fuzz.log")"
	umount -l "$d/m"
	check
	rm -rf "$d"
done
echo "$rounds workloads, killed after $total operations in all"
exit 0
