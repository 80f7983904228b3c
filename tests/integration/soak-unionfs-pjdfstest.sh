#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# POSIX as pjdfstest sees it: gantry-unionfs passes what the plain filesystem below it
# or the kernel's overlayfs passes, as root and as the root of a user namespace.
# PJDFSTEST: a folder with the suite, built.  TARGETS: some of plain, kernel, union; WHO: some
# of root, userns.
. "$(dirname "${BASH_SOURCE[0]}")/unionfs.inc"
[ -x "${PJDFSTEST:-}/pjdfstest" ] || skip "set PJDFSTEST to a built pjdfstest"
command -v prove >/dev/null || skip "needs prove"
targets=${TARGETS:-plain kernel union}

# run TARGET FOLDER XATTRS: mounts it and runs the suite in it; prints the failures
suite() {
	local target=$1 d=$2
	export PATH=$PATH
	mkdir -p "$d"/{l,u,w,m}
	case $target in
	kernel) mount -t overlay overlay -o "lowerdir=$d/l,upperdir=$d/u,workdir=$d/w$3" "$d/m" || exit 78 ;;
	union) "$unionfs" -o "lowerdir=$d/l,upperdir=$d/u,workdir=$d/w" "$d/m" || exit 78 ;;
	esac
	cd "$d/m" || exit 78
	prove -Qr "$PJDFSTEST/tests"
}
export -f suite
export unionfs PJDFSTEST

failed() { awk '/Failed: [1-9]/ { sub(/.*\/tests\//, ""); print $1, $NF }' "$1" | tr -d ')' | sort; }

report() {
	echo "$1: $(tail -2 "$2" | tr '\n' ' ')"
	failed "$2"
}

for who in ${WHO:-root userns}; do
	for target in $targets; do
		d=$work/$who-$target log=$work/$who-$target.log
		mkdir "$d"
		if [ $who = root ]; then
			bash -c "suite $target $d ''" >"$log" 2>&1
		else
			chown 100000:100000 "$d"
			chmod 755 "$work"
			in_userns bash -c "suite $target $d ,userxattr" >"$log" 2>&1
		fi
		report "$who, $target" "$log"
		mountpoint -q "$d/m" && umount "$d/m"
	done
	# What neither the plain filesystem nor the kernel's overlayfs can do is no failure:
	# in a user namespace nobody makes devices.
	if [ -e "$work/$who-union.log" ]; then
		for target in plain kernel; do
			[ ! -e "$work/$who-$target.log" ] || failed "$work/$who-$target.log"
		done | sort -u >"$work/known"
		expect "" "$(failed "$work/$who-union.log" | comm -23 - "$work/known")" "failures as $who"
	fi
done
exit 0
