#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What takes space, in short and in detail, and filters that name a time.
. "$(dirname "${BASH_SOURCE[0]}")/functions.sh"
start_client
export TZ=UTC

# Two images share a layer: the second adds 300,000 bytes to it.
c run --name maker --network none $IMAGE sh -c 'head -c 300000 /dev/zero | tr "\0" x >/big' || fail "run"
c commit maker derived:one >/dev/null || fail "commit"
c tag derived:one derived:two
c volume create --label a=b kept >/dev/null
c run -d --name user --network none -v kept:/data $IMAGE sleep 1000 >/dev/null || fail "run -d"
c run --rm --network none -v kept:/data $IMAGE sh -c 'head -c 50000 /dev/zero | tr "\0" y >/data/f'

expect 'Images Containers Local Volumes Build Cache' \
	"$(c system df --format '{{.Type}}' | xargs)" "the kinds"
expect '2 1' "$(c system df --format '{{.TotalCount}} {{.Active}}' | head -1)" "images"
expect '2 1' "$(c system df --format '{{.TotalCount}} {{.Active}}' | sed -n 2p)" "containers"

out=$(c system df -v) || fail "system df -v"
for text in 'Images space usage:' 'SHARED SIZE   UNIQUE SIZE   CONTAINERS' 'Containers space usage:' \
	'LOCAL VOLUMES' 'Local Volumes space usage:' 'Build cache usage: 0B' 'LAST USED'; do
	expect_text "$text" "$out" "system df -v"
done
expect 1 "$(grep -c '^derived ' <<<"$out")" "an image is shown once"
expect "2" "$(awk '$1 == "gantry/busybox" { print $NF }' <<<"$out")" "containers of the image"
expect "kept 1" "$(awk '$1 == "kept" { print $1, $2 }' <<<"$out")" "links of the volume"
expect "user 1" "$(awk '/"sleep 1000"/ { print $NF, $5 }' <<<"$out")" "volumes of the container"

# Both images share what busybox is; only the derived one has something of its own.
sizes=$(c system df -v --format '{{range .Images}}{{.Repository}} {{.SharedSize}} {{.UniqueSize}}
{{end}}')
shared=$(awk '$1 == "gantry/busybox" { print $2, $3 }' <<<"$sizes")
expect "${shared% *} 0B" "$shared" "nothing of busybox is its own"
case $shared in 0B*) fail "busybox shares nothing: $sizes" ;; esac
expect "${shared% *}" "$(awk '$1 == "derived" { print $2 }' <<<"$sizes")" "what derived shares"
expect_text "30" "$(awk '$1 == "derived" { print $3 }' <<<"$sizes")" "what derived adds"

c system df -v --format json >"$T/df.json" || fail "system df -v --format json"
python3 - "$T/df.json" <<'END' || fail "system df -v --format json: $(cat "$T/df.json")"
import json, sys
df = json.load(open(sys.argv[1]))
assert list(df) == ["Images", "Containers", "Volumes", "BuildCache"], list(df)
assert len(df["Images"]) == 2 and len(df["Containers"]) == 2
assert [v["Name"] for v in df["Volumes"]] == ["kept"] and df["Volumes"][0]["Links"] == "1"
assert len(df["Containers"][0]["ID"]) == 64
END
expect_error 1 'template' c system df -v --format '{{.Nothing}}'

# Times: with zones, without, as spans, as numbers.  The image was made in the past; what "until"
# means must not depend on the zone it is written in.
now=$(date +%s)
at() { date -u -d "@$(($1 + ${2:-0}))" +%Y-%m-%dT%H:%M:%S; }
c create --name old $IMAGE true >/dev/null || fail "create"
names() { c ps -a --format '{{.Names}}' --filter name=old; }
# Two hours before now is written +02:00 as what the clock shows now.
for until in 2h "$(at "$now" -7200)" "$(at "$now")+02:00" "$(at "$now" -7200)Z" \
	"$(at "$now" -14400)-02:00" "$((now - 7200))" "$((now - 7200)).5"; do
	c container prune -f --filter "until=$until" >/dev/null || fail "prune until=$until"
	expect old "$(names)" "after until=$until, which is before it was made"
done
c container prune -f --filter "until=$(at "$now" 10800)+02:00" >/dev/null || fail "prune"
expect "" "$(names)" "after until=in an hour"

built=$(date -u -d "$(c image inspect -f '{{.Created}}' $IMAGE)" +%s)
expect "" "$(c images -q --filter "until=$(at "$built" 7199)+02:00" gantry/busybox)" "images until before it was made"
expect 1 "$(c images -q --filter "until=$(at "$built" 7201)+02:00" gantry/busybox | wc -l)" "images until after"
for bad in yesterday 2024-13-01 2024-02-30 2024-01-01T00:00:00+2 '2024-01-01T00:00:00+-1:30' ''; do
	expect_error 1 "$bad" c image prune -f --filter "until=$bad"
done
expect_error 1 'more than one until' c container prune -f --filter until=1h --filter until=2h
for object in container image volume network; do
	expect_error 1 "invalid filter 'colour'" c $object prune -f --filter colour=red
done

# The zone of who asks, where none is written.
(
	export TZ=UTC-5
	c create --name old $IMAGE true >/dev/null
	expect old "$(c ps -a --format '{{.Names}}' --filter name=old)" "made again"
	[ "$CLIENT" = docker ] && exit 0 # gantryd's own zone, then
	c container prune -f --filter "until=$(at "$now" 10800)" >/dev/null
	expect old "$(names)" "03:00 in UTC is not yet over here"
	c container prune -f --filter "until=$(at "$now" 25200)" >/dev/null
	expect "" "$(names)" "after its hour"
) || exit 1
c rm -f user >/dev/null
