#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Limits: quotas of the upper filesystem hold for who writes, also when a file has to be
# copied up; a server has a cgroup of its own with its memory limit, and takes it along.
. "$(dirname "${BASH_SOURCE[0]}")/unionfs.inc"

# as_user COMMAND...: as uid 1000 without any capability
as_user() { setpriv --reuid 1000 --regid 1000 --clear-groups bash -c "$@"; }

# A filesystem at $1 where nothing, or nothing of uid 1000, may take more than 1 MiB.
limited_disk() {
	local disk=$1 image=$1.image
	mkdir "$disk"
	truncate -s 128m "$image"
	if mkfs.btrfs -q "$image" >/dev/null && mount -o loop "$image" "$disk"; then
		btrfs quota enable "$disk" >/dev/null &&
			btrfs subvolume create "$disk/limited" >/dev/null &&
			btrfs qgroup limit 1m "$disk/limited" >/dev/null && echo "$disk/limited"
		return
	fi
	mkfs.ext4 -q -O quota -E quotatype=usrquota "$image" &&
		mount -o loop,usrquota "$image" "$disk" || return 1
	# There is no setquota(8) everywhere.
	python3 - "$(findmnt -no SOURCE "$disk")" <<'END' && echo "$disk"
import ctypes, os, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
Q_SETQUOTA, QIF_BLIMITS, USRQUOTA = 0x800008, 1, 0
command = ctypes.c_int(Q_SETQUOTA << 8 | USRQUOTA)
limits = struct.pack("=8QI4x", 1024, 0, 0, 0, 0, 0, 0, 0, QIF_BLIMITS)
r = libc.quotactl(command, sys.argv[1].encode(), 1000, limits)
sys.exit(r != 0 and os.strerror(ctypes.get_errno()))
END
}

quotas() {
	local d=$work/q upper sum
	mkdir -p "$d"/{l,m}
	upper=$(limited_disk "$d/disk" 2>/dev/null)
	[ -n "$upper" ] || return 1
	mkdir "$upper/u" "$upper/w"
	head -c 3000000 /dev/urandom >"$d/l/big"
	echo small >"$d/l/small"
	mkdir -m 777 "$d/l/dir"
	chown 1000:1000 "$d/l/big" "$d/l/small"
	chmod 755 "$work" "$d" "$d/m"
	union_server "noholder,writeback=off,lowerdir=$d/l,upperdir=$upper/u,workdir=$upper/w" "$d/m"
	expect_error 1 "quota exceeded" as_user "head -c 3000000 /dev/urandom >$d/m/dir/new"
	rm "$d/m/dir/new"
	sync -f "$upper"
	sum=$(md5sum <"$d/l/big")
	expect_error 1 "quota exceeded" as_user "echo x >>$d/m/big"
	expect "$sum" "$(md5sum <"$d/m/big")" "a file whose copy the quota does not allow"
	expect "" "$(ls "$upper/w/work")" "left in the workdir"
	sync -f "$upper"
	as_user "echo more >>$d/m/small" || fail "a small file, within the quota"
	expect "$(printf 'small\nmore')" "$(cat "$d/m/small")" "its content"
	kill -0 "$server" || fail "the server died"
	umount "$d/m"
	wait_for 10 umount "$d/disk"
}
expect_error() {
	local want=$1 text=$2
	shift 2
	expect_status "$want" "$@"
	expect_text "$text" "$OUT" "$*"
}
quotas || { echo "no quotas here: they are not tested"; umount -l "$work/q/disk" 2>/dev/null; }

# folder_of PID: its memory cgroup
folder_of() {
	local unified memory
	memory=$(sed -n 's/^[0-9]*:memory://p' "/proc/$1/cgroup")
	unified=$(sed -n 's/^0:://p' "/proc/$1/cgroup")
	if [ -n "$memory" ]; then echo "/sys/fs/cgroup/memory$memory"; else echo "/sys/fs/cgroup$unified"; fi
}
d=$work/c
mkdir -p "$d"/{l,u,w,m}
echo low >"$d/l/file"
union_server "memory_max=64M,lowerdir=$d/l,upperdir=$d/u,workdir=$d/w" "$d/m"
holder=$server
child() { pgrep -P "$holder" | head -1; }
limited() {
	[ -n "$(child)" ] && folder=$(folder_of "$(child)") && [[ $folder == */gantry-unionfs-$(child) ]]
}
if [ -w "$(folder_of $$)/cgroup.procs" ] && wait_for 5 limited; then
	limited
	limit=$(cat "$folder/memory.max" 2>/dev/null || cat "$folder/memory.limit_in_bytes")
	expect $((64 << 20)) "$limit" "the limit of the server's cgroup"
	expect "$(child)" "$(cat "$folder/cgroup.procs")" "who is in the server's cgroup"
	[ "$(folder_of "$holder")" != "$folder" ] || fail "the holder has the server's limit"
	# A successor has its own; the old one's goes.
	old=$folder before=$(child)
	kill -9 "$before"
	wait_for 10 eval '[ -n "$(child)" ] && [ "$(child)" != "$before" ] && limited' ||
		fail "a successor without a limit"
	limited
	[ "$folder" != "$old" ] || fail "the successor is in the old cgroup"
	expect low "$(cat "$d/m/file")" "a file after that"
	wait_for 10 eval '[ ! -e "$old" ]' || fail "$old is left over"
	umount "$d/m"
	wait_for 10 eval '[ ! -e "$folder" ]' || fail "$folder is left over"
else
	echo "no cgroups can be made here: memory limits are not tested"
	umount "$d/m"
fi
exit 0
