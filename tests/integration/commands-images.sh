#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Every command about images does what Docker's does, prints what it prints and exits as
# it exits.
. "$(dirname "${BASH_SOURCE[0]}")/functions.sh"
command -v docker-registry >/dev/null || skip "docker-registry is not installed"
start_client
start_registry
name=$REGISTRY/test/box

# tag, images, inspect, history
id=$(c images -q --no-trunc $IMAGE)
expect_text sha256: "$id" "images -q --no-trunc"
c tag $IMAGE "$name:1" || fail "tag"
c tag "${id:7:12}" "$name:2" || fail "tag by a short id"
expect "$name:1 $name:2" "$(c images "$name" --format '{{.Repository}}:{{.Tag}}' | sort | xargs)" "images NAME"
expect "$name:2" "$(c images -f reference="$name:2" --format '{{.Repository}}:{{.Tag}}')" "--filter reference"
expect "" "$(c images -qf dangling=true)" "--filter dangling"
expect "$id" "$(c image inspect -f '{{.Id}}' "$name:1")" "image inspect"
expect "linux" "$(c inspect --type image -f '{{.Os}}' "$name:1")" "inspect --type image"
expect_text "IMAGE" "$(c history "$name:1" | head -1)" "history"
expect_error 1 "o such image" c tag absent:1 other:1
expect_error 1 "nvalid" c tag $IMAGE 'UPPER:1'

# push, rmi, pull
expect_text "digest: sha256:" "$(c push "$name:1")" "push"
expect "$name:2" "$(c push -q "$name:2")" "push -q"
expect_text "Untagged: $name:1" "$(c rmi "$name:1")" "rmi of one of several names"
expect_text "Untagged: $name:2" "$(c rmi "$name:2")" "rmi of another"
expect_error 1 "o such image" c rmi "$name:1"
out=$(c pull "$name:1") || fail "pull"
expect_text "Status: Downloaded newer image for $name:1" "$out" "pull"
expect_text "Image is up to date for $name:1" "$(c pull "$name:1")" "pull again"
expect "$name:1" "$(c pull -q "$name:1")" "pull -q"
digest=$(c image inspect -f '{{index .RepoDigests 0}}' "$name:1")
expect_text "$name@sha256:" "$digest" "the digest of what was pulled"
expect "$digest" "$(c pull -q "$digest")" "pull by digest"
c pull -a "$name" >/dev/null || fail "pull -a"
expect 2 "$(c images -q "$name" | wc -l)" "pull -a"
expect_error 1 "not found" c pull "$name:absent"
expect_error 1 "" c pull "127.0.0.1:1/none:1"
expect_error 125 "" c run --rm --pull never "$name:absent" true
c rmi "$name:1" "$name:2" >/dev/null || fail "rmi of several"
expect "pulled" "$(c run --rm --network none "$name:1" echo pulled 2>/dev/null)" "run pulls what is missing"

# save, load, import
c save -o "$T/saved.tar" "$name:1" || fail "save -o"
c save $IMAGE >"$T/stream.tar" || fail "save to standard output"
expect_text manifest.json "$(tar -tf "$T/saved.tar")" "the archive of save"
expect_error 1 "" c save -o "$T/none.tar" absent:1
[ ! -e "$T/none.tar" ] || fail "save of nothing left a file"
c rmi -f "$name:1" >/dev/null
expect "Loaded image: $name:1" "$(c load -i "$T/saved.tar")" "load -i"
expect "Loaded image: $IMAGE" "$(c load <"$T/stream.tar")" "load from standard input"
gzip -c "$T/saved.tar" >"$T/saved.tgz"
expect "Loaded image: $name:1" "$(c load -q -i "$T/saved.tgz")" "load of a compressed archive"
mkdir "$T/tree"
cp "$(command -v busybox)" "$T/tree/echo"
tar -C "$T/tree" -c . | c import -m note -c 'ENTRYPOINT ["/echo"]' - imported:1 >"$T/import" || fail "import"
expect_text sha256: "$(cat "$T/import")" "what import prints"
expect "imported" "$(c run --rm --network none imported:1 imported)" "an imported image"
expect "note" "$(c image inspect -f '{{.Comment}}' imported:1)" "import -m"

# rmi and prune with containers
c create --name user imported:1 >/dev/null
expect_error 1 "must be forced" c rmi "$(c images -q imported:1)"
expect_error 1 "must force" c rmi imported:1
c rm user >/dev/null
expect_text "Deleted: sha256:" "$(c rmi imported:1)" "rmi of the last name"
tar -C "$T/tree" -c . | c import - >/dev/null
expect 1 "$(c images -qf dangling=true | wc -l)" "an image without a name"
expect_text "Total reclaimed space" "$(c image prune -f)" "image prune"
expect 0 "$(c images -qf dangling=true | wc -l)" "after image prune"
expect_text "deleted: sha256" "$(c image prune -af --filter label!=keep | tr D d)" "image prune -a"
expect "" "$(c images -q)" "after image prune -a"

# login, logout
printf 'user:%s\n' "$(openssl passwd -apr1 secret 2>/dev/null)" >/dev/null
expect_status 0 c logout "$REGISTRY"
expect_error 1 "" c login -u u -p p 127.0.0.1:1
expect_text "Login Succeeded" "$(echo secret | c login -u user --password-stdin "$REGISTRY" 2>/dev/null)" "login"
expect_text "$REGISTRY" "$(cat "$DOCKER_CONFIG/config.json")" "where login keeps it"
expect_text "Removing login credentials for $REGISTRY" "$(c logout "$REGISTRY")" "logout"
case $(cat "$DOCKER_CONFIG/config.json") in *"$REGISTRY\":"*) fail "logout kept the login" ;; esac
exit 0
