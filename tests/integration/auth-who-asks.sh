#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Who asks a daemon: the peer of a socket, a certificate, a token, an API key; what each may
# do, and that policies are shown who it was.
. "$(dirname "$0")/functions.sh"

[ "$(id -u)" = 0 ] || skip "needs root"
[ -x "$GANTRY_BUILD/plugins/policy/lua/lua.so" ] || skip "the policy driver is not built"
load_image
digest() { printf %s "$1" | sha256sum | cut -d' ' -f1; }
mkdir "$T/secrets"
cat > "$T/tokens" <<E2
# names and digests
ana $(digest ana-token) group=web group=team
reader $(digest reader-token) read-only
boss $(digest boss-token) administrator
E2
cat > "$T/secrets/api-keys" <<E2
robot $(digest robot-key) group=ci
late $(digest late-key) until=2001-01-01
quick $(digest quick-key) rate=3
half $(digest half-key) no-such-word
E2
chmod 600 "$T/tokens" "$T/secrets/api-keys"
cat > "$T/gantry.conf" <<E2
auth = { drivers = ["token", "api-keys", "socket", "tls"]; };
drivers = { auth = { token = { file = "$T/tokens"; }; api-keys = { secrets = "$T/secrets"; }; }; };
E2
# Everybody is told who they are, and only one may see /info.
cat > "$T/who.lua" <<'LUA'
hook { point = "api.authenticated", match = { ["object.Path"] = { "/info", "/v*/info" } }, run = function(request)
  local who = request.who
  return deny(("%s %s %s %s"):format(who.auth, who.user or "-", table.concat(who.groups or {}, "+"), who.uid or "-"))
end }
LUA
gantry policy enable "$T/who.lua" >/dev/null || fail "enable"
start_daemon --config "$T/gantry.conf"
SOCKET=${DOCKER_HOST#unix://}
ask() { curl -s --unix-socket "$SOCKET" "$@"; }
told() { ask http://d/info "$@" | sed 's/.*policy who.who: \(.*\)"}/\1/'; }
status() { ask -o /dev/null -w '%{http_code}' "$@"; }

expect "token ana web+team 0" "$(told -H 'Authorization: Bearer ana-token')" "a token"
expect "api-key robot ci 0" "$(told -H 'X-Api-Key: robot-key')" "an API key"
case $(told) in "peer root "*root*" 0") ;; *) fail "the peer: $(told)" ;; esac
if id nobody >/dev/null 2>&1 && command -v setpriv >/dev/null; then
	chmod 755 "$T" && chmod 666 "$SOCKET"
	got=$(setpriv --reuid=nobody --regid="$(id -g nobody)" --clear-groups curl -s --unix-socket "$SOCKET" http://d/info)
	expect_text "peer nobody" "$got" "another user's peer"
	got=$(setpriv --reuid=nobody --regid="$(id -g nobody)" --clear-groups curl -s --unix-socket "$SOCKET" \
		http://d/gantry/policy -H 'Content-Type: application/json' -d '{"Command":"disable","Name":"who"}')
	expect_text "nobody may not change policies" "$got" "another user who disables a policy"
fi

# A wrong token is not the peer's business any more.
expect 401 "$(status http://d/_ping -H 'Authorization: Bearer wrong')" "a wrong token"
expect_text 'Bearer realm="gantry"' "$(ask -i http://d/_ping -H 'Authorization: Bearer wrong')" "its challenge"
expect_text "the token is not known here" "$(ask http://d/_ping -H 'Authorization: Bearer wrong')" "its reason"
expect 401 "$(status http://d/_ping -H 'Authorization: Bearer ')" "an empty token"
expect 401 "$(status http://d/_ping -H "Authorization: Bearer $(digest ana-token)")" "a digest is no token"
expect_text "ended on 2001-01-01" "$(ask http://d/_ping -H 'X-Api-Key: late-key')" "a late key"
expect 401 "$(status http://d/_ping -H 'X-Api-Key: half-key')" "a key whose line is not understood"
for _ in 1 2 3; do expect 200 "$(status http://d/_ping -H 'X-Api-Key: quick-key')" "within the rate"; done
expect_text "more than 3 times in a minute" "$(ask http://d/_ping -H 'X-Api-Key: quick-key')" "beyond the rate"

# May only look.
expect 200 "$(status http://d/containers/json -H 'Authorization: Bearer reader-token')" "a reader reads"
expect 403 "$(status -X POST http://d/containers/create -H 'Authorization: Bearer reader-token' \
	-H 'Content-Type: application/json' -d '{"Image":"x"}')" "a reader creates"
# A token stands for who it names, also when root shows it; an administrator may manage.
post() { ask http://d/gantry/policy -H 'Content-Type: application/json' -d "$1" -H "Authorization: Bearer $2"; }
expect_text "ana may not change policies" "$(post '{"Command":"disable","Name":"who"}' ana-token)" "a token's user"
expect_text '"who"' "$(post '{"Command":"list"}' ana-token)" "anybody may list"
expect_text "ana may not" "$(post '{"Command":"audit","Number":5}' ana-token)" "what others asked"

# The docker client sends headers of its configuration.
if command -v docker >/dev/null; then
	printf '{"HttpHeaders":{"X-Api-Key":"robot-key"}}' > "$DOCKER_CONFIG/config.json"
	expect_text "api-key robot ci" "$(docker info 2>&1)" "the docker client"
	rm "$DOCKER_CONFIG/config.json"
fi
post '{"Command":"disable","Name":"who"}' boss-token >/dev/null
expect 200 "$(status http://d/info)" "after an administrator disabled the policy"

# A certificate names its owner; one whose name could be read as two is refused.
if command -v openssl >/dev/null; then
	mkdir "$T/tls"
	cert() { # NAME SUBJECT
		openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$T/tls/$1.key" -subj "$2" \
			-addext "subjectAltName=IP:127.0.0.1" -out "$T/tls/$1.csr" 2>/dev/null &&
			openssl x509 -req -in "$T/tls/$1.csr" -CA "$T/tls/ca.pem" -CAkey "$T/tls/ca.key" -copy_extensions copy \
				-CAcreateserial -days 2 -out "$T/tls/$1.pem" 2>/dev/null
	}
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$T/tls/ca.key" -subj /CN=ca \
		-days 2 -out "$T/tls/ca.pem" 2>/dev/null
	cert server /CN=localhost && cert ana /O=web/CN=ana && cert two '/CN=eve\,CN=ana' || fail "cannot make certificates"
	port=$(free_port)
	kill "$DAEMON_PID"; wait "$DAEMON_PID" 2>/dev/null
	start_daemon --config "$T/gantry.conf" --tlsverify --tlscacert "$T/tls/ca.pem" --tlscert "$T/tls/server.pem" \
		--tlskey "$T/tls/server.key" -H "tcp://127.0.0.1:$port"
	gantry policy enable "$T/who.lua" >/dev/null || fail "enable"
	by() { curl -s --cacert "$T/tls/ca.pem" --cert "$T/tls/$1.pem" --key "$T/tls/$1.key" "https://127.0.0.1:$port/info"; }
	expect_text "who/who: tls ana" "$(by ana)" "a certificate"
	expect_text "no plain common name" "$(by two)" "a name like two"
fi

# A removed line counts at once, and a file that others may write not at all.
sed -i '/^ana/d' "$T/tokens"
expect 401 "$(status http://d/_ping -H 'Authorization: Bearer ana-token')" "a removed token"
chmod 666 "$T/tokens"
expect_text "may be written by others" "$(ask http://d/_ping -H 'Authorization: Bearer boss-token')" "an open file"
exit 0
