#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A volume plugin and an authorization plugin on Docker's own library for plugin authors, an
# implementation of the protocol that nobody here wrote, serve containers of the docker
# client.
. "$(dirname "$0")/functions.sh"
. "$(dirname "$0")/foreign.inc"
command -v docker >/dev/null || skip "the docker client is not installed"
go=/usr/bin/go
[ -x $go ] || skip "golang-go is not installed"

# Built once per build tree; the modules come through Go's ordinary proxy.
program=$GANTRY_BUILD/integration/go-plugins
if [ ! -x "$program" ]; then
	cp -r "$GANTRY_SOURCE/tests/lib/go-plugins" "$T/src"
	(cd "$T/src" && GOPATH=$T/gopath GOCACHE=$T/gocache GOTOOLCHAIN=local GOFLAGS=-mod=mod \
		timeout 300 $go build -o "$program" .) >"$T/go.log" 2>&1 || {
		chmod -R u+w "$T/gopath" 2>/dev/null
		grep -q "dial tcp\|lookup\|connection refused" "$T/go.log" && skip "Go's module proxy cannot be reached"
		fail "go build: $(tail -5 "$T/go.log")"
	}
	chmod -R u+w "$T/gopath" 2>/dev/null
fi

load_image
plugin_config
mkdir "$T/volumes"
"$program" volume "$T/sockets/govol.sock" "$T/volumes" >"$T/govol.log" 2>&1 &
cleanup_hook "kill $! 2>/dev/null; wait $! 2>/dev/null"
"$program" authz "$T/sockets/goauthz.sock" verboten >"$T/goauthz.log" 2>&1 &
cleanup_hook "kill $! 2>/dev/null; wait $! 2>/dev/null"
wait_for 10 test -S "$T/sockets/govol.sock" && wait_for 10 test -S "$T/sockets/goauthz.sock" ||
	fail "the plugins did not start: $(cat "$T/govol.log" "$T/goauthz.log")"
start_daemon --config-file "$T/gantry.conf" --authorization-plugin goauthz

docker volume create -d govol data >/dev/null || fail "docker volume create"
docker run --rm -v data:/d $IMAGE sh -c 'echo kept >/d/file' || fail "docker run"
expect kept "$(cat "$T/volumes/data/file")" "what the container wrote"
docker run -d --name user -v data:/d $IMAGE sleep 300 >/dev/null || fail "docker run -d"
expect "$T/volumes/data" "$(docker volume inspect -f '{{.Mountpoint}}' data)" "inspect"
expect_error 1 "volume is in use" docker volume rm data
docker rm -f user >/dev/null
expect_error 1 "plugin govol: VolumeDriver.Create: mode broken is asked for" docker volume create -d govol -o mode=broken x
expect kept "$(docker run --rm --mount type=volume,src=data,dst=/d,volume-driver=govol,readonly $IMAGE cat /d/file)" "--mount"
docker volume rm data >/dev/null || fail "docker volume rm"
[ ! -e "$T/volumes/data" ] || fail "the volume is still there"

expect_error 125 "authorization denied by plugin goauthz: the body has the word verboten" \
	docker run --rm -e WORD=verboten $IMAGE true
expect allowed "$(docker run --rm $IMAGE echo allowed)" "what is allowed"
docker ps >/dev/null || fail "docker ps"
exit 0
