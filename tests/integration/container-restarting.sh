#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A container that waits to be started again says so, and neither that it runs nor that it ended.
. "$(dirname "${BASH_SOURCE[0]}")/functions.sh"
start_client
# The waits double, so that it is seen waiting sooner or later.
c run -d --name again --restart always --network none $IMAGE sh -c 'exit 3' >/dev/null || fail "run"
wait_for 60 is again '{{.State.Status}} {{.State.Running}} {{.State.Restarting}} {{.State.ExitCode}} {{.State.Pid}}' \
	"restarting true true 3 0" || fail "inspect: $(inspect again '{{json .State}}')"
shows() { [ -n "$(c ps --filter status=restarting --format '{{.Status}}' | grep '^Restarting (3) .* ago$')" ]; }
wait_for 60 shows || fail "ps: $(c ps -a)"
expect_error 1 "before removing or force remove" c rm again
expect_status 0 c stop -t 1 again
expect "exited false 3" "$(inspect again '{{.State.Status}} {{.State.Restarting}} {{.State.ExitCode}}')" "after stop"
expect "" "$(c ps -q --filter status=restarting)" "ps after stop"
# What is left of it says nothing of the next run.
c run -d --name runs --restart always --network none $IMAGE sleep 1000 >/dev/null || fail "run"
expect "running false" "$(inspect runs '{{.State.Status}} {{.State.Restarting}}')" "one that runs"
c rm -f again runs >/dev/null || fail "rm -f"
