#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A program runs before its image is here: of eStargz and zstd:chunked layers only what it reads is
# fetched, the rest follows, and then the registry is not needed any more.
. "$(dirname "$0")/lazy.inc"
lazy_layers
lazy_image estargz
lazy_image chunked
lazy_serve

for kind in estargz chunked; do
	name=$REGISTRY/t:$kind
	gantry rmi -f "$name" >/dev/null 2>&1
	hold ./usr/zbig $kind
	out=$(timeout 60 "$GANTRY_BUILD/gantry" --root "$T/root" --run-root "$T/run" run -q --name "c-$kind" \
		--network none --pull=lazy "$name" /bin/sh -c 'cat /etc/changed /opt/new; [ -e /etc/gone ] || echo no' 2>&1)
	expect "$(printf 'second\nnew\nno')" "$out" "$kind: a program that ran early"
	! is_whole "$HELD" || fail "$kind: the layer was there already, so this shows nothing"
	expect 0 "$(awk -v d="$HELD" '$1 == d && $3 == 200' "$T/requests" | wc -l)" "$kind: requests for the whole layer"
	expect 2 "$(gantry image inspect -f '{{index .GraphDriver.Data "LayersInPlace"}}' "$name")" "$kind: inspect"
	here=$(gantry image inspect -f '{{index .GraphDriver.Data "PackedBytesHere"}}' "$name")
	all=$(gantry image inspect -f '{{index .GraphDriver.Data "PackedBytes"}}' "$name")
	[ "$here" -gt 0 ] && [ "$here" -lt "$all" ] || fail "$kind: inspect says that $here of $all bytes are here"
	# What is withheld is waited for, not invented.
	gantry start -a "c-$kind" >/dev/null || fail "$kind: a second start"
	timeout 60 "$GANTRY_BUILD/gantry" --root "$T/root" --run-root "$T/run" run --rm --network none "$name" \
		/bin/md5sum /usr/zbig >"$T/sum" &
	reader=$!
	sleep 0.3
	[ ! -s "$T/sum" ] || fail "$kind: bytes that nobody sent were read"
	release
	wait $reader || fail "$kind: a reader that had to wait"
	expect "$(tar -xOf "$T/l1.tar" ./usr/zbig | md5sum | cut -d' ' -f1)" "$(cut -d' ' -f1 "$T/sum")" "$kind: what it read"
	wait_for 30 is_whole "$HELD" || fail "$kind: the rest was not fetched: $(cat "$T/run/lazy/log" 2>/dev/null)"
	expect "${HELD#sha256:}" "$(sha256sum <"$T/root/content/${HELD#sha256:}" | cut -d' ' -f1)" "$kind: the blob"
	gantry rm -f "c-$kind" >/dev/null
	touch "$T/images/down"
	expect 40000 "$(gantry run --rm --network none "$name" /bin/sh -c 'n=0; while read l; do n=$l; done </new/numbers; echo $n')" \
		"$kind: without its registry"
	rm "$T/images/down"
	gantry rmi "$name" >/dev/null || fail "$kind: rmi"
	[ -z "$(ls "$T/root/lazy")" ] || fail "$kind: rmi left $(ls "$T/root/lazy")"
done
# With nothing to fetch and nobody to serve, the server ends.
wait_for 30 sh -c "! pgrep -f '^gantry-lazyfs --root $T/root '" || fail "the server stays"
exit 0
