#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The monitor driver prometheus: events of many processes are counted once each, and a
# scrape of gantryd shows them beside what there is.
. "$(dirname "$0")/functions.sh"

export GANTRY_MONITOR_DRIVERS=prometheus
load_image
start_daemon
SOCKET=${DOCKER_HOST#unix://}
scrape() { curl -sf --unix-socket "$SOCKET" "http://d/gantry/metrics${1:-}"; }
metric() { scrape | sed -n "s/^$1 //p"; }

expect "" "$(metric 'gantry_events_total{type="volume",action="create"}')" "before"
# Eight processes at once, all without a daemon, all counting in one file.
for i in 1 2 3 4 5 6 7 8; do
	gantry volume create "volume$i" >/dev/null &
	pids="${pids:-} $!"
done
# shellcheck disable=SC2086
wait $pids || fail "volume create"
expect 8 "$(metric 'gantry_events_total{type="volume",action="create"}')" "counted events"
expect 8 "$(metric gantry_volumes)" "volumes"
expect 1 "$(metric gantry_images)" "images"

gantry run -d --name worker --network none $IMAGE sleep 1000 >/dev/null || fail "run"
expect 1 "$(metric 'gantry_containers{state="running"}')" "running"
expect 1 "$(metric 'gantry_events_total{type="container",action="start"}')" "starts"
expect_text 'gantry_container_cpu_seconds_total{name="worker"}' "$(scrape)" "cpu"
[ "$(metric 'gantry_container_memory_bytes{name="worker"}')" -gt 0 ] || fail "no memory was measured"
# Command lines are no labels: they have no bound.
gantry exec worker true || fail "exec"
expect_text 'action="exec_start"' "$(scrape)" "exec"
case $(scrape) in *'exec_start:'*) fail "a command line became a label" ;; esac

# What Prometheus accepts: every line is a comment or NAME[{LABELS}] NUMBER.
bad=$(scrape | grep -vE '^#|^[a-z_]+(\{[a-z]+="([^"\\]|\\.)*"(,[a-z]+="([^"\\]|\\.)*")*\})? [0-9.]+$')
expect "" "$bad" "lines that are no samples"
expect_text "text/plain; version=0.0.4" \
	"$(curl -si --unix-socket "$SOCKET" http://d/gantry/metrics | tr -d '\r' | grep -i '^content-type')" "type"
expect 404 "$(curl -s -o /dev/null -w '%{http_code}' --unix-socket "$SOCKET" http://d/gantry/metrics/nothing)" \
	"an unknown driver"
exit 0
