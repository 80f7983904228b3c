#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Images whose layers can be read in place, and a registry that serves them by ranges.

lazy_registry.py make OUT KIND LAYER.tar...   writes an image into the folder OUT as blobs and a
    manifest "KIND" (a tag).  KIND: estargz, chunked (zstd:chunked), gzip, zstd, plain; with
    "-LIE" behind it, damaged: toc (the table is another than the manifest says), chunk (one
    chunk's bytes are others than its digest, with a whole blob that fits), escape (the table
    names ../x), short (a chunk ends in the middle), footer (none).
lazy_registry.py wrap OUT TAG BLOB TOC_DIGEST DIFF_ID   the same of an eStargz blob that is there
lazy_registry.py where OUT KIND NAME          digest, first byte and end of that file in its blob
lazy_registry.py serve DIR LOG [RATE]         serves it on a free port, which is printed.  Each
    request for a blob is a line in LOG: digest range status.  RATE: bytes a second for all
    connections together.  While the file DIR/down is there, it closes connections unanswered;
    while DIR/hold/DIGEST is there, bytes of that blob from the first that it names up to the
    second are not sent; while DIR/norange is there, it ignores ranges; DIR/flip: the bytes of blobs are others."""
import base64
import gzip
import hashlib
import http.server
import io
import json
import os
import socket
import struct
import sys
import tarfile
import threading
import time
import zlib

CHUNK = 256 * 1024


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def member(data, level=6):
    z = zlib.compressobj(level, zlib.DEFLATED, 31)
    return z.compress(data) + z.flush()


def zstd(data, level=3):
    import subprocess
    return subprocess.run(["zstd", "-q", "-c", "-%d" % level, "--no-check"], input=data,
                          stdout=subprocess.PIPE, check=True).stdout


TYPES = {tarfile.REGTYPE: "reg", tarfile.AREGTYPE: "reg", tarfile.DIRTYPE: "dir",
         tarfile.SYMTYPE: "symlink", tarfile.LNKTYPE: "hardlink", tarfile.CHRTYPE: "char",
         tarfile.BLKTYPE: "block", tarfile.FIFOTYPE: "fifo"}


def entry_of(info):
    when = time.gmtime(int(info.mtime))
    e = {"name": info.name + ("/" if info.isdir() else ""), "type": TYPES[info.type],
         "mode": info.mode, "uid": info.uid, "gid": info.gid,
         "modtime": time.strftime("%Y-%m-%dT%H:%M:%SZ", when)}
    if info.islnk() or info.issym():
        e["linkName"] = info.linkname
    if info.isdev():
        e["devMajor"], e["devMinor"] = info.devmajor, info.devminor
    xattrs = {}
    for key, value in info.pax_headers.items():
        if key.startswith("SCHILY.xattr."):
            xattrs[key[13:]] = base64.b64encode(value.encode("utf-8", "surrogateescape")).decode()
    if xattrs:
        e["xattrs"] = xattrs
    return e


def pack(layer, squeeze, lie):
    """Members and the entries that name them; the bytes between members are tar headers."""
    out, entries, seen = bytearray(), [], 0
    with tarfile.open(fileobj=io.BytesIO(layer)) as tar:
        for info in tar:
            e = entry_of(info)
            entries.append(e)
            if not info.isreg() or info.size == 0:
                if e["type"] == "reg":
                    e["size"] = 0
                continue
            data = layer[info.offset_data:info.offset_data + info.size]
            out += squeeze(layer[seen:info.offset_data])
            e["size"], e["digest"] = info.size, digest(data)
            for at in range(0, info.size, CHUNK):
                part = data[at:at + CHUNK]
                c = e if at == 0 else {"name": e["name"], "type": "chunk"}
                c["offset"], c["chunkDigest"] = len(out), digest(part)
                if at or len(part) < info.size:
                    c["chunkOffset"], c["chunkSize"] = at, len(part)
                if c is not e:
                    entries.append(c)
                if lie == "chunk" and info.name.endswith("victim"):
                    part = b"X" + part[1:]
                out += squeeze(part)
            e["endOffset"] = len(out)
            seen = info.offset_data + info.size
    out += squeeze(layer[seen:])
    if lie == "escape":
        entries.append({"name": "../../escaped", "type": "reg", "size": 0, "mode": 0o644})
    if lie == "short":
        for e in entries:
            if e.get("chunkSize"):
                e["chunkSize"] -= 1
    return out, entries


def estargz(layer, lie):
    out, entries = pack(layer, member, lie)
    toc = json.dumps({"version": 1, "entries": entries}).encode()
    where = len(out)
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as t:
        info = tarfile.TarInfo("stargz.index.json")
        info.size = len(toc)
        t.addfile(info, io.BytesIO(toc))
    out += member(tar.getvalue())
    extra = b"%016xSTARGZ" % where
    field = b"SG" + struct.pack("<H", len(extra)) + extra
    footer = b"\x1f\x8b\x08\x04\0\0\0\0\0\xff" + struct.pack("<H", len(field)) + field + \
        b"\x01\0\0\xff\xff" + b"\0" * 8
    assert len(footer) == 51
    if lie != "footer":
        out += footer
    if lie == "toc":
        toc += b" "
    return bytes(out), {"containerd.io/snapshot/stargz/toc.digest": digest(toc)}


def skippable(data):
    return struct.pack("<II", 0x184D2A50, len(data)) + data


def chunked(layer, lie):
    out, entries = pack(layer, zstd, lie)
    toc = json.dumps({"version": 1, "entries": entries}).encode()
    packed = zstd(toc)
    where = len(out) + 8
    out += skippable(packed)
    sum_ = digest(packed if lie != "toc" else packed + b" ")
    out += skippable(struct.pack("<QQQQ", where, len(packed), len(toc), 1) + b"GNUlInUx")
    name = "io.github.containers.zstd-chunked.manifest-"
    return bytes(out), {name + "position": "%d:%d:%d:1" % (where, len(packed), len(toc)),
                        name + "checksum": sum_}


def make(out, kind, layers):
    os.makedirs(out + "/blobs", exist_ok=True)
    base, _, lie = kind.partition("-")

    def put(data):
        with open("%s/blobs/%s" % (out, digest(data)), "wb") as f:
            f.write(data)
        return {"digest": digest(data), "size": len(data)}

    described, diff_ids = [], []
    for path in layers:
        layer = open(path, "rb").read()
        notes = None
        if base == "estargz":
            blob, notes = estargz(layer, lie)
            layer = gunzip(blob)
        elif base == "chunked":
            blob, notes = chunked(layer, lie)
            layer = unzstd(blob)
        elif base == "gzip":
            blob = gzip.compress(layer, 6, mtime=0)
        elif base == "zstd":
            blob = b"".join(zstd(layer[i:i + (1 << 20)]) for i in range(0, len(layer), 1 << 20))
        else:
            blob = layer
        diff_ids.append(digest(layer))
        suffix = {"estargz": "+gzip", "gzip": "+gzip", "chunked": "+zstd", "zstd": "+zstd"}
        d = {"mediaType": "application/vnd.oci.image.layer.v1.tar" + suffix.get(base, "")}
        d.update(put(blob))
        if notes:
            d["annotations"] = notes
        described.append(d)
    config = json.dumps({"architecture": "amd64", "os": "linux",
                         "config": {"Cmd": ["/bin/sh"], "Env": ["PATH=/bin"], "Labels": {"kind": kind}},
                         "rootfs": {"type": "layers", "diff_ids": diff_ids}}).encode()
    c = {"mediaType": "application/vnd.oci.image.config.v1+json"}
    c.update(put(config))
    manifest = json.dumps({"schemaVersion": 2, "config": c, "layers": described,
                           "mediaType": "application/vnd.oci.image.manifest.v1+json"}).encode()
    with open("%s/%s" % (out, kind), "wb") as f:
        f.write(manifest)
    put(manifest)


def gunzip(blob):
    """All members; the table of contents and the empty footer belong to the tar as well."""
    return gzip.GzipFile(fileobj=io.BytesIO(blob)).read()


def unzstd(blob):
    import subprocess
    return subprocess.run(["zstd", "-q", "-dc"], input=blob, stdout=subprocess.PIPE, check=True).stdout


class Limit:
    """Bytes a second, for all together."""

    def __init__(self, rate):
        self.rate, self.lock, self.free = rate, threading.Lock(), time.monotonic()

    def take(self, n):
        if not self.rate:
            return
        with self.lock:
            now = time.monotonic()
            self.free = max(self.free, now) + n / self.rate
            wait = self.free - now
        if wait > 0:
            time.sleep(wait)


def serve(folder, log_path, rate):
    log = open(log_path, "a", buffering=1)
    limit = Limit(rate)

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args):
            pass

        def is_set(self, name):
            return os.path.exists("%s/%s" % (folder, name))

        def is_held(self, name, at):
            try:
                first, last = open("%s/hold/%s" % (folder, name)).read().split()
            except (FileNotFoundError, ValueError):
                return False
            return int(first) <= at + 16383 and at < int(last) and not self.is_set("down")

        def whole(self, data, kind):
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

        def blob(self, name):
            path = "%s/blobs/%s" % (folder, name)
            size = os.path.getsize(path)
            start, end, asked = 0, size, self.headers.get("Range")
            if asked and not self.is_set("norange"):
                first, _, last = asked.partition("=")[2].partition("-")
                start = int(first)
                end = min(size, int(last) + 1) if last else size
            partial = asked and not self.is_set("norange")
            log.write("%s %s %d\n" % (name, asked, 206 if partial else 200))
            self.send_response(206 if partial else 200)
            self.send_header("Content-Length", str(end - start))
            if partial:
                self.send_header("Content-Range", "bytes %d-%d/%d" % (start, end - 1, size))
            self.end_headers()
            if self.command == "HEAD":
                return
            with open(path, "rb") as f:
                f.seek(start)
                while start < end:
                    if self.is_set("down"):
                        raise BrokenPipeError
                    while self.is_held(name, start):
                        time.sleep(0.02)
                    data = f.read(min(16384, end - start))
                    if self.is_set("flip"):
                        data = bytes([data[0] ^ 1]) + data[1:]
                    limit.take(len(data))
                    self.wfile.write(data)
                    start += len(data)

        def do_GET(self):
            if self.is_set("down"):
                self.hang_up()
                return
            try:
                parts = self.path.split("/")
                if self.path == "/v2/":
                    self.whole(b"{}", "application/json")
                elif parts[-2] == "manifests":
                    path = "%s/%s" % (folder, parts[-1])
                    if parts[-1].startswith("sha256:"):
                        path = "%s/blobs/%s" % (folder, parts[-1])
                    with open(path, "rb") as f:
                        self.whole(f.read(), "application/vnd.oci.image.manifest.v1+json")
                else:
                    self.blob(parts[-1])
            except FileNotFoundError:
                self.send_response(404)
                self.send_header("Content-Length", "0")
                self.end_headers()
            except (BrokenPipeError, ConnectionResetError, ValueError, OSError):
                self.hang_up()

        def hang_up(self):
            self.close_connection = True
            try:
                self.connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

        do_HEAD = do_GET

    class Server(http.server.ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, request, address):
            pass

    server = Server(("127.0.0.1", 0), Handler)
    print(server.server_address[1], flush=True)
    server.serve_forever()


def where(out, kind, name):
    """Which layer's blob has a file, and its first and last byte there."""
    manifest = json.load(open("%s/%s" % (out, kind)))
    for d in manifest["layers"]:
        blob = open("%s/blobs/%s" % (out, d["digest"]), "rb").read()
        notes = d["annotations"]
        if kind.startswith("estargz"):
            at = int(blob[-35:-19], 16)
            toc = gunzip(blob[at:-51])
            toc = toc[512:512 + int(toc[124:135], 8)]
        else:
            at, size = notes["io.github.containers.zstd-chunked.manifest-position"].split(":")[:2]
            toc = unzstd(blob[int(at):int(at) + int(size)])
        for e in json.loads(toc)["entries"]:
            if e["name"] == name and e["type"] == "reg":
                print(d["digest"], e["offset"], e["endOffset"])


def wrap(out, tag, path, toc_digest, diff_id):
    """An image of one eStargz blob that another program has made."""
    os.makedirs(out + "/blobs", exist_ok=True)

    def put(data):
        with open("%s/blobs/%s" % (out, digest(data)), "wb") as f:
            f.write(data)
        return {"digest": digest(data), "size": len(data)}

    d = {"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
         "annotations": {"containerd.io/snapshot/stargz/toc.digest": toc_digest}}
    d.update(put(open(path, "rb").read()))
    c = {"mediaType": "application/vnd.oci.image.config.v1+json"}
    c.update(put(json.dumps({"architecture": "amd64", "os": "linux", "config": {"Labels": {"tag": tag}},
                             "rootfs": {"type": "layers", "diff_ids": [diff_id]}}).encode()))
    with open("%s/%s" % (out, tag), "w") as f:
        json.dump({"schemaVersion": 2, "config": c, "layers": [d],
                   "mediaType": "application/vnd.oci.image.manifest.v1+json"}, f)


if sys.argv[1] == "wrap":
    wrap(*sys.argv[2:7])
elif sys.argv[1] == "make":
    make(sys.argv[2], sys.argv[3], sys.argv[4:])
elif sys.argv[1] == "where":
    where(sys.argv[2], sys.argv[3], sys.argv[4])
else:
    serve(sys.argv[2], sys.argv[3], int(sys.argv[4]) if len(sys.argv) > 4 else 0)
