#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The ways out of an ordinary user's network: the relay, pasta and slirp4netns.  TCP, UDP
# of any size, a resolver on the host's loopback, pings, and IPv6, where each has them.
. "$(dirname "$0")/functions.sh"
. "$(dirname "$0")/rootless.inc"
[ -e "$GANTRY_BUILD/integration/image.tar" ] || skip "the image is made by ./check"

own_network
here=192.0.2.77 here6=2001:db8::77

# Servers in that network: echo on TCP 7000 and UDP 7001 of both families, a resolver on its loopback.
nsenter -n -t "$USER_NET" python3 - <<'PY' &
import socket, struct, threading
def tcp(family, host):
    s = socket.socket(family); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6: s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    s.bind((host, 7000)); s.listen(64)
    while True:
        c, who = s.accept()
        try: c.sendall(b'tcp\n'); c.close()
        except OSError: pass
def udp(family, host):
    s = socket.socket(family, socket.SOCK_DGRAM)
    if family == socket.AF_INET6: s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    s.bind((host, 7001))
    while True:
        data, who = s.recvfrom(65536); s.sendto(b'%d' % len(data) if len(data) < 60000 else data, who)
def dns():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('127.0.0.53', 53))
    while True:
        q, who = s.recvfrom(2000)
        end = q.index(b'\0', 12) + 5
        kind = struct.unpack('>H', q[end-4:end-2])[0]
        a = q[:2] + b'\x81\x80\0\1' + (b'\0\1' if kind == 1 else b'\0\0') + b'\0\0\0\0' + q[12:end]
        if kind == 1: a += b'\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\x4d'
        s.sendto(a, who)
for f in (lambda: tcp(socket.AF_INET, ''), lambda: tcp(socket.AF_INET6, '::'), lambda: udp(socket.AF_INET, ''),
          lambda: udp(socket.AF_INET6, '::'), dns):
    threading.Thread(target=f, daemon=True).start()
threading.Event().wait()
PY
cleanup_hook "kill $!"

# A program in the container's network, since the image has none for this.
cat >"$T/udp.py" <<'PY'
import socket, sys
host, size = sys.argv[1], int(sys.argv[2])
s = socket.socket(socket.AF_INET6 if ':' in host else socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(1)
data = bytes(i % 251 for i in range(size))
for i in range(10):
    s.sendto(data, (host, 7001))
    try: got = s.recv(65536)
    except OSError: continue
    print('whole' if got == data else got.decode()); break
PY
udp() { nsenter -n -t "$(u inspect -f '{{.State.Pid}}' cc)" python3 "$T/udp.py" "$@" 2>&1; }
in_c() { u exec cc sh -c "$1" 2>&1; }

way() {
	local way=$1 v6=$2 large=$3
	as_user sh -c 'mkdir -p ~/.config/gantry && printf "drivers = { network = { bridge = { way_out = \"%s\"; }; }; };\n" '"$way"' >~/.config/gantry/gantry.conf'
	u load -q -i "$GANTRY_BUILD/integration/image.tar" >/dev/null || fail "$way: load"
	u network create --ipv6 --subnet fd00:77::/64 six >/dev/null || fail "$way: network create"
	expect "$([ "$way" = relay ] && echo true || echo false)" \
		"$(u network inspect -f '{{index .Options "org.gantry.sockets"}}' six)" "$way: who makes its connections"
	u run -d --name cc --network six "$IMAGE" sleep 600 >/dev/null || fail "$way: run"
	# a helper needs a moment
	wait_for 10 got tcp "timeout 3 nc $here 7000" || fail "$way: TCP: $(in_c "timeout 3 nc $here 7000")"
	expect 5 "$(udp $here 5)" "$way: UDP"
	expect 20000 "$(udp $here 20000)" "$way: large UDP"
	[ "$large" = no ] || expect whole "$(udp $here 65000)" "$way: the largest UDP"
	expect_text "nameserver 10.0.2.3" "$(in_c 'cat /etc/resolv.conf')" "$way: the host's resolver is on its loopback"
	expect_text "$here" "$(in_c 'timeout 10 nslookup anything.example')" "$way: names"
	expect_text " 0% packet loss" "$(in_c "timeout 10 ping -c 2 $here")" "$way: ping"
	if [ "$v6" = yes ]; then
		wait_for 10 got tcp "timeout 3 nc $here6 7000" || fail "$way: TCP by IPv6"
		expect 5 "$(udp $here6 5)" "$way: UDP by IPv6"
		expect_text " 0% packet loss" "$(in_c "timeout 10 ping -6 -c 2 $here6")" "$way: ping by IPv6"
	fi
	# what is the host's own stays so
	expect "" "$(udp 127.0.0.53 5)" "$way: the host's loopback"
	u rm -f cc >/dev/null
	u network rm six >/dev/null || fail "$way: network rm"
	as_user sh -c 'rm -rf ~/.local ~/.config'
	rm -rf "$T/xdg"
}
got() { [ "$(in_c "$2")" = "$1" ]; }

echo "nameserver 127.0.0.53" >"$T/nameserver"
new_user ids=single tun=yes
cp "$T/nameserver" "$T/etc/resolv.conf"
way relay yes yes
for w in pasta slirp4netns; do
	command -v $w >/dev/null || { echo "$w is not installed"; continue; }
	new_user ids=single tun=yes
	way $w no no
done
exit 0
