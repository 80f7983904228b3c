#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Drivers that were broken on purpose (tests/conformance/broken): the conformance suite
# finds the fault that was planted in each, in the test that it belongs to and by its
# name, and finds nothing in the sound driver from which all were made.
. "$(dirname "$0")/functions.sh"

check=$GANTRY_BUILD/gantry-plugin-check
[ -x "$check" ] || skip "gantry-plugin-check is not built"
flags="-std=gnu11 -D_GNU_SOURCE -O1 -w -fPIC -fvisibility=hidden -shared -pthread
-I$GANTRY_SOURCE/sdk/include -I$GANTRY_BUILD/sdk/generated"
cp -r "$GANTRY_SOURCE/sdk/examples/c" "$T/sound"
# shellcheck disable=SC2086
gcc $flags -o "$T/sound/example.so" "$T/sound/driver.c" || fail "the example does not compile"
"$check" "$T/sound" >"$T/out" || fail "the sound driver: $(cat "$T/out")"

found=0
one() { # FILE
	local name want test words folder
	name=$(basename "$1" .c)
	want=$(sed -n 's|^/\* FOUND-BY: \(.*\) \*/$|\1|p' "$1")
	test=${want%%: *} words=${want#*: }
	folder=$T/$name
	mkdir "$folder"
	# shellcheck disable=SC2086
	gcc $flags -o "$folder/$name.so" "$1" || { echo "$name does not compile"; return 1; }
	"$check" --timeout 5 --only "$test" "$folder/$name.so" >"$folder/out" 2>&1 &&
		{ echo "$name: nothing was found"; return 1; }
	sed -n "/^FAILED   $test\$/,/^[a-z]/p" "$folder/out" | grep -qF -- "$words" ||
		{ echo "$name: '$words' was not found by '$test':"; cat "$folder/out"; return 1; }
}
for source in "$GANTRY_SOURCE"/tests/conformance/broken/*.c; do
	one "$source" && found=$((found + 1)) || fail "a planted fault was not found"
done
[ $found -ge 10 ] || fail "only $found drivers"
echo "$found planted faults were found"
exit 0
