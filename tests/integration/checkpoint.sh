#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# `gantry checkpoint` and `start --checkpoint`, on the command line and by the API: memory,
# output, networks, volumes and exit codes; and what cannot be done says why.  CRIU names
# another program than criu.
. "$(dirname "$0")/functions.sh"
[ "$(id -u)" = 0 ] || skip "needs root"
criu=${CRIU:-$(command -v criu || true)}
[ -n "$criu" ] || skip "needs CRIU (package criu)"
"$criu" check >/dev/null 2>&1 || skip "CRIU does not work with this kernel: $("$criu" check 2>&1 | head -1)"
# the engine looks for criu in PATH
mkdir -p "$T/bin"
ln -s "$criu" "$T/bin/criu"
export PATH=$T/bin:$PATH
load_image

# says LINES NAME: its output has so many lines
says() { [ "$(gantry logs "$2" 2>/dev/null | wc -l)" -ge "$1" ]; }
counter='i=0; while :; do i=$((i+1)); echo $i; sleep 0.1; done'

# --- it ends, and goes on where it was
gantry volume create vol >/dev/null
gantry run -d --name web --network none -v vol:/data -m 64m --restart always --hostname kept $IMAGE sh -c "echo first > /data/f; $counter" >/dev/null
wait_for 10 says 3 web || fail "the container does not count: $(gantry logs web)"
expect_status 0 gantry checkpoint create web one
expect one "$OUT" "its name is printed"
expect "exited 137" "$(gantry inspect -f '{{.State.Status}} {{.State.ExitCode}}' web)" "it ended, and no policy restarts it"
n=$(gantry logs web | tail -1)
expect_status 0 gantry start --checkpoint one web
wait_for 10 says $((n + 3)) web || fail "it does not go on after restore: $(gantry logs web | tail -3)"
expect "$((n + 1))" "$(gantry logs web | sed -n "$((n + 1))p")" "it counts on, in the same log"
expect running "$(gantry inspect -f '{{.State.Status}}' web)" "status"
expect kept "$(gantry exec web hostname)" "exec"
expect first "$(gantry exec web cat /data/f)" "the volume is there"
expect 67108864 "$(gantry exec web sh -c 'cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null' | head -1)" "the limit holds"
expect "lo" "$(gantry exec web sh -c "ip -o link show up 2>/dev/null | cut -d: -f2 | tr -d ' '" | head -1)" "loopback is up"

# --- another, which leaves it running
expect_status 0 gantry checkpoint create --leave-running web two
expect running "$(gantry inspect -f '{{.State.Status}}' web)" "it runs on"
expect "CHECKPOINT NAME
one
two" "$(gantry checkpoint ls web)" "ls"
expect_error 1 "already exists" gantry checkpoint create web two
expect_status 0 gantry checkpoint rm web two
expect_error 1 "does not exist" gantry checkpoint rm web two
expect_error 1 "Invalid checkpoint ID" gantry checkpoint create web ../three
gantry stop -t 0 web >/dev/null
expect_error 1 "does not exist" gantry start --checkpoint two web
expect "exited" "$(gantry inspect -f '{{.State.Status}}' web)" "and nothing was started"
expect_error 1 "is not running" gantry checkpoint create web four
expect_error 1 "multiple containers" gantry start --checkpoint one web web
# what was saved can be started more than once, and a plain start begins anew
expect_status 0 gantry start --checkpoint one web
gantry stop -t 0 web >/dev/null
expect_status 0 gantry start web
wait_for 10 sh -c "[ \"\$('$GANTRY_BUILD/gantry' --root '$T/root' --run-root '$T/run' logs web | tail -1)\" -lt 100 ]"
gantry rm -f web >/dev/null

# --- a folder of one's own, exit codes, a terminal, the default network
gantry run -d --name job --network none $IMAGE sh -c 'while [ ! -e /go ]; do sleep 0.1; done; exit 9' >/dev/null
expect_status 0 gantry checkpoint create --checkpoint-dir "$T/mine" job saved
[ -d "$T/mine/saved" ] || fail "--checkpoint-dir was not used"
expect "CHECKPOINT NAME" "$(gantry checkpoint ls job)" "it is not with the container"
expect_text saved "$(gantry checkpoint ls --checkpoint-dir "$T/mine" job)" "but there"
expect_status 0 gantry start --checkpoint saved --checkpoint-dir "$T/mine" job
gantry exec job touch /go
expect 9 "$(gantry wait job)" "the exit code is the program's"
gantry rm job >/dev/null

gantry run -dt --name tty --network none $IMAGE sh -c "$counter" >/dev/null
wait_for 10 says 3 tty || fail "no output on the terminal"
expect_status 0 gantry checkpoint create tty one
n=$(gantry logs tty | wc -l)
expect_status 0 gantry start --checkpoint one tty
wait_for 10 says $((n + 3)) tty || fail "the terminal is silent after restore"
gantry rm -f tty >/dev/null

gantry run -d --name init --init --network none $IMAGE sleep 100 >/dev/null
expect_error 1 "with --init cannot be saved" gantry checkpoint create init one
expect running "$(gantry inspect -f '{{.State.Status}}' init)" "it runs on"
gantry rm -f init >/dev/null

if gantry run --rm $IMAGE true 2>/dev/null; then
	gantry run -d --name net $IMAGE sh -c "$counter" >/dev/null
	expect_status 0 gantry checkpoint create net one
	expect_status 0 gantry start --checkpoint one net
	address=$(gantry inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' net)
	expect_text "$address" "$(gantry exec net ip -o -4 addr)" "it has its address"
	gantry rm -f net >/dev/null
fi

# --- by the API, as docker's client does it
start_daemon
gantry -H "$DOCKER_HOST" run -d --name api --network none $IMAGE sh -c "$counter" >/dev/null
call() { curl -sS --unix-socket "$T/gantryd.sock" -o "$T/body" -w '%{http_code}' "$@"; }
expect 201 "$(call -X POST -H 'Content-Type: application/json' -d '{"CheckpointID":"c1","Exit":true}' http://x/v1.47/containers/api/checkpoints)" "POST"
expect 200 "$(call http://x/v1.47/containers/api/checkpoints)" "GET"
expect '[{"Name":"c1"}]' "$(jq -c . "$T/body")" "GET's body"
expect 400 "$(call -X POST -H 'Content-Type: application/json' -d '{"CheckpointID":"a/b"}' http://x/v1.47/containers/api/checkpoints)" "a bad name"
expect 404 "$(call http://x/v1.47/containers/nobody/checkpoints)" "no such container"
expect 204 "$(call -X POST 'http://x/v1.47/containers/api/start?checkpoint=c1')" "start"
expect 404 "$(call -X DELETE http://x/v1.47/containers/api/checkpoints/c2)" "DELETE what is not there"
expect 204 "$(call -X DELETE http://x/v1.47/containers/api/checkpoints/c1)" "DELETE"
expect 404 "$(call -X DELETE http://x/v1.47/containers/api/elsewhere/c1)" "DELETE of no page"
if command -v docker >/dev/null; then
	expect_status 0 docker -H "$DOCKER_HOST" checkpoint create --leave-running api d1
	expect_text d1 "$(docker -H "$DOCKER_HOST" checkpoint ls api)" "docker checkpoint ls"
	docker -H "$DOCKER_HOST" kill api >/dev/null
	expect_status 0 docker -H "$DOCKER_HOST" start --checkpoint d1 api
	expect_status 0 docker -H "$DOCKER_HOST" checkpoint rm api d1
fi
gantry -H "$DOCKER_HOST" rm -f api >/dev/null

# --- without CRIU
rm "$T/bin/criu"
gantry run -d --name plain --network none $IMAGE sleep 100 >/dev/null
PATH=$T/bin:/nowhere expect_error 1 "CRIU is not installed" "$GANTRY_BUILD/gantry" --root "$T/root" --run-root "$T/run" checkpoint create plain one
expect running "$(gantry inspect -f '{{.State.Status}}' plain)" "it runs on"
expect "CHECKPOINT NAME" "$(gantry checkpoint ls plain)" "and nothing is left of the attempt"
gantry rm -f plain >/dev/null
exit $((failures > 0))
