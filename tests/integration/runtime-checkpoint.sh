#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Containers saved and restored with CRIU (CRIU names another program than criu): memory,
# streams, terminal, mounts, limits, hooks, namespaces; and what is left afterwards.
. "$(dirname "$0")/runtime.inc"
criu=${CRIU:-$(command -v criu || true)}
[ -n "$criu" ] || skip "needs CRIU (package criu)"
"$criu" check >/dev/null 2>&1 || skip "CRIU does not work with this kernel: $("$criu" check 2>&1 | head -1)"

# the host's /etc/criu/runc.conf is none of this test's
: >"$work/criu.conf"
jq --arg file "$work/criu.conf" '.annotations."org.criu.config" = $file' <"$base" >"$base.new" && mv "$base.new" "$base"
cr() {
	rt --criu "$criu" "$@"
}
# until COMMAND: polls, at most 20 seconds
until_true() {
	local i
	for i in $(seq 200); do
		if "$@"; then return 0; fi
		sleep 0.1
	done
	return 1
}
counts() {
	[ -s "$root/tmp/n" ] && [ "$(cat "$root/tmp/n")" -gt "$1" ] 2>/dev/null
}
status_of() {
	rt state "$1" 2>/dev/null | jq -r .status
}
stopped() {
	[ "$(status_of "$1")" = stopped ]
}
# a process that counts in its memory, and tells a file
counter='i=0; while :; do i=$((i+1)); echo $i > /tmp/n.new; mv /tmp/n.new /tmp/n; sleep 0.05; done'
ln -sf busybox "$root/bin/mv"
img=$work/image

# --- leaves it running, saves it again, and what it counts goes on
configure '.hostname = "saved"' sh -c "$counter"
cr run -d -b "$work/bundle" "$tag-a" </dev/null >/dev/null 2>&1
until_true counts 3 || fail "the counter does not count"
cr checkpoint --leave-running --image-path "$img-1" "$tag-a"
is 0 $? "checkpoint --leave-running"
is running "$(status_of "$tag-a")" "it runs on"
n=$(cat "$root/tmp/n")
until_true counts "$n" && ok "and counts on" || fail "it does not count after the checkpoint"
cr checkpoint --image-path "$img" --work-path "$work/log" "$tag-a"
is 0 $? "checkpoint"
[ -e "$work/log/dump.log" ] && ok "--work-path has the log" || fail "no dump.log"
is "" "$(rt list -q)" "the container is gone, as with runc"
n=$(cat "$root/tmp/n")
cr restore -d -b "$work/bundle" --image-path "$img" --pid-file "$work/pid" "$tag-a" </dev/null >"$work/out" 2>&1
is 0 $? "restore: $(cat "$work/out")"
is running "$(status_of "$tag-a")" "it runs"
is "$(rt state "$tag-a" | jq .pid)" "$(cat "$work/pid")" "the pid file tells its pid"
until_true counts "$n" && ok "it goes on counting where it was" || fail "it does not count"
is saved "$(rt exec "$tag-a" hostname)" "exec, and its UTS namespace"
is 1 "$(rt exec "$tag-a" grep -c i=0 /proc/1/cmdline)" "it is in its pid namespace"
has "$(rt exec "$tag-a" cat /proc/1/mountinfo)" " /proc/sys ro" "/proc/sys is read-only"
cr restore -d -b "$work/bundle" --image-path "$img" "$tag-a" </dev/null >"$work/out" 2>&1
has "$(cat "$work/out")" "already exists" "no second one of this name"
rt kill "$tag-a" KILL && until_true stopped "$tag-a"
rt delete "$tag-a"
no_residue

# --- an older checkpoint, in another place with another root
mkdir -p "$work/bundle2"
cp -a "$root" "$work/rootfs2"
rm -rf "$work/rootfs2/dev" "$work/rootfs2/sys"
jq --arg root "$work/rootfs2" '.root.path = $root' <"$work/bundle/config.json" >"$work/bundle2/config.json"
rm -f "$work/rootfs2/tmp/n"
cr restore -d -b "$work/bundle2" --image-path "$img-1" "$tag-b" </dev/null >"$work/out" 2>&1
is 0 $? "restore elsewhere, where mount points are missing: $(cat "$work/out")"
until_true test -s "$work/rootfs2/tmp/n" && ok "it works there" || fail "no count in the other root"
rt delete -f "$tag-b"

# --- streams: pipes are replaced, the exit status is told
configure . sh -c 'echo before; while [ ! -e /tmp/go ]; do sleep 0.05; done; echo after; exit 7'
rm -f "$root/tmp/go"
cr run -b "$work/bundle" "$tag-c" </dev/null 2>&1 | cat >"$work/out" &
until_true grep -q before "$work/out"
cr checkpoint --image-path "$img-c" "$tag-c" || fail "checkpoint with pipes"
wait
: >"$root/tmp/go"
(
	cr restore -b "$work/bundle" --image-path "$img-c" "$tag-c" </dev/null
	echo "status $?"
) 2>&1 | cat >"$work/out"
is "after
status 7" "$(cat "$work/out")" "output goes to the new pipe, and the status is the program's"
is "" "$(rt list -q)" "and nothing is left"

# --- mounts: bound files and folders, tmpfs with its content, masked and read-only paths
mkdir -p "$work/volume"
echo volume >"$work/volume/file"
echo outside >"$work/file"
configure '.mounts += [
	{"destination":"/vol","type":"bind","source":"'"$work"'/volume","options":["rbind","ro"]},
	{"destination":"/run/link/file","type":"bind","source":"'"$work"'/file","options":["bind"]},
	{"destination":"/scratch","type":"tmpfs","source":"tmpfs","options":["nosuid","size=1m"]}]
	| .root.readonly = true' sh -c 'echo kept > /scratch/x; while :; do sleep 1; done'
ln -sfn /tmp "$root/run/link"
cr run -d -b "$work/bundle" "$tag-d" </dev/null >/dev/null 2>&1
until_true rt exec "$tag-d" sh -c '[ -s /scratch/x ]' || fail "the tmpfs is not filled"
cr checkpoint --image-path "$img-d" "$tag-d" || fail "checkpoint with mounts"
echo other >"$work/volume/file"
cr restore -d -b "$work/bundle" --image-path "$img-d" "$tag-d" </dev/null >"$work/out" 2>&1
is 0 $? "restore with mounts: $(cat "$work/out")"
is "kept other outside" "$(rt exec "$tag-d" sh -c 'echo $(cat /scratch/x /vol/file /tmp/file)')" \
	"tmpfs has its content, volumes what they have now"
lacks "$(rt exec "$tag-d" sh -c 'echo x > /vol/new && echo written' 2>&1)" written "the volume is read-only"
lacks "$(rt exec "$tag-d" sh -c 'echo x > /new && echo written' 2>&1)" written "so is the root"
is "" "$(rt exec "$tag-d" cat /proc/interrupts | head -c 1)" "masked files stay masked"
rt delete -f "$tag-d"

# --- limits are the new container's, and its groups its own
if grep -q ' - cgroup2\? ' /proc/self/mountinfo; then
	configure '.linux.resources.pids.limit = 77' sh -c 'while :; do sleep 1; done'
	cr run -d -b "$work/bundle" "$tag-e" </dev/null >/dev/null 2>&1
	cr checkpoint --image-path "$img-e" "$tag-e" || fail "checkpoint with limits"
	configure '.linux.resources.pids.limit = 55' sh -c 'while :; do sleep 1; done'
	cr restore -d -b "$work/bundle" --image-path "$img-e" "$tag-e" </dev/null >"$work/out" 2>&1
	is 0 $? "restore with other limits: $(cat "$work/out")"
	pid=$(rt state "$tag-e" | jq .pid)
	has "$(cat "/proc/$pid/cgroup")" "$tag-e" "the process is in the container's group"
	is 55 "$(rt events --stats "$tag-e" | jq .data.pids.limit)" "limits are those of the configuration"
	lacks "$(for p in $(rt ps -f json "$tag-e" | jq '.[]'); do cat "/proc/$p/comm"; done)" criu \
		"CRIU has left the group"
	lacks "$(rt exec "$tag-e" cat /proc/1/cgroup)" "$tag-e" "it sees its group as the root"
	rt pause "$tag-e" && is paused "$(status_of "$tag-e")" "it can be paused"
	cr checkpoint --leave-running --image-path "$img-e2" "$tag-e"
	is 0 $? "a paused one is saved"
	is paused "$(status_of "$tag-e")" "and stays paused"
	rt resume "$tag-e"
	rt delete -f "$tag-e"
fi

# --- hooks of the stages that a restored container has
for stage in prestart createRuntime createContainer startContainer poststart poststop; do
	printf '#!/bin/sh\necho "%s $(jq -r .status)" >>%s\n' "$stage" "$work/hooks" >"$work/$stage"
	chmod +x "$work/$stage"
done
configure '.hooks = ([("prestart","createRuntime","poststart","poststop") |
	{key: ., value: [{path: ("'"$work"'/" + .)}]}] | from_entries)' sh -c 'while :; do sleep 1; done'
cr run -d -b "$work/bundle" "$tag-f" </dev/null >/dev/null 2>&1
cr checkpoint --image-path "$img-f" "$tag-f" || fail "checkpoint with hooks"
rm -f "$work/hooks"
cr restore -d -b "$work/bundle" --image-path "$img-f" "$tag-f" </dev/null >"$work/out" 2>&1
is "prestart created createRuntime creating poststart running" "$(echo $(cat "$work/hooks"))" "hooks run"
rt delete -f "$tag-f"
printf '#!/bin/sh\necho no >&2; exit 1\n' >"$work/createRuntime"
cr restore -d -b "$work/bundle" --image-path "$img-f" "$tag-f" </dev/null >"$work/out" 2>&1
is 1 $? "a hook that fails ends the restore"
has "$(cat "$work/out")" "hooks.createRuntime[0]" "and is named"
no_residue

# --- a user namespace
configure '.linux.namespaces += [{"type":"user"}]
	| .linux.uidMappings = [{"containerID":0,"hostID":100000,"size":65536}]
	| .linux.gidMappings = .linux.uidMappings' sh -c "$counter"
cp -a "$root" "$work/rootfs3" && chown -R 100000:100000 "$work/rootfs3"
chmod 755 "$work"
jq --arg root "$work/rootfs3" '.root.path = $root' <"$work/bundle/config.json" >"$work/bundle2/config.json"
if cr run -d -b "$work/bundle2" "$tag-g" </dev/null >/dev/null 2>&1; then
	until_true test -s "$work/rootfs3/tmp/n"
	cr checkpoint --image-path "$img-g" "$tag-g" 2>"$work/out" ||
		fail "checkpoint of a user namespace: $(cat "$work/out")"
	rm -f "$work/rootfs3/tmp/n"
	cr --log "$work/out" restore -d -b "$work/bundle2" --image-path "$img-g" "$tag-g" </dev/null >/dev/null 2>&1
	is 0 $? "restore of a user namespace: $(cat "$work/out")"
	until_true test -s "$work/rootfs3/tmp/n" && ok "it goes on" || fail "it does not go on"
	is 100000 "$(stat -c %u "$work/rootfs3/tmp/n")" "as the same user"
	rt delete -f "$tag-g"
fi

# --- a terminal: the master comes by the console socket
cat >"$work/console.py" <<'PY'
# console.py SOCKET FILE...: for each FILE takes a terminal and copies what it says
import array, os, socket, sys
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen(4)
for name in sys.argv[2:]:
    c, _ = listener.accept()
    room = array.array("i", [0])
    _, extra, _, _ = c.recvmsg(64, socket.CMSG_SPACE(4))
    room.frombytes(extra[0][2][:4])
    fd = room[1]
    with open(name, "wb", buffering=0) as out:
        while True:
            try:
                data = os.read(fd, 4096)
            except OSError:
                break
            if not data:
                break
            out.write(data)
    os.close(fd)
PY
python3 "$work/console.py" "$work/console" "$work/tty1" "$work/tty2" &
console=$!
until_true [ -S "$work/console" ]
configure '.process.terminal = true' sh -c 'i=0; while :; do i=$((i+1)); echo line $i; sleep 0.05; done'
cr run -d -b "$work/bundle" --console-socket "$work/console" "$tag-t" </dev/null >"$work/out" 2>&1
until_true grep -q "line 3" "$work/tty1" || fail "no terminal: $(cat "$work/out")"
cr checkpoint --image-path "$img-t" "$tag-t" 2>"$work/out" || fail "checkpoint with a terminal: $(cat "$work/out")"
cr restore -d -b "$work/bundle" --image-path "$img-t" --console-socket "$work/console" "$tag-t" \
	</dev/null >"$work/out" 2>&1
is 0 $? "restore with a terminal: $(cat "$work/out")"
until_true grep -q line "$work/tty2" && ok "it writes to the new terminal" || fail "the new terminal is silent"
lacks "$(head -1 "$work/tty2")" "line 1" "and goes on where it was"
is /dev/console "$(rt exec "$tag-t" sh -c 'grep -o /dev/console /proc/1/mountinfo')" "/dev/console is bound"
rt delete -f "$tag-t"
wait "$console"

# --- what cannot be saved or restored says why
configure . true
rt create -b "$work/bundle" "$tag-h" </dev/null >/dev/null 2>&1
out=$(cr checkpoint --image-path "$img-h" "$tag-h" 2>&1)
has "$out" "created, not running" "a created container cannot be saved"
rt delete -f "$tag-h"
has "$(cr checkpoint --image-path "$img-h" nobody 2>&1)" "does not exist" "nor one that does not exist"
has "$(cr restore -b "$work/bundle" --image-path "$work/volume" "$tag-h" 2>&1)" "holds no checkpoint" \
	"a folder without a checkpoint is told"
: >"$img/mm-1.img"
out=$(cr restore -d -b "$work/bundle" --image-path "$img" "$tag-h" 2>&1 </dev/null)
is 1 $? "a damaged checkpoint is refused"
has "$out" "see $img/restore.log" "and the log is named"
: >"$img/inventory.img"
out=$(cr restore -d -b "$work/bundle" --image-path "$img" "$tag-h" 2>&1 </dev/null)
is 1 $? "one damaged so that CRIU does not begin is, too"
has "$out" "hint: " "and something is said"
finish
