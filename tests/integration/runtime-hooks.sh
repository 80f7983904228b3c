#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Hooks of all stages run in their order and place, with the state on their
# standard input; those that fail or hang end the creation and leave nothing.
. "$(dirname "$0")/runtime.inc"
cat > "$work/hook" <<H
#!/bin/sh
echo "\$1 \$(jq -r '.id + " " + .status + " " + (.pid|tostring)' 2>/dev/null || cat)" >> $work/log
H
cat > "$root/bin/hook" <<'H'
#!/bin/sh
{ echo "$1 $(readlink /proc/self/ns/pid)"; head -c 400; } >> /tmp/log
H
chmod +x "$work/hook" "$root/bin/hook"
all='.hooks = {'
for stage in prestart createRuntime poststart poststop; do
	all="$all \"$stage\": [{\"path\": \"$work/hook\", \"args\": [\"hook\", \"$stage\"], \"env\": [\"PATH=$PATH\"]}],"
done
all="$all \"startContainer\": [{\"path\": \"/bin/hook\", \"args\": [\"hook\", \"startContainer\"]}]}"
run_in "$all" /bin/true
is "prestart createRuntime poststart poststop " "$(cut -d' ' -f1 "$work/log" | tr '\n' ' ')" "hooks of the runtime in order"
is "created creating running stopped " "$(cut -d' ' -f3 "$work/log" | tr '\n' ' ')" "they are told the status"
[ "$(sed -n 1p "$work/log" | cut -d' ' -f4)" -gt 1 ]
is 0 $? "and the pid"
has "$(cat "$root/tmp/log")" "startContainer" "startContainer runs inside"
has "$(cat "$root/tmp/log")" '"pid":1' "and is told the pid as it is inside"
has "$(run_in '.hooks.createRuntime = [{"path": "/bin/sh", "args": ["sh", "-c", "echo the reason >&2; exit 3"]}]' /bin/true)" "hooks.createRuntime[0]: /bin/sh exited with status 3: the reason" "a hook that fails is named"
has "$(run_in '.hooks.prestart = [{"path": "/bin/sleep", "args": ["sleep", "100"], "timeout": 1}]' /bin/true)" "was not done in 1 s" "a hook that hangs is ended"
has "$(run_in '.hooks.createContainer = [{"path": "/nowhere"}]' /bin/true)" "hooks.createContainer[0]" "a hook that is missing"
has "$(run_in '.hooks.startContainer = [{"path": "/bin/false"}]' /bin/true)" "hooks.startContainer[0]" "a hook inside that fails"
has "$(run_in '.hooks.poststart = [{"path": "/bin/false"}]' /bin/sleep 100)" "hooks.poststart[0]" "a poststart hook that fails ends the container"
has "$(run_in '.hooks.prestart = [{"path": "relative"}]' /bin/true)" "hooks.prestart[0]: path must be absolute" "a relative path is refused"
# a poststop hook that fails does not keep the next from its work
run_in ".hooks.poststop = [{path: \"/bin/false\", args: [\"false\"]}, {path: \"/bin/touch\", args: [\"touch\", \"$work/cleaned\"]}]" /bin/true >/dev/null
[ -e "$work/cleaned" ]
is 0 $? "poststop hooks after one that failed"
# hooks have the runtime's environment unless they have one, and start in the bundle; those of createContainer
# find the container's mounts at root.path
printf '#!/bin/sh\necho "$MARK $PWD $([ -e %s/proc/self ] && echo mounted)" >>%s\n' "$root" "$work/where" >"$work/tell"
chmod +x "$work/tell"
rm -f "$work/where"
MARK=seen run_in ".hooks = {prestart: [{path: \"$work/tell\"}], createContainer: [{path: \"$work/tell\"}],
	poststart: [{path: \"$work/tell\", env: [\"MARK=own\"]}]}" /bin/true >/dev/null
is "seen $work/bundle
seen $work/bundle mounted
own $work/bundle" "$(sed 's/ *$//' "$work/where")" "environment, folder and mounts of hooks"
is "" "$(grep "$root" /proc/self/mountinfo)" "the host sees nothing of them"
# a failing poststart hook ends the container, also after create and start
configure '.hooks.poststart = [{path: "/bin/false"}]' /bin/sleep 100
rt create -b "$work/bundle" "$tag-p" </dev/null >/dev/null 2>&1
rt start "$tag-p" >"$work/out" 2>&1
is 1 $? "a failing poststart hook fails the start"
has "$(cat "$work/out")" "hooks.poststart[0]: /bin/false exited with status 1" "and is named"
is "" "$(rt list -q)" "the container is gone"
configure '.hooks.poststop = [{path: "/bin/false", args: ["false"]}]' /bin/true
rt --log "$work/warned" run -b "$work/bundle" "$tag-w" </dev/null >/dev/null 2>&1
is 0 $? "and the container's status stays"
has "$(cat "$work/warned")" "hooks.poststop[0]: /bin/false exited with status 1" "it is warned of"
finish
