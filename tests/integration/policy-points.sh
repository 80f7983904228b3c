#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Each point at which hooks run is asked by the engine: a policy that refuses there stops
# the operation, before it has an effect, with its own words.
. "$(dirname "$0")/functions.sh"

[ -x "$GANTRY_BUILD/plugins/policy/lua/lua.so" ] || skip "the policy driver is not built"
[ "$(id -u)" = 0 ] || skip "needs root"
load_image
start_registry
printf 'policy = { tick = 1; };\n' > "$T/gantry.conf"
start_daemon --config "$T/gantry.conf"
SOCKET=${DOCKER_HOST#unix://}
g() { gantry -H "$DOCKER_HOST" "$@"; }

# refuse POINT [CONDITION]: only this policy is in force from here on
refuse() {
	cat > "$T/p.lua" <<LUA
hook { name = "h", point = "$1", run = function(request)
  if ${2:-true} then return deny("not at $1") end
end }
LUA
	gantry policy enable "$T/p.lua" >/dev/null || fail "enable $1"
}
# refused POINT COMMAND...
refused() {
	local point=$1
	shift
	expect_error 1 "policy p/h: not at $point" "$@"
}
# A daemon hears at once of a policy that another process enabled.
create=$(g create --name box $IMAGE sleep 1000) || fail "create"
refuse container.create
refused container.create g create $IMAGE true
expect "box" "$(gantry ps -a --format '{{.Names}}')" "nothing was made"
refuse container.start 'request.object.Config.Image == "'$IMAGE'" and request.target.name == "box"'
expect_error 1 "policy p/h: not at container.start" g start box
gantry policy disable p >/dev/null
g start box >/dev/null || fail "start"
refuse container.exec 'request.object.Cmd[1] == "id"'
refused container.exec gantry exec box id
gantry exec box true || fail "another command"
refuse container.update 'request.object.Memory == 7340032'
refused container.update gantry update --memory 7m --memory-swap 7m box
refuse container.stop
for verb in stop restart kill pause; do expect_error 1 "not at container.stop" g $verb box; done
expect true "$(inspect box '{{.State.Running}}')" "it runs"
refuse container.remove
expect_error 1 "not at container.remove" g rm -f box
expect "$create" "$(gantry inspect -f '{{.Id}}' box)" "it is there"

# Images: before the name is resolved, when it is known what it stands for, when all is
# here, on their way out, and when they are removed.
gantry policy disable p >/dev/null
gantry tag $IMAGE "$REGISTRY/busy:1"
refuse image.push 'request.object.Repository == "busy"'
refused image.push gantry push -q "$REGISTRY/busy:1"
gantry policy disable p >/dev/null
gantry push -q "$REGISTRY/busy:1" >/dev/null || fail "push"
refuse image.remove
refused image.remove g rmi "$REGISTRY/busy:1"
gantry policy disable p >/dev/null
g rmi "$REGISTRY/busy:1" >/dev/null || fail "rmi"
refuse image.pull 'request.object.Registry == "'$REGISTRY'"'
refused image.pull g pull -q "$REGISTRY/busy:1"
refuse image.manifest 'request.object.ManifestDigest:match("^sha256:%x+$") and request.object.Layers == 1'
refused image.manifest g pull -q "$REGISTRY/busy:1"
refuse image.verified 'request.object.Config and #request.object.Signatures == 0 and request.who.uid == 0'
refused image.verified g pull -q "$REGISTRY/busy:1"
gantry save $IMAGE -o "$T/image.tar"
expect_error 1 "not at image.verified" gantry load -i "$T/image.tar"
expect "" "$(gantry images -q "$REGISTRY/busy")" "no image got its name"

# Mounts: each, also of a volume that stands for a folder of the host, before anything is
# made for it.
refuse volume.mount 'request.object.Type == "bind" and request.object.Source:find("/nowhere", 1, true)'
refused volume.mount gantry create -v "$T/nowhere:/x" $IMAGE
[ ! -e "$T/nowhere" ] || fail "the folder was made though the mount was refused"
gantry volume create --opt type=none --opt o=bind --opt device=/etc disguised >/dev/null || fail "volume create"
refuse volume.mount '(request.object.Options or {}).device == "/etc"'
refused volume.mount gantry create -v disguised:/x $IMAGE
refused volume.mount gantry create --mount type=volume,src=disguised,dst=/x $IMAGE
cat > "$T/p.lua" <<'LUA'
hook { name = "h", point = "volume.mount", run = function(request) return rewrite { ReadOnly = true } end }
LUA
gantry policy enable "$T/p.lua" >/dev/null || fail "enable rewrite of mounts"
id=$(gantry create -v "$T:/x" $IMAGE)
expect false "$(inspect "$id" '{{(index .Mounts 0).RW}}')" "a mount that was made read-only"

refuse network.connect 'request.object.Network == "front" and request.target.name == "box"'
gantry network create front >/dev/null || fail "network"
BRIDGE_LEFT=
refused network.connect g network connect front box

refuse login 'request.object.Username == "u" and not request.object.Password'
expect_error 1 "not at login" sh -c "echo secret | $GANTRY_BUILD/gantry --root $T/root --run-root $T/run login -u u --password-stdin $REGISTRY"

# The whole request, before and after it is known who asks.
refuse api.request 'request.who == nil and request.object.Path:find("/info", 1, true)'
expect '{"message":"policy p/h: not at api.request"}' "$(curl -s --unix-socket "$SOCKET" http://d/v1.43/info)" "api.request"
refuse api.authenticated 'request.who.uid == 0 and request.object.Path:find("/info", 1, true)'
expect '{"message":"policy p/h: not at api.authenticated"}' "$(curl -s --unix-socket "$SOCKET" http://d/info)" "api.authenticated"

# Who refuses everything, or is broken, can still be taken out of force by its owner.
refuse api.request
expect_error 1 "not at api.request" g ps
gantry policy ls >/dev/null || fail "policy ls behind a policy that refuses everything"
gantry policy disable p >/dev/null || fail "disable"
echo 'this is no Lua' > "$T/root/drivers/policy/lua/scripts/broken.lua"
expect_error 1 "policy script broken cannot be loaded: broken:1:" gantry create $IMAGE
gantry policy disable broken >/dev/null || fail "disable what is broken"
gantry create $IMAGE >/dev/null || fail "create after that"

# Observers: events, and a daemon's tick.
cat > "$T/watch.lua" <<'LUA'
policy { needs = { "kv" } }
hook { name = "events", point = "event", run = function(request)
  local event = request.object
  gantry.kv.put(event.Type .. "." .. event.Action, event.Actor)
  return deny("observers decide nothing")
end }
hook { name = "ticks", point = "tick", run = function() gantry.kv.put("ticked", "yes") end }
hook { name = "show", point = "container.update", run = function()
  return deny((gantry.kv.get("ticked") or "no") .. " " .. (gantry.kv.get("container.create") or "none"))
end }
LUA
gantry policy enable "$T/watch.lua" >/dev/null || fail "enable watch"
id=$(gantry create $IMAGE) || fail "an observer refused something"
seen() { case $(gantry update --memory 8m box 2>&1) in *"yes $id"*) ;; *) return 1 ;; esac; }
wait_for 20 seen || fail "events or ticks were not seen: $(gantry update --memory 8m box 2>&1)"
gantry policy disable watch >/dev/null
gantry audit verify >/dev/null || fail "the audit log is not sound"
exit 0
