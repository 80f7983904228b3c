#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Other people's test suites on gantry-unionfs, each with and without the write-back
# cache and with passthrough.  Each suite runs where its variable names a built copy:
#   UNIONMOUNT  the folder of unionmount-testsuite
#   FSX         the program fsx; FSX_OPS: how many operations (10,000,000)
#   FSSTRESS    the program fsstress; FSSTRESS_OPS: of each of four processes (20,000)
. "$(dirname "${BASH_SOURCE[0]}")/unionfs.inc"
[ "${UNIONMOUNT:-}${FSX:-}${FSSTRESS:-}" ] || skip "set UNIONMOUNT, FSX or FSSTRESS"
fast=$(mktemp -d "/dev/shm/gt-$TEST_NAME.XXXXXX")
cleanup_hook 'umount -l "$fast"/*/m 2>/dev/null; rm -rf "$fast"'

# unionmount ARGS...: mount(8) must find gantry-unionfs in a folder of its own choice,
# and a server closes its layers only a moment after umount(8).
unionmount() {
	mkdir -p "$work/umts" "$work/bin"
	cp "$unionfs" "$work/bin/"
	cat >"$work/bin/umount" <<'END'
#!/bin/sh
for i in 1 2 3 4 5 6 7 8 9; do /bin/umount "$@" 2>/dev/null && exit; sleep 0.1; done
exec /bin/umount "$@"
END
	chmod +x "$work/bin/umount"
	UNIONMOUNT_BASEDIR=$work/umts unshare -m bash -c 'mount --bind "$1" /usr/local/bin &&
		cd "$2" && shift 2 && PATH=/usr/local/bin:$PATH exec ./run "$@"' bash \
		"$work/bin" "$UNIONMOUNT" "$@" >"$work/umts.log" 2>&1 ||
		fail "unionmount $*: $(tail -3 "$work/umts.log")"
	echo "unionmount $*: passed"
}

# With --verify the suite looks for the copy in the upper layer as soon as a file was
# opened for writing, which only a union that is asked for every open can do.
if [ -n "${UNIONMOUNT:-}" ]; then
	for args in "" --samefs --xino; do unionmount --ov --fuse=gantry-unionfs $args; done
	for args in "" --samefs --maxfs=3; do unionmount --ov=10 --fuse=gantry-unionfs $args; done
	UNIONMOUNT_MNTOPTIONS=passthrough=on unionmount --ov --fuse=gantry-unionfs --samefs --verify
fi

# tree FOLDER: everything that must stay the same
tree() {
	(
		cd "$1" || exit
		find . -type d -printf '%p d %m %U %G\n' -o -printf '%p %y %m %U %G %s %n %l\n' | sort
		find . -type f -print0 | sort -z | xargs -0 sha256sum
	)
}

for options in writeback=on writeback=off passthrough=on; do
	d=$fast/${options%%=*}-${options##*=}
	mkdir -p "$d"/{l,u,w,m}
	head -c 200000 /dev/urandom >"$d/l/f"
	union "lowerdir=$d/l,upperdir=$d/u,workdir=$d/w,$options" "$d/m"
	if [ -n "${FSX:-}" ]; then
		n=${FSX_OPS:-10000000}
		[ $options = writeback=on ] || n=$((n / 10))
		"$FSX" -q -N "$n" -S 1 -c 1000 -P "$d" "$d/m/f" >"$d/log" 2>&1 ||
			fail "fsx with $options: $(tail -5 "$d/log")"
		echo "fsx, $n operations, $options: $(tail -1 "$d/log")"
	fi
	if [ -n "${FSSTRESS:-}" ]; then
		mkdir "$d/m/stress"
		"$FSSTRESS" -d "$d/m/stress" -n "${FSSTRESS_OPS:-20000}" -p 4 -l 1 -s 42 >"$d/log" 2>&1 ||
			fail "fsstress with $options: $(tail -5 "$d/log")"
		# What is there now is there after a remount, and for the kernel's overlayfs.
		before=$(tree "$d/m")
		umount "$d/m"
		union "lowerdir=$d/l,upperdir=$d/u,workdir=$d/w,$options" "$d/m"
		expect "$before" "$(tree "$d/m")" "the tree after fsstress and a remount, $options"
		umount "$d/m"
		wait_for 10 kernel_overlay "lowerdir=$d/l,upperdir=$d/u,workdir=$d/w,redirect_dir=on" "$d/m"
		expect "$before" "$(tree "$d/m")" "the tree after fsstress under the kernel's overlayfs, $options"
		echo "fsstress, $options: passed"
	fi
	umount "$d/m"
done
exit 0
