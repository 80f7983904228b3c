#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A policy rewrites a request the same way and leaves the same line in the audit log whether
# it comes by the command line, by the docker client or by plain HTTP; it rewrites answers,
# so that `ps` shows a user only their own; and what cannot be a rewrite is refused the same.
. "$(dirname "$0")/functions.sh"

[ -x "$GANTRY_BUILD/plugins/policy/lua/lua.so" ] || skip "the policy driver is not built"
[ "$(id -u)" = 0 ] || skip "needs root"
load_image
digest() { printf %s "$1" | sha256sum | cut -d' ' -f1; }
printf 'ana %s\nbob %s\n' "$(digest ana-token)" "$(digest bob-token)" > "$T/tokens"
chmod 600 "$T/tokens"
printf 'auth = { drivers = ["token", "socket"]; };\ndrivers = { auth = { token = { file = "%s"; }; }; };\n' "$T/tokens" \
	> "$T/gantry.conf"
for name in defaults-by-user hardened show-own; do
	gantry policy enable "$GANTRY_SOURCE/lua/policies/$name.lua" >/dev/null || fail "enable $name"
done
id=$(gantry create --name by-line $IMAGE) || fail "create by the command line"
expect "536870912 root true [ALL]" "$(gantry inspect -f '{{.HostConfig.Memory}} {{index .Config.Labels "gantry.owner"}} {{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}}' by-line)" "rewritten"

start_daemon --config "$T/gantry.conf"
SOCKET=${DOCKER_HOST#unix://}
as() { # USER CURL-ARGUMENTS: by plain HTTP
	local user=$1
	shift
	curl -s --unix-socket "$SOCKET" -H "Authorization: Bearer $user-token" "$@"
}
as ana http://d/containers/create?name=by-http -H 'Content-Type: application/json' \
	-d "{\"Image\":\"$IMAGE\"}" | grep -q '"Id"' || fail "create by HTTP"
expect "536870912 ana true [ALL]" "$(gantry inspect -f '{{.HostConfig.Memory}} {{index .Config.Labels "gantry.owner"}} {{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}}' by-http)" "rewritten by HTTP"

by_docker() { # USER ARGUMENTS
	printf '{"HttpHeaders":{"Authorization":"Bearer %s-token"}}' "$1" > "$DOCKER_CONFIG/config.json"
	shift
	docker "$@"
}
names() { sort | tr '\n' ' '; }
if command -v docker >/dev/null; then
	by_docker bob create --name by-docker $IMAGE >/dev/null || fail "create by docker"
	expect "536870912 bob true [ALL]" "$(gantry inspect -f '{{.HostConfig.Memory}} {{index .Config.Labels "gantry.owner"}} {{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}}' by-docker)" "rewritten by docker"
	expect "by-docker " "$(by_docker bob ps -a --format '{{.Names}}' | names)" "docker ps of bob"
	expect "by-http " "$(by_docker ana ps -a --format '{{.Names}}' | names)" "docker ps of ana"
	rm "$DOCKER_CONFIG/config.json"
	expect "by-docker by-http by-line " "$(docker ps -a --format '{{.Names}}' | names)" "docker ps of root"
else
	as bob http://d/containers/create?name=by-docker -H 'Content-Type: application/json' -d "{\"Image\":\"$IMAGE\"}" >/dev/null
fi
expect '["/by-http"]' "$(as ana 'http://d/containers/json?all=1' | sed 's/.*"Names":\(\[[^]]*\]\).*/\1/')" "HTTP of ana"

# Each rewrite is in the log: by which hook, which field, what it was and what it became.
changes() { # USER
	gantry policy logs --json -n 100 | python3 -c '
import json, sys
for line in sys.stdin:
    o = json.loads(line)
    if o["point"] == "container.create" and o["who"].get("user") == sys.argv[1]:
        print(o["decision"], sorted((c["hook"], c["path"], str(c.get("new"))) for c in o["changes"]
                                    if c["path"].endswith(("Memory", "ReadonlyRootfs"))))' "$1"
}
want="rewrite [('defaults-by-user/defaults', 'object.HostConfig.Memory', '536870912'), ('hardened/hardened', 'object.HostConfig.ReadonlyRootfs', 'True')]"
for user in root ana bob; do expect "$want" "$(changes $user)" "the changes in the log, for $user"; done

# What makes no valid configuration is the policy's failure, in the same words for all.
for name in defaults-by-user hardened show-own; do gantry policy disable $name >/dev/null; done
cat > "$T/bad.lua" <<'LUA'
hook { name = "h", point = "container.create", run = function() return rewrite { HostConfig = { Memory = "much" } } end }
LUA
gantry policy enable "$T/bad.lua" >/dev/null || fail "enable bad"
line=$(gantry create $IMAGE 2>&1)
expect_text "policy bad/h: policy hook bad/h failed and fails closed: " "$line" "a field of another type"
expect_text "HostConfig.Memory" "$line" "which field"
expect "${line#Error response from daemon: }" \
	"$(as ana http://d/containers/create -H 'Content-Type: application/json' -d "{\"Image\":\"$IMAGE\"}" | python3 -c 'import json,sys; print(json.load(sys.stdin)["message"])')" \
	"the same by HTTP"
! command -v docker >/dev/null || expect_text "${line#Error response from daemon: }" "$(docker create $IMAGE 2>&1)" "the same by docker"
# With fail = "open" the request goes on as it was asked for.
sed -i 's/name = "h",/name = "h", fail = "open",/' "$T/bad.lua"
gantry policy enable "$T/bad.lua" >/dev/null || fail "enable bad, open"
open=$(gantry create $IMAGE) || fail "an open hook refused: $open"
case $(gantry inspect "$open") in *much*) fail "a rewrite that is none was applied" ;; esac
# Valid by itself, and refused by the engine: the message says whose doing it is.
cat > "$T/bad.lua" <<'LUA'
hook { name = "h", point = "container.create", run = function()
  return rewrite { HostConfig = { RestartPolicy = { Name = "sometimes" } } } end }
LUA
gantry policy enable "$T/bad.lua" >/dev/null || fail "enable bad, restart policy"
expect_text "a policy rewrote the request, which is not valid any more: " "$(gantry create $IMAGE 2>&1)" "an invalid value"
gantry audit verify >/dev/null || fail "the audit log is not sound"
exit 0
