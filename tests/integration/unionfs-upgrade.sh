#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Another version of gantry-unionfs takes over a mount in use: open files, removed open
# files, locks, working directories and inode numbers stay, and no request fails.  One
# that cannot is not tried.
. "$(dirname "${BASH_SOURCE[0]}")/unionfs.inc"
mkdir -p "$work"/{l/a/b,u,w,m,bin}
for i in 1 2 3; do echo "low$i" >"$work/l/a/b/f$i"; done
cp "$unionfs" "$work/bin/gantry-unionfs"
# Relative paths, as the user typed them: the program that goes on is in another folder.
(cd "$work" && exec bin/gantry-unionfs -o lowerdir=l,upperdir=u,workdir=w m) || fail "cannot mount"
holder=$(pgrep -f "^bin/gantry-unionfs -o lowerdir=l,upperdir=u,workdir=w m$" | while read -r pid; do
	[ "$(readlink "/proc/$pid/exe")" = "$work/bin/gantry-unionfs" ] && echo "$pid"
done | sort -n | head -1)
[ -n "$holder" ] || fail "no holder"
current_server() { pgrep -P "$holder" | head -1; }
runs() { stat -L -c %i "/proc/$1/exe" 2>/dev/null; }

cd "$work/m/a/b" || fail "cannot enter"
exec 5<f1 6<>f2 7>new 8<>gone
echo changed >>f2
echo one >&7
echo removed >&8
rm gone
exec 9>>locked
flock -n 9 || fail "cannot lock"
inodes=$(ls -i)

# A program that does not run, or speaks of another format: the old one goes on.
old=$(runs "$holder") server=$(current_server)
for bad in 'exit 1' 'echo 0' 'echo'; do
	printf '#!/bin/sh\n%s\n' "$bad" >"$work/bin/next" && chmod +x "$work/bin/next"
	mv "$work/bin/next" "$work/bin/gantry-unionfs"
	kill -HUP "$holder"
	[ "$(cat f2)" = "$(printf 'low2\nchanged')" ] || fail "after a refused upgrade to '$bad'"
done
sleep 0.3
expect "$old" "$(runs "$holder")" "the program after refused upgrades"
expect "$server" "$(current_server)" "the server after refused upgrades"

# The new version, under load.
(
	for i in $(seq 200); do
		mkdir "d$i" && echo "$i" >"d$i/x" && mv "d$i/x" "d$i/y" && ln "d$i/y" "d$i/z" &&
			[ "$(cat "d$i/z")" = "$i" ] && rm "d$i/y" "d$i/z" && rmdir "d$i" || exit 1
	done
) &
load=$!
for _ in 1 2 3; do
	server=$(current_server)
	cp "$unionfs" "$work/bin/next" && mv "$work/bin/next" "$work/bin/gantry-unionfs"
	new=$(stat -c %i "$work/bin/gantry-unionfs")
	kill -HUP "$holder"
	wait_for 30 eval '[ "$(runs "$holder")" = "$new" ] && s=$(current_server) && [ -n "$s" ] && [ "$s" != "$server" ]' ||
		fail "the new program does not run"
done
wait $load || fail "an operation during the upgrades"
[ "$(cat <&5)" = low1 ] || fail "a lower file that was open"
echo two >&7
expect "$(printf 'one\ntwo')" "$(cat new)" "a new file that was open"
echo again >&8
expect "$(printf 'removed\nagain')" "$(cat /proc/self/fd/8)" "a removed file that was open"
expect "$inodes" "$(ls -i)" "inode numbers"
expect "$work/m/a/b" "$(pwd)" "the working directory"
flock -n locked true && fail "the lock is gone"
[ ! -e "$work/m/gone" ] || fail "a removed file is back"
# Nothing that the old ones had open is left open.
n=$(ls "/proc/$holder/fd" | wc -l)
[ "$n" -lt 60 ] || fail "the holder has $n files open: $(ls -l "/proc/$holder/fd" | tail -20)"
exec 5<&- 6<&- 7<&- 8<&- 9<&-
cd /
umount "$work/m" || fail "cannot unmount"
wait_for 10 eval '! kill -0 "$holder" 2>/dev/null' || fail "the holder is left over"
exit 0
