#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The manual pages that are written by hand name each flag of gantryd and each key of the
# configuration, and no others; gantry's own pages are printed from its command tables.
set -u
src=${srcdir:-.}
failed=0

plain() { sed 's/\\-/-/g; s/\\ / /g; s/^\.BR* //; s/[",]//g' "$1"; }

same() { # WHAT EXPECTED FOUND
	local difference
	if difference=$(diff <(sort -u <<<"$2") <(sort -u <<<"$3")); then
		echo "ok - $1"
	else
		echo "not ok - $1:"
		echo "$difference"
		failed=1
	fi
}

same "flags in gantryd.8" \
	"$(./gantryd --help | grep -o -- '^ .*--[a-z-]*' | grep -o -- '--[a-z-]*' | grep -x -- '--[a-z].*')" \
	"$(plain "$src/docs/man/gantryd.8" | sed '1,/^\.SH OPTIONS/d; /^\.SH/,$d' | grep -A1 '^\.TP' | grep -o -- '--[a-z][a-z-]*')"
same "keys in gantry.conf.5" \
	"$(grep -o '{ "[a-z_]*\.[a-z_]*", GANTRY_TYPE' "$src/core/config/schema.c" | cut -d'"' -f2)" \
	"$(plain "$src/docs/man/gantry.conf.5" | sed '1,/^\.SH SETTINGS/d; /^\.SH/,$d' | grep -A1 '^\.TP' | grep -x '[a-z_]*\.[a-z_]*')"

# Each command has a page, and what has commands below it has one, too.
for page in $(./gantry --print list); do
	./gantry --print "man:$page" | grep -q '^\.SH SYNOPSIS' || { echo "not ok - $page has no page"; failed=1; }
done
exit $failed
