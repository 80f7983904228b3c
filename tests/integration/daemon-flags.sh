#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Each flag of gantryd that dockerd has, too, does what dockerd's does, also when it is said in
# daemon.json; TLS is tried with the real docker client.
. "$(dirname "${BASH_SOURCE[0]}")/functions.sh"
command -v docker >/dev/null || skip "the docker client is not installed"
daemon=$GANTRY_BUILD/gantryd
roots=(--data-root "$T/root" --exec-root "$T/run")

# start FLAG...: waits for the socket, or for $READY; $PID, $LOG
start() {
	LOG=$T/log.$((++n))
	"$daemon" "$@" >"$LOG" 2>&1 &
	PID=$!
	cleanup_hook "kill $PID 2>/dev/null; wait $PID 2>/dev/null"
	wait_for 20 eval "${READY:-curl -sf --unix-socket $T/a.sock http://d/_ping}" || { cat "$LOG"; fail "gantryd $* did not start"; }
}
n=0
stop() { kill "$PID" && wait "$PID" 2>/dev/null; }
d() { timeout -k 5 60 docker -H "unix://$T/a.sock" "$@"; }
refused() { # TEXT FLAG...
	local text=$1
	shift
	expect_error 1 "$text" timeout 20 "$daemon" "${roots[@]}" -H "unix://$T/refused.sock" "$@"
	[ ! -e "$T/refused.sock" ] || fail "a socket is left of gantryd $*"
}

# -H repeatedly, --data-root, --exec-root, --pidfile
port=$(free_port)
start -H "unix://$T/a.sock" --host "unix://$T/b.sock" -H "tcp://127.0.0.1:$port" "${roots[@]}" \
	--pidfile "$T/pid" --log-level debug
for host in "unix://$T/a.sock" "unix://$T/b.sock" "tcp://127.0.0.1:$port"; do
	expect "$T/root" "$(docker -H "$host" info -f '{{.DockerRootDir}}')" "info at $host"
done
expect "$PID" "$(cat "$T/pid")" "--pidfile"
test -e "$T/root/state.db" && test -d "$T/run" || fail "the roots are not those that were said"
expect true "$(d info -f '{{.Debug}}')" "--log-level debug"
expect_text "without --tlsverify" "$(cat "$LOG")" "the warning of a TCP socket"
stop
[ ! -e "$T/pid" ] && [ ! -e "$T/a.sock" ] && [ ! -e "$T/b.sock" ] || fail "something is left: $(ls "$T")"

# -D is another word for it; by itself it is off
start -H "unix://$T/a.sock" "${roots[@]}" -D
expect true "$(d info -f '{{.Debug}}')" "-D"
stop
start -H "unix://$T/a.sock" "${roots[@]}" -l warn
expect false "$(d info -f '{{.Debug}}')" "-l warn"
stop

# --storage-driver, --default-runtime, --log-driver: what containers get
start -H "unix://$T/a.sock" "${roots[@]}" --storage-driver vfs --default-runtime native \
	--log-driver none --init --insecure-registry 10.9.0.0/16 --insecure-registry reg.test:5000 \
	--registry-mirror http://mirror.test:5000 --registry-mirror https://other.test
expect "vfs native none" "$(d info -f '{{.Driver}} {{.DefaultRuntime}} {{.LoggingDriver}}')" "info"
"$GANTRY_SOURCE/dist/make-image" "$T/image.tar" $IMAGE && d load -q -i "$T/image.tar" >/dev/null || fail "load"
d run -d --name first --network none $IMAGE sleep 1000 >/dev/null || fail "run"
expect "none vfs native" "$(d inspect -f '{{.HostConfig.LogConfig.Type}} {{.Driver}} {{.HostConfig.Runtime}}' first)" "inspect"
expect_text "init" "$(d exec first cat /proc/1/comm)" "--init"
expect '["http://mirror.test:5000","https://other.test"]' \
	"$(d info -f '{{json .RegistryConfig.Mirrors}}' | sed 's,/",",g')" "mirrors"
expect_text "10.9.0.0/16" "$(d info -f '{{json .RegistryConfig.InsecureRegistryCIDRs}}')" "subnets"
expect false "$(d info -f '{{(index .RegistryConfig.IndexConfigs "reg.test:5000").Secure}}')" "hosts"
# Killing the daemon harms no container.
{ kill -9 "$PID" && wait "$PID"; } 2>/dev/null
expect running "$(gantry inspect -f '{{.State.Status}}' first)" "a container without its daemon"
gantry rm -f first >/dev/null

# --bip, and containers on the default network get addresses of it
take_subnet
start -H "unix://$T/a.sock" "${roots[@]}" --storage-driver vfs --bip "$SUBNET.1/24" --dns 192.0.2.53 --dns-search example.test
expect "$SUBNET.0/24 $SUBNET.1" \
	"$(d network inspect -f '{{range .IPAM.Config}}{{.Subnet}} {{.Gateway}}{{end}}' bridge)" "--bip"
out=$(d run --rm $IMAGE sh -c 'ip -4 addr show eth0; cat /etc/resolv.conf') || fail "run: $out"
expect_text "inet $SUBNET." "$out" "the container's address"
expect_text "nameserver 192.0.2.53" "$out" "--dns"
expect_text "search example.test" "$out" "--dns-search"
stop

# The same in daemon.json: --config-file; flags win.
cat >"$T/daemon.json" <<END
{"hosts": ["unix://$T/a.sock"], "data-root": "$T/root", "exec-root": "$T/run", "pidfile": "$T/pid2",
 "storage-driver": "overlay", "log-driver": "json-file", "log-opts": {"max-size": "1m"},
 "log-level": "debug", "registry-mirrors": ["http://mirror.test"], "default-runtime": "native"}
END
start --config-file "$T/daemon.json" --storage-driver vfs
expect "vfs" "$(d info -f '{{.Driver}}')" "a flag over daemon.json"
expect "$PID" "$(cat "$T/pid2")" "pidfile in daemon.json"
d create --name second $IMAGE true >/dev/null || fail "create"
expect "map[max-size:1m]" "$(d inspect -f '{{.HostConfig.LogConfig.Config}}' second)" "log-opts"
stop

# What is wrong is said, with where it was written, before anything is done.
refused "unknown flag: --no-such-flag" --no-such-flag
expect_text "gantryd --help" "$OUT" "what to do about it"
refused "unknown flag" -Z
refused "flag needs an argument" --pidfile
refused "takes no arguments" more
refused "unknown kind of address" -H http://127.0.0.1:1
refused "invalid mirror" --registry-mirror mirror.test
refused "invalid mirror" --registry-mirror http://user:secret@mirror.test
refused "neither a host nor a subnet" --insecure-registry http://reg.test
refused "neither a host nor a subnet" --insecure-registry 10.9.0.0/64
refused "invalid value" --bip 10.9.0.1
refused "log-level" --log-level loud
refused "no-such-driver" --storage-driver no-such-driver
refused "no-such-runtime" --default-runtime no-such-runtime
refused "absent.json" --config-file "$T/absent.json"
bad() { printf '%s' "$2" >"$T/bad.json"; refused "$1" --config-file "$T/bad.json"; }
bad 'unknown key "colour"' '{"colour": "red"}'
bad 'bad.json' '{"debug": "yes"}'
bad 'bad.json' '{"debug": tru'
bad 'invalid mirror' '{"registry-mirrors": ["mirror.test"]}'

# TLS
cd "$T" || fail "cd"
authority() { openssl req -x509 -newkey rsa:2048 -nodes -keyout "$1-ca.key" -out "$1-ca.pem" -days 2 -subj "/CN=$1 authority" 2>/dev/null; }
signed() { # AUTHORITY NAME EXTENSIONS
	openssl req -newkey rsa:2048 -nodes -keyout "$2.key" -out "$2.csr" -subj "/CN=$2" 2>/dev/null &&
		openssl x509 -req -in "$2.csr" -CA "$1-ca.pem" -CAkey "$1-ca.key" -CAcreateserial -days 2 \
			-extfile <(printf '%s' "$3") -out "$2.pem" 2>/dev/null
}
authority good && authority bad &&
	signed good server 'subjectAltName=IP:127.0.0.1,DNS:localhost' &&
	signed good client 'extendedKeyUsage=clientAuth' && signed bad stranger 'extendedKeyUsage=clientAuth' ||
	fail "cannot make certificates"
port=$(free_port)
READY="docker -H tcp://127.0.0.1:$port --tls --tlscacert good-ca.pem --tlscert client.pem --tlskey client.key version"
start -H "tcp://127.0.0.1:$port" "${roots[@]}" --tlsverify --tlscacert good-ca.pem --tlscert server.pem \
	--tlskey server.key --storage-driver vfs
t() { timeout -k 5 60 docker -H "tcp://127.0.0.1:$port" "$@"; }
mine="--tlsverify --tlscacert good-ca.pem --tlscert client.pem --tlskey client.key"
# shellcheck disable=SC2086
expect_error 0 "linux" t $mine info -f '{{.OSType}}'
# shellcheck disable=SC2086
expect hello "$(t $mine run --rm -i --network none $IMAGE cat <<<hello)" "run over TLS"
# shellcheck disable=SC2086
expect_error 0 "linux" "$GANTRY_BUILD/gantry" -H "tcp://127.0.0.1:$port" $mine info -f '{{.OSType}}'
expect_status 1 t --tlsverify --tlscacert bad-ca.pem --tlscert client.pem --tlskey client.key version
expect_status 1 t --tls --tlscert stranger.pem --tlskey stranger.key version
expect_status 1 t --tls --tlscacert good-ca.pem version
expect_status 1 t version
expect 000 "$(curl -s -o /dev/null -w '%{http_code}' --cacert good-ca.pem "https://127.0.0.1:$port/_ping")" \
	"a client without a certificate"
stop
# --tls alone asks for no certificate.
READY="curl -sf --cacert good-ca.pem https://127.0.0.1:$port/_ping"
start -H "tcp://127.0.0.1:$port" "${roots[@]}" --tls --tlscert server.pem --tlskey server.key
expect_status 0 curl -sf --cacert good-ca.pem "https://127.0.0.1:$port/version"
expect_status 1 t version
stop
refused "tlscert" --tls
refused "tlscacert" --tlsverify --tlscert server.pem --tlskey server.key
refused "absent.pem" --tls --tlscert absent.pem --tlskey server.key
refused "client.key" --tls --tlscert server.pem --tlskey client.key
