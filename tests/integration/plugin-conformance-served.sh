#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The drivers that serve somebody else's server pass the conformance suite of their kind with
# one to speak to: Docker's plugins, CNI's, a registry, an HTTP endpoint, mount(8), a file of
# tokens.  plugin-conformance-served-isolated.sh runs each in a process of its own.
. "$(dirname "$0")/functions.sh"
. "$(dirname "$0")/foreign.inc"

check=$GANTRY_BUILD/gantry-plugin-check
[ "$(id -u)" = 0 ] || skip "the drivers need root"
: "${ISOLATION:=none}" "${CHECK_FLAGS:=--quick}"
export GANTRY_SOURCE

# conforms DRIVER [ARGS...]
conforms() {
	local driver=$1
	shift
	"$check" --isolation "$ISOLATION" ${CHECK_FLAGS:-} "$@" "$GANTRY_BUILD/plugins/$driver" >"$T/out" 2>&1 ||
		fail "$driver: $(grep -v ^skipped "$T/out")"
	tail -1 "$T/out" | sed "s|^|$driver: |"
}

for driver in auth/api-keys api/docker storage/copy; do
	conforms $driver
done

mkdir -p "$HOME/.config/gantry"
: >"$HOME/.config/gantry/tokens"
chmod 600 "$HOME/.config/gantry/tokens"
echo "drivers: { auth: { token: { file = \"$HOME/.config/gantry/tokens\"; }; }; };" >"$T/token.conf"
conforms auth/token --driver-config "$T/token.conf"

echo "drivers: { volume: { remote: { type = \"tmpfs\"; device = \"none\"; }; }; };" >"$T/remote.conf"
conforms volume/remote --driver-config "$T/remote.conf" --set volatile=1

start_registry
conforms transport/registry --set "location=$REGISTRY/kit"

cat >"$T/sink.py" <<'X'
import http.server, sys
class Sink(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
    def log_message(self, *args):
        pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Sink)
with open(sys.argv[1], "w") as f:
    f.write(str(server.server_port) + "\n")
server.serve_forever()
X
python3 "$T/sink.py" "$T/port" >"$T/sink.log" 2>&1 &
cleanup_hook "kill $! 2>/dev/null; wait $! 2>/dev/null"
wait_for 10 grep -q . "$T/port" || fail "the endpoint did not start: $(cat "$T/sink.log")"
conforms log/http --set network=host --set "options={\"url\":\"http://127.0.0.1:$(cat "$T/port")/log\"}"

# What Docker's plugins keep is emptied before each test, as the kit's own folders are.
plugin_config
start_plugin foreign VolumeDriver,LogDriver,authz
foreign=(--as foreign --driver-config "$T/gantry.conf" --set options-unchecked=1
	--set "before=rm -rf $T/foreign/volumes/* $T/foreign/log-*")
conforms volume/docker-plugin "${foreign[@]}"
conforms log/docker-plugin "${foreign[@]}"
conforms policy/docker-plugin "${foreign[@]}"

# Interfaces appear where the plugin is: both are in a network namespace of their own.
if [ -d /usr/lib/cni ]; then
	conforms network/cni
fi
unset -f gantry
export T check ISOLATION GANTRY_BUILD CHECK_FLAGS
unshare -n bash -c '
	ip link set lo up
	mkdir -p "$T/net"
	python3 "$GANTRY_SOURCE/tests/lib/docker_plugin.py" --state "$T/net" --implements NetworkDriver,IpamDriver \
		--socket "$T/sockets/net.sock" >"$T/net/out" 2>&1 &
	plugin=$!
	for ((i = 0; i < 100; i++)); do [ -S "$T/sockets/net.sock" ] && break; sleep 0.1; done
	left="ip -o link | sed -n \"s|^[0-9]*: \(p[tv][0-9a-f]*\)[:@].*|\1|p\" | xargs -rn1 ip link del"
	"$check" --isolation "$ISOLATION" $CHECK_FLAGS --as net --set network=host --set "before=$left" \
		--driver-config "$T/gantry.conf" "$GANTRY_BUILD/plugins/network/docker-plugin" >"$T/out" 2>&1
	status=$?
	kill $plugin
	exit $status' || fail "network/docker-plugin: $(grep -v ^skipped "$T/out")"
tail -1 "$T/out" | sed "s|^|network/docker-plugin: |"
exit 0
