#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The SDK's examples in C, Lua, Python and sh: their own tests pass, and each passes the
# conformance suite of its kind: programs in processes of their own, the script in its sandbox.
. "$(dirname "$0")/functions.sh"

check=$GANTRY_BUILD/gantry-plugin-check
cp -r "$GANTRY_SOURCE/sdk/examples" "$T/examples"
cd "$T/examples" || exit 1
flags="-std=gnu11 -D_GNU_SOURCE -O1 -Wall -Wextra -Werror -I$GANTRY_SOURCE/sdk/include -I$GANTRY_BUILD/sdk/generated"
# shellcheck disable=SC2086
gcc $flags -fPIC -fvisibility=hidden -shared -o c/example.so c/driver.c || fail "the C example does not compile"
python/test.py 2>"$T/out" || fail "the Python example's tests: $(cat "$T/out")"
sh/test.sh >"$T/out" || fail "the shell example's tests: $(cat "$T/out")"
for language in c lua python sh; do
	# A script's host lies in the build tree, where a confined process may not read.
	isolation=process
	[ $language != lua ] || isolation=none
	"$check" --quick --isolation $isolation --timeout 120 $language >"$T/out" 2>&1 || fail "$language: $(cat "$T/out")"
	tail -1 "$T/out" | sed "s|^|$language: |"
done
exit 0
