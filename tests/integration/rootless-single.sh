#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A user with one id, no range and no set-ID helper: containers live, and the image's
# owners survive unpacking, commit, cp, export and push, on each storage driver.
. "$(dirname "$0")/functions.sh"
. "$(dirname "$0")/rootless.inc"
[ -e "$GANTRY_BUILD/integration/image.tar" ] || skip "the image is made by ./check"

new_user ids=single helpers=no fuse=yes
make_owned_image "$T/owned.tar" owned:1
start_registry

for STORAGE in overlay unionfs vfs; do
	real_work "$STORAGE"
	as_user rm -rf "$USER_HOME/.local" || fail "$STORAGE: the store is the user's to delete"
done

STORAGE=
u load -q -i "$T/owned.tar" >/dev/null || fail "load"
expect "overlay" "$(u info -f '{{.Driver}}')" "what is chosen by itself"
expect "single" "$(cat "$USER_HOME/.local/share/gantry/ids")" "ids"
expect_text "uid=1234 gid=1234" "$(u run --rm --user 1234:1234 owned:1 id)" "--user of one id"
expect "$USER_ID $USER_ID" "$(u run --rm --userns=keep-id owned:1 sh -c 'touch /tmp/x; stat -c "%u %g" /tmp/x')" \
	"--userns=keep-id"
exit 0
