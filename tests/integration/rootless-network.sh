#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Networks of an ordinary user: names on a network of their own, the way out, published
# ports of both protocols, and nothing left afterwards.
. "$(dirname "$0")/functions.sh"
. "$(dirname "$0")/rootless.inc"
[ -e "$GANTRY_BUILD/integration/image.tar" ] || skip "the image is made by ./check"

new_user ids=single tun=yes
u load -q -i "$GANTRY_BUILD/integration/image.tar" >/dev/null || fail "load"
image=gantry/busybox:latest

usernets() { pgrep -u "$USER_ID" -f 'gantry-usernet|pasta|slirp4netns' | wc -l; }
gone() { [ "$(usernets)" = 0 ]; }

# A server of the host, to be reached from inside.
out=$(free_port)
python3 - "$out" <<'PY' &
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b'the host\n')
    def log_message(self, *a): pass
http.server.HTTPServer(('0.0.0.0', int(sys.argv[1])), Handler).serve_forever()
PY
cleanup_hook "kill $!"
address=$(ip -4 -o addr show scope global | awk '$2 !~ /^(gantry|br-|docker)/ {sub("/.*", "", $4); print $4; exit}')

u network create shop >/dev/null || fail "network create"
tcp=$(free_port) udp=$(free_port)
u run -d --name web --network shop -p "127.0.0.1:$tcp:80" -p "127.0.0.1:$udp:81/udp" $image sh -c '
	echo page >/index.html; exec httpd -f -p 80 -h /' >/dev/null || fail "run -d -p"
# busybox has no server of UDP
nsenter -n -t "$(u inspect -f '{{.State.Pid}}' web)" python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("0.0.0.0", 81))
while True:
    data, who = s.recvfrom(2000); s.sendto(data, who)' &
cleanup_hook "kill $!"
expect "127.0.0.1:$tcp" "$(u port web 80)" "port"

# names, between containers
expect page "$(u run --rm --network shop $image wget -q -O - http://web/index.html)" "by name"
# the host's port, from the host
wait_for 10 curl -fsS -o /dev/null "http://127.0.0.1:$tcp/index.html" || fail "the published port does not answer"
expect page "$(curl -fsS "http://127.0.0.1:$tcp/index.html")" "published port"
expect echo "$(python3 -c '
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(1)
for i in range(20): # the server may not be there yet
    s.sendto(b"echo", ("127.0.0.1", int(sys.argv[1])))
    try: print(s.recv(100).decode()); break
    except OSError: pass' "$udp")" "published port of UDP"
# many at once, and a large one
head -c 3000000 /dev/urandom >"$T/large"
u cp "$T/large" web:/large || fail "cp"
for i in 1 2 3 4 5 6 7 8; do curl -fsS "http://127.0.0.1:$tcp/large" | cmp - "$T/large" || echo bad; done >"$T/bad"
expect "" "$(cat "$T/bad")" "large answers"
# a port that is taken
expect_error 125 "port $tcp on 127.0.0.1 is already used by container web" \
	u run --rm -p "127.0.0.1:$tcp:80" $image true
expect_error 125 "already used by another program" u run --rm -p "127.0.0.1:$out:80" $image true

# out; the default network is the one with a way out
if [ -n "$address" ] && command -v pasta >/dev/null; then
	expect "the host" "$(u run --rm $image sh -c "for i in 1 2 3 4 5 6 7 8 9; do timeout 3 wget -q -O - http://$address:$out/ && break; sleep 1; done" 2>/dev/null)" "out"
fi
expect_text 172. "$(u run --rm $image ip -4 -o addr show dev eth0)" "the default network"
expect "" "$(u run --rm --network none $image sh -c 'ip -o link | grep -v lo:')" "none"

# everything ends with the last container
u rm -f web >/dev/null || fail "rm"
wait_for 10 gone || fail "processes are left: $(pgrep -u "$USER_ID" -a -f 'usernet|pasta')"
u network rm shop >/dev/null || fail "network rm"
wait_for 10 gone || fail "processes are left by network rm"

# Without a helper, sockets of the host; doctor says what they cost.
new_user ids=single tun=no
expect_text "chmod 0666 /dev/net/tun" "$(u doctor)" "doctor"
expect_text "programs of another architecture" "$(u doctor)" "doctor"
expect_text "ip_unprivileged_port_start" "$(u system setup-rootless)" "setup-rootless"
u run -d --name sleeper $image sleep 60 >/dev/null || fail "run without /dev/net/tun"
expect bridge "$(u inspect -f '{{.HostConfig.NetworkMode}}' sleeper)" "without /dev/net/tun"
expect_error 126 "cannot publish port 81 on 127.0.0.1: Permission denied" u run --rm -p 127.0.0.1:81:80 $image true
as_user sh -c 'mkdir -p ~/.config/gantry; echo "drivers = { network = { bridge = { way_out = \"bus\"; }; }; };" >~/.config/gantry/gantry.conf'
expect_error 125 "known are auto, pasta, slirp4netns and relay" u run --rm $image true
as_user rm -r "$USER_HOME/.config"
exit 0
