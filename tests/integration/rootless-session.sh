#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Sessions come and go: the same containers are found with and without one, after su, from
# several processes at once, after everything was killed, and after a reboot.
. "$(dirname "$0")/functions.sh"
. "$(dirname "$0")/rootless.inc"
[ -e "$GANTRY_BUILD/integration/image.tar" ] || skip "the image is made by ./check"
new_user ids=single helpers=no
in_env() { as_user env "$@"; }
G=$GANTRY_BUILD/gantry
u load -q -i "$GANTRY_BUILD/integration/image.tar" >/dev/null || fail "load"

u run -d --name aa "$IMAGE" sleep 1000 >/dev/null || fail "run -d"
expect aa "$(in_env -u XDG_RUNTIME_DIR "$G" ps --format '{{.Names}}')" "without a session"
expect ok "$(in_env -u XDG_RUNTIME_DIR "$G" exec aa echo ok)" "exec without a session"
expect aa "$(in_env HOME=/root XDG_RUNTIME_DIR=/run "$G" ps --format '{{.Names}}')" "after su"
expect aa "$(in_env -u HOME -u XDG_RUNTIME_DIR "$G" ps --format '{{.Names}}')" "without HOME"

# the Engine API on a socket of the user's, and the same containers beside it
as_user "$GANTRY_BUILD/gantryd" -H "unix://$T/xdg/engine.sock" >"$T/gantryd.log" 2>&1 &
wait_for 20 test -S "$T/xdg/engine.sock" || { cat "$T/gantryd.log"; fail "gantryd did not start"; }
if command -v docker >/dev/null; then
	expect "5 6" "$(in_env DOCKER_HOST="unix://$T/xdg/engine.sock" DOCKER_CONFIG="$USER_HOME" docker run --rm "$IMAGE" \
		sh -c 'touch /f; chown 5:6 /f; stat -c "%u %g" /f')" "docker run by the user's daemon"
fi
expect aa "$(in_env "$G" -H "unix://$T/xdg/engine.sock" ps --format '{{.Names}}')" "the daemon's view"
expect ok "$(in_env "$G" -H "unix://$T/xdg/engine.sock" exec aa echo ok)" "exec by the daemon"
kill "$(pgrep -u "$USER_ID" -x gantryd)"

# many at once live in one namespace
for i in 1 2 3 4 5 6; do u run --rm "$IMAGE" echo "$i" & done >"$T/many"
wait
expect "1 2 3 4 5 6" "$(sort "$T/many" | xargs)" "several at once"
expect 1 "$(for p in $(pgrep -u "$USER_ID" gantry-shim); do readlink "/proc/$p/ns/user"; done | sort -u | wc -l)" \
	"one namespace"

# everything is killed: the next command makes a new namespace and says what has ended
old=$(readlink "/proc/$(pgrep -u "$USER_ID" -n gantry-shim)/ns/user")
pkill_user() { for p in $(pgrep -u "$USER_ID"); do kill -9 "$p" 2>/dev/null; done; }
pkill_user
wait_for 10 sh -c "! pgrep -u $USER_ID" || fail "they live on"
expect "Exited" "$(u ps -a --format '{{.Status}}' | cut -d' ' -f1)" "after a massacre"
u start aa >/dev/null || fail "start after it"
[ "$old" != "$(readlink "/proc/$(pgrep -u "$USER_ID" -n gantry-shim)/ns/user")" ] ||
	echo "the kernel has used the number of the namespace again"
expect ok "$(u exec aa echo ok)" "exec after it"
u rm -f aa >/dev/null

# a reboot: another boot id, and the run folder is gone
u run -d --name bb --restart always "$IMAGE" sleep 1000 >/dev/null || fail "run --restart"
pkill_user
wait_for 10 sh -c "! pgrep -u $USER_ID" || fail "they live on"
rm -rf "$T/xdg/gantry"
BOOT=$T/boot_id
echo 01234567-89ab-cdef-0123-456789abcdef >"$BOOT"
after_boot() {
	unshare -m sh -c 'mount --bind "$0" /proc/sys/kernel/random/boot_id && exec "$@"' "$BOOT" \
		env T="$T" USER_ID="$USER_ID" USER_HOME="$USER_HOME" USER_FUSE="$USER_FUSE" USER_HELPERS="$USER_HELPERS" \
		GANTRY_BUILD="$GANTRY_BUILD" bash -c "$(declare -f as_user u); \"\$@\"" sh "$@"
}
expect "Exited bb" "$(after_boot u ps -a --format '{{.Status}} {{.Names}}' | awk '{print $1, $NF}')" "after a reboot"
after_boot as_user "$GANTRY_BUILD/gantry-reconcile" boot || fail "boot"
expect "Up bb" "$(after_boot u ps --format '{{.Status}} {{.Names}}' | awk '{print $1, $NF}')" "restarted at boot"
after_boot u rm -f bb >/dev/null || fail "rm"

# /tmp is everybody's: a folder that somebody else has made is not used
expect "$USER_HOME/.cache/gantry-run" "$(
	ln -s /etc "/tmp/gantry-$USER_ID"
	rm -f "$USER_HOME/.local/share/gantry/run-root"
	in_env -u XDG_RUNTIME_DIR "$G" doctor | sed -n 's/.*(run-time files: \(.*\))/\1/p'
	rm -f "/tmp/gantry-$USER_ID")" "a trap in /tmp"
exit 0
