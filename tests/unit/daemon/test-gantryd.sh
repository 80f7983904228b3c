#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# gantryd's server over a fake core: framing, upgrades, uploads, bad input,
# limits, TLS, and how it stops.
set -u
program=$PWD/tests/unit/daemon/fake-gantryd
dir=$(mktemp -d)
sock=$dir/gantry.sock
pids=()
failed=0

cleanup() {
	for pid in "${pids[@]}"; do
		kill -KILL "$pid" 2>/dev/null
	done
	rm -rf "$dir"
}
trap cleanup EXIT

command -v curl >/dev/null || { echo "skipped: curl is not installed"; exit 77; }

check() { # name, expected, actual
	if [[ $3 == *"$2"* ]]; then
		echo "ok - $1"
	else
		echo "not ok - $1: expected '$2', got '$3'"
		failed=1
	fi
}

start() { # flags
	"$program" "$@" >"$dir/log" 2>&1 &
	last=$!
	pids+=("$last")
}

wait_for() { # command
	for _ in $(seq 1200); do
		"$@" >/dev/null 2>&1 && return 0
		sleep 0.05
	done
	echo "not ok - waited for: $*"
	cat "$dir/log"
	exit 1
}

ask() { # curl arguments; the last is the path
	curl -sS -m 20 --unix-socket "$sock" "${@:1:$#-1}" "http://gantry${*: -1}" 2>&1
}

# Sends raw bytes over TCP and prints what comes back until the end.
raw() { # port, printf format
	exec 9<>"/dev/tcp/127.0.0.1/$1" || return 1
	# shellcheck disable=SC2059
	printf "$2" >&9
	timeout 5 cat <&9 | tr -d '\0\001'
	exec 9>&-
}

# Below those that the kernel gives to connections
port=$((10000 + RANDOM % 20000))
start -H "unix://$sock" -H "tcp://127.0.0.1:$port" -p "$dir/pid" --max-connections 3
first=$last
wait_for test -S "$sock"
wait_for ask /_ping

check "the pid file holds the pid" "$first" "$(cat "$dir/pid")"
check "a second daemon is refused" "another gantryd" \
	"$("$program" -H "unix://$dir/other.sock" -p "$dir/pid" 2>&1)"
check "a socket in use is refused" "another process serves" "$("$program" -H "unix://$sock" 2>&1)"
check "peers are known by uid" "\"uid\":$(id -u)" "$(ask /fake/peer)"
check "peers on TCP by address" '"transport":"tcp","address":"127.0.0.1:' \
	"$(curl -sS "http://127.0.0.1:$port/fake/peer")"
check "an answer names its length" "Content-Length: 2" "$(ask -i /_ping)"
check "a stream is chunked" "Transfer-Encoding: chunked" "$(ask -i -X POST /containers/web/wait)"
check "and plain for HTTP/1.0" "Connection: close" "$(ask -0 -i -X POST /containers/web/wait)"
check "what is not there is 404" "HTTP/1.1 404" "$(ask -i /nowhere)"

head -c 8000000 /dev/zero >"$dir/big"
put="/containers/web/archive?path=/"
ask -T - "$put" <"$dir/big" >/dev/null
check "a chunked upload arrives" "source=8000000 bytes" "$(ask /fake/calls)"
ask -T "$dir/big" "$put" >/dev/null
check "a large upload arrives" "source=8000000 bytes" "$(ask /fake/calls)"
check "an upload that nobody wants is answered" '"page not found"' "$(ask -T "$dir/big" /nowhere)"

attach='POST /containers/web/attach?stream=1&stdin=1 HTTP/1.1\r\nHost: x\r\n'
exec 8<>"/dev/tcp/127.0.0.1/$port"
printf "${attach}Connection: Upgrade\\r\\nUpgrade: tcp\\r\\n\\r\\nearly" >&8
got=$(timeout 3 cat <&8 | tr -d '\0\001')
check "an upgrade says 101" "101 UPGRADED" "$got"
check "and carries what came with it" "early" "$got"
printf 'late' >&8
check "and goes on" "late" "$(timeout 3 cat <&8 | tr -d '\0\001')"
exec 8>&-
exec 8<>"/dev/tcp/127.0.0.1/$port"
printf "$attach\\r\\nhello" >&8
got=$(timeout 3 cat <&8 | tr -d '\0\001')
exec 8>&-
check "without an upgrade it says 200" "200 OK" "$got"
check "and is raw, too" "hello" "$got"

check "a malformed request is refused" "400 Bad Request" "$(raw "$port" 'NONSENSE\r\n\r\n')"
check "two lengths are refused" "400 Bad Request" \
	"$(raw "$port" 'GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n')"
check "HTTP/2 is refused" "501" "$(raw "$port" 'PRI * HTTP/2.0\r\n\r\n')"
check "a huge head is refused" "431" \
	"$(ask -i -H "X-Long: $(head -c 100000 /dev/zero | tr '\0' x)" /_ping)"

timeout 0.5 curl -sS --unix-socket "$sock" http://gantry/fake/endless >/dev/null 2>&1
wait_for bash -c "[ \"\$(curl -sS --unix-socket $sock http://gantry/fake/ended)\" = 1 ]"
echo "ok - a stream ends when its client goes"

for i in 1 2 3; do
	curl -sSN --unix-socket "$sock" http://gantry/fake/endless >"$dir/stream$i" 2>/dev/null &
	pids+=("$!")
done
wait_for test -s "$dir/stream1" -a -s "$dir/stream2" -a -s "$dir/stream3"
check "too many connections are refused" "503" "$(ask -i /_ping)"

kill -TERM "$first"
wait "$first"
check "SIGTERM ends it well, streams or not" 0 $?
check "its socket is gone" no "$(test -e "$sock" && echo yes || echo no)"
check "its pid file is gone" no "$(test -e "$dir/pid" && echo yes || echo no)"

if command -v openssl >/dev/null; then
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
		-keyout "$dir/key.pem" -out "$dir/cert.pem" -subj /CN=localhost \
		-addext subjectAltName=DNS:localhost 2>/dev/null
	start -H "tcp://127.0.0.1:$port" --tlsverify --tlscacert "$dir/cert.pem" \
		--tlscert "$dir/cert.pem" --tlskey "$dir/key.pem"
	tls=(curl -sS -m 10 --cacert "$dir/cert.pem")
	mutual=("${tls[@]}" --cert "$dir/cert.pem" --key "$dir/key.pem")
	wait_for "${mutual[@]}" "https://localhost:$port/_ping"
	check "TLS names the certificate" '"certificate":"CN=localhost"' \
		"$("${mutual[@]}" "https://localhost:$port/fake/peer")"
	"${mutual[@]}" -T "$dir/big" "https://localhost:$port$put"
	check "uploads go through TLS" "source=8000000 bytes" \
		"$("${mutual[@]}" "https://localhost:$port/fake/calls")"
	check "without a certificate it refuses" refused \
		"$("${tls[@]}" "https://localhost:$port/_ping" >/dev/null 2>&1 || echo refused)"
	kill -TERM "$last"
	wait "$last"
	check "and it ends well" 0 $?
else
	echo "# openssl is not installed: TLS was not tried"
fi
exit "$failed"
