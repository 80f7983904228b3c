#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# podman and buildah with gantry-unionfs as their mount_program: as root, and in a user
# namespace with one id, where owners are kept in attributes.
. "$(dirname "${BASH_SOURCE[0]}")/unionfs.inc"
for program in podman buildah crun; do
	command -v $program >/dev/null || skip "needs $program"
done
image=$GANTRY_BUILD/integration/image.tar
[ -e "$image" ] || { image=$work/image.tar; "$GANTRY_SOURCE/dist/make-image" "$image" $IMAGE; }
box=localhost/$IMAGE


# What follows runs in mount namespaces of its own: /run and the caches belong to the
# host's engines, and crun refuses a host that mounts both versions of cgroups.
cat >"$work/prelude" <<'END'
export HOME=$S/home XDG_RUNTIME_DIR=$S/xdg CONTAINERS_CONF=$S/containers.conf
unset DOCKER_CONFIG
mkdir -p "$HOME" "$XDG_RUNTIME_DIR"
printf '[engine]\nruntime = "crun"\n' >"$CONTAINERS_CONF"
store="--root $S/s --runroot $S/r --storage-driver overlay --storage-opt overlay.mount_program=$unionfs"
p() { podman $store --tmpdir "$S/tmp" --cgroup-manager cgroupfs --events-backend none "$@"; }
b() { buildah $store "$@"; }
limits="--network none --ulimit nofile=1024:1024 --ulimit nproc=1024:1024"
run() { p run --rm $limits "$@"; }
fail() { echo "FAIL: $*" >&2; exit 1; }
expect() { [ "$1" = "$2" ] || fail "$3: expected '$1', got '$2'"; }
END

cat >"$work/as-root" <<'END'
. "$1/prelude"
umount -l /sys/fs/cgroup/unified 2>/dev/null
mount -t tmpfs tmpfs /run && mount -t tmpfs tmpfs /var/cache || fail "cannot mount"
p load -q -i "$image" >/dev/null || fail "load"
expect fuse.gantry-unionfs "$(run "$box" awk '$2 == "/" { print $3; exit }' /proc/mounts)" "a container's filesystem"
p info 2>/dev/null | grep -q "gantry-unionfs: version" || fail "podman info does not show the version"
p create --name c $limits "$box" sh -c 'echo changed >/etc/passwd; rm -r /home; mkdir /home
	echo x >/home/new; ln /etc/passwd /etc/p2; chown 7:8 /etc/p2' >/dev/null
p start -a c 2>/dev/null || fail "start"
expect "$(printf 'A /etc/p2\nA /home/new\nC /etc\nC /etc/passwd\nC /home')" \
	"$(p diff c | LC_ALL=C sort | grep -v -e /proc -e /sys -e /dev -e /run -e hosts -e resolv)" "diff"
p commit -q c second >/dev/null 2>&1 || fail "commit"
expect "changed 7:8 new" "$(run second sh -c 'echo $(cat /etc/p2) $(stat -c %u:%g /etc/passwd) $(ls /home)')" \
	"the committed image"
mkdir "$S/build" && cd "$S/build" || exit
echo data >file
cat >Containerfile <<FILE
FROM $box
COPY file /srv/file
RUN rm -r /home && mkdir -p /home/a/b && cp /bin/busybox /bin/hello && chmod 4755 /bin/hello
RUN mv /srv /moved && ln -s moved /srv && chown 5:6 /moved/file
CMD ["cat", "/srv/file"]
FILE
b build -q --layers --isolation chroot -t built . >/dev/null || fail "buildah build"
expect data "$(run built)" "the image that buildah built"
expect "5:6 4755 a" "$(run built sh -c 'echo $(stat -c %u:%g /moved/file) $(stat -c %a /bin/hello) $(ls /home)')" \
	"its files"
ctr=$(b from built) && m=$(b mount "$ctr") && [ "$(cat "$m/moved/file")" = data ] || fail "buildah mount"
b umount "$ctr" >/dev/null && b rm "$ctr" >/dev/null && p rm -fa >/dev/null || fail "clean up"
END

# One id: everything belongs to it on disk, and an attribute says who owns it.
cat >"$work/as-user" <<'END'
. "$1/prelude"
store="$store --storage-opt overlay.ignore_chown_errors=true --storage-opt overlay.force_mask=700"
limits="$limits --cgroups=disabled"
export _CONTAINERS_USERNS_CONFIGURED=done
p load -q -i "$image" >/dev/null || fail "load with force_mask"
expect "drwxr-xr-x 0:0" "$(run "$box" stat -c '%A %u:%g' /bin)" "modes from attributes of the layer"
check() {
	expect "1751 fifo 640 4711" "$(stat -c %a "$m/own") $(stat -c '%F %a' "$m/own/fifo") $(stat -c %a "$m/bin/busybox")" "$1"
}
ctr=$(p create $limits "$box" true) && m=$(p mount "$ctr") || fail "mount"
mkdir "$m/own" && chmod 1751 "$m/own" && mkfifo "$m/own/fifo" && chmod 640 "$m/own/fifo" &&
	chmod 4711 "$m/bin/busybox" || fail "changes"
check "modes"
expect "0:0:1751" "$(getfattr --only-values -n user.fuseoverlayfs.override_stat "${m%/merged}/diff/own" 2>/dev/null)" \
	"the attribute"
p umount "$ctr" >/dev/null && m=$(p mount "$ctr") || fail "mount again"
check "modes after a remount"
p umount "$ctr" >/dev/null && p rm "$ctr" >/dev/null || fail "clean up"
END

chmod 755 "$work"
mkdir "$work/root" "$work/user"
export unionfs box image
S=$work/root unshare -m bash "$work/as-root" "$work" || fail "podman and buildah as root"
mknod "$work/fuse" c 10 229 && chmod 666 "$work/fuse" && chown -R 1500:1500 "$work/user"
S=$work/user unshare -m bash -c 'umount -l /sys/fs/cgroup/unified 2>/dev/null
	mount -t tmpfs tmpfs /run && mount -t tmpfs -o mode=777 tmpfs /var/cache && mount --bind "$1/fuse" /dev/fuse &&
	exec setpriv --reuid 1500 --regid 1500 --clear-groups unshare -Urm bash "$1/as-user" "$1"' bash "$work" ||
	fail "podman as a user with one id"
exit 0
