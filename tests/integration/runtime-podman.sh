#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# podman uses gantry-oci as its runtime without noticing.
. "$(dirname "$0")/runtime.inc"
command -v podman >/dev/null || skip "needs podman"
p() {
	podman --runtime "$oci" --root "$work/storage" --runroot "$work/runroot" "$@"
}
leave() {
	p rm -fa -t 0 >/dev/null 2>&1
	p system reset -f >/dev/null 2>&1
	umount "$work/storage/overlay" 2>/dev/null
}
at_exit=leave
tar -C "$root" -c . | p import - box >/dev/null 2>&1 || skip "podman cannot import an image here"
n="--network none"
is "hello" "$(p run --rm $n box /bin/echo hello)" "run"
p run --rm $n box /bin/sh -c 'exit 7'
is 7 $? "run's exit status"
p run --rm $n box nothing 2>/dev/null
is 127 $? "no such program: 127"
p run --rm $n box /etc 2>/dev/null
is 126 $? "not a program: 126"
p run -d --name "$tag" $n --memory 64m --pids-limit 40 box /bin/sh -c 'trap "exit 9" TERM; while :; do sleep 0.1; done' >/dev/null
is 0 $? "run -d"
p exec "$tag" /bin/sh -c 'exit 5'
is 5 $? "exec"
is paused "$(p pause "$tag" >/dev/null; p inspect "$tag" --format '{{.State.Status}}')" "pause"
p unpause "$tag" >/dev/null
is running "$(p inspect "$tag" --format '{{.State.Status}}')" "unpause"
p update --memory 32m "$tag" >/dev/null
is 0 $? "update"
has "$(p top "$tag" 2>&1)" sleep "top"
has "$(p stats --no-stream --format '{{.MemUsage}}' "$tag" 2>&1)" B "stats"
p stop -t 5 "$tag" >/dev/null
is 9 "$(p inspect "$tag" --format '{{.State.ExitCode}}')" "stop"
p start "$tag" >/dev/null
is running "$(p inspect "$tag" --format '{{.State.Status}}')" "start again"
p rm -f -t 0 "$tag" >/dev/null
is 0 $? "rm -f"
is "0 100000 65536" "$(p run --rm $n --uidmap 0:100000:65536 box /bin/cat /proc/self/uid_map | tr -s ' ' | sed 's/^ //')" "--uidmap"
has "$(p run --rm $n --read-only box /bin/touch /x 2>&1)" "Read-only" "--read-only"
is ok "$(p run --rm $n --privileged box /bin/sh -c 'mount -t tmpfs x /tmp && echo ok')" "--privileged"
leave
finish
