#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Only images that are signed by our key come in: the signature lies in the registry as
# cosign puts it there, of Ed25519 and of ECDSA; one of another key, of another image or
# of other bytes does not count.
. "$(dirname "$0")/functions.sh"

[ -x "$GANTRY_BUILD/plugins/policy/lua/lua.so" ] || skip "the policy driver is not built"
command -v openssl >/dev/null || skip "openssl is not installed"
load_image
start_registry
gantry tag $IMAGE "$REGISTRY/app:1" && gantry push -q "$REGISTRY/app:1" >/dev/null || fail "push"
gantry rmi "$REGISTRY/app:1" >/dev/null
URL=http://$REGISTRY/v2/app
DIGEST=$(curl -sI "$URL/manifests/1" -H 'Accept: application/vnd.oci.image.manifest.v1+json' \
	-H 'Accept: application/vnd.docker.distribution.manifest.v2+json' | tr -d '\r' | sed -n 's/^[Dd]ocker-[Cc]ontent-[Dd]igest: //p')
case $DIGEST in sha256:*) ;; *) fail "no digest of the image: $DIGEST" ;; esac

sha() { echo "sha256:$(sha256sum "$1" | cut -d' ' -f1)"; }
blob() { # FILE
	local to
	to=$(curl -si -X POST "$URL/blobs/uploads/" | tr -d '\r' | sed -n 's/^[Ll]ocation: //p')
	curl -sf -X PUT "$to&digest=$(sha "$1")" -H 'Content-Type: application/octet-stream' --data-binary "@$1" >/dev/null ||
		fail "cannot upload $1"
}
# sign KEY DIGEST-IN-PAYLOAD: makes it the one signature of the image
sign() {
	local signature
	printf '{"critical":{"identity":{"docker-reference":"app"},"image":{"docker-manifest-digest":"%s"},"type":"cosign container image signature"},"optional":null}' \
		"$2" > "$T/payload"
	case $1 in
	*ed25519*) signature=$(openssl pkeyutl -sign -inkey "$T/$1" -rawin -in "$T/payload" | base64 -w0) ;;
	*) signature=$(openssl dgst -sha256 -sign "$T/$1" "$T/payload" | base64 -w0) ;;
	esac
	echo '{}' > "$T/config"
	blob "$T/payload"
	blob "$T/config"
	cat > "$T/manifest" <<JSON
{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",
 "config":{"mediaType":"application/vnd.oci.image.config.v1+json","size":3,"digest":"$(sha "$T/config")"},
 "layers":[{"mediaType":"application/vnd.dev.cosign.simplesigning.v1+json","size":$(stat -c %s "$T/payload"),
  "digest":"$(sha "$T/payload")","annotations":{"dev.cosignproject.cosign/signature":"$signature"}}]}
JSON
	curl -sf -X PUT "$URL/manifests/sha256-${DIGEST#sha256:}.sig" -H 'Content-Type: application/vnd.oci.image.manifest.v1+json' \
		--data-binary "@$T/manifest" >/dev/null || fail "cannot upload the signature"
}
# trust KEY: the policy has this one
trust() {
	python3 - "$GANTRY_SOURCE/lua/policies/signed-only.lua" "$(openssl pkey -in "$T/$1" -pubout)" > "$T/signed-only.lua" <<'PY'
import re, sys
print(re.sub(r"-----BEGIN.*?END PUBLIC KEY-----", lambda m: sys.argv[2], open(sys.argv[1]).read(), flags=re.S))
PY
	gantry policy enable "$T/signed-only.lua" >/dev/null || fail "enable"
}
want="image $REGISTRY/app:1 is not signed by release-2026"
refused() { expect_error 1 "policy signed-only/signed: $want" gantry pull -q "$REGISTRY/app:1"; }
admitted() {
	gantry pull -q "$REGISTRY/app:1" >/dev/null || fail "$1 was refused"
	gantry rmi "$REGISTRY/app:1" >/dev/null
}

openssl genpkey -algorithm ed25519 -out "$T/ours-ed25519" 2>/dev/null
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$T/ours-ecdsa" 2>/dev/null
openssl genpkey -algorithm ed25519 -out "$T/theirs-ed25519" 2>/dev/null
trust ours-ed25519
refused
expect "" "$(gantry images -q "$REGISTRY/app")" "an image that was refused"
sign ours-ed25519 "$DIGEST"
admitted "a signed image"
sign theirs-ed25519 "$DIGEST"
refused
sign ours-ed25519 "sha256:$(printf 0%.0s $(seq 64))"
refused
trust ours-ecdsa
sign ours-ecdsa "$DIGEST"
admitted "an image signed with ECDSA"
gantry audit verify >/dev/null || fail "the audit log is not sound"
exit 0
