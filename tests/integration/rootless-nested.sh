#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# gantry inside of another container: Docker's default profile forbids user namespaces,
# which is said; without the profile an ordinary user's containers run in there.
. "$(dirname "$0")/functions.sh"
load_image
[ -d /lib64 ] || skip "expects the host's libraries in /usr, /lib and /lib64"
case $GANTRY_BUILD in /home/* | /root/*) skip "the outer container must be able to see $GANTRY_BUILD" ;; esac

binds=(-v /usr:/usr:ro -v /lib:/lib:ro -v /lib64:/lib64:ro -v "$GANTRY_SOURCE:$GANTRY_SOURCE:ro" -v "$GANTRY_BUILD:$GANTRY_BUILD:ro"
	-v "${IMAGE_TAR:-$GANTRY_BUILD/integration/image.tar}:/image.tar:ro" --tmpfs /inner:mode=1777 --network none)
# inside OPTIONS... -- COMMAND: a shell in the outer container, where $G is gantry
inside() {
	local options=()
	while [ "$1" != -- ]; do options+=("$1"); shift; done
	timeout -k 5 100 "$GANTRY_BUILD/gantry" --root "$T/root" --run-root "$T/run" run --rm "${options[@]}" "${binds[@]}" "$IMAGE" sh -c \
		"export PATH=/usr/bin:/bin:/usr/sbin G='$GANTRY_BUILD/gantry --root /inner/r --run-root /inner/u'; $2" 2>&1
}
[ -e "$GANTRY_BUILD/integration/image.tar" ] || { IMAGE_TAR=$T/image.tar; binds+=(-v "$T/image.tar:/image.tar:ro"); }
run="\$G load -qi /image.tar >/dev/null && \$G run --rm --network host $IMAGE"

expect_text "cannot create a user namespace: Operation not permitted" "$(inside -- "$run id")" "the default profile"
expect_text "no container can run" "$(inside -- '$G doctor')" "doctor in there"
for who in 0 1000; do
	out=$(inside --user $who --security-opt seccomp=unconfined -- "$run sh -c 'id -u; touch /f; chown 5:6 /f; stat -c \"%u %g\" /f'")
	expect "0 5 6" "$(xargs <<<"$out")" "user $who without the profile"
	out=$(inside --user $who --security-opt seccomp=unconfined -- \
		"\$G load -qi /image.tar >/dev/null; \$G run -d --name aa --network none $IMAGE sleep 100 >/dev/null; \$G exec aa echo ok; \$G rm -f aa")
	expect "ok aa" "$(xargs <<<"$out")" "user $who: exec in there"
done
expect "0" "$(inside --privileged -- "$run id -u" | xargs)" "a privileged container"
exit 0
