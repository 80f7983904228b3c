#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Tests of the driver without an engine: what it says to what it is told.
set -u
cd "$(dirname "$0")" || exit 1
folder=$(mktemp -d)
mkdir "$folder/state" "$folder/run"
failures=0

# say LINE...: all in one conversation; its answers.  A file is read and another written in
# place of the socket.
say() {
	printf '%s\n' "$@" '{"type":"bye"}' >"$folder/in"
	sed 's/ >&3/ >\&4/g' driver.sh >"$folder/driver.sh"
	sh "$folder/driver.sh" 3<"$folder/in" 4>"$folder/answers"
}
expect() { # LINE-NUMBER TEXT
	sed -n "$1p" "$folder/answers" | grep -qF -- "$2" && return
	echo "answer $1: expected $2, got: $(sed -n "$1p" "$folder/answers")"
	failures=$((failures + 1))
}
call() { printf '{"type":"call","id":%s,"op":"%s","deadline_ms":60000,"args":{%s}}' "$1" "$2" "$3"; }

say '{"type":"hello","id":1,"args":{"protocols":[1]}}' \
	"{\"type\":\"open\",\"id\":2,\"args\":{\"config\":{},\"state_dir\":\"$folder/state\",\"run_dir\":\"$folder/run\"}}" \
	"$(call 3 create '"name":"data"')" "$(call 4 create '"name":"data"')" "$(call 5 list '')" \
	"$(call 6 mount '"name":"data","user":"container1"')" "$(call 7 remove '"name":"data"')" \
	"$(call 8 unmount '"name":"data","user":"container1"')" "$(call 9 remove '"name":"data"')" \
	"$(call 10 inspect '"name":"data"')" "$(call 11 create '"name":"../escape"')" \
	"$(call 12 create '"name":"x\",\"user\":\"y"')" "$(call 13 create '"name":"x","options":{"a":"b"}')" \
	"$(call 14 fly '')"
expect 1 '"protocol":1'
expect 2 '{"type":"result","id":2'
expect 3 '{"type":"result","id":3'
expect 4 '{"type":"result","id":4'
expect 5 '"name":["data"]'
expect 6 "\"path\":\"$folder/state/data\""
expect 7 IN_USE
expect 8 '{"type":"result","id":8'
expect 9 '{"type":"result","id":9'
expect 10 NOT_FOUND
expect 11 INVALID
expect 12 INVALID
expect 13 INVALID
expect 14 UNSUPPORTED
rm -rf "$folder"
[ $failures = 0 ] && echo "all tests passed"
exit $failures
