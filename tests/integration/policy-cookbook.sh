#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Follows docs/policy-cookbook.md literally: each command of its console blocks is run, and
# what it prints is compared with what stands below it ("..." stands for anything).
. "$(dirname "$0")/functions.sh"

[ -x "$GANTRY_BUILD/plugins/policy/lua/lua.so" ] || skip "the policy driver is not built"
mkdir "$T/work"
cp -r "$GANTRY_SOURCE/lua/policies" "$T/work/policies"
cd "$T/work" || fail "no folder to work in"
[ "$(id -un)" = root ] || skip "the page is written for root"

command= want= compared=0

check() {
	local got pattern
	[ -n "$command" ] || return 0
	got=$(eval "$command" 2>&1)
	# Quote everything but the three dots.
	pattern=${want//\\/\\\\}
	pattern=${pattern//\*/\\*}
	pattern=${pattern//\?/\\?}
	pattern=${pattern//\[/\\[}
	pattern=${pattern//.../*}
	# shellcheck disable=SC2053 # the right side is a pattern
	[[ $got == $pattern ]] || fail "'$command' printed:
$got
and the page says:
$want"
	compared=$((compared + 1))
	command= want=
}

inside=
while IFS= read -r line; do
	case $inside$line in
	'```console') inside=1 ;;
	'1```') check; inside= ;;
	'1$ '*) check; command=${line#\$ } ;;
	1*) want=$want${want:+$'\n'}$line ;;
	esac
done < "$GANTRY_SOURCE/docs/policy-cookbook.md"
[ "$compared" -ge 30 ] || fail "only $compared commands were found"
echo "$compared commands"
