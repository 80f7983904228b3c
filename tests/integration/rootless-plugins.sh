#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# An ordinary user's plugins: one in a process of its own is confined like root's, and Docker's
# plugins are found in the user's own folders.
. "$(dirname "$0")/functions.sh"
. "$(dirname "$0")/rootless.inc"
[ -e "$GANTRY_BUILD/integration/image.tar" ] || skip "the image is made by ./check"

new_user ids=full
P=$USER_HOME/plugins/volume/hostile
as_user mkdir -p "$P" "$USER_HOME/.config/gantry"
cp "$GANTRY_BUILD/tests/plugins/hostile.so" "$P/"
cat >"$P/plugin.conf" <<'END'
name = "volume-hostile"; version = "1"; needs = "1.0"; isolation = "process";
drivers = ( { kind = "volume"; name = "hostile"; } );
permissions = [ ];
END
chmod -R go+rX "$USER_HOME/plugins"
p() { as_user env GANTRY_PLUGIN_PATH="$USER_HOME/plugins:$GANTRY_BUILD/plugins" timeout -k 5 60 "$GANTRY_BUILD/gantry" "$@"; }
order() { p volume create -d hostile -o "do=$1" "v$RANDOM" 2>&1; }

expect fine "$(p volume create -d hostile fine 2>&1)" "a driver in a process of its own"
echo secret >"$USER_HOME/secret" && chown "$USER_ID" "$USER_HOME/secret"
expect_text "$USER_HOME/secret: Permission denied" "$(order "read:$USER_HOME/secret")" "it reads its user's file"
expect_text "Permission denied" "$(order "write:$USER_HOME/new")" "it writes into its user's folder"
[ ! -e "$USER_HOME/new" ] || fail "the file is there"
expect_text "socket: " "$(order net)" "it has the network"
expect_text "exec: " "$(order exec)" "it executes programs"
expect_text "system call that its permissions do not include" "$(order mount)" "it mounts"
as_user sleep 1000 &
cleanup_hook "kill $! 2>/dev/null"
sleeper=$!
expect_text "kill: " "$(order "kill:$sleeper")" "it kills its user's other processes"
[ -e "/proc/$sleeper" ] || fail "it has killed a process of its user"
expect after "$(p volume create -d hostile after 2>&1)" "the engine goes on"

# Docker's plugins in $XDG_RUNTIME_DIR, $XDG_CONFIG_HOME and ~/.local/lib
plugin() { # NAME SOCKET
	as_user mkdir -p "$(dirname "$2")" "$USER_HOME/$1"
	as_user python3 "$GANTRY_SOURCE/tests/lib/docker_plugin.py" --state "$USER_HOME/$1" --implements VolumeDriver \
		--socket "$2" >"$T/$1.log" 2>&1 &
	cleanup_hook "kill $! 2>/dev/null; wait $! 2>/dev/null"
	wait_for 20 test -S "$2" || fail "plugin $1 did not start: $(cat "$T/$1.log")"
}
as_user test -r "$GANTRY_SOURCE/tests/lib/docker_plugin.py" || skip "an ordinary user cannot reach $GANTRY_SOURCE"
plugin bysocket "$T/xdg/docker/plugins/bysocket.sock"
expect data "$(u volume create -d bysocket data 2>&1)" "a plugin whose socket is in \$XDG_RUNTIME_DIR"
[ -d "$USER_HOME/bysocket/volumes/data" ] || fail "the plugin was not told"
plugin byconf "$T/xdg/elsewhere/byconf.sock"
as_user sh -c "mkdir -p ~/.config/docker/plugins && echo unix://$T/xdg/elsewhere/byconf.sock >~/.config/docker/plugins/byconf.spec"
expect spec "$(u volume create -d byconf spec 2>&1)" "a plugin whose .spec is in ~/.config/docker/plugins"
as_user sh -c "mkdir -p ~/.local/lib/docker/plugins && echo unix://$T/xdg/elsewhere/byconf.sock >~/.local/lib/docker/plugins/bylib.spec"
expect lib "$(u volume create -d bylib lib 2>&1)" "a plugin whose .spec is in ~/.local/lib/docker/plugins"
# Out of process they are found, too
printf 'drivers: { volume: { bysocket: { isolation = "process"; }; }; };\n' >"$USER_HOME/.config/gantry/gantry.conf"
chown -R "$USER_ID" "$USER_HOME/.config"
expect apart "$(u volume create -d bysocket apart 2>&1)" "the adaptor in a process of its own"
u load -q -i "$GANTRY_BUILD/integration/image.tar" >/dev/null || fail "load"
expect kept "$(u run --rm --network host -v apart:/d gantry/busybox sh -c 'echo kept >/d/f; cat /d/f' 2>&1)" "a container uses it"
expect kept "$(cat "$USER_HOME/bysocket/volumes/apart/f")" "the plugin's folder"
