#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A log driver in the container's shim is replaced by its next version while the container
# writes, and no line is lost or repeated; one that does not load changes nothing.
. "$(dirname "${BASH_SOURCE[0]}")/functions.sh"

D=$T/plugins/log/json-file
mkdir -p "$D" "$T/share"
cp "$GANTRY_SOURCE/plugins/log/json-file/plugin.conf" "$D/"
cp "$GANTRY_BUILD/plugins/log/json-file/json-file.so" "$D/"
export GANTRY_PLUGIN_PATH=$T/plugins:$GANTRY_BUILD/plugins
load_image

id=$(gantry run -d --name writer --network none -v "$T/share:/share" $IMAGE sh -c \
	'i=0; while [ ! -e /share/stop ]; do i=$((i+1)); echo $i; [ $((i % 50)) -gt 0 ] || sleep 0.05; done; echo total $i') ||
	fail "run"
shim=$(cat "/proc/$(gantry inspect -f '{{.State.Pid}}' writer)/status" | sed -n 's/^PPid:\t//p')
upgrade() { # a new file under the same name
	cp "$GANTRY_BUILD/plugins/log/json-file/json-file.so" "$D/new" && mv "$D/new" "$D/json-file.so"
}
# maps_inode: the shim has the file mapped that lies there now
maps_inode() { awk '{ print $5 }' "/proc/$shim/maps" | grep -qx "$(stat -c %i "$D/json-file.so")"; }

maps_inode || fail "the shim has not loaded the driver at all"
for round in 1 2 3; do
	upgrade
	maps_inode && fail "the new file has the old one's number"
	gantry plugin reload log/json-file >/dev/null || fail "reload $round"
	wait_for 20 maps_inode || fail "the shim goes on with the old version: $(cat "$T/run/containers/$id/shim.log")"
done

# A version that does not load is refused, and the old one writes on
cp "$D/json-file.so" "$T/good.so"
echo rubbish >"$D/new" && mv "$D/new" "$D/json-file.so"
expect_error 1 "was not reloaded" gantry plugin reload log/json-file
cp "$T/good.so" "$D/new" && mv "$D/new" "$D/json-file.so"

calls() { gantry plugin stats --format '{{.Calls}}' log/json-file; }
before=$(calls)
more() { [ "$(calls)" -gt "$before" ]; }
wait_for 20 more || fail "the calls of a shim are not counted"
touch "$T/share/stop"
gantry wait writer >/dev/null
gantry logs writer >"$T/log"
total=$(sed -n 's/^total //p' "$T/log")
[ "${total:-0}" -gt 0 ] || fail "the last line is missing: $(tail -2 "$T/log")"
cmp <(grep -v total "$T/log") <(seq "$total") || fail "lines are lost, repeated or out of order"
expect "" "$(cat "$T/run/containers/$id/shim.log" 2>/dev/null)" "what the shim has to say"
