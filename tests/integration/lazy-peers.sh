#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A zstd:chunked image as containers/storage writes it, in Debian's registry: an independent
# reference for the table of contents.
. "$(dirname "$0")/lazy.inc"
command -v skopeo >/dev/null || skip "skopeo is not installed"
command -v docker-registry >/dev/null || skip "docker-registry is not installed"
lazy_layers
python3 "$(dirname "$0")/image_maker.py" "$T/image.tar" "example.test/two:1" "$T/l1.tar" "$T/l2.tar"
start_registry
name=$REGISTRY/test/two:1
skopeo --insecure-policy copy -q --dest-tls-verify=false --dest-compress --dest-compress-format zstd:chunked \
	"docker-archive:$T/image.tar" "docker://$name" 2>"$T/err" || skip "this skopeo writes no zstd:chunked: $(tail -1 "$T/err")"
skopeo inspect --raw --tls-verify=false "docker://$name" | grep -q zstd-chunked.manifest-position ||
	skip "this skopeo writes no table of contents"
gantry pull -q --lazy "$name" >/dev/null || fail "pull --lazy"
expect 2 "$(find "$T/root/lazy" -name index | wc -l)" "layers in place"
run() { gantry run --rm --network none "$name" "$@"; }
for file in usr/victim usr/zbig usr/pad; do
	expect "$(tar -xOf "$T/l1.tar" "./$file" | md5sum)" "$(run /bin/md5sum <&- "/$file" | sed 's/ .*/  -/')" "$file"
done
expect "second mine" "$(run /bin/cat /etc/changed /usr/sub/same | xargs)" "small files"
expect "1000:1001 2" "$(run /bin/stat -c '%u:%g %h' /home/user/file)" "an owner, a link"
run /bin/stat /etc/gone >/dev/null 2>&1 && fail "a whiteout is not seen"
gantry save -o "$T/saved.tar" "$name" || fail "save waits for the rest"
exit 0
