#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# containerd uses gantry-oci through its own shim for runc, without noticing.
. "$(dirname "$0")/runtime.inc"
command -v containerd >/dev/null && command -v ctr >/dev/null &&
	command -v containerd-shim-runc-v2 >/dev/null || skip "needs containerd"
c() {
	ctr -a "$work/containerd.sock" -n "$tag" "$@"
}
leave() {
	for id in $(c tasks ls -q 2>/dev/null); do c tasks rm -f "$id"; done >/dev/null 2>&1
	[ -z "${daemon:-}" ] || { kill "$daemon"; wait "$daemon"; } 2>/dev/null
	umount "$work"/state/io.containerd.runtime.v2.task/*/*/rootfs 2>/dev/null
	# the namespace's group, which containerd leaves
	find /sys/fs/cgroup -depth -type d -name "$tag" -exec rmdir {} + 2>/dev/null
}
at_exit=leave
cat > "$work/containerd.toml" <<EOF
version = 2
root = "$work/data"
state = "$work/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = "$work/containerd.sock"
[ttrpc]
  address = "$work/containerd.sock.ttrpc"
EOF
containerd -c "$work/containerd.toml" >"$work/containerd.log" 2>&1 & daemon=$!
for _ in $(seq 300); do c version >/dev/null 2>&1 && break; sleep 0.1; done
c version >/dev/null 2>&1 || skip "containerd does not start here: $(tail -1 "$work/containerd.log")"
# an image of one layer, in the form of docker save
mkdir "$work/image"
tar -C "$root" -cf "$work/image/layer.tar" .
digest=$(sha256sum < "$work/image/layer.tar" | cut -d' ' -f1)
printf '{"architecture":"amd64","os":"linux","config":{"Env":["PATH=/bin"],"Cmd":["sh"]},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' \
	"$digest" > "$work/image/config.json"
echo '[{"Config":"config.json","RepoTags":["docker.io/library/box:latest"],"Layers":["layer.tar"]}]' \
	> "$work/image/manifest.json"
tar -C "$work/image" -cf "$work/image.tar" manifest.json config.json layer.tar
c images import --snapshotter native "$work/image.tar" >/dev/null 2>"$work/err" ||
	fail "import: $(cat "$work/err")"
box=docker.io/library/box:latest
with=(--snapshotter native --runtime io.containerd.runc.v2 --runc-binary "$oci")
# ctr may give up a pipe before it has read it, whatever the runtime.
for i in 1 2 3 4 5; do
	said=$(c run --rm "${with[@]}" "$box" "one-$i" /bin/echo hello </dev/null)
	[ -z "$said" ] || break
done
is hello "$said" "run"
c run --rm "${with[@]}" "$box" two /bin/sh -c 'exit 7' </dev/null
is 7 $? "run's exit status"
has "$(c run --rm "${with[@]}" "$box" three /nothing 2>&1 </dev/null)" "no such file or directory" "no such program"
c run -d "${with[@]}" --memory-limit 67108864 "$box" main /bin/sh -c 'trap "exit 9" TERM; while :; do sleep 0.1; done' </dev/null
is 0 $? "run -d"
is RUNNING "$(c tasks ls | awk '$1 == "main" { print $3 }')" "it runs"
c tasks exec --exec-id e1 main /bin/sh -c 'exit 5' </dev/null
is 5 $? "exec"
for i in 1 2 3 4 5; do
	said=$(c tasks exec --exec-id "e2-$i" main /bin/echo inside </dev/null)
	[ -z "$said" ] || break
done
is inside "$said" "exec's output"
c tasks pause main
is PAUSED "$(c tasks ls | awk '$1 == "main" { print $3 }')" "pause"
c tasks resume main
is RUNNING "$(c tasks ls | awk '$1 == "main" { print $3 }')" "resume"
has "$(c tasks ps main)" "$(c tasks ls | awk '$1 == "main" { print $2 }')" "ps"
has "$(c tasks metrics main)" memory "metrics"
c tasks kill -s TERM main
for _ in $(seq 100); do
	[ "$(c tasks ls | awk '$1 == "main" { print $3 }')" != STOPPED ] || break
	sleep 0.1
done
has "$(c tasks rm main 2>&1)" "exit code 9" "the status of what was stopped"
c containers rm main
is "" "$(c containers ls -q)" "remove"
leave
finish
