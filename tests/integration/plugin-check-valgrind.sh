#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# `plugin check --valgrind` finds what a driver loses and what it reads that nobody wrote, which
# the suite without it does not.
. "$(dirname "$0")/functions.sh"
command -v valgrind >/dev/null || skip "valgrind is not installed"

compile() { # NAME [SED]
	mkdir "$T/$1"
	cp "$GANTRY_SOURCE/sdk/examples/c/plugin.conf" "$T/$1/"
	sed "${2:-}" "$GANTRY_SOURCE/sdk/examples/c/driver.c" >"$T/$1/driver.c"
	gcc -std=gnu11 -D_GNU_SOURCE -O0 -g -w -fPIC -fvisibility=hidden -shared -I"$GANTRY_SOURCE/sdk/include" \
		-I"$GANTRY_BUILD/sdk/generated" -o "$T/$1/example.so" "$T/$1/driver.c" || fail "$1 does not compile"
}
check() { gantry plugin check --quick --only life --valgrind "$T/$1" >"$T/$1.out" 2>&1; }

# After the first brace of create
at='/^static int .*create(/,/^{/s/^{/'
compile sound
compile loses "$at{ { char *lost = malloc(24); lost[0] = 1; lost = NULL; }/"
compile reads "$at{ { char *text = malloc(8); if (text[3] == 'x') { puts(text); } free(text); }/"
for name in loses reads; do
	cmp -s "$T/sound/driver.c" "$T/$name/driver.c" && fail "the fault of $name was not planted"
done
check sound || fail "the sound driver: $(cat "$T/sound.out")"
check loses && fail "what is lost is not found"
expect_text "definitely lost" "$(cat "$T/loses.out")" "what valgrind says"
check reads && fail "what is read before it is written is not found"
expect_text "uninitialised" "$(cat "$T/reads.out")" "what valgrind says"
