#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A published port leads into the container, a second container cannot have it, and removing
# the container frees it.
. "$(dirname "$0")/functions.sh"

[ "$(id -u)" = 0 ] || skip "needs root: it makes a bridge"
command -v curl >/dev/null || skip "needs curl"
load_image
gantry network create net-$$ >/dev/null || fail "cannot create a network"
port=$(free_port)
gantry run -d --name web --network net-$$ -p "127.0.0.1:$port:80" $IMAGE \
	sh -c 'mkdir /w; echo hello >/w/index.html; exec httpd -f -p 80 -h /w' >/dev/null ||
	fail "cannot start the server"
wait_for 5 curl -fsS -m 1 "http://127.0.0.1:$port/" || fail "the published port does not answer"
expect hello "$(curl -fsS -m 2 "http://127.0.0.1:$port/")" "what the server says"
expect "80/tcp -> 127.0.0.1:$port" "$(gantry port web)" "gantry port"

out=$(gantry run --rm --network net-$$ -p "127.0.0.1:$port:80" $IMAGE true 2>&1) &&
	fail "a port was published twice"
case $out in
*"port $port on 127.0.0.1 is already used by container web"*) ;;
*) fail "the conflict is not explained: $out" ;;
esac

gantry network rm net-$$ >/dev/null 2>&1 && fail "a network in use was removed"
gantry rm -f web >/dev/null
curl -fsS -m 1 "http://127.0.0.1:$port/" >/dev/null 2>&1 && fail "the port leads somewhere still"
gantry run --rm --network net-$$ -p "127.0.0.1:$port:80" $IMAGE true || fail "the port is not free again"
id=$(gantry network inspect -f '{{.Id}}' net-$$)
gantry network rm net-$$ >/dev/null || fail "cannot remove the network"
[ ! -e "/sys/class/net/br-${id:0:12}" ] || fail "the bridge is left"
nft list table inet gantry 2>/dev/null | grep -q "br-${id:0:12}" && fail "rules are left"
exit 0
