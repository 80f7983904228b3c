#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Many at once, and processes killed at any point: one wins, nothing is left.
. "$(dirname "$0")/runtime.inc"
configure . /bin/sleep 100
# one ID, many creators
for i in 1 2 3 4 5 6 7 8; do
	rt create -b "$work/bundle" "$tag-one" </dev/null >/dev/null 2>&1 && echo won >> "$work/winners" &
done
wait
is 1 "$(wc -l < "$work/winners")" "one creator wins an ID"
for i in 1 2 3 4 5 6 7 8; do
	rt start "$tag-one" 2>/dev/null && echo won >> "$work/starters" &
done
wait
is 1 "$(wc -l < "$work/starters")" "one starter wins"
for i in 1 2 3 4 5 6 7 8; do
	rt delete -f "$tag-one" 2>/dev/null &
	rt kill "$tag-one" KILL 2>/dev/null &
	rt exec "$tag-one" /bin/true >/dev/null 2>&1 &
	rt state "$tag-one" >/dev/null 2>&1 &
done
wait
rt delete -f "$tag-one"
is "" "$(rt list -q)" "deleted by many"
# the creator killed at any point: itself, not a shell that runs it
for delay in 0.000 0.001 0.002 0.003 0.004 0.005 0.006 0.008 0.010 0.015 0.020 0.030; do
	"$oci" --root "$work/run" create -b "$work/bundle" "$tag-k$delay" </dev/null >/dev/null 2>&1 &
	creator=$!
	sleep $delay
	kill -9 $creator 2>/dev/null
	wait $creator 2>/dev/null
	rt delete -f "$tag-k$delay" || fail "delete after a kill at $delay"
done
# at exact points: strace kills it at its n-th call of a kind
killed_at() { # CALL N
	local id=$tag-k$1$2
	strace -o /dev/null -e "trace=$1" -e "inject=$1:signal=KILL:when=$2" \
		"$oci" --root "$work/run" create -b "$work/bundle" "$id" </dev/null >/dev/null 2>&1
	rt delete -f "$id" || fail "delete after a kill at $1 $2"
}
if command -v strace >/dev/null; then
	for point in rename:1 rename:2 rename:3 renameat:1 renameat:2 renameat:3 mkdirat:1 mkdir:1 \
		clone3:1 recvmsg:1 recvmsg:2 sendmsg:1 sendmsg:2; do
		killed_at "${point%:*}" "${point#*:}"
	done
fi
remaining() { ps -eo pid,args | grep -F "$tag-k" | grep -v grep; }
for _ in $(seq 100); do
	[ -n "$(remaining)" ] || break
	sleep 0.1
done
is "" "$(remaining)" "no process waits for a dead creator"
# many containers side by side
for i in $(seq 20); do
	rt run -d -b "$work/bundle" "$tag-m$i" </dev/null >/dev/null 2>&1 &
done
wait
is 20 "$(rt list -q | wc -l)" "twenty at once"
for i in $(seq 20); do rt delete -f "$tag-m$i" & done
wait
is 0 "$(rt list -q | wc -l)" "and gone"
finish
