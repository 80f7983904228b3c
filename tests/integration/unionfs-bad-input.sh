#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Hostile and broken layers, names and disks: the right errno, no crash, nothing outside
# the tree is touched, and what else is in the union still works.
. "$(dirname "${BASH_SOURCE[0]}")/unionfs.inc"
n=0
# fresh: an empty set of folders, $d
fresh() {
	d=$work/$((++n))
	mkdir -p "$d"/{l,l2,u,w,m}
}
# up [OPTIONS] and down: the mount, whose server must be alive at the end
up() { union_server "noholder,lowerdir=$d/l:$d/l2,upperdir=$d/u,workdir=$d/w${1:+,$1}" "$d/m"; }
down() {
	kill -0 "$server" 2>/dev/null || fail "$1: the server died: $(cat "$work/server.log")"
	umount "$d/m" || fail "$1: cannot unmount"
	[ ! -e "$d/w/work" ] || expect "" "$(ls -A "$d/w/work" | grep -v '^whiteout$')" "$1: left in the workdir"
}
mark() { setfattr -n "trusted.overlay.$1" -v "$2" "$3"; }

# Marks that are damaged or lead elsewhere.
fresh
mkdir -p "$d"/l/{up,slash,empty,root,dots,link,loop-a,loop-b,gone,noise,self} "$d"/l2/{target,loop-a,loop-b}
echo secret >"$work/outside"
echo seen >"$d/l2/target/file"
ln -s /etc "$d/l2/etc-link"
ln -s "$work" "$d/l2/out-link"
mark redirect .. "$d/l/up"
mark redirect a/b "$d/l/slash"
mark redirect "" "$d/l/empty"
mark redirect / "$d/l/root"
mark redirect /../../../etc "$d/l/dots"
mark redirect /etc-link "$d/l/link"
mark redirect /loop-b "$d/l/loop-a"
mark redirect /loop-a "$d/l/loop-b"
mark redirect /self/self/self "$d/l/self"
mark redirect /not/there "$d/l/gone"
for name in opaque origin metacopy impure; do mark $name "$(head -c 100 /dev/urandom | base64 -w0)" "$d/l/noise"; done
up redirect_dir=on
for name in up slash empty dots; do
	expect_error 2 "Input/output error" ls "$d/m/$name"
done
for name in root link loop-a loop-b self gone noise; do
	timeout 10 ls -R "$d/m/$name" >"$d/out" 2>&1
	[ $? != 124 ] || fail "redirect $name hangs"
	! grep -q -e passwd -e outside -e secret "$d/out" || fail "redirect $name leaves the layer: $(cat "$d/out")"
done
expect seen "$(cat "$d/m/target/file")" "beside damaged marks"
expect_error 1 "" cat "$d/m/link/passwd"
down "damaged marks"

# A metacopy whose data is nowhere, or outside.
fresh
truncate -s 4096 "$d/l/lost" "$d/l/out"
mark metacopy "" "$d/l/lost"
mark metacopy "" "$d/l/out"
mark redirect "/../../outside" "$d/l/out"
up
expect_error 1 "Input/output error" cat "$d/m/lost"
expect_error 1 "Input/output error" cat "$d/m/out"
down "lost data"

# Layers that change underneath.
fresh
mkdir "$d/l/dir"
for i in 1 2 3 4; do echo "$i" >"$d/l/dir/f$i"; done
up timeout=0
exec 9<"$d/m/dir/f1"
ls "$d/m/dir" >/dev/null
rm "$d/l/dir/f2" "$d/l/dir/f1"
rm "$d/l/dir/f3" && mkdir "$d/l/dir/f3"
echo longer than before >"$d/l/dir/f4"
cat "$d/m/dir/f2" 2>/dev/null && fail "a file that was removed underneath"
(cat "$d/m/dir/f3"; ls "$d/m/dir/f3"; echo x >"$d/m/dir/f2"; chmod 600 "$d/m/dir/f1") >/dev/null 2>&1
cat <&9 >/dev/null 2>&1
exec 9<&-
rm -r "$d/l/dir"
timeout 10 ls -R "$d/m" >/dev/null 2>&1
[ $? != 124 ] || fail "a folder removed underneath hangs"
touch "$d/m/still-works" || fail "after changes underneath"
down "changes underneath"

# Names.
fresh
long=$(printf 'n%.0s' $(seq 255)) bytes=$(printf 'a\377\376b') line=$(printf 'two\nlines')
for name in "$long" "$bytes" "$line" "-" " " '\'; do
	echo low >"$d/l/$name"
	mkdir "$d/l2/d$(printf %s "$name" | md5sum | cut -c1-8)"
done
up
for name in "$long" "$bytes" "$line" "-" " " '\'; do
	expect low "$(cat "$d/m/$name")" "a file named $name"
	echo more >>"$d/m/$name" || fail "writing $name"
	mv "$d/m/$name" "$d/m/moved" && [ ! -e "$d/m/$name" ] || fail "renaming $name"
	mkdir "$d/m/$name" && rmdir "$d/m/$name" || fail "a folder in place of $name"
	mv "$d/m/moved" "$d/m/$name" && rm "$d/m/$name" && [ ! -e "$d/m/$name" ] || fail "removing $name"
done
expect_error 1 "File name too long" touch "$d/m/n$long"
expect 6 "$(ls "$d/m" | wc -l)" "what is left"
deep=$d/m
for i in $(seq 60); do deep=$deep/$(printf 'd%.0s' $(seq 60)); done
mkdir -p "$deep" && touch "$deep/file" && rm -r "$d/m/${long:0:0}$(printf 'd%.0s' $(seq 60))" || fail "deep folders"
down "names"

# Many entries, half of them removed while they are read.
fresh
mkdir "$d/l/many"
(cd "$d/l/many" && seq 100000 | xargs touch)
up
expect 100000 "$(ls -U "$d/m/many" | sort -u | wc -l)" "100,000 entries"
python3 - "$d/m/many" <<'END' || fail "removing while reading"
import os, sys
seen = set()
for i, entry in enumerate(os.scandir(sys.argv[1])):
    assert entry.name not in seen, "twice: " + entry.name
    seen.add(entry.name)
    if i < 2000:
        os.unlink(entry.path)
assert len(seen) == 100000, len(seen)
END
expect 98000 "$(ls -U "$d/m/many" | wc -l)" "98,000 entries"
down "many entries"

# No space, no inodes.
fresh
mkdir "$d/t"
mount -t tmpfs -o size=1m,nr_inodes=40 tmpfs "$d/t" && mkdir "$d/t/u" "$d/t/w" && rm -r "$d/u" "$d/w"
ln -s t/u "$d/u" && ln -s t/w "$d/w"
head -c 2000000 /dev/urandom >"$d/l/big"
echo small >"$d/l/small"
up writeback=off
sum=$(md5sum <"$d/l/big")
expect_error 1 "No space left" bash -c "echo x >>$d/m/big"
expect "$sum" "$(md5sum <"$d/m/big")" "a file that could not be copied up"
expect_error 1 "No space left" bash -c "head -c 3000000 /dev/zero >$d/m/new"
rm "$d/m/new" && echo more >>"$d/m/small" || fail "when there is space again"
expect_error 1 "No space left" bash -c "for i in \$(seq 50); do : >$d/m/i\$i || exit 1; done"
rm "$d"/m/i* && touch "$d/m/again" || fail "when there are inodes again"
down "no space"
umount -l "$d/t"

# A read-only upper layer.
fresh
echo low >"$d/l/file"
mount --bind "$d" "$d" && mount -o remount,ro,bind "$d"
"$unionfs" -o "noholder,lowerdir=$d/l,upperdir=$d/u,workdir=$d/w" "$work/1/m" 2>"$work/out" &&
	{ expect_error 1 "Read-only file system" touch "$work/1/m/x"; umount "$work/1/m"; }
umount -l "$d"
up ro
expect_error 1 "Read-only file system" touch "$d/m/file"
expect low "$(cat "$d/m/file")" "read-only"
down "read-only"

# Lower filesystems without attributes, and without types in directories.
fresh
mount -t ramfs ramfs "$d/l"
mkdir "$d/l/dir" && echo low >"$d/l/dir/file"
truncate -s 8m "$d/disk" && mkfs.ext4 -q -O ^filetype "$d/disk" && mount -o loop "$d/disk" "$d/l2" 2>/dev/null ||
	echo "no loop devices: directories without types are not tested"
mkdir -p "$d/l2/dir/sub" && echo two >"$d/l2/dir/two" && ln -s two "$d/l2/dir/link"
up
expect "file l link sub two" "$(cd "$d/m/dir" && echo file $(ls -F | tr -d '/@' | sed 's/link/l link/;/^file/d'))" "a merged folder"
expect low "$(cat "$d/m/dir/file")" "a file without attributes"
echo more >>"$d/m/dir/file" && rm "$d/m/dir/two" && mkdir "$d/m/dir/two" || fail "changes"
setfattr -n user.x -v y "$d/m/dir/file" && expect y "$(getfattr --only-values -n user.x "$d/m/dir/file" 2>/dev/null)" "an attribute after copy-up"
down "simple lower filesystems"
umount -l "$d/l"
mountpoint -q "$d/l2" && umount -l "$d/l2"
expect secret "$(cat "$work/outside")" "a file outside"
exit 0
