#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A registry that serves one image and misbehaves as the repository's name says:
bad_registry.py LAYER.tar LOG.  Prints its port, and that of another host to which "moved"
redirects.  Each request is written to LOG: port method path auth=... range=...

good        the image
cut         stops in the middle of the layer, each time after as many bytes
resumed     the same once; then serves what a Range asks for
corrupt     one byte of the layer is another
mismatch    the manifest has another digest than its name
short       the manifest says that the layer is longer than it is
limited     answers 429 to the first requests for the layer, then serves it
broken      answers 500 to every request for the layer
private     wants user:secret
moved       wants user:secret, and redirects to the other host, which must not be told"""
import base64
import gzip
import hashlib
import http.server
import json
import sys
import threading

layer_tar = open(sys.argv[1], "rb").read()
log = open(sys.argv[2], "a", buffering=1)
LAYER = gzip.compress(layer_tar, 1, mtime=0)


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


CONFIG = json.dumps({
    "architecture": "amd64", "os": "linux", "config": {"Cmd": ["/bin/true"]},
    "rootfs": {"type": "layers", "diff_ids": [digest(layer_tar)]}}).encode()


def manifest(extra=0):
    kind = "application/vnd.oci.image."
    return json.dumps({
        "schemaVersion": 2, "mediaType": kind + "manifest.v1+json",
        "config": {"mediaType": kind + "config.v1+json", "digest": digest(CONFIG), "size": len(CONFIG)},
        "layers": [{"mediaType": kind + "layer.v1.tar+gzip", "digest": digest(LAYER),
                    "size": len(LAYER) + extra}]}).encode()


counts = {}
lock = threading.Lock()
other_port = 0


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, status, body=b"", cut=None, **headers):
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        self.wfile.write(body if cut is None else body[:cut])
        if cut is not None:
            self.close_connection = True

    def blob(self, repo):
        with lock:
            n = counts[repo] = counts.get(repo, 0) + 1
        body = LAYER
        if repo == "corrupt":
            body = body[:-100] + bytes([body[-100] ^ 1]) + body[-99:]
        if repo == "moved" and self.server.server_address[1] != other_port:
            return self.answer(307, Location="http://localhost:%d%s" % (other_port, self.path))
        if repo == "limited" and n < 3:
            return self.answer(429, b'{"errors":[{"code":"TOOMANYREQUESTS","message":"slower"}]}', Retry_After="1")
        if repo == "broken":
            return self.answer(500, b'{"errors":[{"code":"UNKNOWN","message":"on fire"}]}')
        begin = self.headers.get("Range", "")[len("bytes="):].split("-")[0]
        if begin:
            return self.answer(206, body[int(begin):], cut=0 if repo == "cut" else None,
                               Content_Range="bytes %s-%d/%d" % (begin, len(body) - 1, len(body)))
        self.answer(200, body, cut=len(body) // 2 if repo == "cut" or repo == "resumed" and n == 1 else None)

    def do_GET(self):
        log.write("%d %s %s auth=%s range=%s\n" % (
            self.server.server_address[1], self.command, self.path,
            self.headers.get("Authorization", "-"), self.headers.get("Range", "-")))
        if self.path == "/v2/":
            return self.answer(200, b"{}")
        _, _, repo, what, name = self.path.split("/")
        secret = "Basic " + base64.b64encode(b"user:secret").decode()
        if (repo in ("private", "moved") and self.headers.get("Authorization") != secret
                and self.server.server_address[1] != other_port):
            return self.answer(401, WWW_Authenticate='Basic realm="here"')
        if what == "manifests":
            body = manifest(1000 if repo == "short" else 0)
            name = digest(body)
            if repo == "mismatch":
                body += b" "
            return self.answer(200, body, Content_Type="application/vnd.oci.image.manifest.v1+json",
                               Docker_Content_Digest=name)
        if name == digest(CONFIG):
            return self.answer(200, CONFIG)
        return self.blob(repo) if name == digest(LAYER) else self.answer(404)

    do_HEAD = do_GET


servers = [http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) for _ in range(2)]
other_port = servers[1].server_address[1]
for s in servers:
    threading.Thread(target=s.serve_forever, daemon=True).start()
print(servers[0].server_address[1], other_port, digest(manifest()), flush=True)
sys.stdin.read()
