#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Networks of a plugin of Docker's protocol serve containers: with addresses of gantry's, with
# those of an IPAM plugin, connected and disconnected while they run; nothing stays behind,
# also when the plugin fails at any step.
. "$(dirname "$0")/functions.sh"
. "$(dirname "$0")/foreign.inc"
[ "$(id -u)" = 0 ] || skip "networks are made by root"

load_image
plugin_config
start_plugin net NetworkDriver,IpamDriver
base=10.$((150 + $$ % 40)).$(($$ / 40 % 250))
gateway() { # NETWORK ADDRESS: what the plugin answers to Join
	printf %s "$2" >"$T/${PLUGIN}/gateway-$(gantry network inspect -f '{{.Id}}' "$1" | cut -c1-12)"
}
left() { ip -o link | grep -c "pt$(gantry network inspect -f '{{.Id}}' "$1" | cut -c1-10)"; }

gantry network create -d net --subnet "$base.0/24" --gateway "$base.1" -o speed=fast one >/dev/null || fail "network create"
cleanup_hook "ip link del pt$(gantry network inspect -f '{{.Id}}' one | cut -c1-10) 2>/dev/null"
expect "[\"$base.1/24\",\"$base.0/24\",\"fast\"]" \
	"$(called NetworkDriver.CreateNetwork | jq -c '[.IPv4Data[0].Gateway, .IPv4Data[0].Pool, .Options["com.docker.network.generic"].speed]')" \
	"what CreateNetwork is told"
gateway one "$base.1"
gantry run -d --name srv --network one -p 127.0.0.1:0:80 $IMAGE sh -c 'mkdir /w; echo remote >/w/index.html; exec httpd -f -p 80 -h /w' >/dev/null ||
	fail "run"
gantry exec srv ip addr show eth0 >"$T/out"
expect_text "inet $base.2/24" "$(cat "$T/out")" "the address"
mac=$(called NetworkDriver.CreateEndpoint | jq -r .EndpointID | head -1 | sed 's/^\(..\)\(..\)\(..\)\(..\).*/02:42:\1:\2:\3:\4/')
expect_text "$mac" "$(cat "$T/out")" "the plugin's hardware address"
gantry exec srv ip route >"$T/out"
expect_text "default via $base.1" "$(cat "$T/out")" "the default route"
expect_text "198.51.100.0/24" "$(cat "$T/out")" "a static route"
expect "$base.2 24 $base.1 $mac" "$(gantry inspect -f '{{with .NetworkSettings.Networks.one}}{{.IPAddress}} {{.IPPrefixLen}} {{.Gateway}} {{.MacAddress}}{{end}}' srv)" "inspect"
expect remote "$(gantry run --rm --network one $IMAGE wget -qO- http://srv/)" "by name, from another container"
expect remote "$(curl -fsS "http://$base.2/")" "from the host"
expect '[{"Proto":6,"Port":80,"HostIP":"127.0.0.1","HostPort":0,"HostPortEnd":0}]' \
	"$(called NetworkDriver.ProgramExternalConnectivity | jq -c '.Options["com.docker.network.portmap"]')" "ports"
gantry run --rm --network one --ip "$base.77" --mac-address 02:00:00:00:00:99 $IMAGE ip addr show eth0 >"$T/out"
expect_text "$base.77/24" "$(cat "$T/out")" "--ip"
expect_text "02:00:00:00:00:99" "$(cat "$T/out")" "--mac-address"
expect_error 125 "is taken" gantry run --rm --network one --ip "$base.2" $IMAGE true
expect_error 125 "is not in the subnet" gantry run --rm --network one --ip 192.0.2.1 $IMAGE true

# An IPAM plugin gives the addresses; connected and disconnected.
gantry network create -d net --ipam-driver net two >/dev/null || fail "create with --ipam-driver"
cleanup_hook "ip link del pt$(gantry network inspect -f '{{.Id}}' two | cut -c1-10) 2>/dev/null"
expect "10.231.7.0/24 10.231.7.1" "$(gantry network inspect -f '{{with index .IPAM.Config 0}}{{.Subnet}} {{.Gateway}}{{end}}' two)" "the plugin's pool"
gateway two ""
gantry network connect two srv || fail "connect"
grep -q "10.231.7.2/24" <<<"$(gantry exec srv ip addr show eth1)" || fail "the IPAM plugin's address: $(gantry exec srv ip addr)"
gantry network disconnect two srv || fail "disconnect"
! grep -q inet <<<"$(gantry exec srv ip addr show eth1 2>/dev/null)" || fail "the interface is still there"
expect '"10.231.7.2"' "$(called IpamDriver.ReleaseAddress | jq -c .Address)" "ReleaseAddress"
gantry rm -f srv >/dev/null || fail "rm"
expect "$(called NetworkDriver.CreateEndpoint | wc -l)" "$(called NetworkDriver.DeleteEndpoint | wc -l)" "endpoints made and deleted"
expect "$(called NetworkDriver.Join | wc -l)" "$(called NetworkDriver.Leave | wc -l)" "joined and left"
gantry network rm one two >/dev/null || fail "network rm"
expect 2 "$(called NetworkDriver.DeleteNetwork | wc -l)" "networks deleted"
expect 1 "$(called IpamDriver.ReleasePool | wc -l)" "pools released"
! grep -q "pt$(called NetworkDriver.DeleteNetwork | jq -r .NetworkID | head -1 | cut -c1-10)" <<<"$(ip -o link)" || fail "a bridge was left"

# A failure at any step is the plugin's own words, and is undone.
n=0
for step in CreateEndpoint Join ProgramExternalConnectivity; do
	start_plugin "bad$((++n))" NetworkDriver --fault "NetworkDriver.$step=error:no more wires"
	gantry network create -d "bad$n" --subnet "$base.0/24" "b$n" >/dev/null || fail "create b$n"
	gateway "b$n" "$base.1"
	expect_error 125 "plugin bad$n: NetworkDriver.$step: no more wires" gantry run --rm -p 0:80 --network "b$n" $IMAGE true
	expect "$(called NetworkDriver.CreateEndpoint | wc -l)" "$(called NetworkDriver.DeleteEndpoint | wc -l)" "$step: endpoints"
	expect "" "$(python3 -c 'import sqlite3,sys; [print(r) for r in sqlite3.connect(sys.argv[1]).execute("select owner,key from kv where owner like ? and (key like ? or key like ?)", ("network/bad%","ip/%","ep/%"))]' "$T/root/state.db")" "$step: records"
	gantry network rm "b$n" >/dev/null || fail "rm b$n"
done
start_plugin liar NetworkDriver --fault 'NetworkDriver.Join=list'
gantry network create -d liar --subnet "$base.0/24" lies >/dev/null || fail "create lies"
expect_error 125 "answered with no JSON object" gantry run --rm --network lies $IMAGE true
stop_plugin liar
expect_error 125 "plugin liar" gantry run --rm --network lies $IMAGE true
gantry run --rm --network none $IMAGE true || fail "another container"
start_plugin liar NetworkDriver
gantry network rm lies >/dev/null || fail "rm lies"
start_plugin refuser NetworkDriver --fault 'NetworkDriver.CreateNetwork=error:full'
expect_error 1 "plugin refuser: NetworkDriver.CreateNetwork: full" gantry network create -d refuser x
expect_error 1 "plugin" gantry network create -d nosuchdriver x
exit 0
