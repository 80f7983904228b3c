#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# --platform: the right entry of a manifest list is taken, and an image of another platform
# than was asked for is pulled again, or refused, or warned of, as Docker does.
. "$(dirname "${BASH_SOURCE[0]}")/functions.sh"
start_client
start_registry
c save -o "$T/saved.tar" $IMAGE || fail "save"
list=$(python3 "$GANTRY_SOURCE/tests/integration/platform_image.py" "$REGISTRY" "$T/saved.tar") ||
	fail "cannot make the images"
own=$(c version -f '{{.Server.Arch}}')
case $own in amd64) other=arm64 ;; *) other=amd64 ;; esac
many=$REGISTRY/many:1 single=$REGISTRY/single:1
platform() { c image inspect -f '{{.Os}}/{{.Architecture}}' "$1"; }

expect_status 0 c pull -q "$many"
expect "linux/$own" "$(c run --rm --network none "$many" cat /platform)" "the host's own"
expect "[$REGISTRY/many@$list]" "$(c image inspect -f '{{.RepoDigests}}' "$many")" "the list's digest"
expect_status 0 c run --rm --network none "$REGISTRY/many@$list" true

# Another is pulled over it, though one of that name is here.
expect_error 0 "Downloaded newer image" c create --name other --platform "linux/$other" "$many"
expect "linux/$other" "$(platform "$many")" "what the name means now"
expect_error 0 "does not match the detected host platform (linux/$own" c create --name warned "$many"
expect_status 0 c create --name silent --platform "linux/$other" --pull never "$many"
case $OUT in *WARNING*) fail "a warning of what was asked for: $OUT" ;; esac
expect_error 1 "its platform (linux/$other) does not match the specified platform (linux/$own)" \
	c create --platform "linux/$own" --pull never "$many"
expect_error 0 "Downloaded newer image" c create --name own --platform "linux/$own" "$many"
expect "linux/$own" "$(platform "$many")" "the host's own again"

# Names and what stands in for what
for asked in linux/arm/v7 linux/arm linux/armhf arm LINUX/ARM; do
	expect_status 0 c pull -q --platform "$asked" "$many"
	expect "linux arm v7" "$(c image inspect -f '{{.Os}} {{.Architecture}} {{.Variant}}' "$many")" "$asked"
done
expect_status 0 c pull -q --platform linux/arm/v6 "$many"
expect "v6" "$(c image inspect -f '{{.Variant}}' "$many")" "linux/arm/v6"
expect_status 0 c pull -q --platform "$(uname -m)" "$many"
expect "linux/$own" "$(platform "$many")" "$(uname -m)"

expect_error 1 "no matching manifest for linux/riscv64" c pull --platform linux/riscv64 "$many"
expect_error 1 "no matching manifest for linux/arm/v5" c pull --platform linux/arm/v5 "$many"
expect_error 1 "no matching manifest for windows/$own" c pull --platform "windows/$own" "$many"
[ "$own" = amd64 ] && expect_error 1 "no matching manifest for linux/amd64" c pull "$REGISTRY/many:foreign"
for bad in linux/ /amd64 linux/arm/v7/x 'linux/a b' no-such-thing; do
	expect_status 1 c pull --platform "$bad" "$many"
done
expect "linux/$own" "$(platform "$many")" "after all of that"

# What is no list is one platform's, whatever was asked for.
expect_error 0 "WARNING: image with reference $single was found but its platform" \
	c pull --platform "linux/$own" "$single"
expect_error 0 "does not match the detected host platform" c run --rm --network none "$single" cat /platform
expect_text "linux/arm64" "$OUT" "it runs nevertheless"
expect_error 125 "does not match the specified platform (linux/$own)" \
	c run --rm --network none --platform "linux/$own" "$single" true

# With its last tag go the digests of its repository.
c rm other warned silent own >/dev/null
expect_error 0 "Untagged: $single" c rmi "$single"
expect_text "Untagged: $REGISTRY/single@sha256:" "$OUT" "rmi"
expect "" "$(c images -q "$REGISTRY/single")" "images"

# Before anything was said, a failure is an answer of its own.
if [ "$CLIENT" = docker ]; then
	expect 404 "$(curl -s -o /dev/null -w '%{http_code}' --unix-socket "$T/gantryd.sock" -X POST \
		"http://d/v1.41/images/create?fromImage=$REGISTRY/none&tag=1")" "the status of a pull of nothing"
fi
