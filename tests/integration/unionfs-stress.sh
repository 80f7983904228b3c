#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Many processes work on one mount at once: random operations on the same few names,
# walks, and a server that keeps few inodes, so that it forgets all the time.  With the
# builds that have sanitizers, where there are any: nothing is reported.  Afterwards the
# kernel's overlayfs shows the same tree.
# BUILDS: folders with gantry-unionfs; COUNT: operations of each process.
# FSSTRESS: the program fsstress, to run as well.
WORK_BASE=/dev/shm
. "$(dirname "${BASH_SOURCE[0]}")/unionfs.inc"
count=${COUNT:-1500}
builds=${BUILDS:-$GANTRY_BUILD $GANTRY_SOURCE/build/asan $GANTRY_SOURCE/build/tsan}
fuzz=$GANTRY_BUILD/unionfs-fuzz
needs_overlay

# stress BUILD OPTIONS
stress() {
	local d=$work/m$((++n)) pids= pid i
	local o=lowerdir=$d/l,upperdir=$d/u,workdir=$d/w
	mkdir -p "$d"/{l,u,w,m,k}
	"$fuzz" run "$n" 400 "$d/l" >/dev/null
	unionfs=$1/gantry-unionfs
	ASAN_OPTIONS=log_path=$d/report:detect_leaks=0 UBSAN_OPTIONS=log_path=$d/report:print_stacktrace=1 \
		TSAN_OPTIONS=log_path=$d/report:halt_on_error=0 \
		union_server "$o,noholder,redirect_dir=on,max_inodes=50${2:+,$2}" "$d/m"
	for i in 1 2 3 4; do
		"$fuzz" run $((n * 10 + i)) "$count" "$d/m" >/dev/null 2>&1 &
		pids="$pids $!"
	done
	(for i in $(seq 20); do ls -lR "$d/m"; find "$d/m" -type f -exec cat {} +; done) >/dev/null 2>&1 &
	pids="$pids $!"
	if [ -n "${FSSTRESS:-}" ]; then
		mkdir "$d/m/fsstress"
		"$FSSTRESS" -d "$d/m/fsstress" -n "$count" -p 4 -l 1 -s "$n" >/dev/null 2>&1 &
		pids="$pids $!"
	fi
	for pid in $pids; do
		wait "$pid"
		[ $? -lt 3 ] || fail "$1 with '$2': a process died, or the server"
	done
	kill -0 "$server" || fail "$1 with '$2': the server died: $(cat "$d"/report* | head -60)"
	kernel_check=$(for i in "$d"/report*; do [ ! -s "$i" ] || head -60 "$i"; done)
	expect "" "$kernel_check" "reports of $1 with '$2'"
	umount "$d/m"
	wait_for 10 kernel_overlay "$o,redirect_dir=on,index=off,metacopy=off,xino=off" "$d/k" || fail "the kernel does not mount $d/u"
	union_server "$o,noholder,redirect_dir=on" "$d/m"
	"$fuzz" compare "$d/k" "$d/m" || fail "$1 with '$2': we and the kernel see different things"
	umount "$d/k" "$d/m"
	echo "$1 ${2:-with defaults}: ok"
}

n=0
for build in $builds; do
	[ -x "$build/gantry-unionfs" ] || continue
	stress "$build" ""
	stress "$build" writeback=off
	stress "$build" passthrough=on
done
exit 0
