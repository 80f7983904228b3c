#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Follows docs/write-a-plugin.md literally, command by command, in a clean folder and against
# an installed tree: from `gantry plugin new` to a container that uses the driver, in C and in
# Python; then makes a project of every kind in every language and builds it.
. "$(dirname "$0")/functions.sh"

[ "$(id -u)" = 0 ] || skip "an installed tree is shown to the test by a bind mount, which needs root"
command -v openssl >/dev/null || skip "openssl is not installed"
page=$GANTRY_SOURCE/docs/write-a-plugin.md
prefix=$(sed -n 's/^prefix = //p' "$GANTRY_BUILD/Makefile")
"$GANTRY_SOURCE/dist/make-image" "$T/image.tar" busybox:latest || fail "make-image"
make -s -C "$GANTRY_BUILD" install DESTDIR="$T/installed" >"$T/install.log" 2>&1 ||
	fail "make install: $(tail -5 "$T/install.log")"

# block LANGUAGE: the page's commands, as they stand there
block() { awk -v want="\`\`\`sh $1" '$0 == want {on = 1; next} /^```$/ {on = 0} on' "$page"; }

# In a mount namespace the installed tree lies where it belongs.
in_installed() { # SCRIPT
	env -i PATH="$prefix/bin:/usr/sbin:/usr/bin:/sbin:/bin" HOME="$T/home" TERM=dumb \
		GANTRY_ROOT="$T/root" GANTRY_RUN_ROOT="$T/run" PKG_CONFIG_PATH="$prefix/lib/pkgconfig" \
		unshare -m sh -c 'mount --make-rprivate / && mkdir -p "$1" && mount --bind "$2$1" "$1" && exec bash "$3"' \
		sh "$prefix" "$T/installed" "$1" 2>&1 </dev/null
}

for language in c python; do
	mkdir "$T/$language"
	{
		echo "set -e; cd $T/$language"
		echo "[ \"\$(command -v gantry)\" = $prefix/bin/gantry ] || { echo 'not the installed gantry'; exit 1; }"
		echo "gantry load -q -i $T/image.tar >/dev/null"
		echo "set -x"
		block $language
	} >"$T/$language.sh"
	[ "$(block $language | wc -l)" -gt 10 ] || fail "the page has no commands for $language"
	out=$(in_installed "$T/$language.sh") || fail "the page's commands in $language: $out"
	expect written "$(echo "$out" | grep -x written)" "what the container read from its volume ($language)"
	expect_text "0 failed" "$out" "the conformance suite ($language)"
done

# Every kind: what is made builds without a warning and its tests pass.
mkdir "$T/kinds"
{
	echo "set -e; cd $T/kinds"
	for kind in $(sed -n 's/^INTERFACES = //p' "$GANTRY_SOURCE/sdk/local.mk"); do
		[ "$kind" != engine ] || continue
		for language in c python lua; do
			echo "gantry plugin new $kind $kind-$language --lang $language >/dev/null"
		done
		echo "make -s -C $kind-c CFLAGS='-O1 -Wall -Wextra -Werror' test $kind-c.so"
		echo "$kind-c/test && $kind-python/test.py 2>/dev/null"
		echo "gantry plugin check --only load $kind-c && gantry plugin check --only load $kind-lua"
		echo "gantry plugin check --only load $kind-python"
	done
} >"$T/kinds.sh"
out=$(in_installed "$T/kinds.sh") || fail "a new project: $out"

# What cannot be made is refused in words.
cd "$T" || exit 1
expect_error 1 'there is no kind "engine"' gantry plugin new engine x
expect_error 1 "the kinds are storage" gantry plugin new nonsense x
expect_error 1 "cannot name a plugin" gantry plugin new volume ../x
expect_error 1 'no template in "cobol"' gantry plugin new --lang cobol volume x
expect_error 1 "kind volume only" gantry plugin new --lang sh log x
mkdir taken
expect_error 1 "cannot make folder taken" gantry plugin new volume taken
exit 0
