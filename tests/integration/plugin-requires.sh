#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Drivers that require others: those are opened first, what is missing is named, and
# cycles are refused.
. "$(dirname "${BASH_SOURCE[0]}")/functions.sh"
export GANTRY_PLUGIN_PATH=$T/plugins:$GANTRY_BUILD/plugins

# plugin NAME REQUIRES: a driver in Python
plugin() {
	mkdir -p "$T/plugins/volume/$1"
	cp "$GANTRY_SOURCE/tests/plugins/volume.py" "$T/plugins/volume/$1/"
	cat >"$T/plugins/volume/$1/plugin.conf" <<END
name = "volume-$1"; version = "1"; needs = "1.0"; form = "exec"; file = "volume.py";
drivers = ( { kind = "volume"; name = "$1"; } );
permissions = [ ]; requires = [ $2 ];
END
}
log() { cat "$T/run/drivers/volume/$1/plugin.log" 2>/dev/null; }

plugin one '"volume/two", "log/none"'
plugin two '"volume/three"'
plugin three ''
expect a "$(gantry volume create -d one a 2>&1)" "volume create"
for name in one two three; do
	expect_text "output: hello" "$(log $name)" "driver $name is open"
done

plugin three '"volume/one"'
expect_error 1 "volume/one requires volume/two: volume/two requires volume/three: volume/three requires volume/one: it requires itself: a cycle" \
	gantry volume create -d one b
plugin three '"volume/four"'
expect_error 1 'there is no volume driver "four"' gantry volume create -d one b
plugin three '"four"'
expect_error 1 "requires lists KIND/DRIVER" gantry volume create -d one b
