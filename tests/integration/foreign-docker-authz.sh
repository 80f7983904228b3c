#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# An authorization plugin of Docker's protocol decides the docker client's requests by their
# whole bodies and by their answers; a request whose body it cannot be shown whole is refused
# and never executed (the shapes of CVE-2024-41110 and CVE-2026-34040); one that is dead,
# hangs or lies refuses everything and hurts no container.
. "$(dirname "$0")/functions.sh"
. "$(dirname "$0")/foreign.inc"
command -v docker >/dev/null || skip "the docker client is not installed"

load_image
plugin_config
start_plugin police authz
start_plugin second authz
gantry run -d --name before $IMAGE sleep 300 >/dev/null
start_daemon --config-file "$T/gantry.conf" --authorization-plugin police --authorization-plugin second
PLUGIN=police
api() { curl -sS -o "$T/body" -w '%{http_code}' --unix-socket "$T/gantryd.sock" "$@" 2>"$T/curl.err"; }
denied() { expect_error "$1" "$2" "${@:3}"; }

# ---- allowed, and what the plugin was shown ----
docker run --rm --name shown $IMAGE echo allowed >"$T/out" || fail "docker run"
expect allowed "$(cat "$T/out")" "an allowed container"
called AuthZPlugin.AuthZReq >"$T/req"
jq -r 'select(.RequestURI | test("containers/create")) | .RequestBody' "$T/req" | tail -1 | base64 -d >"$T/shown"
expect "$IMAGE" "$(jq -r .Image "$T/shown")" "the body of create"
expect POST "$(jq -r 'select(.RequestURI | test("containers/create\\?name=shown")) | .RequestMethod' "$T/req")" "method and URI"
expect true "$(jq -s 'map(.RequestHeaders["User-Agent"] // "" | test("Docker-Client")) | any' "$T/req")" "headers"
expect '""' "$(jq -c .User "$T/req" | sort -u)" "a client of the Unix socket"
called AuthZPlugin.AuthZRes >"$T/res"
expect 201 "$(jq 'select(.RequestURI | test("containers/create\\?name=shown")) | .ResponseStatusCode' "$T/res")" "the status of an answer"
expect_text '"Id"' "$(jq -r 'select(.RequestURI | test("containers/create\\?name=shown")) | .ResponseBody' "$T/res" | base64 -d)" "the body of an answer"
expect 404 "$(api "http://d/containers/nosuch/json")" "a request that fails"
expect 404 "$(called AuthZPlugin.AuthZRes | jq -r 'select(.RequestURI | test("nosuch")) | .ResponseStatusCode')" "its status"
docker pull -q 127.0.0.1:1/x >/dev/null 2>&1
expect 0 "$(jq -s 'map(.RequestHeaders | has("X-Registry-Auth") or has("Authorization")) | map(select(.)) | length' \
	<(called AuthZPlugin.AuthZReq))" "requests that show secrets"

# ---- denied ----
printf 'POST\t/containers/create\t"Privileged":true\nDELETE\t/volumes\t\nGET\t/images/json\t\n' >"$T/police/deny"
denied 125 'authorization denied by plugin police: the rule' docker run --rm --privileged $IMAGE true
docker run --rm $IMAGE true || fail "what no rule denies"
denied 1 'authorization denied by plugin police' docker images
expect 403 "$(api "http://d/v1.47/images/json")" "the status of a refusal"
docker volume create vol >/dev/null; denied 1 'authorization denied' docker volume rm vol
printf 'POST\t/containers/create\tforbidden-word\n' >"$T/second/deny"
denied 125 'authorization denied by plugin second' docker run --rm $IMAGE echo forbidden-word
before=$(docker ps -aq | wc -l)
echo '"SecretName"' >"$T/police/deny-answer"
docker create --name SecretName $IMAGE >/dev/null 2>&1
echo '"/SecretName"' >"$T/police/deny-answer"
expect 403 "$(api "http://d/containers/json?all=1")" "an answer that is denied"
expect_text "the answer contains" "$(cat "$T/body")" "why"
! grep -q '"Image"' "$T/body" || fail "a denied answer is shown all the same"
rm "$T/police/deny-answer"; docker rm SecretName >/dev/null 2>&1

# ---- what cannot be shown is refused ----
create() { # NAME CURL-ARGUMENTS...: a privileged container by other ways
	local name=$1 status
	shift
	status=$(api -X POST "http://d/v1.47/containers/create?name=$name" "$@")
	case $status in 4*) ;; *) fail "$name: status $status: $(cat "$T/body")" ;; esac
	! docker inspect "$name" >/dev/null 2>&1 || fail "$name was made behind the plugin's back"
}
evil='{"Image":"'$IMAGE'","HostConfig":{"Privileged":true}}'
create plain -H 'Content-Type: application/json' -d "$evil"
create no-type -H 'Content-Type:' -d "$evil"
create text -H 'Content-Type: text/plain' -d "$evil"
create chunked -H 'Content-Type: application/json' -H 'Transfer-Encoding: chunked' -d "$evil"
create chunked-no-type -H 'Content-Type:' -H 'Transfer-Encoding: chunked' -d "$evil"
create spaced -H 'Content-Type: application/json' -d " $evil "
create escaped -H 'Content-Type: application/json' -d '{"Image":"'$IMAGE'","HostConfig":{"\u0050rivileged":true}}'
create twice -H 'Content-Type: application/json' -d '{"Image":"'$IMAGE'","HostConfig":{"Privileged":false},"HostConfig":{"Privileged":true}}'
# CVE-2026-34040: a body too large to be looked at.
{ printf '{"Image":"%s","HostConfig":{"Privileged":true},"Labels":{"x":"' "$IMAGE"; head -c 2000000 /dev/zero | tr '\0' x; printf '"}}'; } >"$T/large"
create large -H 'Content-Type: application/json' --data-binary "@$T/large"
expect 403 "$(api -X POST "http://d/v1.47/containers/create?name=large" -H 'Content-Type: application/json' --data-binary "@$T/large")" "2 MB"
expect_text "the rule" "$(cat "$T/body")" "2 MB are shown whole"
{ printf '{"Image":"%s","HostConfig":{"Privileged":true},"Labels":{"x":"' "$IMAGE"; head -c 9000000 /dev/zero | tr '\0' x; printf '"}}'; } >"$T/large"
create larger -H 'Content-Type: application/json' --data-binary "@$T/large"
create larger-no-type -H 'Content-Type:' --data-binary "@$T/large"
create larger-text -H 'Content-Type: text/plain' --data-binary "@$T/large"
# CVE-2024-41110: Content-Length 0 with a body after it; and two that disagree.
raw() { # NAME HEADERS
	{ printf 'POST /v1.47/containers/create?name=%s HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\n%b\r\n%s' "$1" "$2" "$evil"; sleep 0.5; } |
		timeout 5 python3 -c 'import socket,sys; s=socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); s.sendall(sys.stdin.buffer.read()); s.shutdown(1); sys.stdout.buffer.write(s.recv(65536))' "$T/gantryd.sock" >"$T/raw" 2>/dev/null
	! docker inspect "$1" >/dev/null 2>&1 || fail "$1 was made behind the plugin's back"
	! head -1 "$T/raw" | grep -q ' 20' || fail "$1: $(head -1 "$T/raw")"
}
raw zero 'Content-Length: 0\r\n'
raw both "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n"
raw two "Content-Length: ${#evil}\r\nContent-Length: 0\r\n"
raw short 'Content-Length: 10\r\n'
# Other spellings of a path that the plugin's rule is about.
for path in //images/json /v1.47//images/json /images/../images/json /images/./json /%69mages/json /images%2fjson /IMAGES/json /images/json/; do
	case $(api --path-as-is "http://d$path") in
	200) fail "GET $path is served though a rule denies /images/json: $(head -c 200 "$T/body")" ;;
	esac
done
docker load -q -i "$GANTRY_BUILD/integration/image.tar" >/dev/null || fail "a stream that is no JSON"
echo x >"$T/file"; docker cp "$T/file" before:/tmp/file || fail "docker cp"

# ---- dead, hanging, lying ----
rm "$T/police/deny" "$T/second/deny"
stop_plugin second
expect_error 1 'plugin second' docker ps
is_running() { kill -0 "$(gantry inspect -f '{{.State.Pid}}' before)"; }
is_running || fail "a container died with an authorization plugin"
start_plugin second authz --fault AuthZPlugin.AuthZReq=hang
denied 1 "gave no answer in 5000 ms" docker ps
stop_plugin second; start_plugin second authz --fault AuthZPlugin.AuthZReq=empty
denied 1 "neither allows nor denies" docker ps
stop_plugin second; start_plugin second authz --fault AuthZPlugin.AuthZReq=error:broken
denied 1 "plugin second: AuthZPlugin.AuthZReq: broken" docker ps
stop_plugin second; start_plugin second authz --fault AuthZPlugin.AuthZRes=garbage
denied 1 "second" docker ps
stop_plugin second; start_plugin second authz
wait_for 10 docker ps || fail "docker ps once the plugin is back: $(docker ps 2>&1)"
kill "$DAEMON_PID"; wait "$DAEMON_PID" 2>/dev/null
unset DOCKER_HOST
is_running || fail "the container from before is gone"

# Without a daemon the same plugin decides, where the configuration says so.
plugin_config 'policy: { drivers = [ "police" ]; };'
printf 'POST\t/containers/create\t"Privileged":true\n' >"$T/police/deny"
expect_error 125 "authorization denied by plugin police" gantry run --rm --privileged $IMAGE true
gantry run --rm $IMAGE true || fail "gantry run"
plugin_config 'policy: { drivers = [ "nobody" ]; };'
expect_error 1 'there is no policy driver "nobody"' gantry ps
plugin_config
exit 0
