#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What run's flags about the process do: arguments, environment, user, folder, streams,
# terminal, names, exit codes.
. "$(dirname "${BASH_SOURCE[0]}")/functions.sh"
start_client
run() { c run --rm --network none "$@"; }

# Arguments and streams
expect "a b" "$(run $IMAGE echo a b)" "arguments"
expect "out" "$(run $IMAGE sh -c 'echo out; echo err >&2' 2>/dev/null)" "stdout apart from stderr"
expect "err" "$(run $IMAGE sh -c 'echo out; echo err >&2' 2>&1 >/dev/null)" "stderr apart from stdout"
expect "piped" "$(echo piped | run -i $IMAGE cat)" "stdin"
expect "" "$(echo piped | run $IMAGE cat)" "stdin without -i"
head -c 3000000 /dev/urandom >"$T/blob"
expect "$(sha256sum <"$T/blob")" "$(run -i $IMAGE cat <"$T/blob" | sha256sum)" "3 MB through stdin and stdout"
expect "only" "$(run -a stdout $IMAGE sh -c 'echo only; echo err >&2' 2>&1)" "--attach stdout"

# Exit codes
expect_status 0 run $IMAGE true
expect_status 7 run $IMAGE sh -c 'exit 7'
expect_status 137 run $IMAGE sh -c 'sh -c "kill -9 \$\$"; exit $?'
expect_error 127 "no such file" run $IMAGE /no/such/program
expect_error 126 "ermission denied" run $IMAGE /etc/passwd
expect_error 125 "no-such-flag" run --no-such-flag $IMAGE true
expect_error 125 "never-made" run --pull never never-made:1 true
expect "" "$(c ps -aq)" "containers left by --rm"

# Environment
printf 'FROM_FILE=yes\n# comment\nINHERITED\n' >"$T/env"
got=$(INHERITED=in PASSED=on run -e A=1 -e "B=two words" -e PASSED -e UNSET_HERE --env-file "$T/env" $IMAGE env)
for line in A=1 "B=two words" PASSED=on FROM_FILE=yes INHERITED=in PATH=; do
	expect_text "$line" "$got" "environment"
done
case $got in *UNSET_HERE*) fail "an unset variable was passed" ;; esac
expect_text HOME=/root "$got" "HOME of root"
expect "" "$(run -e PATH $IMAGE sh -c 'true')" "PATH from here"

# User, groups, folder
expect "0:0" "$(run $IMAGE sh -c 'echo $(id -u):$(id -g)')" "default user"
expect "1000:1000" "$(run -u user $IMAGE sh -c 'echo $(id -u):$(id -g)')" "user by name"
expect "12:34" "$(run -u 12:34 $IMAGE sh -c 'echo $(id -u):$(id -g)')" "user by number"
expect "1000:50" "$(run -u user:staff $IMAGE sh -c 'echo $(id -u):$(id -g)')" "user and group by name"
expect "/home" "$(run -u user $IMAGE sh -c 'echo $HOME')" "HOME of user"
expect_text "777" "$(run --group-add 777 --group-add staff $IMAGE id -G)" "--group-add by number"
expect_text "50" "$(run --group-add staff $IMAGE id -G)" "--group-add by name"
expect_error 125 "nobody-here" run -u nobody-here $IMAGE true
expect "/tmp" "$(run -w /tmp $IMAGE pwd)" "working folder"
expect "/made/for/it" "$(run -w /made/for/it $IMAGE pwd)" "working folder that is made"

# Entrypoint
expect "ep arg" "$(run --entrypoint echo $IMAGE ep arg)" "--entrypoint"
expect "/" "$(run --entrypoint pwd $IMAGE)" "--entrypoint drops the image's command"

# Names
expect "box.example" "$(run --hostname box.example $IMAGE hostname)" "--hostname"
expect_text "box.example" "$(run --hostname box.example $IMAGE cat /etc/hosts /etc/hostname)" "hostname in files"
expect "dom" "$(run --hostname box --domainname dom $IMAGE cat /proc/sys/kernel/domainname)" "--domainname"
hosts=$(c run --rm --add-host db:10.9.8.7 --add-host gw:host-gateway $IMAGE cat /etc/hosts)
expect_text "10.9.8.7	db" "$hosts" "--add-host"
expect 1 "$(echo "$hosts" | grep -c '^[0-9.]*	gw$')" "--add-host host-gateway"
resolv=$(c run --rm --dns 9.9.9.9 --dns-search corp.example --dns-option ndots:3 $IMAGE cat /etc/resolv.conf)
expect_text "9.9.9.9" "$(c run --rm --network host --dns 9.9.9.9 $IMAGE cat /etc/resolv.conf)" "--dns on the host's network"
expect_text "corp.example" "$resolv" "--dns-search"
expect_text "ndots:3" "$resolv" "--dns-option"

# Terminal
got=$(in_terminal "$(client_words) run --rm --network none -it $IMAGE sh -c 'test -t 0 && test -t 1 && tty; echo \$TERM'")
expect_text "/dev/pts/0" "$got" "-t"
expect_text "xterm" "$got" "TERM"
got=$(in_terminal "stty rows 33 cols 77; $(client_words) run --rm --network none -it $IMAGE sh -c 'sleep 0.3; stty size'")
expect_text "33 77" "$got" "size of the terminal"
expect_error 1 "not a T" c run --rm -it $IMAGE true
expect_text "typed" "$(in_terminal "echo typed | $(client_words) run --rm -i --network none $IMAGE cat")" "-i from a pipe"

# Identity
id=$(c run -d --network none --name web --cidfile "$T/cid" -l tier=front -l empty --annotation note=x $IMAGE sleep 1000)
expect "$id" "$(cat "$T/cid")" "--cidfile"
expect 64 "${#id}" "length of an id"
expect "front" "$(inspect web '{{index .Config.Labels "tier"}}')" "label"
expect "x" "$(inspect web '{{index .HostConfig.Annotations "note"}}')" "annotation"
expect_error 125 'already in use by container' c run -d --name web $IMAGE true
expect_text "$id" "$OUT" "the conflict names the other"
expect_error 125 "nvalid container name" c run -d --name 'b@d' $IMAGE true
expect_error 125 "ID file found" c run -d --cidfile "$T/cid" $IMAGE true
expect "web" "$(c ps --format '{{.Names}}')" "only the first was made"

# Signals and init
expect "sleep" "$(c exec web cat /proc/1/comm)" "process 1"
got=$(run --init $IMAGE sh -c 'cat /proc/1/comm; echo $$')
expect_text "init" "$(echo "$got" | head -1)" "--init"
[ "$(echo "$got" | tail -1)" != 1 ] || fail "--init: the command is process 1"
expect_status 5 run --init $IMAGE sh -c 'exit 5'
c run -d --network none --name sig --stop-signal USR1 $IMAGE \
	sh -c 'trap "exit 44" USR1; while :; do sleep 0.1; done' >/dev/null
c stop -t 20 sig >/dev/null
expect 44 "$(inspect sig '{{.State.ExitCode}}')" "--stop-signal"
