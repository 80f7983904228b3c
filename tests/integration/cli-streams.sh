#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Standard streams, exit codes and copying through the command line, without a daemon.
. "$(dirname "$0")/functions.sh"

load_image
run() { gantry run --rm --network none "$@"; }

expect "out" "$(run $IMAGE sh -c 'echo out; echo err >&2' 2>"$T/err")" "stdout"
expect "err" "$(cat "$T/err")" "stderr"
run $IMAGE sh -c 'exit 7'
expect 7 $? "exit code of the process"
run $IMAGE nosuchprogram 2>/dev/null
expect 127 $? "exit code for what is not there"
run $IMAGE /tmp 2>/dev/null
expect 126 $? "exit code for what cannot be executed"
gantry run --nosuchflag $IMAGE 2>/dev/null
expect 125 $? "exit code for a wrong flag"

# More than any buffer holds, both ways at once.
want=$(seq 1 300000 | md5sum)
expect "$want" "$(seq 1 300000 | run -i $IMAGE cat | md5sum)" "stdin through a container"

id=$(gantry run -d --name streams --network none $IMAGE sleep 300) || fail "cannot run"
mkdir -p "$T/in/deep"
echo one >"$T/in/deep/file"
ln -s file "$T/in/deep/link"
gantry cp "$T/in" streams:/tmp/ || fail "cp to a folder"
expect one "$(gantry exec streams cat /tmp/in/deep/link)" "a copied link"
gantry cp "$T/in/deep/file" streams:/tmp/renamed || fail "cp to a name"
expect one "$(gantry exec streams cat /tmp/renamed)" "a renamed copy"
gantry cp streams:/tmp/in "$T/out" || fail "cp from a folder"
expect one "$(cat "$T/out/deep/file")" "a folder copied back"
gantry cp streams:/tmp/renamed "$T/back" || fail "cp from a file"
expect one "$(cat "$T/back")" "a file copied back"
expect "renamed" "$(gantry cp streams:/tmp/renamed - | tar t)" "a tar of a file"
tar -C "$T/in" -c deep | gantry cp - streams:/home || fail "cp of a tar"
expect one "$(gantry exec streams cat /home/deep/file)" "a tar unpacked"
gantry cp streams:/nosuch "$T" 2>/dev/null && fail "cp of nothing succeeds"
gantry kill streams >/dev/null || fail "cannot kill"
expect 137 "$(gantry wait streams)" "exit code of wait"
