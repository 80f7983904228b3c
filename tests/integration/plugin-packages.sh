#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A plugin's way from a folder through a signed package to a container that uses it, from
# a file, a folder and a registry; and everything that is wrong with a package is refused,
# with nothing left behind.
. "$(dirname "$0")/functions.sh"

command -v openssl >/dev/null || skip "openssl is not installed"
install() { gantry plugin install --grant-all-permissions "$@"; }
compile() { # FOLDER VERSION
	cp -r "$GANTRY_SOURCE/sdk/examples/c" "$1"
	sed -i "s/\"1.0.0\"/\"$2\"/" "$1/driver.c" "$1/plugin.conf"
	gcc -std=gnu11 -D_GNU_SOURCE -O1 -fPIC -fvisibility=hidden -shared -I"$GANTRY_SOURCE/sdk/include" \
		-I"$GANTRY_BUILD/sdk/generated" -o "$1/example.so" "$1/driver.c" || fail "the example does not compile"
}
key() { openssl genpkey -algorithm ed25519 -out "$T/$1.pem" 2>/dev/null && openssl pkey -in "$T/$1.pem" -pubout -out "$T/$1.pub"; }
nothing_left() {
	expect "" "$(find "$T/root/plugins/packages" "$T/root/plugins/staging" "$T/root/plugins/drivers" -mindepth 1 \
		! -type d 2>/dev/null)" "left after $1"
}

cd "$T" || exit 1
compile one 1.0.0
compile two 2.0.0
key mine
key other
gantry plugin build one -o one.tar >"$T/out" || fail "build"
cp one.tar again.tar
gantry plugin build one -o again.tar | cmp - "$T/out" || fail "the same folder made another package"

# ---- who signed it ----
expect_error 1 "it is not signed" gantry plugin install one.tar
expect_error 1 "it is not signed" gantry plugin install --allow-unsigned another one.tar
expect_error 1 "no Ed25519 private key" gantry plugin sign --key mine.pub one.tar
gantry plugin sign --key mine.pem one.tar >/dev/null || fail "sign"
expect_error 1 "which is not trusted" install one.tar
id=$(gantry plugin trust add me mine.pub --expires 2001-01-01) || fail "trust add"
expect_error 1 "has expired" install one.tar
gantry plugin trust add me mine.pub >/dev/null || fail "trust add again"
gantry plugin trust add them other.pub >/dev/null || fail "trust add"
expect_error 1 "belongs to publisher me" gantry plugin trust add them mine.pub

# ---- what is wrong with it ----
# damage NAME PYTHON: a copy of the signed package's layout, changed
damage() {
	rm -rf "$1" && mkdir "$1" && tar xf "${3:-one.tar}" -C "$1" || fail "unpack"
	(cd "$1" && python3 - "$2") <<'X' || fail "damage $1"
import hashlib, io, json, os, re, struct, sys, tarfile
index = json.load(open("index.json"))
def blob(d): return "blobs/" + d.replace(":", "/")
def find(kind):
    for m in index["manifests"]:
        b = json.load(open(blob(m["digest"])))
        if b.get("artifactType", "").endswith(kind): return m, b
def put(data):
    d = "sha256:" + hashlib.sha256(data).hexdigest()
    open(blob(d), "wb").write(data)
    return d
package, manifest = find("plugin.v1")
def save():  # a new manifest, and an index that names it; the old signature is gone
    data = json.dumps(manifest).encode()
    package["digest"], package["size"] = put(data), len(data)
    index["manifests"] = [package]
    json.dump(index, open("index.json", "w"))
def layer(change):
    old = open(blob(manifest["layers"][0]["digest"]), "rb").read()
    data = change(old)
    manifest["layers"][0].update(digest=put(data), size=len(data))
    save()
def config(**more):
    c = json.load(open(blob(manifest["config"]["digest"])))
    c.update(more)
    data = json.dumps(c).encode()
    manifest["config"].update(digest=put(data), size=len(data))
    save()
def with_member(name, type=tarfile.REGTYPE, link=""):
    def change(old):
        out = io.BytesIO()
        with tarfile.open(fileobj=io.BytesIO(old)) as a, tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as b:
            evil = tarfile.TarInfo(name); evil.type = type; evil.linkname = link; evil.size = 4 if type == tarfile.REGTYPE else 0
            b.addfile(evil, io.BytesIO(b"evil"))
            for m in a: b.addfile(m, a.extractfile(m) if m.isfile() else None)
        return out.getvalue()
    layer(change)
exec(sys.argv[1])
X
}
refused() { # WORDS NAME: unsigned allowed, so that what is wrong is what is refused
	expect_error 1 "$1" install --allow-unsigned example "$T/$2"
	nothing_left "$2"
}

# Tampered: one bit of the files, of the manifest, of the statement.
damage tampered 'p = blob(manifest["layers"][0]["digest"]); d = bytearray(open(p, "rb").read()); d[700] ^= 1; open(p, "wb").write(d)'
refused "is not what its digest says" tampered
damage swapped 'm, s = find("signature.v1"); p = blob(s["config"]["digest"]); d = open(p, "rb").read().replace(b"1.0.0", b"9.9.9"); s["config"].update(digest=put(d), size=len(d)); t = json.dumps(s).encode(); m.update(digest=put(t), size=len(t)); json.dump(index, open("index.json", "w"))'
refused "its signature does not fit" swapped
damage renamed 'm, s = find("signature.v1"); config(Summary="other"); data = json.dumps(manifest).encode(); m["annotations"] = dict((k, re.sub("sha256-[0-9a-f]+", "sha256-" + package["digest"][7:], v)) for k, v in m.get("annotations", {}).items()); index["manifests"] = [package, m]; json.dump(index, open("index.json", "w"))'
refused "is that of another package" renamed
# Truncated.
damage short 'layer(lambda d: d[:len(d) // 2])'
refused "it is cut off" short
damage gone 'os.unlink(blob(manifest["layers"][0]["digest"]))'
expect_status 1 install --allow-unsigned example "$T/gone"
nothing_left gone
head -c 3000 one.tar >cut.tar
expect_status 1 install --allow-unsigned example "$T/cut.tar"
# Paths that lead out, links, devices, the host's own names.
damage dots 'with_member("../../../escape")'
refused "leads out" dots
damage absolute 'with_member("/tmp/escape")'
refused "not below" absolute
damage inner 'with_member("a/../../escape")'
refused "leads out" inner
damage symlink 'with_member("way", tarfile.SYMTYPE, "/etc")'
refused "it is a link" symlink
damage hardlink 'with_member("way", tarfile.LNKTYPE, "plugin.conf")'
refused "it is a link" hardlink
damage device 'with_member("null", tarfile.CHRTYPE)'
refused "neither a file nor a folder" device
damage grant 'with_member("grant.json")'
refused "is the host's" grant
# What it says of itself.
damage unknown 'config(Permissions=["everything-and-more"])'
refused "\"everything-and-more\" is unknown" unknown
damage newer 'config(Needs="1.99")'
refused "needs plugin ABI 1.99" newer
damage machine 'config(Architecture="vax")'
refused "is for vax" machine
damage name 'config(Name="../../evil")'
refused "its name or version" name
damage file 'config(File="../evil.so")'
refused "must lie beside" file
damage kind 'config(Drivers=[{"Kind": "nonsense", "Name": "x"}])'
refused "unknown kind" kind
damage lies 'config(Summary="x", Drivers=[{"Kind": "log", "Name": "example"}])'
refused "disagree about Drivers" lies
"$GANTRY_SOURCE/dist/make-image" "$T/image.tar" gantry/busybox:latest || fail "make-image"
expect_error 1 "is no plugin package" gantry plugin install "$T/image.tar"
[ ! -e "$T/escape" ] || fail "a package wrote outside"

# ---- permissions are shown, and asked for ----
mkdir wide && cp -r one/. wide && sed -i 's/^permissions = .*/permissions = [ "net", "read:\/etc" ];/' wide/plugin.conf
gantry plugin build wide -o wide.tar >/dev/null && gantry plugin sign --key mine.pem wide.tar >/dev/null || fail "wide"
expect_error 1 "were not granted" gantry plugin install wide.tar
expect_text " - read:/etc" "$OUT" "what is shown"
nothing_left wide
echo y | gantry plugin install wide.tar >/dev/null || fail "granted by hand"
gantry plugin rm --force example >/dev/null || fail "rm"

# ---- a policy has the last word ----
cat >"$T/no-net.lua" <<'X'
policy { version = "1.0" }
hook { name = "net", point = { "plugin.install" }, run = function(request)
  for i = 1, #(request.object.Options.Granted or {}) do
    if request.object.Options.Granted[i] == "net" then return deny("plugins may not use the network") end
  end
  return allow()
end }
X
gantry policy enable "$T/no-net.lua" >/dev/null || fail "policy enable"
expect_error 1 "plugins may not use the network" install wide.tar
nothing_left "a refusal"
gantry policy disable no-net >/dev/null || fail "policy disable"

# ---- installed, used, upgraded ----
install one.tar >/dev/null || fail "install"
expect_error 1 "is installed" install one.tar
expect_text "$T/root/plugins/drivers" "$(gantry plugin search-path)" "search path"
load_image
gantry volume create -d example data >/dev/null || fail "volume create"
gantry run --rm --network none -v data:/data $IMAGE sh -c 'echo kept >/data/file' || fail "run"
expect_text '"process"' "$(gantry inspect --type plugin example 2>/dev/null; cat "$T"/root/plugins/packages/example/*/grant.json)" \
	"isolation"
gantry plugin build two -o two.tar >/dev/null
expect_error 1 "it is not signed" gantry plugin upgrade two.tar
gantry plugin sign --key other.pem two.tar >/dev/null || fail "sign"
expect_error 1 "comes from publisher me" gantry plugin upgrade two.tar
gantry plugin build two -o two.tar >/dev/null && gantry plugin sign --key mine.pem two.tar >/dev/null || fail "sign"
gantry plugin upgrade two.tar >/dev/null || fail "upgrade"
expect_text "2.0.0" "$(gantry plugin packages)" "the version after the upgrade"
expect kept "$(gantry run --rm --network none -v data:/data $IMAGE cat /data/file)" "data after the upgrade"
# The same driver from another package is refused, and harms nobody.
mkdir rival && cp -r two/. rival && sed -i 's/^name = .*/name = "rival";/' rival/plugin.conf
gantry plugin build rival -o rival.tar >/dev/null && gantry plugin sign --key mine.pem rival.tar >/dev/null
expect_error 1 "another package has" install rival.tar
gantry plugin rm -f rival >/dev/null
expect_error 1 "is in use" gantry plugin disable example
expect_error 1 "is enabled" gantry plugin rm example
gantry volume rm data >/dev/null || fail "volume rm"
gantry plugin disable example >/dev/null || fail "disable"
expect_error 1 "there is no volume driver" gantry volume create -d example more
gantry plugin enable example >/dev/null && gantry volume create -d example more >/dev/null || fail "enable"
gantry volume rm more >/dev/null
gantry plugin disable example >/dev/null && gantry plugin rm example >/dev/null || fail "rm"
nothing_left rm
expect_error 1 "no plugin package" gantry plugin rm example

# ---- a revoked key; a registry ----
start_registry
export GANTRY_REGISTRY_INSECURE=$REGISTRY
gantry plugin push one.tar "$REGISTRY/plugins/example:1" >/dev/null || fail "push"
install "$REGISTRY/plugins/example:1" >/dev/null || fail "install from a registry"
gantry plugin rm -f example >/dev/null
install --disable "$REGISTRY/plugins/example@$(awk '{print $3}' "$T/out")" >/dev/null || fail "install by digest"
expect_text "false" "$(gantry plugin packages)" "installed and not enabled"
gantry plugin rm example >/dev/null
gantry plugin trust revoke "$id" >/dev/null || fail "revoke"
expect_error 1 "was revoked" install "$REGISTRY/plugins/example:1"
expect_error 1 "was revoked" gantry plugin trust add me mine.pub
expect_error 1 "there is no trusted key" gantry plugin trust rm 0123456789abcdef
nothing_left "the end"
exit 0
