#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Bind mounts, named and anonymous volumes, tmpfs, and the volume commands.
. "$(dirname "${BASH_SOURCE[0]}")/functions.sh"
start_client
run() { c run --rm --network none "$@"; }

# Bind mounts
mkdir "$T/share"
echo host >"$T/share/file"
expect host "$(run -v "$T/share:/in" $IMAGE cat /in/file)" "-v of a folder"
run -v "$T/share:/in" $IMAGE sh -c 'echo inside >/in/back'
expect inside "$(cat "$T/share/back")" "writing through -v"
expect_error 1 "ead-only" run -v "$T/share:/in:ro" $IMAGE touch /in/x
expect host "$(run -v "$T/share/file:/etc/one:ro" $IMAGE cat /etc/one)" "-v of a file"
expect host "$(run --mount "type=bind,source=$T/share,target=/in,readonly" $IMAGE cat /in/file)" "--mount"
expect_status 1 run --mount "type=bind,src=$T/share,dst=/in,ro" $IMAGE touch /in/x
expect_error 125 "does not exist" run --mount "type=bind,source=$T/absent,target=/in" $IMAGE true
expect_status 0 run -v "$T/made:/in" $IMAGE true
[ -d "$T/made" ] || fail "-v did not make the missing folder"
expect_status 125 run -v "$T/share" -v relative/path:/x $IMAGE true
expect_status 125 run --mount type=nothing,target=/x $IMAGE true
expect_status 125 run --mount type=bind,target=/x $IMAGE true
# A destination that is a symbolic link stays inside the container
ln -s "$T/share" "$T/outside"
expect_status 0 run -v "$T/share:/etc/alternatives/../deep" $IMAGE test -e /etc/deep/file
grep -q " $T/" /proc/mounts && fail "a bind mount is visible on the host"

# tmpfs
expect tmpfs "$(run --tmpfs /scratch $IMAGE awk '$2=="/scratch"{print $3}' /proc/mounts)" "--tmpfs"
expect_text "size=4096k" "$(run --tmpfs /scratch:size=4m,mode=700 $IMAGE grep /scratch /proc/mounts)" "options of --tmpfs"
expect_text "size=8192k" "$(run --mount type=tmpfs,target=/s,tmpfs-size=8m $IMAGE grep ' /s ' /proc/mounts)" "--mount type=tmpfs"

# Named volumes
expect data "$(c volume create data)" "volume create"
run -v data:/d $IMAGE sh -c 'echo kept >/d/f'
expect kept "$(run -v data:/d $IMAGE cat /d/f)" "content of a volume"
expect kept "$(run --mount source=data,target=/d $IMAGE cat /d/f)" "--mount of a volume"
expect_status 1 run -v data:/d:ro $IMAGE touch /d/x
point=$(c volume inspect -f '{{.Mountpoint}}' data)
expect kept "$(cat "$point/f")" "the mount point"
expect "local" "$(c volume inspect -f '{{.Driver}}' data)" "driver"
run -v fresh:/d $IMAGE true
expect "data fresh" "$(c volume ls -q | sort | xargs)" "a volume made by -v"
# What the image has there is copied into a new volume, with owner and mode
expect "755" "$(run -v etc:/etc $IMAGE stat -c %a /etc)" "mode of the copied folder"
expect_text root "$(run -v etc:/mnt $IMAGE cat /mnt/passwd)" "content copied into a new volume"
expect "" "$(run -v etc2:/etc:nocopy $IMAGE ls /etc | grep passwd)" "nocopy"
run -v etc3:/root $IMAGE true
expect 700 "$(run -v etc3:/x $IMAGE stat -c %a /x)" "mode of an empty copied folder"
# Labels, filters, formats
c volume create --label purpose=test --label x labelled >/dev/null
expect labelled "$(c volume ls -q --filter label=purpose=test)" "filter by label"
expect "labelled" "$(c volume ls --filter name=label --format '{{.Name}}')" "filter by name"
expect test "$(c volume inspect -f '{{index .Labels "purpose"}}' labelled)" "label"
c volume create labelled >/dev/null || fail "creating again is not an error"
expect_status 1 c volume inspect absent
expect_status 1 c volume create --driver no-such-driver v9
expect_status 1 c volume create 'b@d/name'
# A tmpfs through the local driver
c volume create -o type=tmpfs -o device=tmpfs -o o=size=2m ram >/dev/null
expect_text "size=2048k" "$(run -v ram:/r $IMAGE grep ' /r ' /proc/mounts)" "volume of type tmpfs"

# In use
c run -d --network none --name user -v data:/d -v /anon $IMAGE sleep 1000 >/dev/null
expect_error 1 "in use" c volume rm data
anon=$(inspect user '{{range .Mounts}}{{if eq .Destination "/anon"}}{{.Name}}{{end}}{{end}}')
expect 64 "${#anon}" "name of an anonymous volume"
expect "data" "$(c volume ls -q --filter dangling=false | grep -vx "$anon" | xargs)" "used volumes"
expect "true" "$(inspect user '{{range .Mounts}}{{if eq .Destination "/d"}}{{.RW}}{{end}}{{end}}')" "RW"
expect kept "$(c run --rm --network none --volumes-from user $IMAGE cat /d/f)" "--volumes-from"
expect_status 1 c run --rm --network none --volumes-from user:ro $IMAGE touch /d/x
c rm -f user >/dev/null
expect_status 0 c volume inspect "$anon"
c volume rm "$anon" >/dev/null || fail "an unused volume cannot be removed"
# rm -v and --rm take anonymous volumes with them, not named ones
before=$(c volume ls -q | wc -l)
c run -d --network none --name user -v data:/d -v /anon $IMAGE sleep 1000 >/dev/null
c rm -fv user >/dev/null
run -v /anon -v data:/d $IMAGE true
expect "$before" "$(c volume ls -q | wc -l)" "volumes after rm -v and --rm"
expect kept "$(run -v data:/d $IMAGE cat /d/f)" "the named volume stays"

# prune takes anonymous ones, with -a all unused
c create --name holder -v data:/d -v /anon $IMAGE true >/dev/null
anon=$(inspect holder '{{range .Mounts}}{{if eq .Destination "/anon"}}{{.Name}}{{end}}{{end}}')
c rm holder >/dev/null
c create --name holder -v data:/d $IMAGE true >/dev/null
expect_text "$anon" "$(c volume prune -f)" "volume prune"
expect_text fresh "$(c volume prune -af)" "volume prune -a"
expect "data" "$(c volume ls -q)" "volumes after prune"
c rm holder >/dev/null
expect data "$(c volume rm data)" "volume rm"
expect_status 1 c volume rm data
expect_status 0 c volume rm -f data
grep -q "$T" /proc/mounts && fail "mounts are left: $(grep "$T" /proc/mounts)"
true
