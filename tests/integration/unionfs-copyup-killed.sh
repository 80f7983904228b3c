#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A copy-up that is killed at any moment leaves the old file or the new one whole:
# the upper layer never shows part of one, and the next mount works.
set -u
build=${BUILD:-$(cd "$(dirname "$0")/../.." && pwd)}
rounds=${ROUNDS:-30}
[ "$(id -u)" = 0 ] && [ -w /dev/fuse ] || { echo "needs root and /dev/fuse"; exit 77; }
work=$(mktemp -d /var/tmp/gantry-unionfs-killed.XXXXXX)
cleanup() {
	umount -l "$work/m" 2>/dev/null
	rm -rf "$work"
}
trap cleanup EXIT
fail() { echo "FAILED: round $round: $*"; exit 1; }
mkdir -p "$work"/{l/d,u,w,m}
for i in 1 2 3 4 5 6 7 8; do head -c 3000000 /dev/urandom >"$work/l/d/f$i"; done
sums=$(cd "$work/l/d" && sha256sum f*)
for round in $(seq "$rounds"); do
	rm -rf "$work/u" "$work/w"
	mkdir "$work/u" "$work/w"
	"$build/gantry-unionfs" -f -o "noholder,lowerdir=$work/l,upperdir=$work/u,workdir=$work/w" \
		"$work/m" 2>/dev/null &
	server=$!
	for _ in $(seq 100); do mountpoint -q "$work/m" && break; sleep 0.02; done
	(cd "$work/m/d" && chmod 0600 f1 && chown 7:7 f2 && touch -d @5 f3 && chmod 0600 f4 f5 f6 f7 f8) 2>/dev/null &
	sleep "0.0$((round * 7 % 60 + 10))"
	kill -9 $server
	wait $! 2>/dev/null
	umount -l "$work/m" 2>/dev/null
	# What is in the upper layer is complete, and the union shows all content.
	for f in "$work"/u/d/f*; do
		[ -e "$f" ] || continue
		cmp -s "$f" "$work/l/d/${f##*/}" || fail "${f##*/} is torn"
	done
	"$build/gantry-unionfs" -o "noholder,lowerdir=$work/l,upperdir=$work/u,workdir=$work/w" "$work/m" ||
		fail "cannot be mounted again"
	[ "$(cd "$work/m/d" && sha256sum f*)" = "$sums" ] || fail "content differs"
	umount "$work/m"
	[ -z "$(ls -A "$work/w/work" | grep -v '^whiteout$')" ] || fail "the workdir was not cleaned"
done
exit 0
