# SPDX-License-Identifier: Apache-2.0
# Sourced by every integration test: an engine of its own in a temporary folder, which
# is left without a trace when the test ends.
#
#   gantry ARGS...        the program under test, on this test's root
#   load_image            makes gantry/busybox:latest available
#   start_registry        a registry on loopback; sets $REGISTRY
#   start_daemon          gantryd; sets DOCKER_HOST
#   start_client          an engine with the image, for c
#   c ARGS...             the client under test: gantry itself, or with CLIENT=docker the
#                         docker command line against a gantryd
#   fail MESSAGE...       ends the test
#   expect WANT GOT WHAT  compares two texts
#   expect_status WANT COMMAND...    runs it quietly; its exit code, output in $OUT
#   expect_error WANT TEXT COMMAND...  the same, and the output contains TEXT
#   expect_text TEXT GOT WHAT        GOT contains TEXT
#   take_subnet           sets SUBNET to 10.213.N or the like, which no other test has
#   skip REASON

set -uo pipefail
: "${GANTRY_SOURCE:=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}"
: "${GANTRY_BUILD:=$GANTRY_SOURCE}"
TEST_NAME=$(basename "$0" .sh)
T=$(mktemp -d "/tmp/gt-$TEST_NAME.XXXXXX")
IMAGE=gantry/busybox:latest
unset DOCKER_HOST DOCKER_CONTEXT
export DOCKER_CONFIG=$T/docker HOME=$T/home
mkdir -p "$DOCKER_CONFIG" "$HOME"

gantry() { "$GANTRY_BUILD/gantry" --root "$T/root" --run-root "$T/run" "$@"; }

# With GANTRY_TEST_GO_ON set, a failure does not end the test: to see all at once.
failures=0
fail() {
	echo "FAIL: $*" >&2
	failures=$((failures + 1))
	[ -n "${GANTRY_TEST_GO_ON:-}" ] || exit 1
}
skip() { echo "$*"; exit 77; }
expect() { [ "$1" = "$2" ] || fail "$3: expected '$1', got '$2'"; }
expect_text() { case $2 in *"$1"*) ;; *) fail "$3: '$1' is not in '$2'" ;; esac; }

expect_status() {
	local want=$1 status
	shift
	OUT=$("$@" 2>&1 </dev/null)
	status=$?
	[ "$status" = "$want" ] || fail "$*: expected status $want, got $status: $OUT"
}

expect_error() {
	local want=$1 text=$2
	shift 2
	expect_status "$want" "$@"
	expect_text "$text" "$OUT" "$*"
}

# The default network cannot be removed; what it made on the host goes with the test.
remove_default_bridge() {
	local bridge map
	[ -e "$T/root/state.db" ] || return 0
	bridge=$(gantry network inspect -f '{{index .Options "com.docker.network.bridge.name"}}' bridge 2>/dev/null)
	[ -n "$bridge" ] && [ -e "/sys/class/net/$bridge" ] || return 0
	ip link del "$bridge" 2>/dev/null
	for map in into outof translate leaving; do
		nft "delete element inet gantry $map { \"$bridge\" : jump $map-$bridge }
		delete chain inet gantry $map-$bridge" 2>/dev/null
	done
	nft "delete element inet gantry bridges { \"$bridge\" }" 2>/dev/null
}

cleanup_hooks=
cleanup_hook() { cleanup_hooks="$1; $cleanup_hooks"; }
cleanup() {
	local status=$?
	[ "$failures" = 0 ] || status=1
	trap - EXIT
	set +e
	[ ! -e "$T/root/state.db" ] || gantry ps -aq 2>/dev/null | while read -r id; do
		gantry rm -f "$id" >/dev/null 2>&1
	done
	[ ! -e "$T/root/state.db" ] || gantry network prune -f >/dev/null 2>&1
	eval "$cleanup_hooks"
	remove_default_bridge
	[ -z "${BRIDGE_LEFT:-}" ] || ip link del "$BRIDGE_LEFT" 2>/dev/null
	rm -rf "$T"
	exit "$status"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

load_image() {
	local tar=$GANTRY_BUILD/integration/image.tar
	[ -e "$tar" ] || { tar=$T/image.tar; "$GANTRY_SOURCE/dist/make-image" "$tar" $IMAGE; }
	gantry load -q -i "$tar" >/dev/null || fail "cannot load the image"
}

# Not one that the kernel gives to connections, which come and go at the same time.
free_port() {
	python3 - <<-'END'
		import random, socket
		while True:
		    port = random.randrange(10000, 32768)
		    try:
		        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
		            tcp.bind(("", port))
		            udp.bind(("", port))
		            print(port)
		            break
		    except OSError:
		        pass
	END
}

# The lock lives as long as the test.
take_subnet() {
	local n folder=${TMPDIR:-/tmp}/gantry-test-subnets
	mkdir -p "$folder"
	for n in $(shuf -i 0-1023); do
		SUBNET=10.$((213 + n / 256)).$((n % 256))
		exec 7>"$folder/$SUBNET" && flock -n 7 || continue
		[ -n "$(ip -4 -o addr show to "$SUBNET.0/24"; ip -4 route show "$SUBNET.0/24")" ] || return 0
	done
	fail "no free subnet"
}

# wait_for SECONDS COMMAND...: the seconds are an idle machine's, a busy one has six times that.
wait_for() {
	local end=$((SECONDS + 6 * $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.1
	done
}

start_registry() {
	local port
	port=$(free_port)
	mkdir -p "$T/registry"
	printf 'version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: %s\n  delete:\n    enabled: true\nhttp:\n  addr: 127.0.0.1:%s\n' \
		"$T/registry" "$port" >"$T/registry.yml"
	docker-registry serve "$T/registry.yml" >"$T/registry.log" 2>&1 &
	cleanup_hook "kill $! 2>/dev/null; wait $! 2>/dev/null"
	REGISTRY=127.0.0.1:$port
	wait_for 10 curl -fsS "http://$REGISTRY/v2/" || fail "the registry did not start"
}

start_daemon() {
	"$GANTRY_BUILD/gantryd" --root "$T/root" --run-root "$T/run" -H "unix://$T/gantryd.sock" "$@" \
		>"$T/gantryd.log" 2>&1 &
	DAEMON_PID=$!
	cleanup_hook "kill $DAEMON_PID 2>/dev/null; wait $DAEMON_PID 2>/dev/null"
	wait_for 10 test -S "$T/gantryd.sock" || { cat "$T/gantryd.log"; fail "gantryd did not start"; }
	export DOCKER_HOST=unix://$T/gantryd.sock
}

# in_pty SCRIPT COMMAND...: runs the command on a terminal and types what SCRIPT says: words
# are typed after the output has shown the one before, see terminal.py.
in_pty() { TERM=xterm timeout -k 5 60 python3 "$GANTRY_SOURCE/tests/integration/terminal.py" "$@"; }

# What the topics speak through: each script runs with gantry in process, and once more
# as docker-<topic>.sh with the real docker client against gantryd.
: "${CLIENT:=gantry}"
c() {
	case $CLIENT in
	docker) timeout -k 5 60 docker "$@" ;;
	*) timeout -k 5 60 "$GANTRY_BUILD/gantry" --root "$T/root" --run-root "$T/run" "$@" ;;
	esac
}

start_client() {
	# To check the tests themselves: the same against a dockerd, which has the image.
	if [ -n "${REFERENCE_HOST:-}" ]; then
		CLIENT=docker
		export DOCKER_HOST=$REFERENCE_HOST
		return
	fi
	if [ "$CLIENT" = docker ]; then
		command -v docker >/dev/null || skip "the docker client is not installed"
		start_daemon "$@"
	fi
	load_image
}

# inspect CONTAINER TEMPLATE
inspect() { c inspect -f "$2" "$1"; }

# is CONTAINER TEMPLATE VALUE: for wait_for
is() { [ "$(inspect "$1" "$2" 2>/dev/null)" = "$3" ]; }

# in_terminal COMMAND LINE: runs it with a terminal as its stdin and stdout
in_terminal() { TERM=xterm timeout -k 5 60 script -qec "$1" /dev/null; }

# client_words: the client's command as text, for in_terminal
client_words() {
	case $CLIENT in
	docker) echo "docker" ;;
	*) echo "$GANTRY_BUILD/gantry --root $T/root --run-root $T/run" ;;
	esac
}
