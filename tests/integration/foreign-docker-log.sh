#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Output to a log plugin of Docker's protocol: whole, in order, with what it wants to know of
# the container; read back; a plugin that dies and comes back loses what was written
# meanwhile and nothing else, one that does not read holds a container up for its deadline
# only.
. "$(dirname "$0")/functions.sh"
. "$(dirname "$0")/foreign.inc"

load_image
plugin_config
start_plugin logger LogDriver

# entries FILE: "SOURCE LINE [PARTIAL]" of each, by a decoder of the test's own.
entries() {
	python3 - "$1" <<'X'
import struct, sys
def varint(b, i):
    v = s = 0
    while True:
        v |= (b[i] & 127) << s; s += 7; i += 1
        if not b[i - 1] & 128: return v, i
def fields(b):
    i, out = 0, {}
    while i < len(b):
        k, i = varint(b, i)
        v, i = varint(b, i)
        if k & 7 == 2: v, i = b[i:i + v], i + v
        out[k >> 3] = v
    return out
d = open(sys.argv[1], "rb").read()
while d:
    n = struct.unpack(">I", d[:4])[0]
    f = fields(d[4:4 + n]); d = d[4 + n:]
    line = f.get(3, b"")
    assert f[2] > 10**18, "no time"
    more = ""
    if f.get(4):
        m = fields(f[5])
        more = " part %d last %d of %s" % (m[3], m.get(1, 0), m[2].decode())
    print(f[1].decode() + " " + (line.decode() if len(line) < 100 else "(%d)" % len(line)) + more)
X
}

gantry run --name talks --log-driver logger --log-opt colour=red --label l=v -e E=1 $IMAGE \
	sh -c 'echo one; echo two >&2; printf "no newline"' >/dev/null 2>&1 || fail "run"
id=$(gantry inspect -f '{{.Id}}' talks)
expect "logger map[colour:red]" "$(gantry inspect -f '{{.HostConfig.LogConfig.Type}} {{.HostConfig.LogConfig.Config}}' talks)" "inspect"
entries "$T/logger/log-$id" | sort >"$T/got"
expect "stderr two
stdout no newline
stdout one" "$(cat "$T/got")" "what the plugin got"
expect "[\"$id\",\"/talks\",\"$IMAGE\",{\"colour\":\"red\"},\"v\",true]" \
	"$(called LogDriver.StartLogging | jq -c '.Info | [.ContainerID, .ContainerName, .ContainerImageName, .Config, .ContainerLabels.l, (.ContainerEnv | index("E=1") != null)]')" \
	"what StartLogging is told"
expect 1 "$(called LogDriver.StopLogging | wc -l)" "StopLogging"
[ ! -e "$(called LogDriver.StartLogging | jq -r .File)" ] || fail "the pipe is still there"
gantry logs talks >"$T/out" 2>"$T/err" || fail "logs"
expect "one
no newline" "$(cat "$T/out")" "gantry logs"
expect two "$(cat "$T/err")" "gantry logs, standard error"
expect 1 "$(gantry logs --tail 1 talks 2>&1 | wc -l)" "--tail"

# A line longer than a record: its parts are marked, and put together again.
gantry run --name long --log-driver logger $IMAGE sh -c 'head -c 40000 /dev/zero | tr "\0" x; echo; echo after' >/dev/null
id=$(gantry inspect -f '{{.Id}}' long)
expect "stdout (16384) part 1 last 0 of 1-0
stdout (16384) part 2 last 0 of 1-0
stdout (7232) part 3 last 1 of 1-0
stdout after" "$(entries "$T/logger/log-$id")" "parts of a long line"
expect "40000 5" "$(gantry logs long | awk '{print length($0)}' | paste -sd' ')" "the long line, read back"

# Much of it: nothing is lost.
gantry run --name much --log-driver logger $IMAGE sh -c 'i=0; while [ $i -lt 20000 ]; do echo "line $i"; i=$((i+1)); done' >/dev/null
expect "$(seq 0 19999 | sed 's/^/line /' | md5sum)" "$(gantry logs much | md5sum)" "20000 lines"
gantry run -d --name follow --log-driver logger $IMAGE sh -c 'echo first; sleep 300' >/dev/null
expect_text first "$(wait_for 10 sh -c "'$GANTRY_BUILD/gantry' --root '$T/root' --run-root '$T/run' logs follow | grep first"; gantry logs follow)" "logs of a running one"

# It dies and comes back.
pid=$(gantry run -d --name survivor --log-driver logger $IMAGE sh -c 'n=0; while :; do echo "tick $n"; n=$((n+1)); sleep 0.1; done')
wait_for 10 test -s "$T/logger/log-$pid" || fail "nothing was logged"
stop_plugin logger
sleep 0.5
is survivor '{{.State.Running}}' true || fail "the container died with its log plugin"
before=$(stat -c %s "$T/logger/log-$pid")
start_plugin logger LogDriver
wait_for 15 sh -c "[ \$(stat -c %s '$T/logger/log-$pid') -gt $((before + 50)) ]" || fail "it is not told again to log"
entries "$T/logger/log-$pid" >"$T/got" || fail "the log is not whole records"
gantry rm -f survivor follow >/dev/null

# One that never reads: the container is held up for the deadline and goes on.
start_plugin deaf LogDriver --fault LogDriver.StartLogging=error:busy
expect_error 125 "plugin deaf: LogDriver.StartLogging: busy" gantry run --rm --log-driver deaf $IMAGE true
start_plugin mute LogDriver --fault LogDriver.StartLogging=empty
expect_error 125 "plugin mute did not open the pipe" gantry run --rm --log-driver mute $IMAGE true
start_plugin garbler LogDriver --fault LogDriver.ReadLogs=garbage --fault LogDriver.StopLogging=hang
gantry run --name garbled --log-driver garbler $IMAGE echo x >/dev/null || fail "run with a plugin that hangs at the end"
expect_text "Error grabbing logs: plugin garbler" "$(gantry logs garbled 2>&1)" "logs of garbage"
expect_error 125 "no log driver named 'nosuch'" gantry run --rm --log-driver nosuch $IMAGE true
start_plugin volumes VolumeDriver
expect_error 125 "plugin volumes is no LogDriver" gantry run --rm --log-driver volumes $IMAGE true
exit 0
