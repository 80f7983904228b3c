#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Plugins that do harm: each costs one operation, whose error names the plugin and what to
# do; the daemon, a container beside it and the next call go on.
. "$(dirname "${BASH_SOURCE[0]}")/functions.sh"

# plugin NAME FILE SOURCE [LINE...]: a folder for it, with further lines of its manifest
plugin() {
	local name=$1 file=$2 source=$3
	shift 3
	mkdir -p "$T/plugins/volume/$name"
	cp "$source" "$T/plugins/volume/$name/$file"
	printf '%s\n' "name = \"volume-$name\"; version = \"1\"; needs = \"1.0\"; file = \"$file\";" \
		"drivers = ( { kind = \"volume\"; name = \"$name\"; } );" "$@" >"$T/plugins/volume/$name/plugin.conf"
}
P=$GANTRY_BUILD/tests/plugins
for name in hostile crash-open crash-close; do
	plugin $name hostile.so "$P/hostile.so" 'isolation = "process"; permissions = [ ];'
done
plugin garbage garbage.py "$GANTRY_SOURCE/tests/plugins/garbage.py" 'form = "exec"; permissions = [ ];'
export GANTRY_PLUGIN_PATH=$T/plugins:$GANTRY_BUILD/plugins
load_image
start_daemon
# Through the daemon.
d() { timeout -k 5 90 "$GANTRY_BUILD/gantry" "$@"; }
daemon=$DAEMON_PID
beside=$(d run -d --network none $IMAGE sh -c 'while :; do sleep 1; done')

n=0
# harm DRIVER ORDER TEXT...: create fails with all the texts, and all else goes on
harm() {
	local driver=$1 order=$2
	shift 2
	n=$((n + 1))
	expect_status 1 d volume create -d "$driver" -o "do=$order" "v$n"
	for text in "$@"; do
		expect_text "$text" "$OUT" "volume create -d $driver -o do=$order"
	done
	kill -0 "$daemon" || fail "the daemon died of $driver $order"
}
# unharmed DRIVER: it works again
unharmed() {
	n=$((n + 1))
	expect "v$n" "$(d volume create -d "$1" "v$n" 2>&1)" "volume create with $1 afterwards"
	expect true "$(d inspect -f '{{.State.Running}}' "$beside")" "the container beside it"
}

# Crashes.  A failed create may be retried, so each is a crash of four processes, and the
# breaker opens with the second.
harm hostile crash "volume driver hostile" "crashed with signal 11" "gantry plugin logs volume/hostile"
harm hostile abort "failed 5 times within a minute" "gantry plugin reload"
kill -0 "$daemon" || fail "the daemon died"
harm crash-open x "crash-open" "crashed with signal 11"
expect_text v "$(d volume create -d crash-close v-close)" "a driver that crashes at its end"

# Limits and permissions: each with a daemon whose breaker is closed
again() {
	kill "$daemon" && wait "$daemon" 2>/dev/null
	start_daemon
	daemon=$DAEMON_PID
}
again
harm hostile exit "volume driver hostile" "ended with status 7"
again
harm hostile mount "volume driver hostile" "used a system call that its permissions do not include" "docs/plugin-permissions.md"
again
harm hostile close "volume driver hostile" "closed the connection"
again
harm hostile garbage "volume driver hostile" "message of more than" "broke the protocol"
again
if [ -d /sys/fs/cgroup/memory ] || [ -e /sys/fs/cgroup/cgroup.controllers ]; then
	harm hostile allocate "volume driver hostile" "more memory than it may" "memory_mib"
	again
fi
unharmed hostile
echo secret >"$T/secret" && chmod 600 "$T/secret"
harm hostile "read:$T/secret" "Permission denied"
harm hostile "read:/etc/shadow" "Permission denied"
harm hostile "write:$T/root/evil" "Permission denied"
[ ! -e "$T/root/evil" ] || fail "it wrote beside its folders"
harm hostile net "socket: "
harm hostile unix "unix socket: "
harm hostile exec "exec: "
harm hostile "kill:$daemon" "kill: "
unharmed hostile
bomb=$(d volume create -d hostile -o do=bomb bomb 2>&1) || fail "without fork there is no bomb: $bomb"

# With permission to fork, the number of processes is limited, and none is left
plugin hostile hostile.so "$P/hostile.so" 'isolation = "process"; permissions = [ "fork" ];'
again
[ ! -d /sys/fs/cgroup/pids ] && [ ! -e /sys/fs/cgroup/cgroup.controllers ] || harm hostile spawn "no more than it may"
left() { grep -slx hostile-child /proc/[0-9]*/comm; }
again
wait_for 5 test -z "$(left)" || fail "processes are left: $(left)"

# What its permissions allow
mkdir -p "$T/open"
plugin hostile hostile.so "$P/hostile.so" 'isolation = "process";' \
	"permissions = [ \"write:$T/open\", \"read:$T/secret\", \"net\", \"exec\" ];"
again
expect ok1 "$(d volume create -d hostile -o do=write:$T/open/file ok1 2>&1)" "a declared path"
expect ok2 "$(d volume create -d hostile -o do=read:$T/secret ok2 2>&1)" "a declared file"
expect ok3 "$(d volume create -d hostile -o do=net ok3 2>&1)" "net"
expect ok4 "$(d volume create -d hostile -o do=exec ok4 2>&1)" "exec"
harm hostile "write:$T/secret" "Permission denied"

# The protocol, spoken badly
harm garbage type "volume driver garbage" "results must be an object"
harm garbage unknown "volume driver garbage" "create has no result"
harm garbage code "volume driver garbage" "gave no known code"
harm garbage silent-error "volume driver garbage" "gave no message"
harm garbage request "told: store.put: key must be a string"
harm garbage engine "told: this driver may not call the engine"
unharmed garbage
expect_error 125 "mount must be a descriptor" d run --rm --network none -v "v$n:/x" $IMAGE true
for order in malformed:"not a JSON object" text:"not a JSON object" deep:"not a JSON object" \
	nobody:"was not made" descriptors:"3 descriptors, and 0 came" gifts:"descriptors that no message" \
	long:"message of more than" host:"only its host may send" hang-up:"closed the connection"; do
	again
	harm garbage "${order%%:*}" "volume driver garbage" "${order#*:}"
done
unharmed garbage

# Descriptors that lie, in this process and in another: refused, with all that is wrong
for fault in wrong_abi:"it was built for plugin ABI 9, this gantry has 1" \
	needs_newer:"it needs plugin ABI 1.99, this gantry has 1.0" \
	truncated:"its descriptor is truncated" lying_size:"claims to be larger than it is" \
	missing_ops:"lacks required operations: create, mount, unmount, inspect, remove"; do
	for isolation in none process; do
		plugin faulty faulty.so "$P/${fault%%:*}.so" "isolation = \"$isolation\"; permissions = [ ];"
		expect_error 1 "${fault#*:}" gantry volume create -d faulty f
	done
done
plugin faulty faulty.so "$P/built_newer.so" 'isolation = "none"; permissions = [ ];'
expect f1 "$(gantry volume create -d faulty f1 2>&1)" "built against a newer gantry, which is no reason to refuse"
plugin faulty faulty.so "$P/built_newer.so" 'isolation = "process"; permissions = [ ];'
expect f2 "$(gantry volume create -d faulty f2 2>&1)" "the same in a process"
plugin faulty faulty.so "$P/built_newer.so" 'permissions = [ "fly" ];'
expect_error 1 'the permission "fly" is unknown' gantry volume create -d faulty f3
plugin faulty faulty.so "$P/built_newer.so" 'permissions = [ "read:/etc/../root" ];'
expect_error 1 "names no absolute path" gantry volume create -d faulty f3
