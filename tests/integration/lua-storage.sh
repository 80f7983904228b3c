#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A storage driver in Lua carries images and containers: layers are unpacked and compared,
# snapshots mounted, committed and removed, in process and in a process of its own.
. "$(dirname "$0")/functions.sh"

[ "$(id -u)" = 0 ] || skip "needs root"
[ -x "$GANTRY_BUILD/plugins/hosts/lua.so" ] || skip "the host of Lua drivers is not built"
export GANTRY_CONFIG_FILE=$T/gantry.conf
work() { # ISOLATION
	local id D
	printf 'storage = { driver = "copy"; }; drivers = { storage = { copy = { isolation = "%s"; }; }; };\n' "$1" > "$T/gantry.conf"
	load_image
	expect copy "$(gantry info -f '{{.Driver}}')" "the storage driver"
	expect hi "$(gantry run --rm --network none $IMAGE sh -c 'echo hi >/x; cat /x')" "a container on it"
	id=$(gantry create --network none $IMAGE sh -c 'echo new >/etc/new; rm -f /bin/vi') || fail "create"
	gantry start "$id" >/dev/null && gantry wait "$id" >/dev/null
	expect "A /etc/new C /bin C /etc D /bin/vi " "$(gantry diff "$id" | sort | tr '\n' ' ')" "diff"
	gantry commit "$id" made/it:1 >/dev/null || fail "commit"
	expect new "$(gantry run --rm --network none made/it:1 cat /etc/new)" "what was committed"
	expect_status 1 gantry run --rm --network none made/it:1 test -e /bin/vi
	expect_error 1 "cannot limit the size" gantry create --storage-opt size=1g $IMAGE
	gantry rm -f "$id" >/dev/null
	gantry rmi made/it:1 $IMAGE >/dev/null || fail "rmi"
	D=$T/root/drivers/storage/copy
	expect "" "$(ls "$D/active" "$D/committed" "$D/making" "$D/doomed" | grep -v ':$' | grep .)" "what is left of it"
}
work none
work process
# Lua drivers answer the conformance suite as others do.
printf 'drivers = { volume = { remote = { type = "tmpfs"; device = "t"; }; }; };\n' > "$T/remote.conf"
for only in operation hostile; do
	for driver in storage/copy volume/remote; do
		[ "$only $driver" != "operation volume/remote" ] || continue # what a tmpfs holds goes with its mount
		"$GANTRY_BUILD/gantry-plugin-check" --driver-config "$T/remote.conf" --only $only "$GANTRY_BUILD/plugins/$driver" \
			>"$T/out" 2>&1 || fail "$driver, $only: $(cat "$T/out")"
	done
done
exit 0
