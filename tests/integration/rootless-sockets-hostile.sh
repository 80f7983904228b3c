#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Containers that race with the emulator for the host's loopback: memory, descriptors and
# states that change, callers that die, other numbers for the same calls, floods.  The
# server there is never reached, and the emulator goes on.
. "$(dirname "$0")/functions.sh"
. "$(dirname "$0")/rootless.inc"
[ -e "$GANTRY_BUILD/integration/image.tar" ] || skip "the image is made by ./check"
: "${SECONDS_EACH:=1}"

address=$(ip -4 -o addr show scope global | awk '$2 !~ /^(gantry|br-|docker)/ {sub("/.*", "", $4); print $4; exit}')
[ -n "$address" ] || skip "this host has no address but its loopback's"
gcc -O1 -static -pthread -Wall -o "$T/hostile" "$GANTRY_SOURCE/tests/rootless/sockets-hostile.c" || fail "cannot build"
chmod 755 "$T" "$T/hostile"

# Servers: one that is to be reached, and one that tells of everybody who comes.
python3 - "$T/ports" "$T/came" <<'PY' &
import socket, sys, threading
a, b = socket.socket(), socket.socket()
a.bind(('', 0)); b.bind(('127.0.0.1', 0)); a.listen(512); b.listen(64)
def count():
    while True:
        c, who = b.accept(); open(sys.argv[2], 'a').write('%s\n' % (who,)); c.close()
threading.Thread(target=count, daemon=True).start()
open(sys.argv[1], 'w').write('%d %d\n' % (a.getsockname()[1], b.getsockname()[1]))
while True: a.accept()[0].close()
PY
cleanup_hook "kill $!"
wait_for 10 test -s "$T/ports" || fail "no servers"
read -r open loopback <"$T/ports"

try() {
	local name=$1 out
	shift
	u run -d --name "$name" -v "$T/hostile:/hostile:ro" -p "$(free_port):80" "$@" "$IMAGE" sleep 1000 >/dev/null || fail "$name: run"
	emulator=$(pgrep -u "$USER_ID" -n gantry-emulate) || fail "$name: no emulator"
	out=$(LIMIT=300 u exec "$name" /hostile "$address" "$open" "$loopback" "$SECONDS_EACH" 2>&1) || fail "$name: $(head -c 300 <<<"$out")"
	expect 4 "$(grep -c '^part . *' <<<"$out")" "$name: $(head -c 300 <<<"$out")"
	expect "" "$(grep -m 3 -E 'escaped|: 0 rounds|signal' <<<"$out")" "$name: $(head -c 300 <<<"$out")"
	expect "" "$(head -n 3 "$T/came" 2>/dev/null)" "$name: the host's loopback was reached"
	kill -0 "$emulator" 2>/dev/null || fail "$name: the emulator died"
	u exec "$name" timeout 5 nc "$address" "$open" </dev/null || fail "$name: no connection afterwards"
	u rm -f "$name" >/dev/null
	wait_for 10 sh -c "! kill -0 $emulator 2>/dev/null" || fail "$name: the emulator stays"
}

new_user ids=single tun=no helpers=no
u load -q -i "$GANTRY_BUILD/integration/image.tar" >/dev/null || fail "load"
try default
try powerful --cap-add ALL --security-opt seccomp=unconfined
# a kernel without Landlock: each socket is bolted
without 444
try unfenced
USER_WITHOUT=
# the server counts
python3 -c 'import socket, sys; socket.create_connection(("127.0.0.1", int(sys.argv[1])))' "$loopback"
wait_for 5 test -s "$T/came" || fail "the server on the loopback does not count"

# An emulator that dies leaves errors, and nobody who waits for ever.
u run -d --name orphan "$IMAGE" sleep 1000 >/dev/null || fail "run"
emulator=$(pgrep -u "$USER_ID" -n gantry-emulate) || fail "no emulator"
kill -9 "$emulator"
wait_for 10 sh -c "! kill -0 $emulator 2>/dev/null" || fail "the emulator does not die"
LIMIT=20 u exec orphan true >/dev/null 2>&1
[ $? != 124 ] || fail "exec waits for an emulator that is dead"
LIMIT=20 u rm -f orphan >/dev/null || fail "rm without an emulator"
exit 0
