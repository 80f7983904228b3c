#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Docker Compose against gantryd: two services, one of which waits until the other is healthy,
# networks with aliases, volumes, published ports; what down leaves is nothing.
. "$(dirname "${BASH_SOURCE[0]}")/functions.sh"
. "$GANTRY_SOURCE/tests/lib/fetch_debian.sh"
cache=${GANTRY_TEST_CACHE:-/var/cache/gantry-tests}/docker-compose
exec 8>"${TMPDIR:-/tmp}/gantry-compose.lock" && flock 8
fetch_debian trixie docker-compose "$cache" || skip "docker-compose cannot be fetched"
flock -u 8
compose=$(find "$cache/usr" -type f -name docker-compose -perm -100 | head -1)
"$compose" version >/dev/null 2>&1 || skip "this docker-compose does not run here"
CLIENT=docker
start_client

mkdir -p "$T/app/conf" && cd "$T/app" || fail "cd"
echo configured >conf/file
project=p$$
cat >compose.yaml <<END
name: $project
services:
  db:
    image: $IMAGE
    command: sh -c 'mkdir -p /srv; echo ready >/srv/state; exec httpd -f -p 8000 -h /srv'
    environment: { MODE: test }
    volumes: [ "data:/var/data", "/anonymous" ]
    stop_grace_period: 1s
    healthcheck:
      test: ["CMD", "grep", "-q", "ready", "/srv/state"]
      interval: 1s
      retries: 60
  web:
    image: $IMAGE
    depends_on: { db: { condition: service_healthy } }
    command: sh -c 'cat /proc/1/cmdline >/dev/null; mkdir /www; echo hello >/www/index.html; exec httpd -f -p 80 -h /www'
    ports: [ "127.0.0.1::80" ]
    networks: { default: , back: { aliases: [ front ] } }
    volumes: [ "./conf:/conf:ro" ]
    restart: unless-stopped
    stop_grace_period: 1s
networks:
  back: {}
volumes:
  data: {}
END
k() { timeout -k 5 120 "$compose" "$@"; }
out=$(k up -d 2>&1) || fail "up: $out"
cleanup_hook "cd '$T/app' && timeout 60 '$compose' down -v -t 1 >/dev/null 2>&1"
expect "$project-db-1 running healthy
$project-web-1 running " "$(k ps -a --format '{{.Name}} {{.State}} {{.Health}}' | sort)" "ps"
expect configured "$(k exec -T web cat /conf/file)" "exec"
expect test "$(k exec -T db sh -c 'echo $MODE')" "the environment"
expect_text "ready" "$(k exec -T web wget -qO- http://db:8000/state)" "the other service by its name"
expect_text "hello" "$(k exec -T web wget -qO- http://front/)" "an alias"
address=$(k port web 80) || fail "port"
expect hello "$(curl -sS --retry 5 --retry-connrefused "http://$address/")" "the published port $address"
expect "" "$(k logs web 2>&1 | grep -v '^$')" "logs of one that says nothing"
k exec -T db sh -c 'echo said >/proc/1/fd/1'
wait_for 10 eval "timeout 20 '$compose' logs db 2>&1 | grep -q said" || fail "logs"
expect "$project running(2)" "$(k ls | awk 'NR > 1 { print $1, $2 }' | grep "^$project ")" "ls"
out=$(k up -d --scale web=2 2>&1) || fail "up --scale: $out"
expect 2 "$(k ps -q web | wc -l)" "two of the service"
# Nothing changed, so nothing is made anew.
before=$(k ps -q | sort)
k up -d --scale web=2 >/dev/null 2>&1 || fail "up again"
expect "$before" "$(k ps -q | sort)" "containers after up of the same"
expect one-off "$(k run --rm -T --no-deps db echo one-off 2>/dev/null)" "run --rm"
out=$(k stop -t 1 web 2>&1 && k start web 2>&1) || fail "stop, start: $out"
expect "2" "$(k ps -q --status running web | wc -l)" "after stop and start"

out=$(k down -v -t 1 2>&1) || fail "down: $out"
expect "" "$(docker ps -aq)" "containers after down -v"
expect "" "$(docker volume ls -q)" "volumes after down -v"
expect "" "$(docker network ls -q --filter label=com.docker.compose.project=$project)" "networks after down"
