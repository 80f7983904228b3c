#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# An image of six layers with all that layers can hold is pushed by skopeo, pulled,
# run, committed and pushed back: skopeo reads the same bytes.
. "$(dirname "$0")/functions.sh"
command -v skopeo >/dev/null || skip "skopeo is not installed"
command -v docker-registry >/dev/null || skip "docker-registry is not installed"
busybox=$(command -v busybox) || skip "busybox is not installed"

layer() { # NUMBER: packs $T/l as layer NUMBER and empties it
	tar -C "$T/l" --xattrs --xattrs-include='*' --format=pax --sort=name --numeric-owner \
		-cf "$T/layer$1.tar" . || fail "tar"
	rm -rf "$T/l"
	mkdir -p "$T/l"
}

mkdir -p "$T/l/bin" "$T/l/etc" "$T/l/opt/old"
cp "$busybox" "$T/l/bin/busybox"
for applet in sh true cat stat ls find sort test; do ln -s busybox "$T/l/bin/$applet"; done
echo first >"$T/l/etc/changed"
echo gone >"$T/l/etc/gone"
echo old >"$T/l/opt/old/file"
layer 1
mkdir -p "$T/l/usr/bin"
cp /bin/ls "$T/l/usr/bin/tool"
chmod 4755 "$T/l/usr/bin/tool"
ln "$T/l/usr/bin/tool" "$T/l/usr/bin/same"
setfattr -n user.note -v hello "$T/l/usr/bin/tool"
setfattr -n security.capability -v 0x0100000200200000000000000000000000000000 "$T/l/usr/bin/tool"
layer 2
mkdir -p "$T/l/home/user" "$T/l/var/mail"
echo mine >"$T/l/home/user/file"
chown -R 1000:1001 "$T/l/home/user"
chgrp 8 "$T/l/var/mail"
chmod 2775 "$T/l/var/mail"
touch -d '2001-02-03 04:05:06.123456789' "$T/l/home/user/file"
layer 3
mkdir -p "$T/l/etc"
: >"$T/l/etc/.wh.gone"
echo second >"$T/l/etc/changed"
layer 4
mkdir -p "$T/l/opt"
: >"$T/l/opt/.wh..wh..opq"
echo new >"$T/l/opt/new"
layer 5
mkdir -p "$T/l/srv"
truncate -s 3M "$T/l/srv/sparse"
mkfifo "$T/l/srv/pipe"
ln -s /etc/changed "$T/l/srv/link"
printf umlaut >"$T/l/srv/ä"
layer 6
python3 "$(dirname "$0")/image_maker.py" "$T/image.tar" "example.test/six:1" "$T"/layer[1-6].tar

start_registry
name=$REGISTRY/test/six
skopeo --insecure-policy copy -q --dest-tls-verify=false "docker-archive:$T/image.tar" \
	"docker://$name:1" || fail "skopeo cannot push"
gantry pull -q "$name:1" >/dev/null || fail "pull"
run() { gantry run --rm --network none "$name:1" "$@"; }
expect "second" "$(run /bin/cat /etc/changed)" "a changed file"
expect "" "$(run /bin/ls /etc | grep gone)" "a whiteout"
expect "new" "$(run /bin/ls /opt)" "an opaque folder"
expect "4755 2" "$(run /bin/stat -c '%a %h' /usr/bin/tool)" "a setuid hard link"
expect "1000 1001 981173106" "$(run /bin/stat -c '%u %g %Y' /home/user/file)" "owner and time"
expect "2775 8" "$(run /bin/stat -c '%a %g' /var/mail)" "a set-group-ID folder"
expect "3145728" "$(run /bin/stat -c %s /srv/sparse)" "a sparse file"
expect "umlaut" "$(run /bin/cat /srv/ä)" "a name in UTF-8"
upper=$(find "$T/root" -path '*fs/usr/bin/tool' | head -1)
if [ -n "$upper" ]; then
	expect hello "$(getfattr --only-values -n user.note "$upper" 2>/dev/null)" "an attribute"
	getfattr -n security.capability "$upper" >/dev/null 2>&1 || fail "capabilities were lost"
fi

gantry run --name work --network none "$name:1" /bin/sh -c \
	'echo third >/etc/changed; echo added >/added; : >/home/user/file' || fail "run"
gantry commit work "$name:2" >/dev/null || fail "commit"
gantry push -q "$name:2" >/dev/null || fail "push"
skopeo --insecure-policy copy -q --src-tls-verify=false "docker://$name:1" "dir:$T/one" || fail "skopeo 1"
skopeo --insecure-policy copy -q --src-tls-verify=false "docker://$name:2" "dir:$T/two" || fail "skopeo 2"
layers() { python3 -c 'import json,sys; print("\n".join(l["digest"][7:] for l in json.load(open(sys.argv[1]))["layers"]))' "$1/manifest.json"; }
expect "$(layers "$T/one")" "$(layers "$T/two" | head -6)" "the first six layers"
expect 7 "$(layers "$T/two" | wc -l)" "the number of layers"
for l in $(layers "$T/one"); do
	cmp -s "$T/one/$l" "$T/two/$l" || fail "layer $l changed"
done
top=$(layers "$T/two" | tail -1)
expect "added third" "$(tar -xOf "$T/two/$top" added etc/changed | xargs)" "the committed layer"
exit 0
