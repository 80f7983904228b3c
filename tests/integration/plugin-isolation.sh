#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Drivers that come with gantry, in processes of their own, by one line of configuration:
# nobody can tell the difference.
. "$(dirname "${BASH_SOURCE[0]}")/functions.sh"
start_client
export GANTRY_PLUGIN_ISOLATION=process

expect one "$(c volume create --label a=b one)" "volume create"
c run --rm --network none -v one:/d $IMAGE sh -c 'echo kept >/d/f' || fail "a container cannot use the volume"
expect kept "$(c run --rm --network none -v one:/d $IMAGE cat /d/f)" "content of the volume"

id=$(c run -d --network none $IMAGE sh -c 'for i in 1 2 3; do echo line $i; done; echo oops >&2')
c wait "$id" >/dev/null
expect "line 1 line 2 line 3" "$(c logs "$id" 2>/dev/null | xargs)" "logs"
expect oops "$(c logs "$id" 2>&1 >/dev/null)" "logs of stderr"
expect oops "$(c logs --tail 1 "$id" 2>&1)" "logs --tail"
c rm "$id" >/dev/null
expect_error 1 "no such volume" c volume inspect absent
expect one "$(c volume rm one)" "volume rm"
