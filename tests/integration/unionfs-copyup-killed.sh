#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A copy-up that is killed at any moment leaves the old file or the new one whole:
# the upper layer never shows part of one, and the next mount works.
. "$(dirname "${BASH_SOURCE[0]}")/unionfs.inc"
rounds=${ROUNDS:-30}
options=noholder,lowerdir=$work/l,upperdir=$work/u,workdir=$work/w
mkdir -p "$work"/{l/d,u,w,m}
for i in 1 2 3 4 5 6 7 8; do head -c 3000000 /dev/urandom >"$work/l/d/f$i"; done
sums=$(cd "$work/l/d" && sha256sum f*)
for round in $(seq "$rounds"); do
	rm -rf "$work/u" "$work/w"
	mkdir "$work/u" "$work/w"
	union_server "$options" "$work/m"
	(cd "$work/m/d" && chmod 0600 f1 && chown 7:7 f2 && touch -d @5 f3 && chmod 0600 f4 f5 f6 f7 f8) 2>/dev/null &
	sleep "0.0$((round * 7 % 60 + 10))"
	kill -9 "$server"
	wait "$server" 2>/dev/null
	umount -l "$work/m" 2>/dev/null
	# What is in the upper layer is complete, and the union shows all content.
	for f in "$work"/u/d/f*; do
		[ -e "$f" ] || continue
		cmp -s "$f" "$work/l/d/${f##*/}" || fail "round $round: ${f##*/} is torn"
	done
	union "$options" "$work/m" || fail "round $round: cannot be mounted again"
	expect "$sums" "$(cd "$work/m/d" && sha256sum f*)" "round $round: content"
	umount "$work/m"
	expect "" "$(ls -A "$work/w/work" | grep -v '^whiteout$')" "round $round: left in the workdir"
done
exit 0
