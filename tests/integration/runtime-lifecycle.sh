#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# gantry-oci's commands do what runc's do, with the same states and exit codes.
. "$(dirname "$0")/runtime.inc"
c=$tag-life
configure . /bin/sh -c 'trap "exit 9" TERM; while :; do sleep 0.05; done'
rt create -b "$work/bundle" --pid-file "$work/pid" $c </dev/null >/dev/null 2>&1
is 0 $? "create"
is created "$(rt state $c | jq -r .status)" "state after create"
is "$(cat "$work/pid")" "$(rt state $c | jq -r .pid)" "the pid file tells the state's pid"
has "$(rt create -b "$work/bundle" $c 2>&1 </dev/null)" "already exists" "an ID is taken once"
rt start $c
is running "$(rt state $c | jq -r .status)" "state after start"
has "$(rt start $c 2>&1)" "running already" "it starts once"
has "$(rt delete $c 2>&1)" "not stopped" "a running container is not deleted"
is $c "$(rt list -q)" "list -q"
is running "$(rt list -f json | jq -r '.[0].status')" "list -f json"
is "$(cat "$work/pid")" "$(rt ps -f json $c | jq '.[0]')" "ps -f json"
has "$(rt ps $c)" "sleep 0.05" "ps"
rt exec $c /bin/sh -c 'exit 5'
is 5 $? "exec's exit status"
is "hello 1" "$(rt exec -e A=hello -u 1:1 $c /bin/sh -c 'echo $A $(id -u)')" "exec -e -u"
is /tmp "$(rt exec --cwd /tmp $c /bin/sh -c pwd)" "exec --cwd"
has "$(rt exec $c nothing 2>&1)" 'executable file not found in $PATH' "exec of nothing"
jq .process "$work/bundle/config.json" | jq '.args = ["/bin/echo", "by file"]' > "$work/process.json"
is "by file" "$(rt exec -p "$work/process.json" $c)" "exec -p"
rt exec -d --pid-file "$work/exec.pid" $c /bin/sleep 100 </dev/null >/dev/null 2>&1
is 3 "$(rt ps -f json $c | jq length)" "exec -d"
rt pause $c
is paused "$(rt state $c | jq -r .status)" "pause"
has "$(rt exec $c /bin/true 2>&1)" "paused" "no exec in a paused container"
rt resume $c
is running "$(rt state $c | jq -r .status)" "resume"
is stats "$(rt events --stats $c | jq -r .type)" "events --stats"
has "$(rt events --stats $c | jq -c .data.cpu.usage)" total "cpu usage is counted"
rt kill $c TERM
for _ in $(seq 100); do
	[ "$(rt state $c | jq -r .status)" = stopped ] && break
	sleep 0.02
done
is stopped "$(rt state $c | jq -r .status)" "kill"
has "$(rt kill $c 2>&1)" "not running" "kill of a stopped container"
rt delete $c
has "$(rt state $c 2>&1)" "does not exist" "delete"
has "$(rt delete $c 2>&1)" "does not exist" "delete of nothing"
rt delete -f $c
is 0 $? "delete -f of nothing is no error"
configure . /bin/sh -c 'exit 42'
rt run -b "$work/bundle" $c
is 42 $? "run's exit status"
configure . /bin/sh -c 'kill -9 $$'
rt run -b "$work/bundle" $c
is 0 $? "pid 1 is not killed by itself"
configure . /bin/sleep 100
rt run -b "$work/bundle" --keep --pid-file "$work/pid" $c & runner=$!
for _ in $(seq 100); do [ -s "$work/pid" ] && break; sleep 0.02; done
sleep 0.1
rt kill $c KILL
wait $runner
is 137 $? "run says what killed it"
is stopped "$(rt state $c | jq -r .status)" "run --keep"
rt delete $c
has "$(rt run -b "$work" $c 2>&1)" "config.json" "a bundle without configuration"
has "$(rt run -b "$work/bundle" a/b 2>&1)" "invalid container ID" "a bad ID"
is 1 "$(rt nonsense >/dev/null 2>&1; echo $?)" "an unknown command"
"$oci" --root "$work/run" --log "$work/log" --log-format json run -b "$work/bundle" ../x 2>/dev/null
is error "$(jq -r .level "$work/log")" "the log is JSON"
# a program may be named as late as the start; without one nothing runs
configure 'del(.process)'
rt create -b "$work/bundle" "$tag-none" </dev/null
is 0 $? "create without a process"
rt start "$tag-none"
is 0 $? "its start"
rt delete -f "$tag-none"
# labels for security modules that this kernel lacks are no reason to fail, and are told
if [ ! -e /sys/module/apparmor ]; then
	configure '.process.apparmorProfile = "none-such"' /bin/true
	"$oci" --root "$work/run" --log "$work/log" run -b "$work/bundle" "$tag-label" </dev/null
	is 0 $? "a profile on a kernel without AppArmor"
	has "$(cat "$work/log")" "process.apparmorProfile: this kernel has no AppArmor" "and a warning"
fi
finish
