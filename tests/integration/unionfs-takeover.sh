#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A server that is killed is replaced: open files, removed open files, working
# directories and inode numbers survive, and no request fails or hangs.
. "$(dirname "${BASH_SOURCE[0]}")/unionfs.inc"
current_server() { pgrep -P "$holder" | head -1; }
kill_server() {
	local old
	old=$(current_server)
	kill -9 "$old"
	for _ in $(seq 100); do
		[ -n "$(current_server)" ] && [ "$(current_server)" != "$old" ] && return
		sleep 0.02
	done
	fail "no new server"
}
mkdir -p "$work"/{l/a/b,u,w,m}
for i in 1 2 3; do echo "low$i" >"$work/l/a/b/f$i"; done
union_server "lowerdir=$work/l,upperdir=$work/u,workdir=$work/w" "$work/m"
holder=$server
cd "$work/m/a/b" || fail "cannot enter"
exec 5<f1 6<>f2 7>new 8<>gone
echo changed >>f2
echo one >&7
echo removed >&8
rm gone f3
exec 9>>locked
flock -n 9 || fail "cannot lock a file"
# hold_lock and try_lock: of the POSIX sort
mkfifo "$work/held" "$work/end"
python3 -c '
import fcntl, os, sys
f = open("locked", "r+")
fcntl.lockf(f, fcntl.LOCK_EX)
open(sys.argv[1], "w").close()
open(sys.argv[2]).read()' "$work/held" "$work/end" &
locker=$!
timeout 60 cat "$work/held" || fail "nobody holds a POSIX lock"
try_lock() { python3 -c 'import fcntl; fcntl.lockf(open("locked", "r+"), fcntl.LOCK_EX | fcntl.LOCK_NB)' 2>/dev/null; }
inodes=$(ls -i)
kill_server
[ "$(cat <&5)" = low1 ] || fail "a lower file that was open"
[ "$(cat f2)" = "$(printf 'low2\nchanged')" ] || fail "a copied-up file"
echo two >&7
[ "$(cat new)" = "$(printf 'one\ntwo')" ] || fail "a new file that was open"
echo again >&8
[ "$(cat /proc/self/fd/8)" = "$(printf 'removed\nagain')" ] || fail "a removed file that was open"
[ "$(ls -i)" = "$inodes" ] || fail "inode numbers"
[ "$(pwd)" = "$work/m/a/b" ] || fail "the working directory"
flock -n locked true && fail "a flock is gone"
try_lock && fail "a POSIX lock is gone"
: >"$work/end"
wait $locker
try_lock || fail "a POSIX lock stays for ever"
exec 9>&-
flock -n locked true || fail "a flock stays for ever"
rm locked
# Under load: every step must work although servers die between and within them.
(
	for i in $(seq 300); do
		mkdir "d$i" && echo "$i" >"d$i/x" && mv "d$i/x" "d$i/y" && ln "d$i/y" "d$i/z" &&
			[ "$(cat "d$i/z")" = "$i" ] && rm "d$i/y" "d$i/z" && rmdir "d$i" || exit 1
	done
) &
load=$!
for _ in 1 2 3; do sleep 0.1; kill_server; done
wait $load || fail "an operation under load"
[ "$(ls)" = "$(printf 'f1\nf2\nnew')" ] || fail "left over: $(ls)"
# Killed over and over: given up with an error, not a hang.
(for _ in 1 2 3 4 5 6 7; do kill -9 "$(current_server)" 2>/dev/null; sleep 0.2; done)
timeout 5 ls "$work/m" >/dev/null 2>&1
[ $? != 124 ] || fail "a mount without a server hangs"
exec 5<&- 6<&- 7<&- 8<&-
exit 0
