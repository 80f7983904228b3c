#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What a lookup finds is what a listing shows, in layers full of whiteouts of all kinds,
# in whatever order names are asked for: after several searches in one directory the
# server asks an index of its lower parts.
. "$(dirname "${BASH_SOURCE[0]}")/unionfs.inc"
mkdir -p "$work"/{l1,l2,l3,u,w,m}
# Each layer has, hides or lacks each name, in turn; expected is what the topmost says.
: >"$work/expected"
: >"$work/names"
make_name() {
	local i=$1 l name=n$1 what seen=
	for l in 1 2 3; do
		what=$(((i / (l * l) + l) % 6))
		case $what in
		0) echo "$l" >"$work/l$l/$2/$name" ;;
		1) mkdir "$work/l$l/$2/$name" && : >"$work/l$l/$2/$name/in-$l" ;;
		2) : >"$work/l$l/$2/.wh.$name" ;;
		3) mknod "$work/l$l/$2/$name" c 0 0 ;;
		esac
		[ $what -le 3 ] || continue
		[ -n "$seen" ] || seen=$what
	done
	echo "$2/$name" >>"$work/names"
	[ -z "$seen" ] || [ "$seen" -ge 2 ] || echo "$2/$name" >>"$work/expected"
}
for d in few many; do
	mkdir "$work"/l{1,2,3}/$d
	n=40
	# More than the first attempt at an index reads.
	[ $d = few ] || n=400
	for i in $(seq $n); do make_name "$i" $d; done
done
seq -f 'many/only-3-%g' 1 700 | (cd "$work/l3" && xargs touch)
seq -f 'many/only-3-%g' 1 700 | tee -a "$work/names" >>"$work/expected"
sort -o "$work/expected" "$work/expected"

# look_up NAMES: those that can be found
look_up() { (cd "$work/m" && while read -r name; do [ -e "$name" ] && echo "$name"; done <"$1") | sort; }
check() {
	local order
	for order in "sort" "sort -r" "sort -R --random-source=$work/names"; do
		union "$1" "$work/m"
		$order "$work/names" >"$work/order"
		look_up "$work/order" >"$work/found"
		diff "$work/expected" "$work/found" >"$work/diff" ||
			fail "$1, $order: lookups find something else: $(head -5 "$work/diff")"
		(cd "$work/m" && ls -d few/* many/*) | sort >"$work/listed"
		diff "$work/expected" "$work/listed" >"$work/diff" ||
			fail "$1: the list shows something else: $(head -5 "$work/diff")"
		# Directories show what they had before they were looked for one by one, too.
		(cd "$work/m" && find few many -name 'in-*') | sort >"$work/inside"
		umount "$work/m"
		union "$1,noholder" "$work/m"
		(cd "$work/m" && find few many -name 'in-*') | sort | cmp -s - "$work/inside" ||
			fail "$1: directories hold something else"
		umount "$work/m"
	done
}
lowers=lowerdir=$work/l1:$work/l2:$work/l3
check "$lowers"
check "$lowers,upperdir=$work/u,workdir=$work/w"
# An upper layer by another tool has ".wh." files as well; what is made over them, or
# removed, is seen at once.
mkdir "$work/u/few"
sed -n 's|^few/||p' "$work/expected" >"$work/in-few"
gone=$(sed -n 3p "$work/in-few")
: >"$work/u/few/.wh.$gone"
sed -i "\|^few/$gone\$|d" "$work/expected"
check "$lowers,upperdir=$work/u,workdir=$work/w"
union "$lowers,upperdir=$work/u,workdir=$work/w" "$work/m"
look_up "$work/names" >/dev/null
echo back >"$work/m/few/$gone" || fail "cannot make what a .wh. file hides"
expect back "$(cat "$work/m/few/$gone")" "what was made over a .wh. file"
other=$(sed -n 5p "$work/in-few")
rm -r "$work/m/few/$other"
[ ! -e "$work/m/few/$other" ] || fail "$other is still there"
mkdir "$work/m/few/$other" || fail "cannot make $other again"
expect "" "$(ls "$work/m/few/$other")" "a new directory where one was"
mv "$work/m/few" "$work/m/moved"
[ -e "$work/m/moved/$gone" ] && [ ! -e "$work/m/few" ] || fail "a directory that was moved"
exit 0
