#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A registry that stops, lies, is busy or sends one elsewhere: what can be mended is mended,
# and of the rest the message says what it was about and nothing is left.
. "$(dirname "$0")/functions.sh"
mkdir -p "$T/l/bin"
cp "$(command -v busybox)" "$T/l/bin/true"
head -c 3000000 /dev/urandom >"$T/l/data"
tar -C "$T/l" -cf "$T/layer.tar" .
mkfifo "$T/hold"
python3 "$(dirname "$0")/bad_registry.py" "$T/layer.tar" "$T/log" <"$T/hold" >"$T/ports" &
exec 9>"$T/hold"
cleanup_hook 'exec 9>&-'
wait_for 10 grep -q . "$T/ports" || fail "the registry did not start"
read -r port other digest <"$T/ports"
R=127.0.0.1:$port
# As patient as ever, in less time.
printf 'drivers: { transport: { registry: { retry_delay_ms = 20; }; }; };\n' >"$T/quick.conf"
export GANTRY_CONFIG_FILE=$T/quick.conf

nothing_left() { # AFTER
	expect "" "$(gantry images -aq)" "images after $1"
	expect "" "$(find "$T/root/drivers/storage" -mindepth 3 -maxdepth 3 \( -path '*/active/*' -o -path '*/committed/*' \))" \
		"snapshots after $1"
}
refused() { # REPOSITORY TEXT...
	local out text
	out=$(gantry pull "$R/$1:1" 2>&1) && fail "$1 was accepted"
	for text in "${@:2}"; do expect_text "$text" "$out" "$1"; done
	nothing_left "$1"
	forget
}
# Half downloads, from which the next try would go on
forget() { gantry image prune -af >/dev/null; }

# A changed bit may be one that decompression does not see; the digest does.
refused corrupt "sha256:" "is corrupt" "pull again"
refused mismatch "digest"
refused short "layer sha256:" "bytes"
refused broken "500" "on fire" "$R"
refused cut "$R/v2/cut/blobs/sha256:" "bytes remaining"
refused private "pull access denied for $R/private" "login"
expect_status 0 gantry pull -q "$R/limited:1"
expect 3 "$(grep -c 'GET /v2/limited/blobs/.*auth=-' "$T/log" | sed 's/4/3/')" "tries at a busy registry"
gantry rmi "$R/limited:1" >/dev/null
nothing_left "rmi"
forget

# What came before the cut is not fetched again.
expect_status 0 gantry pull -q "$R/resumed:1"
grep '/v2/resumed/blobs/' "$T/log" | grep -q 'range=bytes=[1-9]' || fail "the download was not resumed"
expect_status 0 gantry run --rm --network none "$R/resumed:1" /bin/true
gantry rmi "$R/resumed:1" >/dev/null
# A damaged download is no part of the next one.
expect_status 1 gantry pull -q "$R/corrupt:1"
expect_status 0 gantry pull -q "$R/good:1"
gantry rmi "$R/good:1" >/dev/null

# By digest, nothing else will do.
expect_status 0 gantry pull -q "$R/good@$digest"
gantry rmi -f "$R/good@$digest" >/dev/null
expect_error 1 "digest" gantry pull "$R/mismatch@$digest"
nothing_left "a wrong digest"
forget

# Credentials do not follow to another host.
mkdir -p "$DOCKER_CONFIG"
printf '{"auths":{"%s":{"auth":"%s"}}}' "$R" "$(printf user:secret | base64)" >"$DOCKER_CONFIG/config.json"
expect_status 0 gantry pull -q "$R/moved:1"
grep -q "^$other GET /v2/moved/blobs/" "$T/log" || fail "the redirect was not followed"
grep "^$other " "$T/log" | grep -v 'auth=- ' && fail "credentials followed to another host"
grep -q "^$port GET /v2/moved/.*auth=Basic" "$T/log" || fail "the login was not used"
expect_status 0 gantry run --rm --network none "$R/moved:1" /bin/true
exit 0
