#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The same for an ordinary user with one id and with a range, on the kernel's overlayfs and on
# gantry's own: owners for which he has no ids are kept as they are when layers are unpacked.
. "$(dirname "$0")/lazy.inc"
. "$(dirname "$0")/rootless.inc"
lazy_layers
lazy_image estargz
lazy_image gzip
lazy_serve

look() { # what the tests below compare; owners as they are packed
	u run --rm --network none "$1" /bin/sh -c 'cat /etc/changed; stat -c "%a %s" /bin/busybox /usr/victim; md5sum /usr/victim' || return
	u create --name looked-at --network none "$1" >/dev/null || return
	u export looked-at | tar --numeric-owner -tvf - | grep -E ' \.?/?(home|var|srv)' | awk '{print $1, $2, $6, $7, $8}' | sort
	u rm looked-at >/dev/null
}

for ids in single full; do
	new_user ids=$ids fuse=yes
	for STORAGE in overlay unionfs; do
		u pull -q "$REGISTRY/t:gzip" >/dev/null || fail "$ids, $STORAGE: pull"
		want=$(look "$REGISTRY/t:gzip") || fail "$ids, $STORAGE: an unpacked image: $want"
		u rmi "$REGISTRY/t:gzip" >/dev/null || fail "$ids, $STORAGE: rmi"
		expect_text "1000/1001" "$want" "$ids, $STORAGE: owners of an unpacked image"
		for kind in estargz gzip; do
			name=$REGISTRY/t:$kind
			u pull -q --lazy "$name" >/dev/null || fail "$ids, $STORAGE, $kind: pull --lazy"
			got=$(look "$name") || fail "$ids, $STORAGE, $kind: run: $got"
			expect "$want" "$got" "$ids, $STORAGE, $kind"
			expect 2 "$(find "$USER_HOME" -path '*/lazy/*' -name index | wc -l)" "$ids, $STORAGE, $kind: layers in place"
			expect 7 "$(u run --rm --network none "$name" /bin/sh -c 'echo 7 >/usr/victim; cat /usr/victim')" \
				"$ids, $STORAGE, $kind: a changed file"
			u rmi "$name" >/dev/null || fail "$ids, $STORAGE, $kind: rmi"
		done
		pgrep -u "$USER_ID" -f '^gantry-lazyfs ' | xargs -r kill -9
		# Containers' folders may still be on their way out.
		mv "$USER_HOME/.local" "$T/old-$ids-$STORAGE" || fail "$ids, $STORAGE: the store cannot be moved away"
	done
done
# Without /dev/fuse they are unpacked.
new_user ids=single fuse=no
STORAGE=
u pull -q --lazy "$REGISTRY/t:estargz" >/dev/null || fail "without /dev/fuse"
expect "$want" "$(look "$REGISTRY/t:estargz")" "without /dev/fuse"
expect 0 "$(find "$USER_HOME" -path '*/lazy/*' -name index | wc -l)" "without /dev/fuse: layers in place"
exit 0
