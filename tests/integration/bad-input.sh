#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What users, disks and other processes do wrong: the message says what it was about, and
# what can be done; nothing is lost and nothing is left.
. "$(dirname "$0")/functions.sh"
load_image

# A layer that unpacks to ten gigabytes of zeros, in ten megabytes of gzip
python3 - "$T/layer.tar.gz" <<'PYTHON'
import gzip, sys, tarfile
head = tarfile.TarInfo("zeros")
head.size = 160 << 26
zeros = gzip.compress(bytes(1 << 26), 9)
with open(sys.argv[1], "wb") as f:
    f.write(gzip.compress(head.tobuf()))
    for i in range(160):
        f.write(zeros)
    f.write(gzip.compress(bytes(1024)))
PYTHON
printf 'image: { max_layer_bytes = 50000000; };\n' >"$T/limit.conf"
before=$(df --output=used -k "$T" | tail -1)
limited() { GANTRY_CONFIG_FILE=$T/limit.conf gantry "$@"; }
out=$(limited import "$T/layer.tar.gz" zeros:1 2>&1) && fail "ten gigabytes were imported"
expect_text "limit of 50000000 bytes" "$out" "the limit of import"
expect_text "image.max_layer_bytes" "$out" "the remedy of import"
python3 "$(dirname "$0")/image_maker.py" "$T/bomb.tar" zeros:1 "$T/layer.tar.gz"
out=$(limited load -i "$T/bomb.tar" 2>&1) && fail "ten gigabytes were loaded"
expect_text "entry zeros" "$out" "the bomb's entry"
expect_text "50000000" "$out" "the bomb's limit"
expect "$IMAGE" "$(gantry images --format '{{.Repository}}:{{.Tag}}')" "images after the bomb"
[ $(($(df --output=used -k "$T" | tail -1) - before)) -lt 4000000 ] || fail "the bomb has filled the disk"
expect 1 "$(ls "$T/root/drivers/storage/"*/committed | wc -l)" "layers after the bomb"

# A full disk
mkdir "$T/small"
mount -t tmpfs -o size=9m none "$T/small" || skip "cannot mount a tmpfs"
cleanup_hook "umount '$T/small'"
small() { "$GANTRY_BUILD/gantry" --root "$T/small" --run-root "$T/small-run" "$@"; }
gantry save $IMAGE | small load >"$T/out" 2>&1 || fail "there is room for the image: $(cat "$T/out")"
head -c 12000000 /dev/urandom >"$T/big"
tar -C "$T" -cf "$T/big.tar" big
out=$(small import "$T/big.tar" big:1 2>&1) && fail "12 MB went into 9 MB"
expect_text "No space left on device" "$out" "the full disk's message"
expect_text "free some space" "$out" "the full disk's remedy"
expect "$IMAGE" "$(small images --format '{{.Repository}}:{{.Tag}}')" "images after the full disk"
expect 3 "$(small run --rm --network none $IMAGE sh -c 'head -c 12000000 /dev/zero >/fill; exit 3' >/dev/null 2>&1; echo $?)" \
	"a container on a full disk"
expect kept "$(small run --rm --network none $IMAGE echo kept)" "a container when there is room again"
expect "" "$(small ps -aq)" "containers after the full disk"

# Words that mean nothing
expect_error 125 "unknown flag: --nosuch" gantry run --nosuch $IMAGE true
expect_error 1 "nosuch" gantry nosuch
printf 'network: {\n  drivers = [ "bridge" ];\n  default_subnet = ;\n};\n' >"$T/bad.conf"
expect_error 1 "$T/bad.conf:3" env GANTRY_CONFIG_FILE="$T/bad.conf" "$GANTRY_BUILD/gantry" --root "$T/root" --run-root "$T/run" ps
printf 'network: {\n  no_such_key = 1;\n};\n' >"$T/bad.conf"
expect_error 1 "$T/bad.conf:2" env GANTRY_CONFIG_FILE="$T/bad.conf" "$GANTRY_BUILD/gantry" --root "$T/root" --run-root "$T/run" ps
expect_text "no_such_key" "$OUT" "the unknown key"
printf 'container: { stop_timeout = "soon"; };\n' >"$T/bad.conf"
expect_error 1 "$T/bad.conf:1" env GANTRY_CONFIG_FILE="$T/bad.conf" "$GANTRY_BUILD/gantry" --root "$T/root" --run-root "$T/run" ps

# A plugin of another ABI
mkdir -p "$T/plugins/network/none"
cat >"$T/plugin.c" <<'C'
#include <gantry/plugin.h>
static const struct gantry_driver *const drivers[] = { 0 };
__attribute__((visibility("default"))) extern const struct gantry_plugin gantry_plugin;
const struct gantry_plugin gantry_plugin = {
	.size = sizeof(gantry_plugin), .abi = GANTRY_VERSION(2, 3), .needs = GANTRY_VERSION(2, 3),
	.name = "none", .version = "9", .licence = "MIT", .drivers = drivers,
};
C
gcc -shared -fPIC -I"$GANTRY_SOURCE/sdk/include" -I"$GANTRY_BUILD/sdk/include" -I"$GANTRY_BUILD/sdk" \
	-o "$T/plugins/network/none/none.so" "$T/plugin.c" || fail "cannot compile a plugin"
cp "$GANTRY_SOURCE/plugins/network/none/plugin.conf" "$T/plugins/network/none/"
out=$(GANTRY_PLUGIN_PATH=$T/plugins:$GANTRY_BUILD/plugins gantry run --rm --network none $IMAGE true 2>&1) &&
	fail "a plugin that needs ABI 2.3 was loaded"
expect_text "built for plugin ABI 2" "$out" "the ABI that it needs"
expect_text "none.so" "$out" "the plugin's file"
expect_text "hint: " "$out" "what to do about the plugin"
expect "" "$(gantry ps -aq)" "containers after the plugin"

# A name in use, and two who remove one container
gantry create --name taken $IMAGE true >/dev/null
expect_error 1 'name "/taken" is already in use' gantry create --name taken $IMAGE true
gantry rm taken >/dev/null
for i in 1 2 3 4 5 6 7 8; do
	gantry run -d --name "both$i" --network none $IMAGE sleep 1000 >/dev/null || fail "run $i"
	gantry rm -f "both$i" >"$T/a" 2>&1 &
	gantry rm -f "both$i" >"$T/b" 2>&1
	b=$?
	wait $!
	a=$?
	[ "$a$b" = 00 ] || grep -q "No such container\|already in progress" "$T/a" "$T/b" || fail "$a $b: $(cat "$T/a" "$T/b")"
	grep -qx "both$i" "$T/a" "$T/b" || fail "nobody has removed it: $(cat "$T/a" "$T/b")"
done
expect "" "$(gantry ps -aq)" "containers after two removals each"
expect "" "$(ls "$T/run/containers" "$T/root/drivers/storage/overlay/active" 2>/dev/null | grep -v ':$' | grep .)" "what they have left"
exit 0
