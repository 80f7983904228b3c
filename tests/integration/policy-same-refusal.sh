#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A policy refuses with the same words through the command line, through gantryd by the
# docker client, and by plain HTTP; and it cannot be gone around by an empty or an
# oversized body (CVE-2024-41110, CVE-2026-34040).
. "$(dirname "$0")/functions.sh"

[ -x "$GANTRY_BUILD/plugins/policy/lua/lua.so" ] || skip "the policy driver is not built"
WANT="policy no-host-access/create: privileged containers are forbidden"
gantry policy enable "$GANTRY_SOURCE/lua/policies/no-host-access.lua" >/dev/null || fail "enable"

expect "Error response from daemon: $WANT" "$(gantry create --privileged x 2>&1)" "the command line"

start_daemon
SOCKET=${DOCKER_HOST#unix://}
post() { curl -s --unix-socket "$SOCKET" -X POST "$@"; }
expect "{\"message\":\"$WANT\"}" "$(post http://d/containers/create -H 'Content-Type: application/json' \
	-d '{"Image":"x","HostConfig":{"Privileged":true}}')" "plain HTTP"
if command -v docker >/dev/null; then
	expect "$WANT" "$(docker create --privileged x 2>&1 | sed -n 's/^.*Error response from daemon: //p')" \
		"the docker client"
fi

# An empty body says nothing that could be allowed, and creates nothing.
got=$(post http://d/containers/create -H 'Content-Type: application/json' -H 'Content-Length: 0')
case $got in *'"Id"'*) fail "an empty body made a container: $got" ;; esac

# A body that is padded beyond what hooks can be shown.
{
	printf '{"Image":"x","HostConfig":{"Privileged":true},"Labels":{"pad":"'
	head -c 6000000 /dev/zero | tr '\0' a
	printf '"}}'
} > "$T/large"
got=$(post http://d/containers/create -H 'Content-Type: application/json' --data-binary "@$T/large")
case $got in *'"Id"'*) fail "a large body made a container" ;; esac
got=$(post http://d/containers/create -H 'Content-Type: application/json' -H 'Transfer-Encoding: chunked' \
	--data-binary "@$T/large")
case $got in *'"Id"'*) fail "a large chunked body made a container" ;; esac

# Hooks around the whole request are shown all of it or nothing is done.
cat > "$T/front.lua" <<'LUA'
hook { point = "api.authenticated", run = function(request)
  if request.object.Path:find("/containers/create", 1, true) and not request.object.Body then
    return deny("a body is missing")
  end
end }
LUA
gantry policy enable "$T/front.lua" >/dev/null || fail "enable front"
sleep 1.2
got=$(post http://d/containers/create -H 'Content-Type: application/json' --data-binary "@$T/large")
case $got in
*"policy"*) ;;
*) fail "a body that cannot be shown was not refused by policy: $got" ;;
esac
got=$(post http://d/containers/create -H 'Content-Type: application/json' -H 'Content-Length: 0')
expect '{"message":"policy front/front: a body is missing"}' "$got" "an empty body"

# The log of all this is whole, until somebody edits it.
gantry audit verify >/dev/null || fail "the audit log is not sound"
sed -i '2s/deny/allow/' "$T/root/drivers/policy/lua/audit.log"
gantry audit verify >/dev/null 2>&1 && fail "a changed line was not noticed"
exit 0
