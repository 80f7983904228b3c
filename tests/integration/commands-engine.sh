#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Every command about volumes, networks, events and the engine itself does what Docker's
# does, prints what it prints and exits as it exits.
. "$(dirname "${BASH_SOURCE[0]}")/functions.sh"
start_client
n=t$$
take_subnet
net=$SUBNET

# Volumes
expect v1 "$(c volume create --label tier=db v1)" "volume create NAME"
anonymous=$(c volume create)
expect 64 "${#anonymous}" "volume create"
expect v1 "$(c volume create v1)" "volume create of one that exists"
expect "v1 local" "$(c volume ls -f label=tier=db --format '{{.Name}} {{.Driver}}')" "volume ls --filter label"
expect "v1" "$(c volume ls -qf name=v1)" "volume ls --filter name"
expect "db" "$(c volume inspect -f '{{.Labels.tier}}' v1)" "volume inspect"
c run --rm --network none -v v1:/data $IMAGE sh -c 'echo kept >/data/file' || fail "run -v"
expect kept "$(c run --rm --network none -v v1:/data:ro $IMAGE cat /data/file)" "a volume keeps its files"
c create --name holder -v v1:/data $IMAGE >/dev/null
expect_error 1 "volume is in use" c volume rm v1
expect "holder" "$(c ps -a -f volume=v1 --format '{{.Names}}')" "ps --filter volume"
expect "" "$(c volume ls -qf dangling=true | grep -x v1)" "--filter dangling of a used one"
c rm holder >/dev/null
expect v1 "$(c volume rm v1)" "volume rm"
expect_error 1 "o such volume" c volume inspect v1
expect_status 0 c volume rm -f v1
expect_text "$anonymous" "$(c volume prune -f)" "volume prune"
expect "" "$(c volume ls -q)" "after volume prune"
c volume create v2 >/dev/null
expect_text "Total reclaimed space: 0B" "$(c volume prune -f)" "volume prune keeps named ones"
expect_text v2 "$(c volume prune -af)" "volume prune -a"

# Networks
id=$(c network create --label tier=web --subnet $net.0/24 --gateway $net.1 "$n") || fail "network create"
expect 64 "${#id}" "what network create prints"
expect "$n bridge local" "$(c network ls -f name=$n --format '{{.Name}} {{.Driver}} {{.Scope}}')" "network ls"
expect "bridge host none" "$(c network ls -f type=builtin --format '{{.Name}}' | sort | xargs)" "network ls --filter type"
expect "$net.0/24 $net.1" "$(c network inspect -f '{{range .IPAM.Config}}{{.Subnet}} {{.Gateway}}{{end}}' "$n")" "network inspect"
expect_error 1 "already exists" c network create "$n"
c run -d --name server --network "$n" --network-alias alias --ip $net.77 -p 127.0.0.1::80 $IMAGE \
	sh -c 'mkdir /w; echo served >/w/index.html; exec httpd -f -p 80 -h /w' >/dev/null || fail "run --network"
expect $net.77 "$(inspect server "{{(index .NetworkSettings.Networks \"$n\").IPAddress}}")" "--ip"
port=$(c port server 80) || fail "port"
expect_text "127.0.0.1:" "$port" "port"
wait_for 5 curl -fsS "http://$port/" || fail "the published port does not answer"
expect "80/tcp -> $port" "$(c port server)" "port without a number"
expect_text "$port->80/tcp" "$(c ps --format '{{.Ports}}')" "ps shows ports"
expect "served served" "$(c run --rm --network "$n" $IMAGE sh -c 'wget -qO- server; wget -qO- alias' | xargs)" "names on a network"
expect server "$(c ps -f network="$n" --format '{{.Names}}')" "ps --filter network"
c run -d --name guest --network none $IMAGE sleep 1000 >/dev/null
expect_error 1 "" c network connect "$n" guest
expect_error 1 "value is empty" c network inspect ""
c rm -f guest >/dev/null
c run -d --name guest $IMAGE sleep 1000 >/dev/null
c network connect --alias visitor "$n" guest || fail "network connect"
expect served "$(c exec guest wget -qO- server)" "after network connect"
expect "server guest" "$(c network inspect -f '{{range .Containers}}{{.Name}} {{end}}' "$n" | xargs -n1 | sort -r | xargs)" "containers of a network"
expect_error 1 "has active endpoints" c network rm "$n"
c network disconnect "$n" guest || fail "network disconnect"
case $(c exec guest ip addr) in *"$net".*) fail "network disconnect left an address" ;; esac
c rm -f guest server >/dev/null
expect_text "$n" "$(c network prune -f --filter label=tier=web)" "network prune"
expect "" "$(c network ls -qf name="$n")" "after network prune"
n2=$(c network create "$n") && c network rm "$n" >/dev/null || fail "network rm"
expect_error 1 "not found" c network inspect "$n2"
expect_error 1 "" c network rm bridge

# Restart policies and health, which no daemon looks after
c run -d --name again --network none --restart on-failure:2 $IMAGE sh -c 'exit 3' >/dev/null
wait_for 15 is again '{{.RestartCount}} {{.State.Status}}' "2 exited" || fail "on-failure:2: $(inspect again '{{.RestartCount}} {{.State.Status}}')"
c run -d --name ill --network none --health-cmd 'test -e /well' --health-interval 200ms --health-retries 2 $IMAGE sleep 1000 >/dev/null
expect_text health "$(c ps -f name=ill --format '{{.Status}}')" "ps shows health"
wait_for 10 is ill '{{.State.Health.Status}}' unhealthy || fail "never unhealthy"
c exec ill touch /well
wait_for 10 is ill '{{.State.Health.Status}}' healthy || fail "never healthy again"
expect ill "$(c ps -f health=healthy --format '{{.Names}}')" "ps --filter health"

# Events
since=$(date +%s)
sleep 1
timeout 20 $(client_words) events -f container=seen -f type=container --format '{{.Action}}' >"$T/events" &
listener=$!
sleep 0.5
c run --name seen --network none $IMAGE true
c rm seen >/dev/null
wait_for 10 grep -q destroy "$T/events" || fail "events end with: $(tail -1 "$T/events")"
kill $listener
expect "create attach start die destroy" "$(xargs <"$T/events")" "events as they happen"
expect "create start die destroy" "$(c events --since "$since" --until "$(($(date +%s) + 1))" -f container=seen --format '{{.Action}}' | grep -v attach | xargs)" "events --since --until"
expect_text '"Type":"container"' "$(c events --since "$since" --until "$(date +%s)" --format json)" "events as JSON"

# The engine
expect_text "linux/" "$(c version --format '{{.Server.Os}}/{{.Server.Arch}}')" "version"
[ "$(printf '%s\n' 1.41 "$(c version --format '{{.Server.APIVersion}}')" | sort -V | head -1)" = 1.41 ] || fail "API version"
expect 1 "$(c info --format '{{.Images}}')" "info"
expect_text "$(uname -r)" "$(c info)" "info names the kernel"
expect "Images Containers Local Volumes Build Cache" "$(c system df --format '{{.Type}}' | xargs)" "system df"
expect_status 0 c plugin ls
c rm -f ill >/dev/null
expect_text "Total reclaimed space" "$(c system prune -f)" "system prune"
expect "" "$(c ps -aq)" "after system prune"
expect_text "Total reclaimed space" "$(c system prune -af --volumes)" "system prune -a"
expect "" "$(c images -q)" "after system prune -a"
expect_status 0 c --version
expect_error 1 "absent" c absent
if [ "$CLIENT" = gantry ]; then
	expect_text "overlay" "$(c plugin ls)" "plugin ls"
	expect_text "storage" "$(c plugin inspect overlay)" "plugin inspect"
	expect_text "storage" "$(c doctor)" "doctor"
fi
exit 0
