#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The docker client and gantry print the same and exit alike against the same daemon.
. "$(dirname "$0")/functions.sh"

command -v docker >/dev/null || skip "no docker client is installed"
load_image
start_daemon
mkdir "$T/bin"
# Called by the same name, so that even usage messages are the same.
ln -s "$GANTRY_BUILD/gantry" "$T/bin/docker"
docker=$(command -v docker)
gantry run -d --name one --network none -l com.example.role=web $IMAGE sleep 300 >/dev/null ||
	fail "cannot run"
gantry create --name two $IMAGE >/dev/null || fail "cannot create"

differ=0
both() {
	local a b
	timeout 20 "$docker" "$@" >"$T/a.out" 2>"$T/a.err" </dev/null
	a=$?
	timeout 20 "$T/bin/docker" "$@" >"$T/b.out" 2>"$T/b.err" </dev/null
	b=$?
	# Hints are gantry's own.
	sed -i '/^hint: /d' "$T/b.err"
	# A second may have gone by between the two.
	sed -Ei 's/(About a|Less than a|[0-9]+) (second|minute)s?( ago)? */N seconds\3 /g' "$T/a.out" "$T/b.out"
	if [ $a != $b ] || ! cmp -s "$T/a.out" "$T/b.out" || ! cmp -s "$T/a.err" "$T/b.err"; then
		echo "docker $* exits $a, gantry $b"
		diff "$T/a.out" "$T/b.out"
		diff "$T/a.err" "$T/b.err"
		differ=$((differ + 1))
	fi
}

# The command line
both ps --foo
both ps -Z
both run
both run --name
both run -m x $IMAGE
both run --cpus x $IMAGE
both run --dns x $IMAGE
both run --ulimit x $IMAGE
both run --mount type=bind $IMAGE
both run -e =x $IMAGE
both run --pull=foo $IMAGE
both run -p x $IMAGE
both run --rm --restart=always $IMAGE
both run -ti $IMAGE
both run -d -a stdout $IMAGE
both rm
both rename a
both ps a
both nosuchcommand
both volume nosuchcommand
both images -f foo

# Lists
both ps --no-trunc
both ps -aq
both ps -f name=one --format '{{.Names}} {{.Image}} {{.Label "com.example.role"}}'
both ps --format 'table {{.Names}}\t{{.Label "com.example.role"}}\t{{.Ports}}'
both images --format '{{.Repository}}:{{.Tag}} {{.ID}}'
both images -q
both images nosuch
both network ls
both network ls --format json
both volume ls

# Templates
for f in '{{.State.Status}}' '{{.Id}}' '{{.Name}}' '{{json .Config.Cmd}}' '{{.Config.Labels}}' \
	'{{index .Config.Labels "com.example.role"}}' '{{range $k, $v := .Config.Labels}}{{$k}}={{$v}}{{end}}' \
	'{{if .State.Running}}up{{else}}down{{end}}' '{{printf "%s-%d" .Name .State.ExitCode}}' \
	'{{.HostConfig.NetworkMode}}' '{{upper .Name}}' '{{slice .Id 0 4}}' '{{len .Mounts}}' \
	'{{.Nope}}' '{{.State.Nope}}' '{{.Id' '{{nope}}' '{{end}}' '{{.Name.Foo}}'; do
	both inspect -f "$f" one
done

# Containers
both exec one echo hi
both exec one sh -c 'echo err >&2; exit 7'
both exec nosuch true
both run --rm --network none $IMAGE sh -c 'echo out; echo err >&2; exit 3'
both run --rm --network none -e X=1 $IMAGE sh -c 'echo $X'
both logs one
both top one -o pid,comm
both port one
both inspect nosuch
both stop nosuch
both start nosuch
both kill -s FOO one
both wait nosuch
both tag $IMAGE other:1
both rmi other:2

expect 0 "$differ" "commands that differ"
