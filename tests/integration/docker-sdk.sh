#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Docker's SDK for Python against gantryd: what its own tests found, and what programs do with it.
. "$(dirname "${BASH_SOURCE[0]}")/functions.sh"
cache=${GANTRY_TEST_CACHE:-/var/cache/gantry-tests}/docker-py
exec 8>"${TMPDIR:-/tmp}/gantry-docker-py.lock" && flock 8
[ -e "$cache/.complete" ] || {
	python3 -m venv "$cache" >/dev/null 2>&1 && timeout 200 "$cache/bin/pip" install -q 'docker==7.1.0' >/dev/null 2>&1 &&
		: >"$cache/.complete"
} || skip "docker-py cannot be installed"
flock -u 8
load_image
start_daemon
"$cache/bin/python" "$GANTRY_SOURCE/tests/integration/docker_sdk.py" $IMAGE >"$T/out" 2>&1 || fail "$(tail -25 "$T/out")"
