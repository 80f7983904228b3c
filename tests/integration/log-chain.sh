#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Several log drivers in a row: each gets every record, reading comes from the first that can,
# and one that fails costs the others nothing.
. "$(dirname "${BASH_SOURCE[0]}")/functions.sh"

export GANTRY_PLUGIN_PATH=$T/plugins:$GANTRY_BUILD/plugins

# log_plugin NAME [SED]: a driver in Python that writes to a file in the folder it is given
log_plugin() {
	local d=$T/plugins/log/$1
	mkdir -p "$d"
	sed "${2:-}" "$GANTRY_SOURCE/tests/plugins/log.py" >"$d/log.py"
	chmod +x "$d/log.py"
	printf 'name = "log-%s"; version = "1"; needs = "1.0"; form = "exec"; file = "log.py";
		drivers = ( { kind = "log"; name = "%s"; } ); permissions = [ ];\n' "$1" "$1" >"$d/plugin.conf"
}
log_plugin audit
log_plugin broken 's/^    "write": write,/    "write": refuse,/'
log_plugin dies 's/^    "write": write,/    "write": die,/'
load_image
# same WANT GOT WHAT: two long texts; a failure shows their lengths
same() { [ "$1" = "$2" ] || fail "$3: $(wc -l <<<"$2") lines instead of $(wc -l <<<"$1"), which begin: ${2:0:60}"; }
kept() { cat "$T/root/containers/$1/log-$2/audit.log" 2>/dev/null; }

# All get all, with their own options
id=$(gantry run -d --name both --network none --log-driver json-file,audit --log-opt max-size=1m \
	--log-opt audit.prefix=P: $IMAGE seq 1 500) || fail "run with a chain"
gantry wait both >/dev/null
same "$(seq 500)" "$(gantry logs both)" "read from the first"
same "$(seq 500 | sed 's/^/P:/')" "$(kept "$id" audit)" "what the second got"
expect "json-file,audit" "$(gantry inspect -f '{{.HostConfig.LogConfig.Type}}' both)" "inspect"

# Reading comes from the first that can
id=$(gantry run -d --name second --network none --log-driver audit,none,json-file $IMAGE seq 1 20)
gantry wait second >/dev/null
same "$(seq 20)" "$(gantry logs second)" "read from the third"
same "$(seq 20)" "$(cat "$T/root/containers/$id/audit.log")" "what the first got"

# A link that refuses, or dies, loses its own records only, and says so once
id=$(gantry run -d --name halves --network none --log-driver broken,dies,json-file $IMAGE seq 1 300)
gantry wait halves >/dev/null
same "$(seq 300)" "$(gantry logs halves)" "the sound link beside two broken ones"
gantry rm halves >/dev/null

# What cannot be opened, or is wrong, refuses the container
expect_error 125 "no log driver named 'nobody'" gantry run --rm --network none --log-driver json-file,nobody $IMAGE true
expect_error 125 "json-file is named twice" gantry run --rm --network none --log-driver json-file,json-file $IMAGE true
expect_error 125 "has no name" gantry run --rm --network none --log-driver json-file, $IMAGE true
expect_error 125 "more than 8 log drivers" gantry run --rm --network none --log-driver a,b,c,d,e,f,g,h,i $IMAGE true
expect_error 125 "colour" gantry run --rm --network none --log-driver json-file,audit --log-opt audit.colour=red $IMAGE true
expect_error 125 "no log options" gantry run --rm --network none --log-driver json-file,none --log-opt none.a=b $IMAGE true

# The configuration names a chain; what is kept goes with the container
cat >"$T/gantry.conf" <<END
log = [ "json-file", "audit" ];
END
export GANTRY_CONFIG_FILE=$T/gantry.conf
id=$(gantry run -d --name default --network none $IMAGE echo hello)
gantry wait default >/dev/null
expect hello "$(gantry logs default)" "logs of the default chain"
expect hello "$(kept "$id" audit)" "what audit got by default"
expect "json-file,audit" "$(gantry info -f '{{.LoggingDriver}}')" "info"
gantry rm default >/dev/null
gone() { [ ! -e "$T/root/containers/$id" ]; }
wait_for 20 gone || fail "the container's folder is left"
expect_text "forgot $id" "$(cat "$T/root/drivers/log/audit/removed")" "remove is told to each driver"

# The same from docker's side
start_daemon
expect hello "$(docker run --rm --network none --log-driver json-file,audit $IMAGE echo hello)" "docker run"
