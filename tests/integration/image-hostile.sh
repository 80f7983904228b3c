#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Layers that are damaged or try to write outside are refused by name, and nothing
# of them is left: no image, no snapshot, no file.
. "$(dirname "$0")/functions.sh"

make() { # SCRIPT: python that adds entries to the tar t
	python3 - "$T/layer.tar" <<-PYTHON
		import io, sys, tarfile
		t = tarfile.open(sys.argv[1], "w")
		def add(name, data=b"x", **more):
		    i = tarfile.TarInfo(name)
		    i.size = len(data)
		    for key, value in more.items():
		        setattr(i, key, value)
		    if i.type != tarfile.REGTYPE:
		        i.size = 0
		    t.addfile(i, io.BytesIO(data[:i.size]))
		$1
		t.close()
	PYTHON
}

try() { # WANTED-MESSAGE WHAT
	python3 "$(dirname "$0")/image_maker.py" "$T/image.tar" "hostile:1" "$T/layer.tar"
	gantry load -i "$T/image.tar" >"$T/out" 2>&1 && fail "$2 was accepted"
	grep -q -- "$1" "$T/out" || fail "$2: the message is: $(cat "$T/out")"
	expect "" "$(gantry images -q)" "images after $2"
	expect "secret" "$(cat "$T/outside/secret")" "a file outside after $2"
	expect "secret" "$(ls -A "$T/outside")" "the folder outside after $2"
}

mkdir "$T/outside"
echo secret >"$T/outside/secret"
make "add('../../../../../../../../../../..$T/outside/new')"
try "outside/new" "an entry with .."
make "add('l', type=tarfile.SYMTYPE, linkname='$T/outside'); add('l/new')"
try "entry l/new" "a write through a symbolic link"
make "add('l', type=tarfile.SYMTYPE, linkname='../../../../../../../../../../..$T/outside'); add('l/.wh.secret')"
try "entry l/.wh.secret" "a deletion through a symbolic link"
make "add('h', type=tarfile.LNKTYPE, linkname='$T/outside/secret')"
try "entry h" "a hard link to the outside"
make "add('f', b'x' * 100000)"
truncate -s 50000 "$T/layer.tar"
try "damaged\|entry f" "a truncated layer"
head -c 100000 /dev/urandom >"$T/layer.tar"
try "damaged" "a layer of noise"

make "add('f')"
python3 "$(dirname "$0")/image_maker.py" "$T/image.tar" "hostile:1" "$T/layer.tar"
python3 - "$T/image.tar" <<'PYTHON'
import sys
data = bytearray(open(sys.argv[1], "rb").read())
data[512 + 512] ^= 1  # inside the layer
open(sys.argv[1], "wb").write(data)
PYTHON
gantry load -i "$T/image.tar" >"$T/out" 2>&1 && fail "a changed layer was accepted"
expect "" "$(gantry images -q)" "images after a changed layer"
left=$(find "$T/root" \( -path '*/active/*' -o -path '*/trash/*' -o -path '*/committed/*' \) -prune -print)
expect "" "$left" "snapshots that are left"
exit 0
