#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes an image archive out of layer tars: image_maker.py OUT.tar NAME LAYER..."""
import hashlib
import io
import json
import sys
import tarfile

out, name, layers = sys.argv[1], sys.argv[2], sys.argv[3:]


def digest(data):
    return hashlib.sha256(data).hexdigest()


def add(tar, path, data):
    info = tarfile.TarInfo(path)
    info.size = len(data)
    tar.addfile(info, io.BytesIO(data))


contents = [open(layer, "rb").read() for layer in layers]
config = json.dumps({
    "architecture": "amd64", "os": "linux", "config": {"Cmd": ["/bin/true"]},
    "rootfs": {"type": "layers", "diff_ids": ["sha256:" + digest(c) for c in contents]},
}).encode()
with tarfile.open(out, "w") as tar:
    paths = []
    for content in contents:
        paths.append("%s.tar" % digest(content))
        add(tar, paths[-1], content)
    add(tar, digest(config) + ".json", config)
    add(tar, "manifest.json", json.dumps(
        [{"Config": digest(config) + ".json", "RepoTags": [name], "Layers": paths}]).encode())
