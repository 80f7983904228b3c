#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Images whose tables of contents lie, indexes that were tampered with, and a pull that is killed: a
# clear refusal, nothing outside the tree, nothing left.
. "$(dirname "$0")/lazy.inc"
lazy_layers
for kind in estargz estargz-toc estargz-escape estargz-short estargz-footer chunked-toc chunked-escape chunked-short; do
	lazy_image $kind
done
lazy_serve
name=$REGISTRY/t:estargz

refused() { # KIND TEXT
	expect_error 1 "$2" gantry pull --lazy "$REGISTRY/t:$1"
	# Of a pull that failed the layers that were good stay for the next, until somebody tidies up.
	gantry image prune -f >/dev/null
	[ -z "$(ls "$T/root/lazy" 2>/dev/null)" ] || fail "$1: left $(ls "$T/root/lazy")"
	[ -z "$(gantry images -q)" ] || fail "$1: an image was made of it"
}
refused estargz-toc "but the manifest says"
refused estargz-escape "its name leads outside the layer"
refused estargz-short "chunks"
refused estargz-footer "no footer of eStargz"
refused chunked-toc "but the manifest says"
refused chunked-escape "its name leads outside the layer"
refused chunked-short "chunks"
[ -z "$(find "$T" -name escaped)" ] || fail "a name led outside: $(find "$T" -name escaped)"

# Bytes of an index are changed behind the engine's back: its containers do not start, and say why.
gantry pull -q --lazy "$name" >/dev/null || fail "pull --lazy"
lazy_servers | xargs -r kill -9
index=$(ls -S "$T"/root/lazy/*/index | head -1)
cp "$index" "$T/index"
for at in 0 9 100 300 2000 -1; do
	cp "$T/index" "$index.new"
	size=$(stat -c %s "$T/index")
	printf '\377\376' | dd of="$index.new" bs=1 seek=$(((at + size) % size)) conv=notrunc status=none
	truncate -s "$size" "$index.new"
	mv "$index.new" "$index"
	expect_status 125 timeout 60 "$GANTRY_BUILD/gantry" --root "$T/root" --run-root "$T/run" run --rm --network none "$name" /bin/true
	lazy_servers | xargs -r kill -9
done
: >"$index"
expect_status 125 timeout 60 "$GANTRY_BUILD/gantry" --root "$T/root" --run-root "$T/run" run --rm --network none "$name" /bin/true
expect_text "is damaged" "$(cat "$T/run/lazy/log")" "the log"
# Without it there is a way back: the image is removed and pulled again.
gantry rmi "$name" >/dev/null || fail "rmi of a damaged layer"
gantry pull -q --lazy "$name" >/dev/null || fail "pull again"
expect second "$(gantry run --rm --network none "$name" /bin/cat /etc/changed)" "after a new pull"
gantry rmi "$name" >/dev/null || fail "rmi"

# The engine is killed at many moments of a pull; the next one finds what it needs or removes it.
for delay in 0.02 0.05 0.08 0.12 0.16 0.2 0.3 0.4; do
	timeout -s KILL $delay "$GANTRY_BUILD/gantry" --root "$T/root" --run-root "$T/run" pull -q --lazy "$name" >/dev/null 2>&1
	[ "$delay" != 0.2 ] || lazy_servers | xargs -r kill -9
	gantry pull -q --lazy "$name" >/dev/null || fail "pull after one that was killed after $delay s"
	expect second "$(gantry run --rm --network none "$name" /bin/cat /etc/changed)" "after a kill at $delay s"
	gantry rmi "$name" >/dev/null || fail "rmi after a kill at $delay s"
	[ -z "$(ls -A "$T/root/lazy")" ] || fail "a kill at $delay s left $(ls -A "$T/root/lazy")"
done
exit 0
