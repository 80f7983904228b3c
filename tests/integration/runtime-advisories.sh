#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What other runtimes have had to repair, each tried here.
. "$(dirname "$0")/runtime.inc"
outside=$work/outside
mkdir "$outside"

# CVE-2019-5736: the container makes the runtime execute its own file, opens that
# and writes to it once nobody executes it any more
cp "$oci" "$work/oci-copy"
before=$(sha256sum < "$work/oci-copy")
cat > "$root/bin/attack" <<'W'
#!/bin/sh
while :; do
	for p in /proc/[0-9]*; do
		case $(readlink $p/exe) in "" | */busybox) continue ;; esac
		exec 7<$p/exe || continue
		kill -9 ${p#/proc/}
		for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
			echo overwritten 2>/dev/null > /proc/self/fd/7 && break
			sleep 0.05
		done
		echo done > /tmp/attacked
		exit
	done
done
W
chmod +x "$root/bin/attack"
configure '.process.capabilities |= map_values(["CAP_SYS_PTRACE", "CAP_DAC_OVERRIDE", "CAP_KILL"]) | .process.noNewPrivileges = false' /bin/sh -c '/bin/attack; sleep 100'
"$work/oci-copy" --root "$work/run" run -d -b "$work/bundle" "$tag-victim" </dev/null >/dev/null 2>&1
mkfifo "$work/fifo"
# this command of ours reads its standard input and so lives until it is attacked
"$work/oci-copy" --root "$work/run" exec "$tag-victim" /proc/self/exe update -r - nobody 8<>"$work/fifo" <&8 >/dev/null 2>&1
for _ in $(seq 100); do [ -e "$root/tmp/attacked" ] && break; sleep 0.05; done
[ -e "$root/tmp/attacked" ]
is 0 $? "CVE-2019-5736: the attack was made"
rt delete -f "$tag-victim"
is "$before" "$(sha256sum < "$work/oci-copy")" "CVE-2019-5736: the runtime's file is not written"

# CVE-2019-16884, CVE-2023-28642: a volume or link in place of /proc and /sys
mv "$root/proc" "$root/proc.away"
ln -s /tmp "$root/proc"
has "$(run_in . /bin/true)" "symbolic link" "CVE-2019-19921, CVE-2023-27561: /proc must not be a link"
rm "$root/proc"
mv "$root/proc.away" "$root/proc"
mv "$root/sys" "$root/sys.away"
ln -s /tmp "$root/sys"
has "$(run_in . /bin/true)" "symbolic link" "CVE-2023-28642: /sys must not be a link"
rm "$root/sys"
mv "$root/sys.away" "$root/sys"
mkdir -p "$work/fakeproc/self/attr"
has "$(run_in ".mounts += [{\"destination\": \"/proc/self/attr\", \"type\": \"bind\", \"source\": \"$work/fakeproc/self/attr\", \"options\": [\"bind\"]}]" /bin/true)" "inside /proc" "CVE-2019-16884: labels are not written to a mount of the image's"

# CVE-2021-30465: the destination is exchanged for a link while it is mounted
mkdir -p "$work/src" "$root/vol/a"
echo secret > "$outside/hidden"
ln -s "../../../../../../../../$outside" "$root/vol/evil"
(while :; do mv -T "$root/vol/a" "$root/vol/tmp"; mv -T "$root/vol/evil" "$root/vol/a"; mv -T "$root/vol/a" "$root/vol/evil"; mv -T "$root/vol/tmp" "$root/vol/a"; done 2>/dev/null) & racer=$!
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
	run_in ".mounts += [{\"destination\": \"/vol/a\", \"type\": \"tmpfs\", \"source\": \"tmpfs\"}, {\"destination\": \"/vol/a/b/c\", \"type\": \"tmpfs\", \"source\": \"tmpfs\"}]" /bin/true >/dev/null
done
kill $racer
wait $racer 2>/dev/null
is hidden "$(ls "$outside")" "CVE-2021-30465, CVE-2024-45310: nothing is mounted or made outside"
rm -rf "$root/vol"

# CVE-2022-24769, CVE-2022-29162, CVE-2022-27650: inheritable capabilities
configure . /bin/sleep 100
rt run -d -b "$work/bundle" "$tag-cap" </dev/null >/dev/null 2>&1
is "CapInh:0000000000000000" "$(rt exec -c CAP_NET_RAW "$tag-cap" /bin/grep CapInh /proc/self/status | tr -d ' \t')" "CVE-2022-29162: exec --cap gives nothing to inherit"
rt delete -f "$tag-cap"
is "CapInh:0000000000000000" "$(run_in . /bin/grep CapInh /proc/self/status | tr -d ' \t')" "CVE-2022-24769: nothing is inherited by default"

# CVE-2024-21626: a working directory behind a leaked descriptor
for fd in 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do
	got=$(run_in ".process.cwd = \"/proc/self/fd/$fd\"" /bin/sh -c "ls ../../../../../../../../$outside" 2>&1)
	case $got in *hidden*) fail "CVE-2024-21626: descriptor $fd leads out" ;; esac
done
ok "CVE-2024-21626: no descriptor leads out"
configure . /bin/sleep 100
rt run -d -b "$work/bundle" "$tag-cwd" </dev/null >/dev/null 2>&1
for fd in 3 4 5 6 7 8 9 10 11 12; do
	got=$(rt exec --cwd /proc/self/fd/$fd "$tag-cwd" /bin/sh -c "ls ../../../../../../../../$outside" 2>&1)
	case $got in *hidden*) fail "CVE-2024-21626: exec's descriptor $fd leads out" ;; esac
done
ok "CVE-2024-21626: exec: no descriptor leads out"
rt delete -f "$tag-cwd"

# CVE-2025-31133: what is bound over a masked path is the null device, not what the
# image has at /dev/null
rm -f "$root/dev/null"
echo readable > "$root/dev/null"
is "" "$(run_in '.mounts |= map(select(.destination | startswith("/dev") | not))' /bin/cat /proc/keys 2>/dev/null | grep -v gantry-oci)" "CVE-2025-31133: masked with the host's null device"
rm -f "$root/dev/null"
ln -s /proc/sys/kernel/core_pattern "$root/dev/null"
has "$(run_in '.mounts |= map(select(.destination | startswith("/dev") | not))' /bin/sh -c 'echo x > /proc/keys; cat /proc/keys; [ -c /proc/keys ] && echo device' 2>&1)" "device" "CVE-2025-31133: a link at /dev/null is not followed"
rm -f "$root/dev/null"

# CVE-2025-52881: what is written into /proc (sysctl, labels, oom_score_adj) goes to the
# kernel, whatever the container has mounted there
mkdir -p "$work/fake/sys/net/ipv4" "$work/fake/self/attr" "$work/fake/thread-self/attr/apparmor"
for file in sys/net/ipv4/ip_forward self/oom_score_adj self/attr/exec thread-self/attr/exec \
	thread-self/attr/apparmor/exec; do
	ln -s "$outside/hidden" "$work/fake/$file"
done
run_in ".mounts |= map(if .destination == \"/proc\" then {destination: \"/proc\", type: \"bind\", source: \"$work/fake\", options: [\"bind\"]} else . end) | .linux.sysctl = {\"net.ipv4.ip_forward\": \"1\"} | .process.oomScoreAdj = 10 | .linux.maskedPaths = [] | .linux.readonlyPaths = []" /bin/true >/dev/null
is secret "$(cat "$outside/hidden")" "CVE-2025-52881: nothing is written through a false /proc"
is 1 "$(run_in '.linux.sysctl = {"net.ipv4.ip_forward": "1"}' /bin/cat /proc/sys/net/ipv4/ip_forward)" "and sysctls reach the kernel"

# CVE-2021-43784: a configuration too big for a 16-bit length does not become another one:
# mappings beyond what fits are refused, not read as netlink attributes
many=$(seq 0 999 | jq -s -c 'map({containerID: (1 + . * 2), hostID: (100001 + . * 2), size: 1})')
has "$(run_in ".linux.namespaces += [{\"type\": \"user\"}] | .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 1}] + $many | .linux.gidMappings = .linux.uidMappings" /bin/id -u)" "linux.uidMappings" "CVE-2021-43784: too many mappings are refused by name"

# crun CVE-2025-24965: nothing is written into the image's root by way of its links
mkdir "$work/target"
ln -s "$work/target/made" "$root/.krun_config.json"
run_in '.annotations = {"run.oci.handler": "krun"}' /bin/true >/dev/null
is "" "$(ls "$work/target")" "crun CVE-2025-24965: no handler writes through a link"
rm "$root/.krun_config.json"

# CVE-2025-52565: /dev/console is not followed out of the root
mkdir -p "$work/dev"
ln -s "../../../../../../../../$outside/console" "$work/dev/console"
script="import os, pty, sys
sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:], lambda fd: os.read(fd, 1024), lambda fd: b'')))"
if command -v python3 >/dev/null; then
	configure ".process.terminal = true | .mounts |= map(if .destination == \"/dev\" then {\"destination\": \"/dev\", \"type\": \"bind\", \"source\": \"$work/dev\", \"options\": [\"bind\"]} else . end)" /bin/true
	mkdir -p "$work/dev/pts" "$work/dev/shm" "$work/dev/mqueue"
	timeout 10 python3 -c "$script" "$oci" --root "$work/run" run -b "$work/bundle" "$tag-console" </dev/null >/dev/null 2>&1
	is hidden "$(ls "$outside")" "CVE-2025-52565: the console stays inside"
fi

# CVE-2023-25809: control groups are not writable where the container has none of its own
has "$(run_in . /bin/sh -c 'mkdir /sys/fs/cgroup/unified/x || mkdir /sys/fs/cgroup/x')" "Read-only" "CVE-2023-25809: control groups are read-only"

# crun CVE-2019-18837: devices and links are made inside whatever /dev is
mkdir "$work/devdir"
rm -rf "$root/dev"
ln -s "../../../../../../../../$work/devdir" "$root/dev"
run_in '.mounts |= map(select(.destination | startswith("/dev") | not))' /bin/true >/dev/null
is "" "$(ls "$work/devdir")" "CVE-2019-18837: no device appears on the host"
rm -f "$root/dev"
mkdir "$root/dev"

# descriptors of the host
exec 9</etc/shadow
lacks "$(run_in . /bin/sh -c 'ls -l /proc/$$/fd/ | cut -c1-200')" "shadow" "an inherited descriptor is not there"
exec 9<&-
finish
