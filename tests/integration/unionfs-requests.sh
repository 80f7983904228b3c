#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What is not asked: requests that the kernel can do without are not sent, and the server
# serves on the processor of who asks.
. "$(dirname "${BASH_SOURCE[0]}")/unionfs.inc"
mkdir -p "$work"/{l1/d,l2/d,l3/d,u,w,m}
for l in 1 2 3; do
	for i in 1 2 3 4 5 6 7 8; do echo "$l" >"$work/l$l/d/f$l-$i"; done
done
# requests NAME: how many of one sort were served
requests() {
	: >"$work/server.log"
	kill -USR1 "$server"
	wait_for 10 grep -q END "$work/server.log" || fail "the server tells no counts"
	tr -d '\0' <"$work/server.log" | awk -v name="$1" '$1 == name { n = $2 } END { print n + 0 }'
}
union_server "noholder,lowerdir=$work/l1:$work/l2:$work/l3,upperdir=$work/u,workdir=$work/w" "$work/m"

# Files are made without CREATE, so that closing them needs no RELEASE.
mkdir "$work/m/new"
for i in $(seq 50); do echo "$i" >"$work/m/new/f$i"; done
[ "$(requests MKNOD)" -ge 50 ] || fail "files are not made by MKNOD: $(requests CREATE) CREATE"
expect 0 "$(requests RELEASE)" "RELEASE requests for new files"
[ "$(cat "$work/m/new/f50")" = 50 ] || fail "what was written is not there"
# Opening and closing is no request at all.
before=$(requests OPEN)
for i in $(seq 8); do cat "$work/m/d/f1-$i" "$work/m/new/f$i" >/dev/null; done
expect "$before" "$(requests OPEN)" "OPEN requests for files"
expect 0 "$(requests RELEASE)" "RELEASE requests for files that were read"
# A file that is created without permissions can be written by who made it.
(umask 777 && echo secret >"$work/m/new/closed") || fail "a new file without permissions"
expect secret "$(cat "$work/m/new/closed")" "its content"
umount "$work/m"

# bound_to: on which processors the serving thread may run, "all" if on any
bound_to() {
	grep -h Cpus_allowed_list "/proc/$server/task/"*/status | awk '{ print $2 }' | sort | uniq -c |
		awk '$1 == 1 { one = $2 } END { print one == "" ? "all" : one }'
}
mapfile -t cpus < <(taskset -pc $$ | sed 's/.*: //' | tr ',' '\n' |
	while IFS=- read -r a b; do seq "$a" "${b:-$a}"; done)
[ ${#cpus[@]} -ge 2 ] || exit 0
union_server "noholder,timeout=0,threads=2,lowerdir=$work/l1,upperdir=$work/u,workdir=$work/w" "$work/m"
for cpu in "${cpus[1]}" "${cpus[0]}"; do
	for _ in $(seq 300); do
		taskset -c "$cpu" stat -c '' "$work/m/d/f1-1" "$work/m/d/f1-2" "$work/m/d/f1-3" >/dev/null
		[ "$(bound_to)" != "$cpu" ] || break
	done
	expect "$cpu" "$(bound_to)" "the processor that a thread serves on"
done
umount "$work/m"
exit 0
