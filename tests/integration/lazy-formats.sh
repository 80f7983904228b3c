#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A layer that is read in place is the same tree as one that is unpacked, whatever it is packed in;
# and what is done with images and containers on top of it works.
. "$(dirname "$0")/lazy.inc"
lazy_layers
lazy_serve

# What a container sees of its image: names, types, modes, owners, links, sizes, times, content.
tree() {
	gantry export "$1" | python3 -c '
import hashlib, sys, tarfile
skip = ("dev", "proc", "sys", "etc/hosts", "etc/hostname", "etc/resolv.conf", "etc/mtab", ".dockerenv")
lines = []
tar = tarfile.open(fileobj=sys.stdin.buffer, mode="r|")
for e in tar:
    if e.name.strip("./").startswith(skip) and not e.name.endswith("changed"):
        continue
    body = hashlib.sha256(tar.extractfile(e).read()).hexdigest() if e.isreg() else ""
    note = e.pax_headers.get("SCHILY.xattr.user.note", "")
    when = "" if e.isdir() else int(e.mtime)
    lines.append("%s %s %o %d:%d %s %s %d %s %s" % (e.name, e.type, e.mode, e.uid, e.gid, e.linkname, note, e.size, when, body))
print("\n".join(sorted(lines)))'
}

lazy_image plain
gantry pull -q "$REGISTRY/t:plain" >/dev/null || fail "pull"
[ ! -e "$T/root/lazy" ] || fail "an ordinary pull left a layer packed"
gantry create --name reference --network none "$REGISTRY/t:plain" >/dev/null || fail "create"
tree reference >"$T/want"
[ "$(wc -l <"$T/want")" -gt 30 ] || fail "the reference shows little: $(cat "$T/want")"
gantry rm reference >/dev/null
gantry rmi "$REGISTRY/t:plain" >/dev/null || fail "rmi"

for kind in plain gzip zstd estargz chunked; do
	lazy_image $kind
	gantry pull -q --lazy "$REGISTRY/t:$kind" >/dev/null || fail "$kind: pull --lazy"
	expect 2 "$(find "$T/root/lazy" -name index | wc -l)" "$kind: layers in place"
	gantry create --name look --network none "$REGISTRY/t:$kind" >/dev/null || fail "$kind: create"
	tree look >"$T/got"
	diff "$T/want" "$T/got" >"$T/diff" || fail "$kind: another tree: $(head -20 "$T/diff")"
	gantry rm look >/dev/null
	# A hard link is one file with two names.
	expect "2 2" "$(gantry run --rm --network none "$REGISTRY/t:$kind" /bin/stat -c %h /home/user/file /usr/sub/same | xargs)" \
		"$kind: links"
	if [ $kind = estargz ]; then
		gantry run --name change --network none "$REGISTRY/t:$kind" \
			/bin/sh -c 'echo third >/etc/changed; echo x >/usr/victim; echo made >/made' || fail "changes"
		expect "$(printf 'A /made\nC /etc\nC /etc/changed\nC /usr\nC /usr/victim')" \
			"$(gantry diff change | LC_ALL=C sort | grep -v -e hosts -e hostname -e resolv -e mtab)" "diff"
		gantry commit change committed >/dev/null || fail "commit"
		expect "third x made" "$(gantry run --rm --network none committed /bin/cat /etc/changed /usr/victim /made | xargs)" \
			"the committed image"
		gantry rm change >/dev/null
		gantry save -o "$T/saved.tar" committed || fail "save"
		gantry rmi committed >/dev/null
	fi
	gantry rmi "$REGISTRY/t:$kind" >/dev/null || fail "$kind: rmi"
done
gantry load -q -i "$T/saved.tar" >/dev/null || fail "load of what was saved"
expect third "$(gantry run --rm --network none committed /bin/cat /etc/changed)" "the saved image"
expect 0 "$(find "$T/root/lazy" -name index | wc -l)" "layers in place after all"
exit 0
