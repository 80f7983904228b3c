# SPDX-License-Identifier: Apache-2.0
# Sourced by quickstart and check: the Debian packages that each needs, and how to get
# those that are missing.

BUILD_PACKAGES="autoconf automake pkg-config make gcc libc6-dev lua5.4 liblua5.4-dev libconfig-dev
libseccomp-dev libcurl4-openssl-dev libjson-c-dev libssl-dev libfuse3-dev libsqlite3-dev
libarchive-dev libyaml-dev libzstd-dev zlib1g-dev libcap-dev libmnl-dev libnftables-dev libmicrohttpd-dev
busybox-static nftables procps"

TEST_PACKAGES="check docker.io docker-registry skopeo fuse3 attr acl iproute2 jq python3 curl
util-linux valgrind g++ abigail-tools clang-format-14 xz-utils zstd strace podman buildah crun
runc containerd passt uidmap mmdebstrap e2fsprogs xfsprogs btrfs-progs cpio qemu-system-x86 bindfs
golang-go openssl psmisc containernetworking-plugins iptables criu slirp4netns"

# install_packages NAME...: installs those that dpkg does not have.
install_packages() {
	missing=
	for package; do
		dpkg-query -W -f '${Status}\n' "$package" 2>/dev/null | grep -q '^install ok installed$' ||
			missing="$missing $package"
	done
	[ -n "$missing" ] || return 0
	if [ "$(id -u)" != 0 ]; then
		if command -v sudo >/dev/null; then
			sudo=sudo
		else
			echo "These packages are missing; install them as root:$missing" >&2
			return 1
		fi
	fi
	echo "Installing:$missing"
	# shellcheck disable=SC2086
	${sudo:-} env DEBIAN_FRONTEND=noninteractive sh -c "
		apt-get update -qq &&
		apt-get install -y -qq --no-install-recommends $missing" >/dev/null
}
