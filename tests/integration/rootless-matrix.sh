#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The same list of work for users of different means.  Every cell passes or gives its
# documented refusal.  With ALL_CELLS set every combination, else one of each kind.
. "$(dirname "$0")/functions.sh"
. "$(dirname "$0")/rootless.inc"
[ -e "$GANTRY_BUILD/integration/image.tar" ] || skip "the image is made by ./check"
make_owned_image "$T/owned.tar" owned:1
start_registry

# Homes: a folder of this filesystem, a tmpfs, and one whose filesystem has no attributes.
make_home() {
	local home=$T/home-$1
	mkdir -p "$home"
	case $1 in
	tmpfs)
		mount -t tmpfs -o mode=755 none "$home" || return 1
		cleanup_hook "umount '$home' 2>/dev/null"
		;;
	noxattr)
		command -v bindfs >/dev/null || { echo "bindfs is not installed: no home without attributes"; return 1; }
		mkdir -p "$T/behind"
		chown "$USER_ID:$USER_ID" "$T/behind"
		bindfs --xattr-none -o allow_other "$T/behind" "$home" || return 1
		cleanup_hook "umount '$home' 2>/dev/null"
		;;
	esac
	HOME_OF_CELL=$home
}

cell() {
	local home=disk ids=single fuse=no helpers=yes storage= owners=kept option
	for option; do eval "local ${option%%=*}=\${option#*=}"; done
	make_home "$home" || return 0
	echo "cell: $*"
	STORAGE=$storage OWNERS=$owners
	if [ "$home" != noxattr ]; then mkdir -p "$HOME_OF_CELL"; fi
	new_user ids=$ids fuse=$fuse helpers=$helpers home="$HOME_OF_CELL"
	real_work "cell $*"
	rm -rf "$HOME_OF_CELL/.local" "$T/xdg"
	umount "$HOME_OF_CELL" 2>/dev/null
	rm -rf "$HOME_OF_CELL"
	USER_HOME=
}

cell home=disk ids=single
! command -v newuidmap >/dev/null || cell home=disk ids=full
cell home=tmpfs ids=single helpers=no
cell home=noxattr ids=single storage=vfs owners=forgotten
if [ -n "${ALL_CELLS:-}" ]; then
	for home in disk tmpfs; do
		for ids in single full; do
			[ "$ids" = single ] || command -v newuidmap >/dev/null || continue
			for storage in overlay unionfs vfs; do
				cell home=$home ids=$ids fuse=yes storage=$storage
			done
		done
	done
	# a range without the helpers is no range
	cell home=disk ids=full helpers=no
fi

# Refusals: no user namespaces.
new_user ids=single home="$T/home-refused"
refused() { as_user unshare -Ur sh -c "echo 0 >/proc/sys/user/max_user_namespaces; exec setpriv --bounding-set=-all --inh-caps=-all $GANTRY_BUILD/gantry --root $T/home-refused/r --run-root $T/home-refused/u $*" 2>&1; }
expect_text "cannot create a user namespace" "$(refused load -i "$T/owned.tar")" "no user namespaces"
expect_text "user.max_user_namespaces" "$(refused load -i "$T/owned.tar")" "the remedy"
expect_text "no container can run" "$(refused doctor)" "doctor"
expect_text "sysctl -w user.max_user_namespaces=15000" "$(refused system setup-rootless)" "setup-rootless"
exit 0
