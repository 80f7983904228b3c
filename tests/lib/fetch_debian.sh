# SPDX-License-Identifier: Apache-2.0
# Sourced by tests that need a program newer than Debian stable's, which is unpacked beside the
# system and never installed.

# fetch_debian SUITE PACKAGE FOLDER: unpacks the package into FOLDER, from the mirror that this host
# uses; nothing happens when it is there.  1: it cannot be had.
fetch_debian() {
	local suite=$1 package=$2 folder=$3 work mirror
	[ ! -e "$folder/.complete" ] || return 0
	work=$(mktemp -d) || return 1
	mirror=$(apt-get indextargets --format '$(REPO_URI) $(ORIGIN) $(COMPONENT)' 2>/dev/null |
		awk '$2 == "Debian" && $3 == "main" && $1 !~ /security/ { print $1; exit }')
	if [ -n "$mirror" ] && mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$folder" && : >"$work/status" &&
		echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" >"$work/sources.list" &&
		fetch_apt "$work" update >/dev/null 2>&1 &&
		(cd "$work" && fetch_apt "$work" download "$package" >/dev/null 2>&1) &&
		dpkg-deb -x "$work/$package"_*.deb "$folder" && : >"$folder/.complete"; then
		rm -rf "$work"
		return 0
	fi
	rm -rf "$work"
	return 1
}

fetch_apt() {
	local work=$1
	shift
	timeout 120 apt-get -qq -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=- \
		-o Dir::State::lists="$work/lists" -o Dir::State::status="$work/status" \
		-o Dir::Cache="$work/cache" -o Debug::NoLocking=1 -o APT::Sandbox::User=root "$@"
}
