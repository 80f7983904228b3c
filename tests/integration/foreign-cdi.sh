#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Devices by name from CDI device files, in JSON and in YAML: every kind of edit arrives in a
# real container; wrong and hostile files are refused by name and disturb no other device.
. "$(dirname "$0")/functions.sh"

mkdir "$T/etc" "$T/run-cdi" "$T/shared"
echo "drivers: { spec: { cdi: { folders = [ \"$T/etc\", \"$T/run-cdi\" ]; }; }; };" >"$T/gantry.conf"
export GANTRY_CONFIG_FILE=$T/gantry.conf
load_image
echo "of the vendor" >"$T/shared/file"
cat >"$T/hook" <<X
#!/bin/sh
cat >/dev/null; echo "\$0 \$1 \$WORD" >>"$T/hooked"
X
chmod +x "$T/hook"
cat >"$T/etc/vendor.json" <<X
{"cdiVersion":"0.7.0","kind":"vendor.com/thing","containerEdits":{"env":["FOR_ALL=1"]},
 "devices":[
  {"name":"one","containerEdits":{
    "env":["THING=one","PATH=/opt/thing:/bin"],
    "deviceNodes":[{"path":"/dev/thing-full","hostPath":"/dev/full","permissions":"rw","fileMode":384},
                   {"path":"/dev/thing-made","type":"c","major":1,"minor":5,"uid":7,"gid":8}],
    "mounts":[{"hostPath":"$T/shared","containerPath":"/opt/thing/lib","options":["ro","nosuid","bind"]},
              {"hostPath":"tmpfs","containerPath":"/opt/tmp","type":"tmpfs","options":["size=64k"]}],
    "hooks":[{"hookName":"createRuntime","path":"$T/hook","args":["hook","device"],"env":["WORD=hello"]}],
    "additionalGids":[4242,0]}},
  {"name":"two","containerEdits":{"env":["THING2=two"]}},
  {"name":"gone","containerEdits":{"deviceNodes":[{"path":"/dev/no-such-device"}]}}]}
X
cat >"$T/run-cdi/nvidia.yaml" <<X
# as nvidia-ctk writes them
cdiVersion: "0.5.0"
kind: nvidia.com/gpu
devices:
- name: "0"
  containerEdits:
    deviceNodes:
    - path: /dev/nvidia0
      hostPath: /dev/zero
- name: all
  containerEdits:
    env: [ "GPU=all" ]
    deviceNodes:
    - {path: /dev/nvidia0, hostPath: /dev/zero, fileMode: 0o600}
containerEdits:
  env:
  - NVIDIA_VISIBLE_DEVICES=void
X

run() { gantry run --rm "$@"; }
run --device vendor.com/thing=one $IMAGE sh -c 'echo "$THING $FOR_ALL $PATH"; cat /opt/thing/lib/file; touch /opt/thing/lib/x 2>&1
	ls -ln /dev/thing-full /dev/thing-made; head -c 4 /dev/thing-made | od -An -tx1; echo x >/dev/thing-full; id -G; df /opt/tmp | tail -1' >"$T/out" 2>&1
expect "one 1 /opt/thing:/bin" "$(sed -n 1p "$T/out")" "env"
grep -q "^of the vendor" "$T/out" || fail "the mount: $(cat "$T/out")"
grep -q "Read-only" "$T/out" || fail "the mount's options: $(cat "$T/out")"
grep -q "^crw------- .* 1, *7 .*/dev/thing-full" "$T/out" || fail "a node with hostPath: $(cat "$T/out")"
grep -q " 7 *8 *1, *5 .*/dev/thing-made" "$T/out" || fail "a node's numbers and owner: $(cat "$T/out")"
grep -q "00 00 00 00" "$T/out" || fail "the cgroup does not allow the node: $(cat "$T/out")"
grep -q "No space left" "$T/out" || fail "the cgroup does not allow /dev/full: $(cat "$T/out")"
grep -q "\b4242\b" "$T/out" || fail "additionalGids: $(cat "$T/out")"
grep -q "^tmpfs .* /opt/tmp" "$T/out" || fail "a tmpfs: $(cat "$T/out")"
expect "$T/hook device hello" "$(cat "$T/hooked")" "the hook"
expect "one two 1" "$(run --device vendor.com/thing=one --device vendor.com/thing=two $IMAGE sh -c 'echo $THING $THING2 $FOR_ALL')" "two devices"
expect "two" "$(run --annotation cdi.k8s.io/any=vendor.com/thing=two $IMAGE sh -c 'echo $THING2')" "by annotation"
expect "" "$(run $IMAGE sh -c 'echo $FOR_ALL')" "a container that asked for none"

# --gpus
expect "all void" "$(run --gpus all $IMAGE sh -c 'test -c /dev/nvidia0 && echo $GPU $NVIDIA_VISIBLE_DEVICES')" "--gpus all"
expect "void" "$(run --gpus 1 $IMAGE sh -c 'test -c /dev/nvidia0 && echo $NVIDIA_VISIBLE_DEVICES')" "--gpus 1"
expect "void" "$(run --gpus device=0 $IMAGE sh -c 'test -c /dev/nvidia0 && echo $NVIDIA_VISIBLE_DEVICES')" "--gpus device=0"
expect_error 125 'could not select device driver "" with capabilities: [["gpu"]]' run --gpus 2 $IMAGE true
expect_text "no device file describes nvidia.com/gpu=1" "$OUT" "--gpus with too many"

# A later folder wins; two files of one folder are a conflict.
sed 's/THING2=two/THING2=newer/' "$T/etc/vendor.json" >"$T/run-cdi/vendor.json"
expect newer "$(run --device vendor.com/thing=two $IMAGE sh -c 'echo $THING2')" "a later folder"
cp "$T/run-cdi/vendor.json" "$T/run-cdi/same.json"
expect_error 125 "is described by $T/run-cdi/same.json and by $T/run-cdi/vendor.json" run --device vendor.com/thing=two $IMAGE true
rm "$T/run-cdi/same.json" "$T/run-cdi/vendor.json"

# What is not there or cannot be.
expect_error 125 "no device file describes vendor.com/thing=three" run --device vendor.com/thing=three $IMAGE true
expect_error 127 "device node /dev/no-such-device is not on this host" run --device vendor.com/thing=gone $IMAGE true
expect_error 125 'is no device'"'"'s name' run --device 'vendor.com/thing=-x' $IMAGE true

# Hostile files: each is said to be wrong and why, and others still serve.
bad() { # TEXT MESSAGE [SUFFIX]
	printf '%s' "$1" >"$T/etc/bad.${3:-json}"
	expect_error 125 "no device file describes bad.com/x=y" run --device bad.com/x=y $IMAGE true
	expect_text "bad.${3:-json}" "$OUT" "which file is wrong"
	expect_text "$2" "$OUT" "what is wrong with it"
	expect two "$(run --device vendor.com/thing=two $IMAGE sh -c 'echo $THING2')" "another device"
	rm "$T/etc/bad.${3:-json}"
}
edits() { echo "{\"cdiVersion\":\"0.6.0\",\"kind\":\"bad.com/x\",\"devices\":[{\"name\":\"y\",\"containerEdits\":$1}]}"; }
bad '{' 'is not valid JSON'
bad '[1]' 'it is no object'
bad '{"cdiVersion":"9.9.9","kind":"bad.com/x","devices":[]}' 'cdiVersion "9.9.9" is not supported'
bad '{"cdiVersion":"0.6.0","kind":"bad.com","devices":[]}' 'is no VENDOR/CLASS'
bad '{"cdiVersion":"0.6.0","kind":"bad.com/x","devices":[]}' 'it has no devices'
bad "$(edits '{}')" 'it edits nothing'
bad "$(edits '{"env":["NOEQUALS"]}')" 'no NAME=VALUE'
bad "$(edits '{"env":"A=b"}')" 'a list is wanted in "env"'
bad "$(edits '{"deviceNodes":[{"path":"dev/x"}]}')" 'no absolute path'
bad "$(edits '{"deviceNodes":[{"path":"/dev/x","type":"z"}]}')" 'no type of device'
bad "$(edits '{"deviceNodes":[{"path":"/dev/x","permissions":"rwx"}]}')" 'no permissions'
bad "$(edits '{"deviceNodes":[{"path":"/dev/x","major":-1}]}')" 'out of range'
bad "$(edits '{"mounts":[{"hostPath":"../x","containerPath":"/y"}]}')" 'no absolute hostPath'
bad "$(edits '{"hooks":[{"hookName":"never","path":"/bin/true"}]}')" 'no hookName'
bad "$(edits '{"hooks":[{"hookName":"prestart","path":"true"}]}')" 'no absolute path'
bad "$(edits '{"additionalGids":[-4]}')" 'no group id'
bad "$(printf 'a: &a [x,x,x,x]\nb: &b [*a,*a]\n')" 'aliases are not allowed' yaml
bad "$(printf 'kind: x\nkind: y\n')" 'stands twice' yaml
bad "$(printf 'a: b\n---\nc: d\n')" 'more than one document' yaml
bad "$(printf '%0.s[' $(seq 1000))" 'more than 64 levels' yaml
bad "$(printf 'a: "unfinished\n')" 'line' yaml
ln -s /dev/zero "$T/etc/zero.json"
expect two "$(timeout 20 "$GANTRY_BUILD/gantry" --root "$T/root" --run-root "$T/run" run --rm --device vendor.com/thing=two $IMAGE sh -c 'echo $THING2')" \
	"with an endless file beside it"
exit 0
