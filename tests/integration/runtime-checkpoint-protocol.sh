#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What gantry-oci asks CRIU for, and what it makes of CRIUs that fail: a program in CRIU's
# place speaks its RPC.  So this runs where no CRIU works; runtime-checkpoint.sh has a real one.
. "$(dirname "$0")/runtime.inc"
command -v python3 >/dev/null || skip "needs python3"
cat >"$work/criu" <<'PY'
#!/usr/bin/env python3
# criu swrk 3: writes the request's fields to $FAKE/request, then does as $FAKE/mode says
import json, os, socket, sys, time
assert sys.argv[1:] == ["swrk", "3"], sys.argv
fake = os.environ["FAKE"]
sys.stderr = open(fake + "/stderr", "w")
mode = open(fake + "/mode").read().strip()
sock = socket.socket(fileno=3)
def number(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 0x7f) << shift
        shift += 7
        at += 1
        if not data[at - 1] & 0x80:
            return value, at
def fields(data):
    at, out = 0, []
    while at < len(data):
        key, at = number(data, at)
        value, at = number(data, at)
        if key & 7 == 2:
            value, at = data[at:at + value], at + value
        out.append((key >> 3, value))
    return out
def put(field, value):
    if isinstance(value, int):
        return bytes([field << 3, value & 0x7f | 0x80, value >> 7 & 0x7f | 0x80, value >> 14])
    return bytes([field << 3 | 2, len(value)]) + value
def text(value):
    return value.decode(errors="replace") if isinstance(value, bytes) else value
request = dict(fields(sock.recv(65536)))
opts = {}
for field, value in fields(request[2]):
    if field in (23, 27, 39):
        value = [text(v) for _, v in fields(value)]
    opts.setdefault(field, []).append(text(value))
config = open(opts[51][0]).read() if 51 in opts else ""
json.dump({"type": request[1], "opts": opts, "config": config, "cwd": os.getcwd(),
           "cgroup": open("/proc/self/cgroup").read(),
           "fds": {n: os.readlink("/proc/self/fd/" + n) for n in os.listdir("/proc/self/fd")
                   if os.path.exists("/proc/self/fd/" + n)},
           "root": os.listdir(opts[13][0]) if request[1] == 2 else []},
          open(fake + "/request", "w"))
log = os.open(opts[10][0], os.O_WRONLY | os.O_CREAT, 0o600,
              dir_fd=os.open("/proc/%d/fd/%d" % (os.getppid(), opts[17][0]), os.O_RDONLY))
def notify(script, pid=0):
    sock.send(put(1, 6) + put(2, 1) + put(5, put(1, script) + put(2, pid)))
    return dict(fields(sock.recv(4096)))[3]
if mode == "dies":
    sys.exit(1)
if mode == "nonsense":
    sock.send(b"\xff\xff\xff")
elif mode == "fails":
    os.write(log, b"(00.1) Error (criu/tun.c:1): tun: harmless\n(00.2) Error (criu/x.c:2): x: the reason\n")
    sock.send(put(1, request[1]) + put(2, 0))
elif mode == "errno":
    sock.send(put(1, request[1]) + put(2, 0) + put(7, 28))
elif request[1] == 2:
    pid = os.fork()
    if pid == 0:
        sock.close()
        os.execv("/proc/self/exe", [sys.executable, "-c", "import time; time.sleep(100)"])
    if not notify(b"setup-namespaces", pid):
        os.kill(pid, 9)
        sock.send(put(1, 2) + put(2, 0))
        sys.exit(1)
    notify(b"post-resume", pid)
    sock.send(put(1, 2) + put(2, 1) + put(4, put(1, pid)))
else:
    sock.send(put(1, request[1]) + put(2, 1))
PY
chmod +x "$work/criu"
export FAKE=$work
cr() {
	echo "$mode" >"$work/mode"
	rm -f "$work/request"
	rt --criu "$work/criu" "$@"
}
# opt NUMBER: a field of the last request
opt() {
	jq -c ".opts[\"$1\"]" "$work/request"
}
mode=works

# --- the request of a checkpoint
echo x >"$work/file"
configure '.mounts += [{"destination":"/run/file","type":"bind","source":"'"$work"'/file","options":["bind"]}]
	| .root.readonly = false' sh -c 'while :; do sleep 1; done'
rt run -d -b "$work/bundle" "$tag-a" </dev/null >/dev/null 2>&1 | cat
pid=$(rt state "$tag-a" | jq .pid)
cr checkpoint --leave-running --image-path "$work/img" --work-path "$work/wrk" --tcp-established --shell-job \
	--file-locks --ext-unix-sk --manage-cgroups-mode full --empty-ns network --parent-path ../parent \
	--link-remap --tcp-skip-in-flight --network-lock nftables --page-server 127.0.0.1:1234 --auto-dedup "$tag-a"
is 0 $? "checkpoint"
is 1 "$(jq .type "$work/request")" "it is a dump"
is "[$pid]" "$(opt 2)" "of the first process"
for field in 3 4 5 7 8 12 16 15 18 46 50; do
	is '[1]' "$(opt $field)" "flag $field is set"
done
is '[4]' "$(opt 34)" "--manage-cgroups-mode full"
is "[$((0x40000000))]" "$(opt 38)" "--empty-ns network"
is '["../parent"]' "$(opt 14)" "--parent-path"
is '[2]' "$(opt 64)" "--network-lock nftables"
has "$(opt 23)" '["/run/file","/run/file"]' "a bind mount is named"
has "$(opt 23)" '["/proc/interrupts","/dev/null"]' "a masked file is"
lacks "$(opt 23)" '"/proc/sys"' "what CRIU makes is not"
is '"/dev/null"' "$(jq '.fds["0"]' "$work/request")" "CRIU gets no terminal"
is 3 "$(jq length "$work/img/descriptors.json")" "descriptors.json"
[ -e "$work/wrk/dump.log" ] && ok "the log is in --work-path" || fail "no log in --work-path"
is running "$(rt state "$tag-a" | jq -r .status)" "the container is there"
cr checkpoint --pre-dump --image-path "$work/pre" "$tag-a"
is "0 4" "$? $(jq .type "$work/request")" "--pre-dump"
[ ! -e "$work/pre/descriptors.json" ] && ok "leaves no descriptors" || fail "descriptors of a pre-dump"
cr checkpoint --lazy-pages --status-fd 9 --leave-running --image-path "$work/lazy" "$tag-a" 9>"$work/status"
is '0 [1]' "$? $(opt 48)" "--lazy-pages"
(cd "$work" && cr checkpoint --leave-running "$tag-a")
[ -e "$work/checkpoint/descriptors.json" ] && ok "the default is ./checkpoint" || fail "no ./checkpoint"

# --- failures: a reason, the log, and the container as it was
mode=dies
out=$(cr checkpoint --image-path "$work/i2" "$tag-a" 2>&1)
is 1 $? "a CRIU that dies is a failure"
has "$out" "CRIU ended without an answer" "and told"
mode=nonsense
has "$(cr checkpoint --image-path "$work/i2" "$tag-a" 2>&1)" "CRIU said nonsense" "nonsense is told"
mode=fails
out=$(cr checkpoint --image-path "$work/i3" "$tag-a" 2>&1)
has "$out" "CRIU failed: x: the reason" "the first error that counts is told"
has "$out" "see $work/i3/dump.log" "and where to look"
mode=errno
has "$(cr checkpoint --image-path "$work/i4" "$tag-a" 2>&1)" "No space left" "an errno is told"
has "$(rt --criu /nowhere/criu checkpoint --image-path "$work/i5" "$tag-a" 2>&1)" "CRIU is not installed" "no CRIU"
has "$(rt --criu "$work/file" checkpoint --image-path "$work/i5" "$tag-a" 2>&1)" "CRIU is not installed" "no program"
is running "$(rt state "$tag-a" | jq -r .status)" "and it still runs"
for wrong in "--manage-cgroups-mode some" "--network-lock none" "--empty-ns mount" "--status-fd 77" \
	"--page-server here" "--parent-path /abs" "--bundle x" "--nonsense"; do
	# shellcheck disable=SC2086
	out=$(cr checkpoint $wrong "$tag-a" 2>&1)
	is 1 $? "checkpoint $wrong is refused"
	has "$out" "usage: gantry-oci checkpoint" "with the usage"
done

# --- the request of a restore
mode=works
cr checkpoint --image-path "$work/img" "$tag-a"
is "" "$(rt list -q)" "a saved container is gone"
printf '#!/bin/sh\njq -r .pid >%s\n' "$work/hooked" >"$work/hook"
chmod +x "$work/hook"
echo "# from a file" >"$work/criu.conf"
netns=/run/netns/$tag
ip netns add "$tag" || skip "cannot make a network namespace"
at_exit="ip netns del $tag"
jq '.annotations = {"org.criu.config": "'"$work"'/criu.conf"} | .hooks.createRuntime = [{path:"'"$work"'/hook"}]
	| .linux.namespaces |= map(if .type == "network" then .path = "'"$netns"'" else . end)' \
	<"$work/bundle/config.json" >"$work/c" && mv "$work/c" "$work/bundle/config.json"
echo '["/dev/null","pipe:[77]","file[1f:2a]"]' >"$work/img/descriptors.json"
cr restore -d -b "$work/bundle" --image-path "$work/img" --lsm-profile apparmor:x --lsm-mount-context ctx \
	--tcp-close --tcp-established --ext-unix-sk --shell-job --file-locks --pid-file "$work/pid" "$tag-a" \
	</dev/null >"$work/out" 2>&1
is 0 $? "restore: $(cat "$work/out")"
is 2 "$(jq .type "$work/request")" "it is a restore"
for field in 4 5 7 8 12 26 50 52; do
	is '[1]' "$(opt $field)" "flag $field is set"
done
is '["apparmor:x"]' "$(opt 53)" "--lsm-profile"
is '["ctx"]' "$(opt 63)" "--lsm-mount-context"
has "$(opt 27)" '["pipe:[77]",1]' "the new stdout takes the pipe's place"
has "$(opt 27)" '["file[1f:2a]",2]' "the new stderr the file's"
has "$(opt 27)" '["extRootNetNS",4]' "the network namespace is passed"
is "$netns" "$(jq -r '.fds["4"]' "$work/request")" "as a descriptor"
has "$(opt 23)" '["/run/file","'"$work"'/file"]' "the bind mount's source"
has "$(opt 23)" '["/dev/null","/dev/null"]' "and of masked files"
has "$(jq -c .root "$work/request")" '"bin"' "the root is mounted for CRIU"
is "# from a file" "$(jq -r .config "$work/request")" "org.criu.config"
is "$(cat "$work/pid")" "$(cat "$work/hooked")" "hooks get the pid"
is "$(cat "$work/pid")" "$(rt state "$tag-a" | jq .pid)" "so does the state"
is "" "$(ls "$work/run/$tag-a" | grep -v -e config.json -e state.json)" "nothing else is left in its folder"
if grep -q '^0::' /proc/self/cgroup; then
	has "$(jq -r .cgroup "$work/request")" "0::" "CRIU is in a control group"
	has "$(cat "/proc/$(cat "$work/pid")/cgroup")" "$tag-a" "and what it restores, in the container's"
fi
rt delete -f "$tag-a"
ip netns del "$tag"
at_exit=
jq '.linux.namespaces |= map(del(.path))' <"$work/bundle/config.json" >"$work/c" && mv "$work/c" "$work/bundle/config.json"

# --- failures of a restore leave nothing
printf '#!/bin/sh\necho no >&2\nexit 3\n' >"$work/hook"
out=$(cr restore -d -b "$work/bundle" --image-path "$work/img" "$tag-b" 2>&1 </dev/null)
has "$out" "hooks.createRuntime[0]: $work/hook exited with status 3: no" "a failing hook is told"
for mode in dies nonsense fails; do
	cr restore -d -b "$work/bundle" --image-path "$work/img" "$tag-b" >"$work/out" 2>&1 </dev/null
	is 1 $? "restore with a CRIU that $mode"
done
for text in '{}' '[1]' '["pipe:' ''; do
	echo "$text" >"$work/img/descriptors.json"
	out=$(cr restore -d -b "$work/bundle" --image-path "$work/img" "$tag-b" 2>&1 </dev/null)
	has "$out" "descriptors.json" "descriptors.json of '$text' is refused"
done
finish
