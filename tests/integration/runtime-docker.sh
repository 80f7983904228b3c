#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Docker (dockerd and its containerd) uses gantry-oci as default runtime without
# noticing.
. "$(dirname "$0")/runtime.inc"
command -v dockerd >/dev/null && command -v docker >/dev/null || skip "needs dockerd and docker"
export DOCKER_HOST=unix://$work/docker.sock
leave() {
	docker rm -f $(docker ps -aq 2>/dev/null) >/dev/null 2>&1
	[ -z "${daemon:-}" ] || { kill "$daemon"; wait "$daemon"; } 2>/dev/null
	umount -l "$work/data" 2>/dev/null
	find "$work/exec/netns" -type f -exec umount {} + 2>/dev/null
}
at_exit=leave
dockerd --data-root "$work/data" --exec-root "$work/exec" -H "$DOCKER_HOST" --iptables=false \
	--ip6tables=false --bridge=none --pidfile "$work/dockerd.pid" --containerd-namespace "$tag" \
	--containerd-plugins-namespace "$tag-plugins" --add-runtime "gantry=$oci" \
	--default-runtime gantry >"$work/dockerd.log" 2>&1 & daemon=$!
for _ in $(seq 300); do docker version >/dev/null 2>&1 && break; sleep 0.1; done
docker version >/dev/null 2>&1 || skip "dockerd does not start here: $(tail -1 "$work/dockerd.log")"
is gantry "$(docker info --format '{{.DefaultRuntime}}')" "the default runtime"
tar -C "$root" -c . | docker import - box >/dev/null
n="--network none"
is hello "$(docker run --rm $n box /bin/echo hello)" "run"
docker run --rm $n box /bin/sh -c 'exit 7'
is 7 $? "run's exit status"
docker run --rm $n box nothing >/dev/null 2>&1
is 127 $? "no such program: 127"
docker run --rm $n box /etc >/dev/null 2>&1
is 126 $? "not a program: 126"
is "Seccomp: 2" "$(docker run --rm $n box /bin/grep Seccomp: /proc/self/status | tr -s '\t' ' ')" "Docker's seccomp profile is in force"
docker run -d --name "$tag" $n -m 64m --pids-limit 40 --cpus 0.5 box /bin/sh -c 'trap "exit 9" TERM; while :; do sleep 0.1; done' >/dev/null
is 0 $? "run -d"
docker exec "$tag" /bin/sh -c 'exit 5'
is 5 $? "exec"
docker pause "$tag" >/dev/null
is paused "$(docker inspect "$tag" --format '{{.State.Status}}')" "pause"
docker unpause "$tag" >/dev/null
is running "$(docker inspect "$tag" --format '{{.State.Status}}')" "unpause"
docker update -m 32m --memory-swap 64m "$tag" >/dev/null
is 0 $? "update"
has "$(docker stats --no-stream --format '{{.MemUsage}}' "$tag")" "32MiB" "stats show the new limit"
has "$(docker top "$tag")" sleep "top"
docker restart -t 1 "$tag" >/dev/null
is running "$(docker inspect "$tag" --format '{{.State.Status}}')" "restart"
docker stop -t 5 "$tag" >/dev/null
is 9 "$(docker inspect "$tag" --format '{{.State.ExitCode}}')" "stop"
docker rm "$tag" >/dev/null
is 0 $? "rm"
docker run --rm $n -m 16m box /bin/sh -c 'x=$(busybox yes | head -c 100000000)' >/dev/null 2>&1
is 137 $? "the memory limit kills"
is ok "$(docker run --rm $n --privileged box /bin/sh -c 'mount -t tmpfs x /tmp && echo ok')" "--privileged"
is "1000 100" "$(docker run --rm $n -u 1000 --ulimit nofile=100 box /bin/sh -c 'echo $(id -u) $(ulimit -n)')" "-u and --ulimit"
leave
finish
