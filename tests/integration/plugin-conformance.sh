#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# gantry's own drivers pass the conformance suite of their kind, loaded by who calls them.
# plugin-conformance-isolated.sh runs the same with each in a process of its own;
# plugin-conformance-served.sh has the drivers that need a server.
. "$(dirname "$0")/functions.sh"

check=$GANTRY_BUILD/gantry-plugin-check
[ "$(id -u)" = 0 ] || skip "the drivers need root"
: "${ISOLATION:=none}"

# What cannot work on a host is the host's: the driver's own probe says so elsewhere.
drivers="spec/cdi spec/oci-hooks auth/socket auth/tls log/json-file log/none monitor/prometheus network/bridge network/host
network/none policy/lua runtime/native storage/overlay storage/unionfs storage/vfs transport/docker-archive
transport/oci-layout volume/local"
[ -e /dev/fuse ] || drivers=${drivers/storage\/unionfs/}

for driver in $drivers; do
	# shellcheck disable=SC2086
	"$check" --isolation "$ISOLATION" ${CHECK_FLAGS:-} "$GANTRY_BUILD/plugins/$driver" >"$T/out" 2>&1 ||
		fail "$driver: $(cat "$T/out")"
	tail -1 "$T/out" | sed "s|^|$driver: |"
done

# The reports are what their readers take.
driver=$GANTRY_BUILD/plugins/network/none
"$check" --format tap --only operation -o "$T/tap" "$driver" || fail "tap"
expect "TAP version 13" "$(head -1 "$T/tap")" "the first line of TAP"
planned=$(sed -n 's/^1\.\.//p' "$T/tap")
expect "$planned" "$(grep -cE '^(not )?ok [0-9]+ - ' "$T/tap")" "planned and reported tests"
"$check" --format junit --only operation -o "$T/junit" "$driver" || fail "junit"
python3 - "$T/junit" "$planned" <<'X' || fail "the JUnit report"
import sys, xml.etree.ElementTree as tree
suite = tree.parse(sys.argv[1]).getroot()
assert suite.tag == "testsuite" and suite.get("tests") == sys.argv[2] and suite.get("failures") == "0"
assert len(suite.findall("testcase")) == int(sys.argv[2])
X
expect_status 2 "$check" --format nothing "$driver"
expect_status 2 "$check"
expect_error 1 "there is no" "$check" "$T/nothing"
exit 0
