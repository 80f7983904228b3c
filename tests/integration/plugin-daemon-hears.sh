#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A running gantryd hears of what happens to plugin packages in other processes: new calls go
# to the new version, those under way finish on the old, and what is gone serves no more.
. "$(dirname "${BASH_SOURCE[0]}")/functions.sh"

package() { # VERSION: a Python volume driver, whose words begin with its version
	mkdir -p "$T/v$1"
	sed "s/\"version\": \"1.0\"/\"version\": \"$1\"/; s/\"created \"/\"v$1 created \"/" \
		"$GANTRY_SOURCE/tests/plugins/volume.py" >"$T/v$1/volume.py"
	chmod +x "$T/v$1/volume.py"
	cat >"$T/v$1/plugin.conf" <<END
name = "volume-py"; version = "$1"; needs = "1.0"; form = "exec"; file = "volume.py";
drivers = ( { kind = "volume"; name = "py"; } ); permissions = [ ]; requires = [ ${2:-} ];
END
	gantry plugin build "$T/v$1" -o "$T/v$1.tar" >/dev/null || fail "build $1"
}
package 1.0
package 2.0
package 3.0 '"volume/nobody"'
sed -i 's/^def create(args):/def create(args):\n    while os.path.exists(os.path.join(state_dir, "hold-" + args["name"])):\n        __import__("time").sleep(0.02)/' \
	"$T/v1.0/volume.py"
gantry plugin build "$T/v1.0" -o "$T/v1.0.tar" >/dev/null || fail "build"
load_image
start_daemon
d() { timeout -k 5 60 "$GANTRY_BUILD/gantry" "$@"; }
p() { env -u DOCKER_HOST "$GANTRY_BUILD/gantry" --root "$T/root" --run-root "$T/run" plugin "$@"; } # another process
log() { d plugin logs volume/py; }
said() { log | grep -c "$1"; }

expect_error 1 'there is no volume driver "py"' d volume create -d py before
p install --allow-unsigned volume-py "$T/v1.0.tar" >/dev/null || fail "install"
expect a "$(d volume create -d py a)" "the daemon has a driver that was installed"
expect 1 "$(said 'v1.0 created a')" "by the first version"

# One call is under way while the package is upgraded
touch "$T/root/drivers/volume/py/hold-slow"
d volume create -d py slow >"$T/slow" 2>&1 &
slow=$!
working() { d plugin ls | grep -q py && [ "$(d plugin stats --format '{{.Processes}}' volume/py)" = 1 ]; }
wait_for 10 working
sleep 0.3
p upgrade --allow-unsigned volume-py "$T/v2.0.tar" >/dev/null || fail "upgrade"
expect b "$(d volume create -d py b)" "a call after the upgrade"
expect 1 "$(said 'v2.0 created b')" "by the new version"
[ -e "/proc/$slow" ] || fail "the old call ended early: $(cat "$T/slow")"
rm "$T/root/drivers/volume/py/hold-slow"
wait "$slow" || fail "the call under way failed: $(cat "$T/slow")"
expect 1 "$(said 'v1.0 created slow')" "the old version finished what it had begun"
alone() { [ "$(d plugin stats --format '{{.Processes}}' volume/py)" = 1 ]; }
wait_for 10 alone || fail "the old process goes on"
expect a "$(d volume inspect -f '{{.Name}}' a)" "the new version has the old one's volumes"

# What it requires is asked for before it is put in place, and said with what to do
expect_error 1 "plugin package volume-py requires the driver volume/nobody" p upgrade --allow-unsigned volume-py "$T/v3.0.tar"
expect_text "install a plugin that carries volume/nobody first" "$OUT" "the remedy"
expect_text " 2.0 " "$(p packages)" "the version after a refused upgrade"
expect c "$(d volume create -d py c)" "a call after a refused upgrade"

# Disabled, it serves no more; enabled, it does
expect_error 1 "is in use: volume a is of its driver py" p disable volume-py
p disable --force volume-py >/dev/null || fail "disable"
expect_error 1 'there is no volume driver "py"' d volume create -d py e
none() { [ "$(d plugin stats --format '{{.Processes}}' volume/py)" = 0 ]; }
wait_for 10 none || fail "the process of a disabled driver goes on"
p enable volume-py >/dev/null || fail "enable"
expect e "$(d volume create -d py e)" "after enable"
for v in a b c e slow; do d volume rm $v >/dev/null || fail "volume rm $v"; done
p disable volume-py >/dev/null && p rm volume-py >/dev/null || fail "rm"
expect_error 1 'there is no volume driver "py"' d volume create -d py f

# A package that another requires stays
mkdir -p "$T/other"
sed 's/"py"/"needy"/; s/volume-py/volume-needy/' "$T/v3.0/plugin.conf" | sed 's|volume/nobody|volume/py|' >"$T/other/plugin.conf"
cp "$T/v2.0/volume.py" "$T/other/"
gantry plugin build "$T/other" -o "$T/other.tar" >/dev/null || fail "build"
expect_error 1 "requires the driver volume/py" p install --allow-unsigned volume-needy "$T/other.tar"
p install --allow-unsigned volume-py "$T/v2.0.tar" >/dev/null || fail "install again"
p install --allow-unsigned volume-needy "$T/other.tar" >/dev/null || fail "install with what it requires"
expect_error 1 "package volume-needy requires its driver volume/py" p disable volume-py
p rm --force volume-needy >/dev/null || fail "rm --force"
p disable volume-py >/dev/null || fail "disable what nobody requires any more"
