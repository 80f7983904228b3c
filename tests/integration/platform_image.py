#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Pushes an image for several platforms to a registry on loopback:
platform_image.py REGISTRY IMAGE.tar.  IMAGE.tar is what `save` wrote; each platform's image is
its own with a file /platform more.  many:1 is a list of them all; single:1 is the one of
another architecture alone; many:foreign is a list without this host's."""
import copy
import hashlib
import io
import json
import sys
import tarfile
import urllib.request

registry, archive = sys.argv[1:]
KIND = "application/vnd.oci.image."


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def send(method, url, data=b"", kind="application/octet-stream"):
    request = urllib.request.Request(url, data, {"Content-Type": kind}, method=method)
    return urllib.request.urlopen(request, timeout=30)


def blob(name, data):
    place = send("POST", f"http://{registry}/v2/{name}/blobs/uploads/").headers["Location"]
    send("PUT", place + ("&" if "?" in place else "?") + "digest=" + digest(data), data)
    return {"digest": digest(data), "size": len(data)}


def manifest(name, tag, body):
    data = json.dumps(body).encode()
    send("PUT", f"http://{registry}/v2/{name}/manifests/{tag or digest(data)}", data, body["mediaType"])
    return {"mediaType": body["mediaType"], "digest": digest(data), "size": len(data)}


def layer_with(text):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        info = tarfile.TarInfo("platform")
        info.size = len(text)
        tar.addfile(info, io.BytesIO(text.encode()))
    return out.getvalue()


with tarfile.open(archive) as tar:
    said = json.load(tar.extractfile("manifest.json"))[0]
    base_config = json.load(tar.extractfile(said["Config"]))
    base_layers = [tar.extractfile(name).read() for name in said["Layers"]]


def image(name, tag, platform):
    config = copy.deepcopy(base_config)
    layers = base_layers + [layer_with("/".join(platform.values()) + "\n")]
    config.update(platform)
    config["rootfs"] = {"type": "layers", "diff_ids": [digest(data) for data in layers]}
    config.pop("history", None)
    entry = manifest(name, tag, {
        "schemaVersion": 2, "mediaType": KIND + "manifest.v1+json",
        "config": dict(blob(name, json.dumps(config).encode()), mediaType=KIND + "config.v1+json"),
        "layers": [dict(blob(name, data), mediaType=KIND + "layer.v1.tar") for data in layers]})
    return dict(entry, platform=platform)


own = base_config["architecture"]
foreign = "arm64" if own == "amd64" else "amd64"
platforms = [{"os": "linux", "architecture": own}, {"os": "linux", "architecture": foreign},
             {"os": "linux", "architecture": "arm", "variant": "v6"},
             {"os": "linux", "architecture": "arm", "variant": "v7"}]
entries = [image("many", None, platform) for platform in platforms]
index = {"schemaVersion": 2, "mediaType": KIND + "index.v1+json"}
print(manifest("many", "1", dict(index, manifests=entries))["digest"])
manifest("many", "foreign", dict(index, manifests=entries[1:]))
image("single", "1", platforms[1])
