#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Debian's CNI plugins serve containers: lists made by `network create -d cni`, lists in
# files with bridge, host-local, portmap, firewall, bandwidth and tuning in a chain, macvlan
# and ipvlan; nothing is left behind.
. "$(dirname "$0")/functions.sh"
[ "$(id -u)" = 0 ] || skip "networks are made by root"

mkdir "$T/net.d"
echo "drivers: { network: { cni: { conf_dirs = [ \"$T/net.d\" ]; }; }; };" >"$T/gantry.conf"
export GANTRY_CONFIG_FILE=$T/gantry.conf
load_image
base=10.$((200 + $$ % 50)).$(($$ / 50 % 250))
tag=$(printf '%x' $$)

# ---- a list that gantry makes ----
gantry network create -d cni --subnet "$base.0/26" --gateway "$base.1" made >/dev/null || fail "network create"
expect "made cni" "$(gantry network ls --filter name=made --format '{{.Name}} {{.Driver}}')" "network ls"
gantry run -d --name web -p 127.0.0.1:0:8080 -p 0:8081/udp --network made $IMAGE \
	sh -c 'mkdir /w; echo through portmap >/w/index.html; exec httpd -f -p 8080 -h /w' >/dev/null || fail "run"
port=$(gantry port web 8080/tcp | sed 's/.*://')
wait_for 10 curl -fsS "http://127.0.0.1:$port/" || fail "the published port does not answer"
expect "through portmap" "$(curl -fsS "http://127.0.0.1:$port/")" "what the container serves"
address=$(gantry inspect -f '{{.NetworkSettings.Networks.made.IPAddress}}' web)
expect_text "$base." "$address" "the address"
expect "$base.1" "$(gantry inspect -f '{{.NetworkSettings.Networks.made.Gateway}}' web)" "the gateway"
expect "$(gantry exec web cat /sys/class/net/eth0/address)" \
	"$(gantry inspect -f '{{.NetworkSettings.Networks.made.MacAddress}}' web)" "the hardware address"
expect "through portmap" "$(gantry run --rm --network made $IMAGE wget -qO- "http://$address:8080/")" \
	"from another container"
expect "through portmap" "$(gantry run --rm --network made $IMAGE wget -qO- http://web:8080/)" "by name"
gantry run --rm --network made --ip "$base.40" --mac-address 02:00:5e:10:00:01 $IMAGE \
	sh -c 'ip addr show eth0' >"$T/out" || fail "run with --ip"
expect_text "$base.40/26" "$(cat "$T/out")" "--ip"
expect_text "02:00:5e:10:00:01" "$(cat "$T/out")" "--mac-address"
expect_error 125 "is not available in range set" gantry run --rm --network made --ip "$address" $IMAGE true

# A second network, connected and disconnected while it runs.
gantry network create -d cni --internal --subnet "$base.64/26" inner >/dev/null || fail "network create --internal"
gantry network connect inner web || fail "connect"
grep -q "$base\." <<<"$(gantry exec web ip addr show eth1)" || fail "no second interface"
gantry network disconnect inner web || fail "disconnect"
! grep -q "$base" <<<"$(gantry exec web ip addr show eth1 2>/dev/null)" || fail "the interface is still there"
gantry run --rm --network inner $IMAGE ip route >"$T/out"
! grep -q default "$T/out" || fail "an internal network has a default route"
expect_error 1 "has active endpoints" gantry network rm made

# CHECK, by doctor: sound, then with the address taken away.  (Debian 12's portmap fails to
# CHECK where there is no IPv6, so this one publishes nothing.)
gantry run -d --name checked --network made $IMAGE sleep 300 >/dev/null
gantry doctor >"$T/doctor" 2>&1
! grep -q "checked in made" "$T/doctor" || fail "doctor finds fault: $(grep made "$T/doctor")"
nsenter -t "$(gantry inspect -f '{{.State.Pid}}' checked)" -n ip addr flush dev eth0
gantry doctor >"$T/doctor" 2>&1
grep -q "checked in made .*CNI plugin bridge failed to CHECK" "$T/doctor" ||
	fail "doctor does not see the lost address: $(cat "$T/doctor")"
gantry rm -f web checked >/dev/null

# A container whose shim and init die: the address comes back.
gantry run -d --name dies --network made $IMAGE sleep 300 >/dev/null
id=$(gantry inspect -f '{{.Id}}' dies)
kill -9 "$(fuser "$T/run/containers/$id/shim.lock" 2>/dev/null | tr -d ' ')" 2>/dev/null ||
	kill -9 "$(gantry inspect -f '{{.State.Pid}}' dies)"
wait_for 20 is dies '{{.State.Running}}' false
gantry rm -f dies >/dev/null
expect "" "$(find "$T/root/drivers/network/cni/ipam" -name "$base.*")" "addresses that were not freed"
gantry network rm made inner >/dev/null || fail "network rm"

# ---- lists in files ----
ip link add "gp$tag" type veth peer name "gq$tag" && cleanup_hook "ip link del gp$tag 2>/dev/null"
ip link set "gp$tag" up; ip link set "gq$tag" up
ipam() { echo "{\"type\":\"host-local\",\"subnet\":\"$1\",\"dataDir\":\"$T/ipam\",\"routes\":[{\"dst\":\"0.0.0.0/0\"}]}"; }
BRIDGE_LEFT=gb$tag
cat >"$T/net.d/10-chain.conflist" <<X
{"cniVersion":"1.0.0","name":"chain-$tag","plugins":[
 {"type":"bridge","bridge":"gb$tag","isGateway":true,"ipMasq":true,"ipam":$(ipam "$base.128/26")},
 {"type":"portmap","capabilities":{"portMappings":true}},
 {"type":"firewall"},
 {"type":"bandwidth","capabilities":{"bandwidth":true}},
 {"type":"tuning","sysctl":{"net.ipv4.conf.IFNAME.arp_filter":"1"},"mtu":1400}]}
X
echo "{\"cniVersion\":\"0.3.1\",\"name\":\"mac-$tag\",\"type\":\"macvlan\",\"master\":\"gp$tag\",\"ipam\":$(ipam "$base.192/27")}" \
	>"$T/net.d/20-macvlan.conf"
echo "{\"cniVersion\":\"0.4.0\",\"name\":\"ipv-$tag\",\"plugins\":[{\"type\":\"ipvlan\",\"master\":\"gp$tag\",\"ipam\":$(ipam "$base.224/27")}]}" \
	>"$T/net.d/30-ipvlan.conflist"
echo '{ not json' >"$T/net.d/40-broken.conflist"
gantry network ls --format '{{.Name}} {{.Driver}}' >"$T/ls" 2>"$T/said" || fail "network ls"
for name in chain mac ipv; do
	grep -q "^$name-$tag cni$" "$T/ls" || fail "$name is not listed: $(cat "$T/ls")"
done
grep -q "40-broken.conflist" "$T/said" || fail "nothing is said of the broken file"
expect_error 1 "10-chain.conflist" gantry network rm "chain-$tag"
gantry network prune -f >/dev/null
grep -q . <<<"$(gantry network ls -q --filter name="chain-$tag")" || fail "prune took a network of a file"

bandwidth='"driver-opt=cni.bandwidth={""ingressRate"":4000000,""ingressBurst"":500000,""egressRate"":4000000,""egressBurst"":500000}"'
gantry run -d --name chained -p 0:80 --network "name=chain-$tag,$bandwidth" \
	$IMAGE sh -c 'mkdir /w; echo chained >/w/index.html; exec httpd -f -p 80 -h /w' >/dev/null || fail "run in the chain"
port=$(gantry port chained 80/tcp | sed -n '1s/.*://p')
expect "chained" "$(wait_for 10 curl -fsS "http://127.0.0.1:$port/"; curl -fsS "http://127.0.0.1:$port/")" "the chain's port"
expect 1400 "$(gantry exec chained cat /sys/class/net/eth0/mtu)" "tuning's mtu"
expect 1 "$(gantry exec chained cat /proc/sys/net/ipv4/conf/eth0/arp_filter)" "tuning's sysctl"
grep -q "tbf.*rate 4Mbit" <<<"$(tc qdisc show)" || fail "bandwidth shaped nothing"
grep -q "CNI-FORWARD.*$base" <<<"$(iptables-save)" || fail "firewall opened nothing"
# A second one inside the same file's list, and its name.
expect "chained" "$(gantry run --rm --network "chain-$tag" $IMAGE wget -qO- http://chained/)" "by name, in the chain"
gantry rm -f chained >/dev/null || fail "rm"
! grep -q "$base" <<<"$(iptables-save)" || fail "rules were left: $(iptables-save | grep "$base")"
expect "" "$(find "$T/ipam" -name "$base.*")" "addresses that were not freed by host-local"

grep -q "inet $base" <<<"$(gantry run --rm --network "mac-$tag" $IMAGE ip addr show eth0)" || fail "macvlan has no address"
if ip link add "gi$tag" link "gp$tag" type ipvlan 2>/dev/null; then
	ip link del "gi$tag"
	grep -q "inet $base" <<<"$(gantry run --rm --network "ipv-$tag" $IMAGE ip addr show eth0)" || fail "ipvlan"
else
	# The plugin's own error arrives.
	expect_error 125 "CNI plugin ipvlan failed to ADD" gantry run --rm --network "ipv-$tag" $IMAGE true
	echo "this kernel has no ipvlan: only its error was tested"
fi
gantry network create -d cni -o cni.type=macvlan -o "parent=gp$tag" --subnet "$base.192/27" mac2 >/dev/null ||
	fail "create a macvlan network"
grep -q "inet $base" <<<"$(gantry run --rm --network mac2 $IMAGE ip addr show eth0)" || fail "macvlan made by create"
gantry network rm mac2 >/dev/null
expect_error 1 "parent interface" gantry network create -d cni -o cni.type=macvlan bad
expect_error 1 'has no option "colour"' gantry network create -d cni -o colour=red bad
expect_error 125 "cannot publish ports" gantry run --rm -p 0:80 --network "mac-$tag" $IMAGE true

# A file that goes takes its network along, once nobody uses it.
rm "$T/net.d/20-macvlan.conf"
grep -q "^mac-$tag$" <<<"$(gantry network ls --format '{{.Name}}' 2>/dev/null)" && fail "its file is gone"
exit 0
