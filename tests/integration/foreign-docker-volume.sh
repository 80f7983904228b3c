#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Volumes of a plugin that speaks Docker's plugin protocol: found by a socket, a .spec and
# a .json file (with TLS); errors are the plugin's own; one that is dead or lies costs the
# operation that needs it, and no other.
. "$(dirname "$0")/functions.sh"
. "$(dirname "$0")/foreign.inc"

load_image
plugin_config
start_plugin vol VolumeDriver

# The lifecycle.
gantry volume create -d vol --opt a=b data >/dev/null || fail "volume create"
expect '{"Name":"data","Opts":{"a":"b"}}' "$(called VolumeDriver.Create)" "what Create was told"
gantry run --rm -v data:/d $IMAGE sh -c 'echo kept >/d/file' || fail "run with the volume"
expect kept "$(cat "$T/vol/volumes/data/file")" "what the container wrote"
expect "kept" "$(gantry run --rm -v data:/d:ro $IMAGE cat /d/file)" "what the next one reads"
expect "$T/vol/volumes/data vol" "$(gantry volume inspect -f '{{.Mountpoint}} {{.Driver}}' data)" "inspect"
expect "$(called VolumeDriver.Mount | wc -l)" "$(called VolumeDriver.Unmount | wc -l)" "mounts and unmounts"
expect_text "vol" "$(gantry volume ls --filter driver=vol --format '{{.Driver}} {{.Name}}')" "volume ls"
gantry run --rm --volume-driver vol -v fresh:/d $IMAGE true || fail "--volume-driver"
gantry run --rm --mount type=volume,src=third,dst=/d,volume-driver=vol,volume-opt=x=y $IMAGE true ||
	fail "--mount with volume-driver"
expect_text '"Opts":{"x":"y"}' "$(called VolumeDriver.Create | tail -1)" "options of --mount"
gantry volume rm data fresh third >/dev/null || fail "volume rm"
[ ! -e "$T/vol/volumes/data" ] || fail "the plugin still has the volume"
# Made outside of gantry: adopted with what it holds.
mkdir "$T/vol/volumes/old" && echo before >"$T/vol/volumes/old/file"
expect before "$(gantry run --rm --volume-driver vol -v old:/d $IMAGE cat /d/file)" "an adopted volume"

# Found by files.
port=$(free_port)
start_plugin byspec VolumeDriver --tcp "$port"
echo "tcp://127.0.0.1:$port" >"$T/specs/byspec.spec"
gantry volume create -d byspec v-spec >/dev/null || fail "a plugin found by .spec"
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$T/key.pem" -out "$T/cert.pem" -days 2 \
	-subj /CN=localhost -addext subjectAltName=IP:127.0.0.1,DNS:localhost >/dev/null 2>&1
port=$(free_port)
start_plugin byjson VolumeDriver --tcp "$port" --cert "$T/cert.pem" --key "$T/key.pem" \
	--client-ca "$T/cert.pem"
printf '{"Name":"byjson","Addr":"https://127.0.0.1:%s","TLSConfig":{"CAFile":"%s","CertFile":"%s","KeyFile":"%s"}}' \
	"$port" "$T/cert.pem" "$T/cert.pem" "$T/key.pem" >"$T/specs/byjson.json"
gantry volume create -d byjson v-json >/dev/null || fail "a plugin found by .json, with TLS"
printf '{"Name":"notrust","Addr":"https://127.0.0.1:%s"}' "$port" >"$T/specs/notrust.json"
expect_error 1 "certificate" gantry volume create -d notrust v
mkdir "$T/specs/infolder"; echo "ftp://example" >"$T/specs/infolder/infolder.spec"
expect_error 1 'infolder.spec: "ftp://example" is no address' gantry volume create -d infolder v

# Seen.
gantry plugin ls --no-trunc >"$T/ls" || fail "plugin ls"
grep -q " vol .*$T/sockets/vol.sock" "$T/ls" || fail "plugin ls does not show vol: $(cat "$T/ls")"
grep -q " notrust .*SSL" "$T/ls" || fail "plugin ls does not say what is wrong with notrust: $(cat "$T/ls")"

# Its own words, and what is no plugin at all.
expect_error 1 "plugin vol: VolumeDriver.Create: the option refuse is set" \
	gantry volume create -d vol --opt refuse=1 bad
expect_error 1 'there is no volume driver "nosuch"' gantry volume create -d nosuch v
expect_error 1 'is not a kind and driver' gantry volume create -d ../vol v
start_plugin policeman authz
expect_error 1 'plugin policeman is no VolumeDriver; it implements ["authz"]' \
	gantry volume create -d policeman v

# Lies and silence.
liars=0
hostile() { # WHAT TEXT
	start_plugin "liar$((++liars))" VolumeDriver --fault "VolumeDriver.$1"
	mkdir -p "$T/liar$liars/volumes/v$liars"
	expect_error "${3:-125}" "$2" timeout 40 "$GANTRY_BUILD/gantry" --root "$T/root" --run-root "$T/run" \
		run --rm --volume-driver "liar$liars" -v "v$liars:/d" $IMAGE true
}
hostile "Mount=path:relative/path" 'which is no absolute path'
hostile "Mount=path:/no/such/folder" 'No such file or directory' 127
hostile "Mount=empty" 'which is no absolute path'
hostile "Mount=list" 'answered with no JSON object'
hostile "Mount=deep" 'answered with no JSON object'
hostile "Mount=huge" 'answered with more than 4194304 bytes'
hostile "Mount=garbage" "plugin liar$((liars + 1))"
hostile "Mount=close" "plugin liar$((liars + 1))"
hostile "Mount=status:503" 'failed without a word'
hostile "Mount=error:$(printf 'two\nlines')" 'two lines'
hostile "Mount=hang" 'gave no answer in 5000 ms'
start_plugin asleep VolumeDriver --fault VolumeDriver.Get=hang
gantry volume create -d vol good >/dev/null || fail "a good volume"
sqlite_insert() { python3 -c 'import sqlite3,sys; c=sqlite3.connect(sys.argv[1]); [c.execute("INSERT INTO volumes VALUES(?,?,?)",("s%d"%i,"asleep","{}")) for i in range(30)]; c.commit()' "$T/root/state.db"; }
sqlite_insert
# Thirty volumes of one that sleeps cost one deadline (5 s) and not thirty.
timeout 40 "$GANTRY_BUILD/gantry" --root "$T/root" --run-root "$T/run" volume ls -q >"$T/ls" ||
	fail "volume ls waits for a plugin that sleeps"
expect 1 "$(grep -c '^good$' "$T/ls")" "the good volume in the list"

# Dead while a container runs: the container stops, others go on, and rm -f clears up.
gantry run -d --name user -v good:/d $IMAGE sleep 300 >/dev/null || fail "run -d"
stop_plugin vol
gantry run --rm $IMAGE true || fail "another container while the plugin is dead"
timeout 60 "$GANTRY_BUILD/gantry" --root "$T/root" --run-root "$T/run" rm -f user >/dev/null ||
	fail "rm -f while the plugin is dead"
expect_error 125 "vol.sock" gantry run --rm -v good:/d $IMAGE true
rm "$T/sockets/vol.sock"
expect_error 1 'there is no volume driver "vol"' gantry volume rm good
gantry volume rm -f good >/dev/null || fail "volume rm -f without its plugin"
exit 0
