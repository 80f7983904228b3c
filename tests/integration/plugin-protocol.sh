#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A driver in Python's standard library, written from docs/plugin-protocol.md alone, serves
# volumes: options through the engine's store, errors with hints, configuration, its log.
. "$(dirname "${BASH_SOURCE[0]}")/functions.sh"

D=$T/plugins/volume/py
mkdir -p "$D"
cp "$GANTRY_SOURCE/tests/plugins/volume.py" "$D/"
cat >"$D/plugin.conf" <<'END'
name = "volume-py";
version = "1.0";
needs = "1.0";
form = "exec";
file = "volume.py";
drivers = ( { kind = "volume"; name = "py"; } );
permissions = [ ];
END
export GANTRY_PLUGIN_PATH=$T/plugins:$GANTRY_BUILD/plugins
start_client

expect data "$(c volume create -d py -o size=big data)" "volume create"
c run --rm --network none -v data:/d $IMAGE sh -c 'echo kept >/d/f' || fail "a container cannot use the volume"
expect kept "$(c run --rm --network none -v data:/d $IMAGE cat /d/f)" "content of the volume"
expect kept "$(cat "$T/root/drivers/volume/py/data/f")" "the volume's folder"
expect_text '"size"' "$(c volume inspect data)" "options"
expect py "$(c volume inspect -f '{{.Driver}}' data)" "driver"
expect_text "volume-py" "$(gantry plugin ls)" "plugin ls"
expect_text "hello" "$(cat "$T/run/drivers/volume/py/plugin.log")" "what it prints goes to its log"
expect data "$(c volume rm data)" "volume rm"
expect "" "$(c volume ls -q -f driver=py)" "volumes that are left"

# What it refuses is told as it said it
mkdir -p "$D-bad/" && cp "$D"/* "$D-bad/"
mv "$D-bad" "$T/plugins/volume/bad"
sed -i 's/name = "py"/name = "bad"/' "$T/plugins/volume/bad/plugin.conf"
sed -i 's/"protocol": 1,/"protocol": 7,/' "$T/plugins/volume/bad/volume.py"
expect_error 1 "it speaks protocol 7, this gantry speaks 1" c volume create -d bad x
sed -i 's/"protocol": 7,/"protocol": 1,/; s/"remove": remove/"unmount": unmount/; s/"list": list_volumes, //' \
	"$T/plugins/volume/bad/volume.py"
expect_error 1 "it lacks required operations: list, remove" c volume create -d bad x
sed -i 's/^form = .*/form = "quantum";/' "$T/plugins/volume/bad/plugin.conf"
expect_error 1 'form must be native, lua or exec, not "quantum"' c volume create -d bad x
