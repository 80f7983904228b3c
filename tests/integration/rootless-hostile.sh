#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Containers that try to lead the emulator astray: memory, links and folders that change
# between its look and its deed, callers that are killed, floods, namespaces of their own,
# random arguments.  Nothing outside of the container changes, and the emulator goes on.
. "$(dirname "$0")/functions.sh"
. "$(dirname "$0")/rootless.inc"
[ -e "$GANTRY_BUILD/integration/image.tar" ] || skip "the image is made by ./check"
: "${SECONDS_EACH:=1}" "${SEED:=1}"

gcc -O1 -static -pthread -Wall -o "$T/hostile" "$GANTRY_SOURCE/tests/rootless/hostile.c" || fail "cannot build hostile"
new_user ids=single helpers=no
chmod 755 "$T/hostile"
u load -q -i "$GANTRY_BUILD/integration/image.tar" >/dev/null || fail "load"

# What the user may change and the container must not: beside the store, and its own
# inventory of everything else there is in the user's home.
as_user sh -c 'mkdir -p ~/beside/etc ~/beside/tmp ~/beside/h/dir; echo kept >~/beside/etc/passwd; echo kept >~/beside/h/dir/file'
inventory() {
	(cd "$USER_HOME" && find beside -printf '%p %U:%G %m %y %s %T@\n' | sort
		find . -path ./.local -prune -o -print | sort
		find . -path '*/drivers/storage/*/committed' -prune -o -path '*/drivers/storage/*/active' -prune -o \
			-path './.local/*' \( -name planted -o -name climbed \) -print
		getfattr -R -d -m - beside 2>/dev/null)
}
before=$(inventory)
chmod 711 "$USER_HOME"

try() {
	local name=$1
	shift
	u run -d --name "$name" -v "$T/hostile:/hostile:ro" "$@" "$IMAGE" sleep 1000 >/dev/null || fail "$name: run"
	emulator=$(pgrep -u "$USER_ID" -n gantry-emulate) || fail "$name: no emulator"
	LIMIT=300 u exec "$name" /hostile "$SEED" "$SECONDS_EACH" || fail "$name: seed $SEED"
	kill -0 "$emulator" 2>/dev/null || fail "$name: the emulator died, seed $SEED"
	# one with every capability may have mounted something over its own programs
	[ "$name" = powerful ] || u exec "$name" sh -c 'touch /ok; chown 33:44 /ok' || fail "$name: the emulator after it, seed $SEED"
	[ "$name" != default ] || expect "33 44" "$(u exec "$name" stat -c '%u %g' /ok)" "$name: after it, seed $SEED"
	expect "$before" "$(inventory)" "$name: seed $SEED: what is outside"
	expect "" "$(find "$T" -name climbed -not -path '*/storage/*'; find "$T" -name planted -not -path '*/storage/*')" "$name: nothing was planted"
	u rm -f "$name" >/dev/null
	wait_for 10 sh -c "! kill -0 $emulator 2>/dev/null" || fail "$name: the emulator stays"
}

try default
try record --security-opt emulation=record
try powerful --cap-add ALL --security-opt seccomp=unconfined
exit 0
