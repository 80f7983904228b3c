#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Follows docs/foreign-plugins.md literally: each command of its console blocks is run, and
# what it prints is compared with what stands below it ("..." stands for anything).
. "$(dirname "$0")/functions.sh"
[ "$(id -u)" = 0 ] || skip "the page is written for root"
command -v docker >/dev/null || skip "the docker client is not installed"

# The page's folder, which other tests do not use; a run beside this one waits.
exec 9>/tmp/gantry-page.lock
flock 9
page=/tmp/gantry-page
rm -rf $page; mkdir -p $page/sockets $page/net.d $page/cdi $page/hooks.d $page/state
cleanup_hook "rm -rf $page; ip link del office0 2>/dev/null"
load_image
ln -s "$T/root" $page/root; ln -s "$T/run" $page/run
cd $page || fail "no folder to work in"

# The files that the page shows with cat are made of what it shows.
python3 - "$GANTRY_SOURCE/docs/foreign-plugins.md" <<'X'
import re, sys
for block in re.findall(r"```console\n(.*?)```", open(sys.argv[1]).read(), re.S):
    for name, text in re.findall(r"^\$ cat (\S+)\n((?:(?!\$ ).*\n)*)", block, re.M):
        if not name.startswith("state/"):
            open(name, "w").write(text)
X

# Both only ever run in the background, as a process that is killed at the end.
docker_plugin.py() { exec python3 "$GANTRY_SOURCE/tests/lib/docker_plugin.py" "$@" >plugin.log 2>&1; }
gantryd() { exec "$GANTRY_BUILD/gantryd" "$@" >gantryd.log 2>&1; }
wait_for_socket() { wait_for 10 test -S "$1" || echo "no socket $1"; }
cleanup_hook 'kill $(jobs -p) 2>/dev/null; wait'

command= want= compared=0
check() {
	local got pattern
	[ -n "$command" ] || return 0
	case $command in
	*\&) eval "$command" 9>&-; got= ;;
	# In this shell, for export; through a file, since a substitution is another shell.
	*) eval "$command" >"$T/got" 2>&1 </dev/null; got=$(cat "$T/got") ;;
	esac
	pattern=${want//\\/\\\\}
	pattern=${pattern//\*/\\*}
	pattern=${pattern//\?/\\?}
	pattern=${pattern//\[/\\[}
	pattern=${pattern//.../*}
	# shellcheck disable=SC2053 # the right side is a pattern
	[[ $got == $pattern || $got$'\n' == $pattern ]] || fail "'$command' printed:
$got
and the page says:
$want"
	compared=$((compared + 1))
	command= want=
}

inside=
while IFS= read -r line; do
	case $inside$line in
	'```console') inside=@ ;;
	'@```') check; inside= ;;
	'@$ '*) check; command=${line#\$ } ;;
	@*) want=$want${want:+$'\n'}$line ;;
	esac
done <"$GANTRY_SOURCE/docs/foreign-plugins.md"
[ "$compared" -ge 35 ] || fail "only $compared commands were found"
echo "$compared commands"
