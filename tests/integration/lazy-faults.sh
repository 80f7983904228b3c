#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What goes wrong while a layer is fetched as it is read: the registry goes away and comes back,
# the server is killed, with and without its holder, the host restarts, the registry knows no
# ranges, bytes are damaged on the way.
. "$(dirname "$0")/lazy.inc"
lazy_layers
lazy_image estargz
lazy_image estargz-chunk
lazy_serve
name=$REGISTRY/t:estargz
run() { timeout 90 "$GANTRY_BUILD/gantry" --root "$T/root" --run-root "$T/run" run --rm --network none "$@"; }
sum_of() { tar -xOf "$T/l1.tar" "$1" | md5sum | cut -d' ' -f1; }
lines() { grep -c "$1" "$T/run/lazy/log" 2>/dev/null || true; }

# The registry goes away: an input/output error, one line in the log, and all that is here works.
hold ./usr/zbig estargz
gantry pull -q --lazy "$name" >/dev/null || fail "pull --lazy"
run "$name" /bin/true || fail "a program"
touch "$T/images/down"
run "$name" /bin/md5sum /usr/zbig >"$T/out" 2>&1 && fail "bytes that nobody has were read: $(cat "$T/out")"
expect_text "nput/output error" "$(cat "$T/out")" "a missing file"
run "$name" /bin/md5sum /usr/zbig >/dev/null 2>&1 && fail "the same once more"
run "$name" /bin/true || fail "a program that is here"
expect 1 "$(lines 'cannot be reached: ')" "lines about it: $(cat "$T/run/lazy/log")"
expect_error 1 "cannot be fetched" gantry save -o "$T/never.tar" "$name"
# It comes back: no restart is needed.
rm "$T/images/down"
release
wait_for 60 is_whole "$HELD" || fail "the rest did not come: $(cat "$T/run/lazy/log")"
expect "$(sum_of ./usr/zbig)" "$(run "$name" /bin/md5sum /usr/zbig | cut -d' ' -f1)" "the file after all"
wait_for 20 test "$(lines 'can be reached again')" = 1 || fail "the log does not say so: $(cat "$T/run/lazy/log")"
gantry rmi "$name" >/dev/null || fail "rmi"

# The server is killed while a container reads: another goes on, with open files.
hold ./usr/zbig estargz
gantry pull -q --lazy "$name" >/dev/null || fail "pull --lazy"
gantry run -d --name stays --network none "$name" /bin/sh -c 'exec 3</usr/zbig; echo open; md5sum <&3; sleep 1000' >/dev/null ||
	fail "run"
wait_for 20 sh -c "'$GANTRY_BUILD/gantry' --root '$T/root' --run-root '$T/run' logs stays | grep -q open" || fail "it does not read"
holder=$(pgrep -o -f "^gantry-lazyfs --root $T/root ")
for n in 1 2; do
	server=$(pgrep -P "$holder") || fail "the holder has no server"
	kill -9 "$server"
	wait_for 20 sh -c "pgrep -P $holder | grep -qvx $server" || fail "no server took over"
done
release
want="$(sum_of ./usr/zbig)"
wait_for 30 sh -c "'$GANTRY_BUILD/gantry' --root '$T/root' --run-root '$T/run' logs stays | grep -q $want" ||
	fail "the reader got $(gantry logs stays)"
# Both are killed: its files cannot be read, which is no hang; the next container has a new server.
lazy_servers | xargs -r kill -9
timeout 20 "$GANTRY_BUILD/gantry" --root "$T/root" --run-root "$T/run" exec stays /bin/md5sum /etc/gone >/dev/null 2>&1
[ $? != 124 ] || fail "a container without its server hangs"
expect "$want" "$(run "$name" /bin/md5sum /usr/zbig | cut -d' ' -f1)" "a new container"
gantry rm -f stays >/dev/null

# As after a restart of the host: nothing runs, and what lies in the run folder is gone.
gantry rmi "$name" >/dev/null || fail "rmi"
hold ./usr/zbig estargz
gantry pull -q --lazy "$name" >/dev/null || fail "pull --lazy"
lazy_servers | xargs -r kill -9
wait_for 20 sh -c "! pgrep -f '^gantry-lazyfs --root $T/root '" || fail "it cannot be killed"
rm -rf "$T/run"
release
expect "$want" "$(run "$name" /bin/md5sum /usr/zbig | cut -d' ' -f1)" "after a restart"
wait_for 30 is_whole "$HELD" || fail "after a restart the rest is not fetched"
gantry rmi "$name" >/dev/null || fail "rmi"

# A registry that knows no ranges, and one that sends other bytes than those of the digest.
touch "$T/images/norange"
gantry pull -q --lazy "$name" >/dev/null || fail "pull --lazy without ranges"
expect "$want" "$(run "$name" /bin/md5sum /usr/zbig | cut -d' ' -f1)" "without ranges"
rm "$T/images/norange"
wait_for 30 is_whole "$HELD" || fail "without ranges the rest is not fetched"
gantry rmi "$name" >/dev/null || fail "rmi"
hold ./usr/zbig estargz
gantry pull -q --lazy "$name" >/dev/null || fail "pull --lazy"
# The program itself comes undamaged, or it would die of SIGBUS without a word.
run "$name" /bin/md5sum /bin/busybox >/dev/null || fail "the program"
touch "$T/images/flip"
release
run "$name" /bin/md5sum /usr/zbig >"$T/out" 2>&1 && fail "damaged bytes were read: $(cat "$T/out")"
expect_text "nput/output error" "$(cat "$T/out")" "damaged bytes"
expect_text "a chunk of the layer is damaged" "$(cat "$T/run/lazy/log")" "the log"
rm "$T/images/flip"
wait_for 30 is_whole "$HELD" || fail "damaged bytes were not fetched again: $(cat "$T/run/lazy/log")"
expect "$want" "$(run "$name" /bin/md5sum /usr/zbig | cut -d' ' -f1)" "damaged bytes, sent right the second time"

# A blob whose digest is right, and one of whose chunks is another than its table says.
gantry pull -q --lazy "$REGISTRY/t:estargz-chunk" >/dev/null || fail "pull of a lying table"
run "$REGISTRY/t:estargz-chunk" /bin/cat /usr/victim >"$T/out" 2>&1 && fail "a chunk with another digest was read"
run "$REGISTRY/t:estargz-chunk" /bin/md5sum /usr/zbig >/dev/null || fail "the other files of that layer"
exit 0
