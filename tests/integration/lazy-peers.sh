#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Blobs that others make: eStargz by its reference library, also with several files in one member,
# and zstd:chunked by containers/storage, in Debian's registry.
. "$(dirname "$0")/lazy.inc"
lazy_layers
check_files() { # what the first layer has
	for file in usr/victim usr/zbig usr/pad etc/gone home/user/file; do
		[ "$1" = one ] || [ $file != etc/gone ] || continue
		expect "$(tar -xOf "$T/l1.tar" "./$file" | md5sum)" "$(run /bin/md5sum "/$file" | sed 's/ .*/  -/')" "$file"
	done
	expect "1000:1001 2" "$(run /bin/stat -c '%u:%g %h' /home/user/file)" "an owner, a link"
}
run() { gantry run --rm --network none "$name" "$@"; }

# Built once per build tree; the modules come through Go's ordinary proxy.
program=$GANTRY_BUILD/integration/estargz
if [ -x /usr/bin/go ] && [ ! -x "$program" ]; then
	cp -r "$GANTRY_SOURCE/tests/lib/estargz" "$T/src"
	mkdir -p "$GANTRY_BUILD/integration"
	(cd "$T/src" && GOPATH=$T/gopath GOCACHE=$T/gocache GOTOOLCHAIN=local GOFLAGS=-mod=mod \
		timeout 300 /usr/bin/go build -o "$T/estargz" . && mv "$T/estargz" "$program") >"$T/go.log" 2>&1 ||
		grep -q "dial tcp\|lookup\|connection refused" "$T/go.log" || fail "go build: $(tail -5 "$T/go.log")"
	chmod -R u+w "$T/gopath" 2>/dev/null
fi
if [ -x "$program" ]; then
	for chunk in "" 100000; do
		# shellcheck disable=SC2086
		read -r toc diff < <("$program" "$T/l1.tar" "$T/blob" $chunk) || fail "the reference library"
		python3 "$lazy_tool" wrap "$T/images" "ref$chunk" "$T/blob" "$toc" "$diff"
	done
	lazy_serve
	for chunk in "" 100000; do
		name=$REGISTRY/t:ref$chunk
		gantry pull -q --lazy "$name" >/dev/null || fail "ref$chunk: pull --lazy"
		expect 1 "$(find "$T/root/lazy" -name index | wc -l)" "ref$chunk: layers in place"
		expect 0 "$(awk '$3 == 200 && $2 == "None"' "$T/requests" | grep -c "$(sha256sum <"$T/blob" | cut -d' ' -f1)")" \
			"ref$chunk: requests for the whole blob"
		check_files one
		gantry save -o "$T/saved.tar" "$name" || fail "ref$chunk: save"
		gantry rmi "$name" >/dev/null || fail "ref$chunk: rmi"
	done
fi

command -v skopeo >/dev/null || skip "skopeo is not installed"
command -v docker-registry >/dev/null || skip "docker-registry is not installed"
python3 "$(dirname "$0")/image_maker.py" "$T/image.tar" "example.test/two:1" "$T/l1.tar" "$T/l2.tar"
start_registry
name=$REGISTRY/test/two:1
skopeo --insecure-policy copy -q --dest-tls-verify=false --dest-compress --dest-compress-format zstd:chunked \
	"docker-archive:$T/image.tar" "docker://$name" 2>"$T/err" || skip "this skopeo writes no zstd:chunked: $(tail -1 "$T/err")"
skopeo inspect --raw --tls-verify=false "docker://$name" | grep -q zstd-chunked.manifest-position ||
	skip "this skopeo writes no table of contents"
gantry pull -q --lazy "$name" >/dev/null || fail "pull --lazy"
expect 2 "$(find "$T/root/lazy" -name index | wc -l)" "layers in place"
check_files two
expect "second mine" "$(run /bin/cat /etc/changed /usr/sub/same | xargs)" "small files"
run /bin/stat /etc/gone >/dev/null 2>&1 && fail "a whiteout is not seen"
gantry save -o "$T/saved.tar" "$name" || fail "save waits for the rest"
exit 0
