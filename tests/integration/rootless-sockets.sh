#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# An ordinary user's network with no helper at all: TCP by sockets of the host, UDP and
# pings by the relay.  What programs do with sockets works, servers see their clients, and
# what is not the container's stays out of reach.
. "$(dirname "$0")/functions.sh"
. "$(dirname "$0")/rootless.inc"
[ -e "$GANTRY_BUILD/integration/image.tar" ] || skip "the image is made by ./check"

address=$(ip -4 -o addr show scope global | awk '$2 !~ /^(gantry|br-|docker)/ {sub("/.*", "", $4); print $4; exit}')
[ -n "$address" ] || skip "this host has no address but its loopback's"
gcc -O1 -static -pthread -Wall -o "$T/sockets" "$GANTRY_SOURCE/tests/rootless/sockets.c" || fail "cannot build sockets"
chmod 755 "$T" "$T/sockets"

# The host's servers: one on all addresses, one on the loopback, one of UDP.
read -r open loopback udp < <(python3 - "$T/host.pid" <<'PY'
import os, socket, sys, threading
def listen(kind, host):
    s = socket.socket(socket.AF_INET, kind); s.bind((host, 0)); return s
tcp, local, udp = listen(socket.SOCK_STREAM, ''), listen(socket.SOCK_STREAM, '127.0.0.1'), listen(socket.SOCK_DGRAM, '')
tcp.listen(64); local.listen(64)
print(*(s.getsockname()[1] for s in (tcp, local, udp)), flush=True)
if os.fork(): os._exit(0)
os.close(1); open(sys.argv[1], 'w').write(str(os.getpid()))
def echo(c):
    try:
        while data := c.recv(65536): c.sendall(data)
    except OSError: pass
    c.close()
def serve(s):
    while True: threading.Thread(target=echo, args=(s.accept()[0],), daemon=True).start()
def answer():
    while True:
        data, who = udp.recvfrom(65536); udp.sendto(b'%s %d' % (who[0].encode(), len(data)), who)
threading.Thread(target=serve, args=(local,), daemon=True).start()
threading.Thread(target=answer, daemon=True).start()
serve(tcp)
PY
)
wait_for 10 test -s "$T/host.pid" || fail "no servers"
cleanup_hook "kill $(cat "$T/host.pid")"
refused=$(free_port)

ask() { python3 -c '
import socket, sys
s = socket.create_connection((sys.argv[1], int(sys.argv[2])), 10); s.settimeout(10)
s.sendall(b"q"); assert s.recv(1) == b"q"; print(*s.getsockname())' "$@"; }

logged() { [ -n "$(u logs "$1" 2>&1 | grep -E "^$2")" ]; }

check() {
	local where=$1 published out
	u load -q -i "$GANTRY_BUILD/integration/image.tar" >/dev/null || fail "$where: load"

	# a client, as many programs are one
	out=$(u run --rm -v "$T/sockets:/sockets:ro" "$IMAGE" /sockets client "$address" "$open" "$refused" "$loopback" 2>&1) ||
		fail "$where: client: $out"
	expect 11 "$(grep -c '^ok ' <<<"$out")" "$where: client: $out"

	# a server in each manner; who asks by an address of the host's is seen, who asks by its loopback
	# is not the container's own loopback
	for how in block poll signals; do
		published=$(free_port)
		u run -d --name "s-$how" -p "$published:80" -v "$T/sockets:/sockets:ro" "$IMAGE" /sockets serve 80 $how \
			>/dev/null || fail "$where: run"
		wait_for 20 logged "s-$how" "(ready|bad)" || fail "$where: $how: $(u logs "s-$how")"
		client=$(ask "$address" "$published") || fail "$where: $how: no answer"
		wait_for 10 logged "s-$how" "from $client" || fail "$where: $how: from $client: $(u logs "s-$how")"
		out=$(u logs "s-$how")
		expect_text "peer $client" "$out" "$where: $how"
		expect_text "self $(u inspect -f '{{.NetworkSettings.IPAddress}}' "s-$how") 80" "$out" "$where: $how"
		[ $how = block ] || expect_text "nonblocking" "$out" "$where: $how"
		[ $how != poll ] || expect_text "nonblocking 1 cloexec 1" "$out" "$where: $how"
		[ $how != block ] || expect_text "nonblocking 0 cloexec 0" "$out" "$where: $how"
		ask 127.0.0.1 "$published" >/dev/null || fail "$where: $how: by the loopback"
		wait_for 10 logged "s-$how" "from 172." || fail "$where: $how: by the loopback: $(u logs "s-$how")"
		expect "" "$(u logs "s-$how" | grep '^from 127.0.0.1')" "$where: $how: nobody but itself is on its loopback"
		expect_text "ok blocking" "$(u exec "s-$how" /sockets client 127.0.0.1 80 1 1 2>&1)" "$where: $how: from inside"
		u rm -f "s-$how" >/dev/null
	done
}

# Networks of the user's: neighbours by name, one that leads nowhere, one that is left.
networks() {
	local client="/sockets client $address $open $refused $loopback"
	u network create shop >/dev/null || fail "network create"
	u network create --internal cellar >/dev/null || fail "network create"
	u run -d --name peer --network shop -p "$(free_port):80" -v "$T/sockets:/sockets:ro" "$IMAGE" /sockets serve 80 block \
		>/dev/null || fail "run"
	wait_for 20 logged peer ready || fail "peer: $(u logs peer)"
	expect q "$(u run --rm --network shop "$IMAGE" sh -c 'echo q | timeout 5 nc peer 80' | head -c 1)" "by name, at a published port"
	wait_for 10 logged peer "from 172.18.0.3" || fail "a neighbour is seen: $(u logs peer)"
	expect_text "bad blocking" "$(LIMIT=100 u run --rm --network cellar -v "$T/sockets:/sockets:ro" "$IMAGE" /sockets client "$address" "$open" 1 1)" \
		"an internal network"
	u run -d --name guest --network shop -v "$T/sockets:/sockets:ro" "$IMAGE" sleep 1000 >/dev/null || fail "run"
	expect_text "ok blocking" "$(u exec guest $client)" "before it leaves"
	expect_text "ok blocking" "$(u run --rm --network container:guest -v "$T/sockets:/sockets:ro" "$IMAGE" $client)" "in its network"
	u network disconnect shop guest || fail "disconnect"
	expect_text "bad blocking" "$(u exec guest $client)" "after it has left"
	u network connect shop guest || fail "connect"
	expect_text "ok blocking" "$(u exec guest $client)" "after it has come back"
	u rm -f peer guest >/dev/null
	# root has no use for it
	expect_error 1 "networks of ordinary users" gantry network create -o org.gantry.sockets=true rooted
}

new_user ids=single tun=no helpers=no
check single
networks

# a kernel without Landlock, where each socket is bolted
without 444
out=$(u run --rm -v "$T/sockets:/sockets:ro" "$IMAGE" /sockets client "$address" "$open" "$refused" "$loopback" 2>&1)
expect 11 "$(grep -c '^ok ' <<<"$out")" "without Landlock: $out"
USER_WITHOUT=

# ids of its own: no id is emulated, and sockets are
if command -v newuidmap >/dev/null; then
	new_user ids=full tun=no home="$T/full"
	u load -q -i "$GANTRY_BUILD/integration/image.tar" >/dev/null || fail "full: load"
	out=$(u run --rm --user 1000 -v "$T/sockets:/sockets:ro" "$IMAGE" /sockets client "$address" "$open" "$refused" "$loopback" 2>&1)
	expect 11 "$(grep -c '^ok ' <<<"$out")" "a range of ids: $out"
fi
exit 0
