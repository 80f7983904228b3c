#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# kill -9 at random moments leaves nothing behind and loses nothing.  The seed is printed;
# CRASH_SEED repeats a run, CRASH_KILLS makes it longer (soak-crash-killed.sh).
. "$(dirname "${BASH_SOURCE[0]}")/functions.sh"
[ "$(id -u)" = 0 ] || skip "needs root: it looks at control groups, interfaces and rules"
command -v docker-registry >/dev/null || skip "docker-registry is not installed"
load_image
start_registry

# Five layers, so that there are moments in a pull.
for i in 1 2 3 4 5; do
	mkdir -p "$T/layer/d$i"
	for f in 1 2 3 4 5 6 7 8; do head -c 200000 /dev/urandom >"$T/layer/d$i/f$f"; done
	[ $i -gt 1 ] || { mkdir "$T/layer/bin"; cp "$(command -v busybox)" "$T/layer/bin/true"; }
	tar -C "$T/layer" -cf "$T/layer$i.tar" .
	rm -rf "$T/layer"
done
PULLED=$REGISTRY/test/crash:1
python3 "$(dirname "${BASH_SOURCE[0]}")/image_maker.py" "$T/image.tar" "$PULLED" "$T"/layer[1-5].tar
gantry load -q -i "$T/image.tar" >/dev/null && gantry push -q "$PULLED" >/dev/null || fail "push"
gantry rmi "$PULLED" >/dev/null

export GANTRY_BUILD IMAGE PULLED
python3 "$GANTRY_SOURCE/tests/integration/crash.py" "$T" "${CRASH_KILLS:-40}" ${CRASH_SEED:-} ||
	fail "see above"
exit 0
