#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The layout of every public struct, compared by abidiff with what was recorded at the
# release (tests/abi/): members may be added at the end, and nothing else may change.  To
# record a new baseline at a release: tests/unit/sdk/abi.sh record
set -u
top=$(cd "${srcdir:-.}" && pwd)
machine=$(uname -m)
baseline=$top/tests/abi/1.0/surface.$machine.abi
command -v abidiff >/dev/null || { echo "abidiff is not installed (package abigail-tools)"; exit 77; }
T=$(mktemp -d /tmp/gt-abi.XXXXXX)
trap 'rm -rf "$T"' EXIT

# surface NAME FLAGS...: a library in whose debugging information all structs are
surface() {
	local name=$1 kind files=
	shift
	for kind in ${GANTRY_KINDS:?the kinds, as the build has them}; do
		files="$files $top/sdk/interfaces/$kind.lua"
	done
	# shellcheck disable=SC2086
	"${LUA:-lua5.4}" "$top/sdk/generate.lua" surface $files >"$T/$name.c" &&
		gcc -std=gnu11 -g -O0 -fPIC -shared -fvisibility=hidden -Wl,-soname,surface.so "$@" \
			-I"$top/sdk/include" -Isdk/generated -o "$T/$name.so" "$T/$name.c"
}

# What may happen is growth at the end: a new member, and so a larger size.
compare() {
	abidiff --leaf-changes-only --no-added-syms --no-show-locs "$baseline" "$1" >"$T/report"
	! grep -nE "offset changed|deletion|[0-9]+ Removed function.*[1-9]|type '[^']*' of '|name of '|size changed.*by -" "$T/report" |
		grep -vE "summary: 0 Removed"
}

surface now || exit 1
if [ "${1:-}" = record ]; then
	abidw --no-comp-dir-path --no-corpus-path --no-show-locs --type-id-style hash "$T/now.so" >"$baseline"
	exit
fi
[ -e "$baseline" ] || { echo "there is no baseline for $machine"; exit 77; }
compare "$T/now.so" || { echo "a public struct changed incompatibly since 1.0"; exit 1; }

# The check sees what it is for: a member moved, one made narrower, one taken away; and lets growth pass.
broken() { # WHAT SED-SCRIPT FILE
	mkdir -p "$T/include/gantry"
	cp "$top"/sdk/include/gantry/*.h "$T/include/gantry"
	sed -i "$2" "$T/include/gantry/$3"
	cmp -s "$T/include/gantry/$3" "$top/sdk/include/gantry/$3" && { echo "the edit of $3 did nothing"; exit 1; }
	surface broken -I"$T/include" || exit 1
}
expect_seen() { broken "$@"; compare "$T/broken.so" >/dev/null && { echo "not noticed: $1"; exit 1; }; }
expect_seen "a moved member" '/^struct gantry_driver {/,/^};/{/const char \*kind;/d;s|const char \*name;.*|const char *name; const char *kind;|}' plugin.h
expect_seen "a narrower member" 's|uint32_t flags; .*GANTRY_PLUGIN_.*|uint16_t flags;|' plugin.h
expect_seen "a member taken away" '/const char \*run_dir;/d' plugin.h
broken "growth" 's|const char \*const \*permissions; .*|&\n\tconst char *extra;|' plugin.h
compare "$T/broken.so" || { echo "growth at the end was refused"; exit 1; }
grep -q "data member insertion" "$T/report" || { echo "growth was not even seen"; exit 1; }
exit 0
