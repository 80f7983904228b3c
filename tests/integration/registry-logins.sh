#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Registries as they are outside: with tokens, logins in credential helpers, mirrors, and without
# TLS.  All in a network namespace of its own, whose addresses are nobody else's.
if [ -z "${OWN_NETWORK:-}" ]; then
	OWN_NETWORK=1 exec unshare -n "$BASH" "$0"
fi
. "$(dirname "${BASH_SOURCE[0]}")/functions.sh"
ip link set lo up && ip addr add 10.77.0.1/16 dev lo || fail "cannot set up the network namespace"
for tool in docker-registry openssl; do command -v $tool >/dev/null || skip "$tool is not installed"; done

registry() { # PORT [MORE]: on the address that is not loopback
	mkdir -p "$T/registry-$1"
	printf 'version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: %s\nhttp:\n  addr: 10.77.0.1:%s\n%s\n' \
		"$T/registry-$1" "$1" "${2:-}" >"$T/registry-$1.yml"
	docker-registry serve "$T/registry-$1.yml" >"$T/registry-$1.log" 2>&1 &
	cleanup_hook "kill $! 2>/dev/null; wait $! 2>/dev/null"
	wait_for 20 curl -sS -o /dev/null "http://10.77.0.1:$1/v2/" || fail "the registry did not start"
}
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$T/key.pem" -out "$T/cert.pem" -days 2 -subj /CN=test \
	2>/dev/null || fail "openssl"
python3 "$GANTRY_SOURCE/tests/integration/token_server.py" 10.77.0.1 7000 "$T/key.pem" "$T/cert.pem" "$T/tokens" &
cleanup_hook "kill $! 2>/dev/null; wait $! 2>/dev/null"
registry 5000
registry 6000 "auth:
  token:
    realm: http://10.77.0.1:7000/token
    service: registry
    issuer: test
    rootcertbundle: $T/cert.pem"
PLAIN=10.77.0.1:5000 PRIVATE=10.77.0.1:6000

# A credential helper that keeps one file per server, and notes what it is asked.
mkdir -p "$T/bin" "$T/kept"
cat >"$T/bin/docker-credential-test" <<END
#!/bin/sh
echo "\$1" >>"$T/helper.log"
case \$1 in
store) cat >"$T/new" && server=\$(python3 -c 'import json; print(json.load(open("$T/new"))["ServerURL"])') &&
	mv "$T/new" "$T/kept/\$(echo "\$server" | tr /: __)" ;;
get) read -r server; cat "$T/kept/\$(echo "\$server" | tr /: __)" 2>/dev/null ||
	{ echo "credentials not found in native keychain"; exit 1; } ;;
erase) read -r server; rm -f "$T/kept/\$(echo "\$server" | tr /: __)" ;;
esac
END
chmod +x "$T/bin/docker-credential-test"
export PATH=$T/bin:$PATH

if [ "$CLIENT" = docker ]; then
	command -v docker >/dev/null || skip "the docker client is not installed"
	# Logins of whoever runs the daemon are not those of who asks it.
	mkdir -p "$T/theirs"
	printf '{"auths":{"%s":{"auth":"%s"}}}' $PRIVATE "$(printf user:secret | base64)" >"$T/theirs/config.json"
	DOCKER_CONFIG=$T/theirs start_daemon
fi
gantry info >/dev/null || fail "info"
load_image

# Without TLS only where that is said: by flag, by daemon.json, by gantry's own configuration.
c tag $IMAGE $PLAIN/app:1
expect_error 1 "http" c push $PLAIN/app:1
said=$OUT
insecure() { # VALUE: from here on these are insecure
	if [ "$CLIENT" = docker ]; then
		kill "$DAEMON_PID" && wait "$DAEMON_PID" 2>/dev/null
		printf '{"insecure-registries":["%s"]%s}' "$1" "${2:+, $2}" >"$T/daemon.json"
		DOCKER_CONFIG=$T/theirs start_daemon --config-file "$T/daemon.json"
	else
		printf 'registry: { insecure = [ "%s" ]; %s };\n' "$1" "${2:-}" >"$T/gantry.conf"
		export GANTRY_CONFIG_FILE=$T/gantry.conf
	fi
}
[ "$CLIENT" = docker ] || expect_text "registry.insecure" "$said" "what to do about it"
insecure 10.78.0.0/16
expect_status 1 c push $PLAIN/app:1
insecure $PLAIN
expect_status 0 c push $PLAIN/app:1
expect_status 1 c push $PRIVATE/app:1
insecure 10.77.0.0/16
expect_status 0 c pull $PLAIN/app:1
expect_text "10.77.0.0/16" "$(c info)" "info"

# Tokens, and the login in config.json
c tag $IMAGE $PRIVATE/team/app:1
expect_error 1 "login" c push $PRIVATE/team/app:1
expect_error 1 "denied" c pull $PRIVATE/team/app:1
expect_status 1 c login -u user -p wrong $PRIVATE
login() { printf secret | c login -u user --password-stdin "$@" 2>&1; }
expect_text "Login Succeeded" "$(login $PRIVATE)" "login"
grep -q '"auth"' "$DOCKER_CONFIG/config.json" || fail "the login is not in config.json"
expect 600 "$(stat -c %a "$DOCKER_CONFIG/config.json")" "the mode of config.json"
expect_status 0 c push $PRIVATE/team/app:1
c rmi $PRIVATE/team/app:1 >/dev/null
expect_status 0 c pull $PRIVATE/team/app:1
grep -q 'scope=.*repository:team/app:.*push' "$T/tokens" || fail "no token to push was asked for: $(cat "$T/tokens")"
expect_text "Removing login credentials for $PRIVATE" "$(c logout $PRIVATE)" "logout"
expect_error 1 "denied" c pull $PRIVATE/team/app:1
[ ! -s "$T/helper.log" ] || fail "a helper was asked that nobody named"

# In a helper: for all, then for this one alone
helper() { # CONFIG
	printf '%s' "$1" >"$DOCKER_CONFIG/config.json"
	: >"$T/helper.log"
	expect_text "Login Succeeded" "$(login $PRIVATE)" "login with $1"
	! grep -q '"auth":' "$DOCKER_CONFIG/config.json" || fail "a password is in config.json with $1"
	expect 1 "$(grep -c store "$T/helper.log")" "what the helper was asked to store"
	c rmi $PRIVATE/team/app:1 >/dev/null 2>&1
	expect_status 0 c pull $PRIVATE/team/app:1
	expect_status 0 c push $PRIVATE/team/app:1
	grep -q get "$T/helper.log" || fail "the helper was not asked with $1"
	expect_text "Removing login" "$(c logout $PRIVATE)" "logout"
	grep -q erase "$T/helper.log" || fail "the helper was not told of the logout"
	expect_error 1 "denied" c pull $PRIVATE/team/app:1
}
helper '{"credsStore":"test"}'
helper "{\"credsStore\":\"no-such-helper\",\"credHelpers\":{\"$PRIVATE\":\"test\"}}"

# An identity token instead of a password
printf '{"credHelpers":{"%s":"test"}}' $PRIVATE >"$DOCKER_CONFIG/config.json"
printf '{"ServerURL":"%s","Username":"<token>","Secret":"kept"}' $PRIVATE >"$T/kept/10.77.0.1_6000"
: >"$T/tokens"
expect_status 0 c pull $PRIVATE/team/app:1
grep -q 'POST who=token' "$T/tokens" || fail "the identity token was not used: $(cat "$T/tokens")"
rm -f "$T/kept/"*

# A helper that is missing, and one that talks nonsense
if [ "$CLIENT" = gantry ]; then
	printf '{"credsStore":"absent"}' >"$DOCKER_CONFIG/config.json"
	expect_error 1 "docker-credential-absent" c pull $PRIVATE/team/app:1
	printf '#!/bin/sh\nhead -c 5000000 /dev/zero\n' >"$T/bin/docker-credential-broken"
	chmod +x "$T/bin/docker-credential-broken"
	printf '{"credsStore":"broken"}' >"$DOCKER_CONFIG/config.json"
	expect_status 1 c pull $PRIVATE/team/app:1
fi
printf '{}' >"$DOCKER_CONFIG/config.json"

# A mirror is asked instead of the default registry, which cannot be reached from here; one that
# does not answer is passed over.
registry 5001
c tag $IMAGE 10.77.0.1:5001/library/mirrored:1
expect_status 0 c push 10.77.0.1:5001/library/mirrored:1
c rmi 10.77.0.1:5001/library/mirrored:1 >/dev/null
if [ "$CLIENT" = docker ]; then
	insecure 10.77.0.0/16 '"registry-mirrors":["http://10.77.0.1:1","http://10.77.0.1:5001"]'
else
	insecure 10.77.0.0/16 'mirrors = [ "http://10.77.0.1:1", "http://10.77.0.1:5001" ];'
fi
expect_text "http://10.77.0.1:5001" "$(c info)" "the mirrors in info"
expect_status 0 c pull mirrored:1
expect_text "mirrored:1" "$(c images --format '{{.Repository}}:{{.Tag}}')" "what it is called"
expect_status 0 c run --rm --network none mirrored:1 true
# It is no mirror of others, and nothing is pushed to it.
expect_status 1 c pull $PLAIN/library/mirrored:1
expect_status 1 c push mirrored:1
[ "$CLIENT" = docker ] || { expect_error 1 "registry-1.docker.io" c push mirrored:1; }
