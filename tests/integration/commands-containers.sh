#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Every command about containers does what Docker's does, prints what it prints and exits
# as it exits.
. "$(dirname "${BASH_SOURCE[0]}")/functions.sh"
start_client
loop='trap "exit 3" TERM; while :; do sleep 0.1; done'

# create, start, ps, inspect
id=$(c create --name made --network none -l role=db $IMAGE sh -c 'echo started; exit 4') || fail "create"
expect 64 "${#id}" "what create prints"
expect created "$(inspect made '{{.State.Status}}')" "status after create"
expect "made Created" "$(c ps -a --format '{{.Names}} {{.Status}}')" "ps -a of a created container"
expect "" "$(c ps -q)" "ps without -a"
expect made "$(c start made)" "what start prints"
expect 4 "$(c wait made)" "what wait prints"
expect "started" "$(c logs made)" "logs"
expect_text "Exited (4) " "$(c ps -a --format '{{.Status}}')" "status after the end"
expect_status 4 c start -a made
expect "started" "$OUT" "start -a"
expect "/made" "$(inspect "${id:0:12}" '{{.Name}}')" "inspect by a short id"
expect "$id" "$(c ps -aq --no-trunc -f label=role=db)" "--filter label"
expect "" "$(c ps -aq -f label=role=web)" "--filter label of none"
expect "made" "$(c ps -a -f status=exited -f exited=4 --format '{{.Names}}')" "--filter exited"
expect "" "$(c ps -a -f exited=5 -q)" "--filter exited of none"
expect_error 1 "o such" c inspect absent

# run -d, logs -f, attach
c run -d --name talk --network none $IMAGE sh -c 'for i in 1 2 3; do echo n$i; sleep 0.2; done; echo e >&2' >/dev/null
expect "n1 n2 n3" "$(c logs -f talk 2>/dev/null | xargs)" "logs -f to the end"
expect "e" "$(c logs talk 2>&1 >/dev/null)" "logs keep the streams apart"
expect "n3" "$(c logs --tail 2 talk 2>/dev/null)" "logs --tail"
first=$(c logs -t talk 2>/dev/null | head -1)
expect n1 "${first#* }" "logs -t"
date -d "${first%% *}" >/dev/null || fail "logs -t: no time in '$first'"
expect "" "$(c logs --since 2099-01-01T00:00:00Z talk 2>&1)" "logs --since"
expect "" "$(c logs --until 2001-01-01T00:00:00Z talk 2>&1)" "logs --until"
c create -i --name echo --network none $IMAGE cat >/dev/null
expect "there" "$(echo there | c start -ai echo)" "start -ai"
wait_for 10 is echo '{{.State.Status}}' exited || fail "cat did not end with its stdin"
c run -di --name ear --network none $IMAGE sh -c 'cat; sleep 1000' >/dev/null
{ echo there; wait_for 10 grep -q there "$T/attached"; c kill ear >/dev/null; } | c attach ear >"$T/attached"
expect "137 there" "${PIPESTATUS[1]} $(cat "$T/attached")" "attach until the container ends"
c run -dti --name term --network none $IMAGE sh >/dev/null
# shellcheck disable=SC2046
got=$(in_pty 'type:echo\x20$((6*7))\n see:42 type:\x10\x11' $(client_words) attach term)
expect "1 read escape sequence" "$? $(echo "$got" | tail -1 | tr -d "\r" | grep -o "read escape.*")" "detach from a terminal"
expect running "$(inspect term '{{.State.Status}}')" "ctrl-p ctrl-q leaves the container"

# exec
c run -d --name main --network none -e FROM=container $IMAGE sh -c "$loop" >/dev/null
expect "container more" "$(c exec -e EXTRA=more main sh -c 'echo $FROM $EXTRA')" "exec -e"
expect "/tmp 1000" "$(c exec -w /tmp -u user main sh -c 'echo $(pwd) $(id -u)')" "exec -w -u"
expect "in" "$(echo in | c exec -i main cat)" "exec -i"
expect_status 9 c exec main sh -c 'exit 9'
expect_error 127 'exec: "absent": executable file not found in $PATH' c exec main absent
expect_error 126 'exec: "/etc/passwd": permission denied' c exec main /etc/passwd
expect_error 1 "executable file not found" c exec -d main absent
# shellcheck disable=SC2046
got=$(in_pty 'see:/dev/pts/ type:stty\x20size\n see:44\x2099 type:exit\x206\n' $(client_words) exec -it main sh -c 'tty; exec sh')
expect 6 $? "exec -it: $got"
expect "" "$(c exec -d main touch /from-exec)" "exec -d"
wait_for 5 c exec main test -e /from-exec || fail "exec -d did nothing"
expect_error 1 "is not running" c exec made true

# top, stats, pause, unpause
expect_text "sh -c" "$(c top main)" "top"
expect "PID" "$(c top main -o pid | head -1 | xargs)" "top with ps's options"
expect "main 0B / 0B" "$(c stats --no-stream --format '{{.Name}} {{.NetIO}}' main)" "stats"
expect 5 "$(c stats --no-stream --format '{{.PIDs}} {{.CPUPerc}} {{.MemUsage}}' main | wc -w)" "fields of stats"
c pause main >/dev/null || fail "pause"
expect "paused true" "$(inspect main '{{.State.Status}} {{.State.Paused}}')" "after pause"
expect_text "(Paused)" "$(c ps -f name=main --format '{{.Status}}')" "ps of a paused one"
expect_error 1 "paused" c exec main true
expect main "$(c unpause main)" "what unpause prints"
expect running "$(inspect main '{{.State.Status}}')" "after unpause"

# update, rename
c update -m 64m --memory-swap 64m --pids-limit 77 --cpu-shares 512 --restart on-failure:2 main >/dev/null || fail "update"
expect "67108864 77 512 on-failure" \
	"$(inspect main '{{.HostConfig.Memory}} {{.HostConfig.PidsLimit}} {{.HostConfig.CpuShares}} {{.HostConfig.RestartPolicy.Name}}')" "update"
expect_text "64MiB" "$(c stats --no-stream --format '{{.MemUsage}}' main)" "the limit is in force"
c update --restart no main >/dev/null || fail "update --restart"
c rename main renamed || fail "rename"
expect_error 1 "already in use" c rename renamed talk
c rename renamed main

# cp, diff, export, commit
mkdir -p "$T/tree/sub"
echo host >"$T/tree/sub/file"
c cp "$T/tree" main:/copied 2>/dev/null || fail "cp into"
expect host "$(c exec main cat /copied/sub/file)" "cp into a running container"
c cp main:/copied/sub/file "$T/back" 2>/dev/null || fail "cp out"
expect host "$(cat "$T/back")" "cp out"
expect "host" "$(c cp main:/copied/sub/file - | tar -xO)" "cp to standard output"
tar -C "$T/tree" -c sub | c cp - main:/tmp || fail "cp from standard input"
expect host "$(c exec main cat /tmp/sub/file)" "cp from standard input"
expect_error 1 "ould not find the file /absent in container main" c cp main:/absent "$T"
c exec main rm /etc/group
diff=$(c diff main)
for line in "A /copied" "A /copied/sub/file" "D /etc/group" "C /etc"; do
	expect_text "$line" "$diff" "diff"
done
expect "copied/sub/file" "$(c export main | tar -t | grep '^copied/sub/file$')" "export"
c export -o "$T/main.tar" main && tar -tf "$T/main.tar" | grep -q '^etc/group$' && fail "export has a removed file"
expect_text "sha256:" "$(c commit -m why -a me -c 'ENV ADDED=yes' -c 'CMD ["cat","/copied/sub/file"]' main committed:1)" "commit"
expect host "$(c run --rm --network none committed:1)" "a committed image"
expect "why me" "$(c image inspect -f '{{.Comment}} {{.Author}}' committed:1)" "commit's message and author"

# kill, stop, restart, rm
expect_error 1 "nvalid signal" c kill -s NOPE main
before=$(inspect main '{{.State.StartedAt}}')
expect main "$(c restart -t 5 main)" "what restart prints"
[ "$before" != "$(inspect main '{{.State.StartedAt}}')" ] || fail "restart did not start it anew"
expect main "$(c stop -t 10 main)" "what stop prints"
expect "exited 3" "$(inspect main '{{.State.Status}} {{.State.ExitCode}}')" "stop sends TERM"
expect main "$(c stop main)" "stop of a stopped one"
expect_error 1 "is not running" c kill main
c start main >/dev/null
expect_error 1 "ontainer is running" c rm main
c kill -s TERM main >/dev/null
wait_for 10 is main '{{.State.ExitCode}}' 3 || fail "kill -s TERM"
expect main "$(c rm main)" "what rm prints"
expect_error 1 "o such container" c rm main
expect_status 0 c rm -f main
c rm -f term >/dev/null || fail "rm -f of a running one"
expect "made talk echo ear" "$(c ps -a --format '{{.Names}}' | tac | xargs)" "what is left"

# Several at once, and what fails among them
expect_error 1 "absent" c rm made absent talk
expect "ear echo" "$(c ps -a --format '{{.Names}}' | sort | xargs)" "rm goes on after a failure"
expect_text "Total reclaimed space" "$(c container prune -f)" "container prune"
expect "" "$(c ps -aq)" "after prune"
exit 0
