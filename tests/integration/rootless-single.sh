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

owners() { tar --numeric-owner -tvf - | awk '{print $1, $2, $6}' | grep -E 'srv/' | sort -k3; }

all_of_it() {
	local before after
	u load -q -i "$T/owned.tar" >/dev/null || fail "$STORAGE: load"
	expect "$STORAGE" "$(u info -f '{{.Driver}}')" "storage driver"
	expect_text "uid=0(root) gid=0(root)" "$(u run --rm owned:1 id)" "$STORAGE: id"
	expect 7 "$(u run --rm owned:1 sh -c 'exit 7'; echo $?)" "$STORAGE: exit code"
	u run -d --name aa -v vol:/vol owned:1 sh -c 'echo started; echo data >/vol/file; sleep 1000' \
		>/dev/null || fail "$STORAGE: run -d"
	wait_for 20 u exec aa test -e /vol/file || fail "$STORAGE: volume"
	expect started "$(u logs aa)" "$STORAGE: logs"
	expect hello "$(u exec aa cat /srv/www/index)" "$STORAGE: exec"
	expect_text "sleep 1000" "$(u top aa)" "$STORAGE: top"
	u exec aa sh -c 'echo more >>/srv/www/index; rm /srv/pipe; echo new >/srv/new' || fail "$STORAGE: change"
	u restart -t 0 aa >/dev/null || fail "$STORAGE: restart"
	expect "more" "$(u exec aa tail -n 1 /srv/www/index)" "$STORAGE: after the restart"

	# owners, as tar sees them
	before="$(u export aa | owners)"
	expect_text "rw-r----- 33/33 srv/www/index" "$before" "$STORAGE: export"
	expect_text "-rwsr-xr-x 0/42 srv/www/set-id" "$before" "$STORAGE: export"
	expect_text "drwxrwsr-x 33/33 srv/www/" "$before" "$STORAGE: export"
	expect_text "-rw------- 4000000000/3000000000 srv/big-id" "$before" "$STORAGE: export"
	expect_text "crw-rw-rw- 0/6 srv/null" "$before" "$STORAGE: export"
	expect_text "-rw-r--r-- 0/0 srv/new" "$before" "$STORAGE: export"
	[ "$STORAGE" = unionfs ] || expect_text "lrwxrwxrwx 1000/1000" "$before" "$STORAGE: a link's owner"
	expect "33/33 www/index" "$(u cp aa:/srv/www - | tar --numeric-owner -tvf - | awk '$6 == "www/index" {print $2, $6}')" \
		"$STORAGE: cp out"
	echo local | as_user tee "$USER_HOME/local" >/dev/null
	u cp "$USER_HOME/local" aa:/srv/local || fail "$STORAGE: cp in"
	expect local "$(u exec aa cat /srv/local)" "$STORAGE: cp in"

	u commit aa "$REGISTRY/owned:2" >/dev/null || fail "$STORAGE: commit"
	u push -q "$REGISTRY/owned:2" >/dev/null || fail "$STORAGE: push"
	u rm -f aa >/dev/null
	u volume rm vol >/dev/null || fail "$STORAGE: volume rm"

	# what the registry has, unpacked by root, shows the same owners
	gantry pull -q "$REGISTRY/owned:2" >/dev/null || fail "$STORAGE: root's pull"
	gantry create --name "see-$STORAGE" "$REGISTRY/owned:2" >/dev/null || fail "$STORAGE: root's create"
	after="$(gantry export "see-$STORAGE" | owners)"
	for line in "-rwsr-xr-x 0/42 srv/www/set-id" "-rw------- 4000000000/3000000000 srv/big-id" \
		"crw-rw-rw- 0/6 srv/null" "drwxrwsr-x 33/33 srv/www/"; do
		expect_text "$line" "$after" "$STORAGE: pushed"
	done
	expect_text "-rw-r----- 33/33 srv/www/" "$after" "$STORAGE: a changed file keeps its owner"
	gantry rm "see-$STORAGE" >/dev/null
	expect "" "$(u ps -aq)" "$STORAGE: nothing is left"
	as_user rm -rf "$USER_HOME/.local" || fail "$STORAGE: the store is the user's to delete"
}

for STORAGE in overlay unionfs vfs; do
	all_of_it
done

STORAGE=
u load -q -i "$T/owned.tar" >/dev/null || fail "load"
expect "overlay" "$(u info -f '{{.Driver}}')" "what is chosen by itself"
expect "single" "$(cat "$USER_HOME/.local/share/gantry/ids")" "ids"
expect_text "uid=1234 gid=1234" "$(u run --rm --user 1234:1234 owned:1 id)" "--user of one id"
expect "$USER_ID $USER_ID" "$(u run --rm --userns=keep-id owned:1 sh -c 'touch /tmp/x; stat -c "%u %g" /tmp/x')" \
	"--userns=keep-id"
exit 0
